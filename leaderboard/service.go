package leaderboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Errors of boards and counts.
var (
	ErrNotRanked    = fault.New(fault.Forbidden, "board.not_ranked", "本活动不公布个人排名")
	ErrNotPublished = fault.New(fault.Forbidden, "board.not_published", "本活动不公布这一级的数据")
	ErrNoPlace      = fault.New(fault.NotFound, "request.not_found", "您还没有成绩")
	errOneFilter    = fault.InvalidField("scope", "范围、群体和日期一次只能选一种")
	errOffset       = fault.InvalidField("cursor", "应为不小于 0 的整数")
	errWindow       = fault.InvalidField("window", fmt.Sprintf("应为 0 到 %d 的整数", MaxPage))
)

// Viewer is who asks for counts. The zero Viewer is the public.
type Viewer struct {
	// Campaign and Scope bound an office viewer; Scope "" is the whole campaign.
	Campaign, Scope string
	Office          bool
}

// Query asks for a board of participants. At most one of Scope, Group and Day
// may be set.
type Query struct {
	Scope string // a region's or unit's id
	Group string
	Day   string // YYYY-MM-DD
	// Offset and Limit choose a stretch; Limit is at most MaxPage.
	Offset, Limit int64
}

// MaxPage bounds a page: phones hold little.
const MaxPage = 50

// Service answers questions about boards and counts.
type Service struct {
	Catalog   campaign.Catalog
	Store     Store
	Snapshots interface {
		Snapshot(campaign string) (*Snapshot, error)
	}
	Now func() time.Time

	boards  memo[Board]
	history memo[[]Bucket]
}

// Board returns a stretch of a board of participants, at most a second old.
func (s *Service) Board(ctx context.Context, campaignID string, q Query) (Board, error) {
	c, err := s.ranked(campaignID)
	if err != nil {
		return Board{}, err
	}
	scope, err := scopeOf(c, q)
	if err != nil {
		return Board{}, err
	}
	if q.Offset < 0 {
		return Board{}, errOffset
	}
	bq := boardQuery{scope: scope, offset: q.Offset, limit: min(q.Limit, MaxPage, int64(c.TopN)-q.Offset)}
	if bq.limit <= 0 {
		return Board{AsOf: s.Now(), Items: nil}, nil
	}
	if snap, err := s.Snapshots.Snapshot(campaignID); err == nil {
		if b, ok := snap.Boards[scope]; ok && bq.offset+bq.limit <= int64(len(b.Items)) {
			b.Next = nextOf(bq, b, c)
			b.Items = b.Items[bq.offset : bq.offset+bq.limit]
			return b, nil
		}
	}
	key := campaignID + " " + scope + " " + time.Duration(bq.offset).String() + time.Duration(bq.limit).String()
	return s.boards.get(ctx, key, s.Now(), func(ctx context.Context) (Board, error) {
		b, err := readBoard(ctx, s.Store, campaignID, bq)
		b.AsOf = s.Now()
		b.Next = nextOf(bq, b, c)
		return b, err
	})
}

// nextOf returns the offset after a stretch, 0 at the end of what is public.
func nextOf(q boardQuery, b Board, c *campaign.Campaign) int64 {
	if next := q.offset + q.limit; next < min(b.Total, int64(c.TopN)) {
		return next
	}
	return 0
}

func (s *Service) ranked(campaignID string) (*campaign.Campaign, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	if !c.Ranks() {
		return nil, ErrNotRanked
	}
	return c, nil
}

// scopeOf names the board a query asks for.
func scopeOf(c *campaign.Campaign, q Query) (string, error) {
	set := 0
	for _, v := range []string{q.Scope, q.Group, q.Day} {
		if v != "" {
			set++
		}
	}
	switch {
	case set > 1:
		return "", errOneFilter
	case q.Scope != "":
		return scopeOfNode(c, q.Scope)
	case q.Group != "":
		if _, ok := c.Group(q.Group); !ok {
			return "", fault.InvalidField("group", "没有这个参与群体")
		}
		return GroupScope(q.Group), nil
	case q.Day != "":
		if _, err := time.Parse(time.DateOnly, q.Day); err != nil {
			return "", fault.InvalidField("period", "日期应为 YYYY-MM-DD 或 all")
		}
		return DayScope(q.Day), nil
	default:
		return "", nil
	}
}

