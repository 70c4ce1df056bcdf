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
	errOneFilter    = fault.InvalidField("scope", "范围和群体一次只能选一种")
	errNotCombined  = fault.InvalidField("period", "本活动的范围或群体不能与日期或阶段同时选择")
	errOffset       = fault.InvalidField("cursor", "应为不小于 0 的整数")
	errWindow       = fault.InvalidField("window", fmt.Sprintf("应为 0 到 %d 的整数", MaxPage))
	errMany         = fault.InvalidField("participants", fmt.Sprintf("一次最多查询 %d 人", MaxLookUp))
)

// Query asks for a board of participants: that of everybody, of a part or of a
// period; of a part within a period where the campaign keeps those.
type Query struct {
	// Viewer is who asks.
	Viewer Viewer
	// Scope is a region's or unit's id. Only one of Scope and Group may be set.
	Scope string
	Group string
	// Period is a local date, YYYY-MM-DD, or a phase's id; "" is the whole time.
	Period string
	// Offset and Limit choose a stretch; Limit is at most MaxPage.
	Offset, Limit int64
}

// MaxPage bounds a page: phones hold little. MaxLookUp bounds how many people are
// looked up at once.
const (
	MaxPage   = 50
	MaxLookUp = 200
)

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
	today   memo[map[string]Window]
}

// asked is a query that was understood: a board and what may be seen of it.
type asked struct {
	c     *campaign.Campaign
	scope string
	sight Sight
}

// ask understands a query. Whether its viewer may see anything is not decided yet.
func (s *Service) ask(campaignID string, q Query) (asked, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return asked{}, err
	}
	scope, err := scopeOf(c, q)
	return asked{c: c, scope: scope, sight: Look(c, s.Now(), q.Viewer, q.Scope)}, err
}

// Board returns a stretch of a board of participants, at most a second old.
func (s *Service) Board(ctx context.Context, campaignID string, q Query) (Board, error) {
	a, err := s.ask(campaignID, q)
	switch {
	case a.c != nil && a.sight.Depth == 0:
		return Board{}, ErrNotRanked
	case err != nil:
		return Board{}, err
	case q.Offset < 0:
		return Board{}, errOffset
	}
	b, err := s.stretch(ctx, a, q.Offset, min(q.Limit, MaxPage))
	b.Frozen = a.sight.Frozen
	return b, err
}

// stretch reads a part of a board as far as it may be seen.
func (s *Service) stretch(ctx context.Context, a asked, offset, limit int64) (Board, error) {
	bq := boardQuery{scope: a.scope, view: a.sight.View, offset: offset, limit: min(limit, a.sight.Depth-offset), frozen: a.sight.Frozen}
	if bq.limit <= 0 {
		return Board{AsOf: s.Now(), Items: nil}, nil
	}
	if snap, err := s.Snapshots.Snapshot(a.c.ID); err == nil && bq.view == PublicView(a.c, snap.AsOf) {
		if b, ok := snap.Boards[a.scope]; ok && b.holds(bq) {
			b.Next = bq.next(b.Total, a.sight.Depth)
			n := int64(len(b.Items))
			b.Items = b.Items[min(bq.offset, n):min(bq.offset+bq.limit, n)]
			return b, nil
		}
	}
	key := fmt.Sprint(a.c.ID, " ", bq.scope, " ", bq.view, " ", bq.offset, " ", bq.limit)
	return s.boards.get(ctx, key, s.Now(), func(ctx context.Context) (Board, error) {
		b, err := readBoard(ctx, s.Store, a.c.ID, bq)
		b.AsOf = s.Now()
		b.Next = bq.next(b.Total, a.sight.Depth)
		return b, err
	})
}

// holds tells whether a stretch can be cut out of the top of a board: the top is as long,
// or there is nobody below it.
func (b *Board) holds(q boardQuery) bool {
	n := int64(len(b.Items))
	return q.offset+q.limit <= n || n == b.Total
}