func scopeOfNode(c *campaign.Campaign, id string) (string, error) {
	n, ok := c.Tree.Node(id)
	switch {
	case !ok:
		return "", fault.InvalidField("scope", "没有这个地区或单位")
	case n.Kind == campaign.Region:
		return RegionScope(id), nil
	default:
		return UnitScope(id), nil
	}
}

// Mine is a participant's own place.
type Mine struct {
	Rank, Of int64
	// BeatPercent is how many of everybody on the board stand strictly below, in
	// per cent, rounded down.
	BeatPercent int64
	Score       int
	Used        time.Duration
	Around      []Item
}

// Mine returns the participant's place on a board in the middle of window lines,
// at most MaxPage. The last act of the participant is always included.
func (s *Service) Mine(ctx context.Context, campaignID, participant string, q Query, window int64) (Mine, error) {
	c, err := s.ranked(campaignID)
	if err != nil {
		return Mine{}, err
	}
	scope, err := scopeOf(c, q)
	if err != nil {
		return Mine{}, err
	}
	if window < 0 || window > MaxPage {
		return Mine{}, errWindow
	}
	if err := s.belongs(ctx, c, participant, q); err != nil {
		return Mine{}, err
	}
	st, ok, err := s.Store.Standing(ctx, campaignID, scope, Now, participant, window)
	if err != nil {
		return Mine{}, err
	}
	if !ok {
		return Mine{}, ErrNoPlace
	}
	st.Around = around(st, window)
	ranks, err := s.ranksAround(ctx, campaignID, scope, st)
	if err != nil {
		return Mine{}, err
	}
	layout, err := s.Store.Layout(ctx, campaignID)
	if err != nil {
		return Mine{}, err
	}
	people, err := s.Store.People(ctx, campaignID, participants(st.Around))
	if err != nil {
		return Mine{}, err
	}
	m := Mine{Rank: st.Above + 1, Of: st.Of, BeatPercent: 100 * st.Below / st.Of}
	m.Score, m.Used, _ = layout.Unpack(st.Packed)
	m.Around = itemsOf(layout, st.Around, people, ranks)
	return m, nil
}

// belongs checks that the participant has a place on a scoped board at all.
func (s *Service) belongs(ctx context.Context, c *campaign.Campaign, participant string, q Query) error {
	if q.Scope == "" && q.Group == "" {
		return nil
	}
	people, err := s.Store.People(ctx, c.ID, []string{participant})
	if err != nil {
		return err
	}
	p, ok := people[participant]
	if !ok || !c.Tree.Within(p.Unit, q.Scope) || q.Group != "" && q.Group != p.Group {
		return ErrNoPlace
	}
	return nil
}

// around cuts the neighbours to window lines with the participant in the
// middle; at either end of the board the window moves rather than shrinks.
func around(st Standing, window int64) []Entry {
	own := slices.IndexFunc(st.Around, func(e Entry) bool { return e.Participant == st.Participant })
	n := len(st.Around)
	size := min(int(window), n)
	first := min(max(own-size/2, 0), n-size)
	return st.Around[first : first+size]
}

// ranksAround ranks the neighbours. Only the first of them may have equals
// outside the window that nobody has counted yet.
func (s *Service) ranksAround(ctx context.Context, campaignID, scope string, st Standing) ([]int64, error) {
	above := st.Above
	if len(st.Around) > 0 && st.Around[0].Packed > st.Packed {
		var err error
		if above, err = s.Store.Above(ctx, campaignID, scope, Now, st.Around[0].Packed); err != nil {
			return nil, err
		}
	}
	return rankAround(st, above), nil
}

// rankAround ranks the neighbours when so many stand strictly above the first.
// Those better than the participant stand directly above, those worse directly
// below all who are equal, however many of these the window shows.
func rankAround(st Standing, above int64) []int64 {
	better := slices.IndexFunc(st.Around, func(e Entry) bool { return e.Packed <= st.Packed })
	r := ranker{above: above, place: max(st.Above-int64(better), 0)}
	ranks := make([]int64, len(st.Around))
	worse := false
	for i, e := range st.Around {
		if e.Packed < st.Packed && !worse {
			worse = true
			r.place = st.Of - st.Below
		}
		ranks[i] = r.next(e.Packed)
	}
	return ranks
}

// Breakdown returns the children of parent with their counts, as deep as the
// viewer may look.
func (s *Service) Breakdown(campaignID, parent, lang string, v Viewer) (*Snapshot, []Row, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, nil, err
	}
	if parent != "" {
		if n, ok := c.Tree.Node(parent); !ok || n.Kind != campaign.Region {
			return nil, nil, fault.InvalidField("parent", "没有这个地区")
		}
	}
	snap, err := s.Snapshots.Snapshot(campaignID)
	if err != nil {
		return nil, nil, err
	}
	rows := Breakdown(c.Tree, snap.Roll, parent, lang)
	if err := mayLook(c, parent, rows, v); err != nil {
		return nil, nil, err
	}
	return snap, rows, nil
}

// mayLook tells whether the viewer may see the children of parent: an office
// everything within its scope, the public as deep as the campaign says.
func mayLook(c *campaign.Campaign, parent string, rows []Row, v Viewer) error {
	if v.Office && v.Campaign == c.ID && c.Tree.Within(parent, v.Scope) {
		return nil
	}
	hasUnits := slices.ContainsFunc(rows, func(r Row) bool {
		return r.Kind == campaign.Unit && r.ID != campaign.Unassigned
	})
	if c.PublicBreakdown == campaign.BreakdownUnits || c.PublicBreakdown == campaign.BreakdownRegions && !hasUnits {
		return nil
	}
	return ErrNotPublished
}

// Step is the width of a history's buckets.
type Step string

// Histories are by hour or by local day.
const (
	ByHour Step = "hour"
	ByDay  Step = "day"
)

// maxHours bounds what one history reads.
const maxHours = 366 * 24

// History returns the buckets of scope ("" is everything) from the first act to
// now; buckets without an act are left out. They sum to the totals.
func (s *Service) History(ctx context.Context, campaignID string, step Step, scope string, v Viewer) ([]Bucket, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	if step != ByHour && step != ByDay {
		return nil, fault.InvalidField("step", "应为 hour 或 day")
	}
	if err := mayFollow(c, scope, v); err != nil {
		return nil, err
	}
	return s.history.get(ctx, campaignID+" "+string(step)+" "+scope, s.Now(), func(ctx context.Context) ([]Bucket, error) {
		return s.readHistory(ctx, c, step, scope)
	})
}

func mayFollow(c *campaign.Campaign, scope string, v Viewer) error {
	if scope == "" {
		return nil
	}
	n, ok := c.Tree.Node(scope)
	if !ok {
		return fault.InvalidField("scope", "没有这个地区或单位")
	}
	public := c.PublicBreakdown == campaign.BreakdownUnits ||
		c.PublicBreakdown == campaign.BreakdownRegions && n.Kind == campaign.Region
	if public || v.Office && v.Campaign == c.ID && c.Tree.Within(scope, v.Scope) {
		return nil
	}
	return ErrNotPublished
}

func (s *Service) readHistory(ctx context.Context, c *campaign.Campaign, step Step, scope string) ([]Bucket, error) {
	layout, err := s.Store.Layout(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	last := hourOf(s.Now())
	first := max(hourOf(layout.Base), last-maxHours)
	cells, err := s.Store.Hours(ctx, c.ID, first, last)
	if err != nil {
		return nil, err
	}
	for cell := range cells {
		if scope != "" && !c.Tree.Within(cell.Unit, scope) {
			delete(cells, cell)
		}
	}
	return bucketsOf(c, step, sumByHour(cells)), nil
}

func bucketsOf(c *campaign.Campaign, step Step, hours map[int64]Window) []Bucket {
	var out []Bucket
	for _, h := range sortedHours(hours) {
		start := time.Unix(h*3600, 0).In(c.Zone)
		if step == ByDay {
			y, m, d := start.Date()
			start = time.Date(y, m, d, 0, 0, 0, 0, c.Zone)
		}
		if n := len(out); n == 0 || !out[n-1].Start.Equal(start) {
			out = append(out, Bucket{Start: start})
		}
		w := &out[len(out)-1].Window
		w.Participants += hours[h].Participants
		w.Attempts += hours[h].Attempts
		w.Signatures += hours[h].Signatures
	}
	return out
}