// next returns the offset after a stretch, 0 at the end of what may be seen.
func (q boardQuery) next(total, depth int64) int64 {
	if next := q.offset + q.limit; next < min(total, depth) {
		return next
	}
	return 0
}

// TopPercent returns the best so many per cent of everybody on a board, at most
// MaxPage of them.
func (s *Service) TopPercent(ctx context.Context, campaignID string, q Query, percent int64) (Board, error) {
	q.Offset, q.Limit = 0, MaxPage
	b, err := s.Board(ctx, campaignID, q)
	if err != nil {
		return Board{}, err
	}
	n, err := TopPercent(percent, b.Total, int64(len(b.Items)))
	if err != nil {
		return Board{}, err
	}
	b.Items, b.Next = b.Items[:n], 0
	return b, nil
}

// scopeOf names the board a query asks for.
func scopeOf(c *campaign.Campaign, q Query) (string, error) {
	part, err := partOf(c, q)
	if err != nil {
		return "", err
	}
	window, err := windowOf(c, q.Period)
	switch {
	case err != nil:
		return "", err
	case window == "":
		return part, nil
	case part == "":
		return window, nil
	case !c.Combined:
		return "", errNotCombined
	default:
		return In(part, window), nil
	}
}

// partOf names the part of the campaign that a query asks for.
func partOf(c *campaign.Campaign, q Query) (string, error) {
	switch {
	case q.Scope != "" && q.Group != "":
		return "", errOneFilter
	case q.Scope != "":
		return scopeOfNode(c, q.Scope)
	case q.Group != "":
		if _, ok := c.Group(q.Group); !ok {
			return "", fault.InvalidField("group", "没有这个参与群体")
		}
		return GroupScope(q.Group), nil
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

// Table is the counts of a node and of its children at one moment.
type Table struct {
	// Snapshot is what they were taken from.
	Snapshot *Snapshot
	// Total is the node itself; the rows sum to it exactly.
	Total Row
	Rows  []Row
	// Frozen is set where the figures stand still.
	Frozen *campaign.Freeze
}

// Breakdown returns the children of parent with their counts, as deep as the
// viewer may look. While the boards stand still so do these, for the public.
func (s *Service) Breakdown(campaignID, parent, lang string, v Viewer) (Table, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return Table{}, err
	}
	if parent != "" {
		if n, ok := c.Tree.Node(parent); !ok || n.Kind != campaign.Region {
			return Table{}, fault.InvalidField("parent", "没有这个地区")
		}
	}
	snap, err := s.Snapshots.Snapshot(campaignID)
	if err != nil {
		return Table{}, err
	}
	sight := Look(c, s.Now(), v, parent)
	roll := snap.seen(sight).Roll
	rows := Breakdown(c.Tree, roll, parent, lang)
	if err := mayLook(c, parent, rows, v); err != nil {
		return Table{}, err
	}
	return Table{Snapshot: snap, Total: parentRow(c.Tree, roll, parent, lang), Rows: rows, Frozen: sight.Frozen}, nil
}

// mayLook tells whether the viewer may see the children of parent: an office
// everything within its scope, the public as deep as the campaign says.
func mayLook(c *campaign.Campaign, parent string, rows []Row, v Viewer) error {
	if v.oversees(c, parent) {
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

// UnitQuery asks for a board of units or of regions.
type UnitQuery struct {
	Viewer Viewer
	Metric UnitMetric
	// Kind says what is ranked: all units below Parent, or the regions directly
	// below it. Parent "" is the top.
	Kind         campaign.NodeKind
	Parent, Lang string
}

// UnitBoard is a board of units or regions.
type UnitBoard struct {
	AsOf   time.Time
	Ranked []RankedRow
	// Unranked have too few persons behind them for the metric.
	Unranked []Row
	Frozen   *campaign.Freeze
}

// Units returns a board of units or regions, as deep as the viewer may look.
func (s *Service) Units(campaignID string, q UnitQuery) (UnitBoard, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return UnitBoard{}, err
	}
	if !q.Viewer.oversees(c, q.Parent) {
		q.Viewer = Viewer{} // or its own part alone would have moved on within a board that stands still
	}
	sight := Look(c, s.Now(), q.Viewer, q.Parent)
	if err := sight.ranks(q.Metric); err != nil {
		return UnitBoard{}, err
	}
	t, err := s.Breakdown(campaignID, q.Parent, q.Lang, q.Viewer)
	if err != nil {
		return UnitBoard{}, err
	}
	rows, err := s.below(c.ID, t.Rows, q)
	if err != nil {
		return UnitBoard{}, err
	}
	b := UnitBoard{AsOf: t.Snapshot.AsOf, Frozen: t.Frozen}
	b.Ranked, b.Unranked = UnitRulesOf(c, q.Metric, t.Snapshot.seen(sight).Roll.Total).Rank(rows)
	return b, nil
}

// below picks the rows to rank. Whether the viewer may look is asked anew of each
// level.
func (s *Service) below(id string, rows []Row, q UnitQuery) ([]Row, error) {
	var out []Row
	for _, r := range rows {
		switch {
		case r.ID == campaign.Unassigned:
		case r.Kind == q.Kind:
			out = append(out, r)
		case r.Kind == campaign.Region:
			t, err := s.Breakdown(id, r.ID, q.Lang, q.Viewer)
			if err != nil {
				return nil, err
			}
			more, err := s.below(id, t.Rows, q)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
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

// History is what was accepted, by hour or by day.
type History struct {
	// Buckets without an act are left out. They sum to the totals.
	Buckets []Bucket
	// Frozen is set where they stand still.
	Frozen *campaign.Freeze
}

// History returns the history of scope ("" is everything) from the first act to now.
// That of a part stands still with the boards, which could be told from it otherwise.
func (s *Service) History(ctx context.Context, campaignID string, step Step, scope string, v Viewer) (History, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return History{}, err
	}
	if step != ByHour && step != ByDay {
		return History{}, fault.InvalidField("step", "应为 hour 或 day")
	}
	if err := mayFollow(c, scope, v); err != nil {
		return History{}, err
	}
	var h History
	if scope != "" {
		h.Frozen = Look(c, s.Now(), v, scope).Frozen
	}
	key := fmt.Sprint(campaignID, " ", step, " ", scope, " ", h.Frozen != nil)
	h.Buckets, err = s.history.get(ctx, key, s.Now(), func(ctx context.Context) ([]Bucket, error) {
		return s.readHistory(ctx, c, step, scope, h.Frozen)
	})
	return h, err
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
	if public || v.oversees(c, scope) {
		return nil
	}
	return ErrNotPublished
}

func (s *Service) readHistory(ctx context.Context, c *campaign.Campaign, step Step, scope string, frozen *campaign.Freeze) ([]Bucket, error) {
	layout, err := s.Store.Layout(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	last := hourOf(s.Now())
	if frozen != nil {
		last = hourOf(frozen.At)
	}
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
	hours := sumByHour(cells)
	if frozen != nil {
		snap, err := s.Snapshots.Snapshot(c.ID)
		if err != nil {
			return nil, err
		}
		breakOff(hours, last, snap.seen(Sight{}).Roll.Nodes[scope])
	}
	return bucketsOf(c, step, hours), nil
}

// breakOff leaves of the last hour what came before the boards were frozen within it:
// what the public reads of the part, but for the hours before.
func breakOff(hours map[int64]Window, last int64, public Counts) {
	whole := hours[last]
	delete(hours, last)
	rest := Window{public.Participants, public.Attempts, public.Signatures}
	for _, w := range hours {
		rest.Participants -= w.Participants
		rest.Attempts -= w.Attempts
		rest.Signatures -= w.Signatures
	}
	// Who has moved to another unit since then has taken their hours along.
	within := func(n, most int64) int64 { return min(max(n, 0), most) }
	rest.Participants = within(rest.Participants, whole.Participants)
	rest.Attempts = within(rest.Attempts, whole.Attempts)
	rest.Signatures = within(rest.Signatures, whole.Signatures)
	if rest != (Window{}) {
		hours[last] = rest
	}
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
