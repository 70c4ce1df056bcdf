package httpapi

import (
	"slices"
	"strings"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// countsAnswer stays under 1 KB: a phone asks for it every few seconds.
type countsAnswer struct {
	AsOf string `json:"as_of"`
	countsPart
}

type countsPart struct {
	Enrolled     int64 `json:"enrolled"`
	Participants int64 `json:"participants"`
	Attempts     int64 `json:"attempts"`
	Signatures   int64 `json:"signatures"`
	// Answered are the persons with a score: the pass rate is of them.
	Answered int64 `json:"answered"`
	Passed   int64 `json:"passed"`
	// Rate is participants over the roster, null where that is not known.
	Rate  *float64     `json:"participation_rate"`
	Today windowAnswer `json:"today"`
	// LastHour is null in a part's frame: it is kept for everybody only.
	LastHour *windowAnswer `json:"last_hour"`
}

type windowAnswer struct {
	Participants int64 `json:"participants"`
	Attempts     int64 `json:"attempts"`
	Signatures   int64 `json:"signatures"`
}

func countsOf(snap *leaderboard.Snapshot) countsPart {
	counts := countsOfRow(leaderboard.Whole(snap.Campaign.Tree, snap.Roll))
	counts.Today, counts.LastHour = windowAnswer(snap.Today), new(windowAnswer(snap.LastHour))
	return counts
}

// countsOfRow are counts without times.
func countsOfRow(t leaderboard.Row) countsPart {
	return countsPart{
		Enrolled: t.Enrolled, Participants: t.Participants, Attempts: t.Attempts,
		Signatures: t.Signatures, Answered: t.Scored, Passed: t.Passed, Rate: figuresOf(t).Rate,
	}
}

// frameAnswer is the whole public state of a campaign: what a big screen shows.
type frameAnswer struct {
	AsOf string `json:"as_of"`
	// What stands still is the regions and the boards; everything else goes on.
	frozenPart
	Campaign campaignLine  `json:"campaign"`
	Banner   *bannerAnswer `json:"banner,omitempty"`
	// Scope is the part that a screen with a ticket shows, null for everything.
	Scope  *scopeAnswer `json:"scope"`
	Counts countsPart   `json:"counts"`
	// Regions is the top level of the breakdown, empty where the viewer may not see
	// it, and RegionsBy what they are ranked by, null where they are not.
	Regions   []regionAnswer          `json:"regions"`
	RegionsBy *leaderboard.UnitMetric `json:"regions_by"`
	// Boards is null where the campaign does not rank.
	Boards *topsAnswer    `json:"boards"`
	Trend  []bucketAnswer `json:"trend"`
	Recent []recentAnswer `json:"recent"`
	// Topics is what is known least, null where that is not worked out.
	Topics *topicsAnswer `json:"topics"`
}

type scopeAnswer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// regionAnswer is a row of the breakdown with its place, and the place it had when the
// day began: null where regions are not ranked, stand still, that is not known, or nobody
// had come by then.
type regionAnswer struct {
	rowAnswer
	Rank       *int64 `json:"rank"`
	RankBefore *int64 `json:"rank_before"`
}

type topsAnswer struct {
	Participants topAnswer         `json:"participants"`
	Regions      []regionTopAnswer `json:"regions"`
}

type topAnswer struct {
	Total int64        `json:"total"`
	Items []itemAnswer `json:"items"`
}

type regionTopAnswer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	topAnswer
}

type bucketAnswer struct {
	Start string `json:"start"`
	windowAnswer
}

type recentAnswer struct {
	Kind     string `json:"kind"` // "submitted" or "signed"
	Name     string `json:"name"`
	Unit     string `json:"unit"`
	UnitName string `json:"unit_name"`
	// Path is what the unit lies in, from the top.
	Path []string `json:"path"`
	At   string   `json:"at"`
}

// How much of a snapshot a frame shows: what fits on a big screen, because it goes to
// every watcher each second. Whoever wants more of a board asks for its pages.
const (
	frameMain   = 10 // places of the main board
	frameRegion = 1  // places of each region's board: who leads there
	frameRecent = 5
)

// frameOf lays a snapshot out for the public. rows is the top level of the breakdown as
// far as it is public. What is off is left out.
func (s *Server) frameOf(snap *leaderboard.Snapshot, rows []leaderboard.Row, lang string) frameAnswer {
	c := snap.Campaign
	sight := leaderboard.Look(c, snap.AsOf, leaderboard.Viewer{}, "")
	f := frameAnswer{
		AsOf: stamp(snap.AsOf, c.Zone), frozenPart: frozenOf(c, sight.Frozen),
		Campaign: lineOf(c, lang, snap.AsOf), Banner: bannerOf(c, lang, snap.AsOf), Counts: countsOf(snap), Topics: s.topicsOf(c),
	}
	if sight.Depth > 0 && !s.off(c.ID, FeatureBoards) {
		f.Boards = topsOf(snap, lang)
	}
	if !s.off(c.ID, FeatureHistory) {
		f.Trend = trendOf(c, snap.Trend)
	}
	if !s.off(c.ID, FeatureBreakdown) {
		s.placeRegions(&f, snap, rows, sight)
	}
	f.Recent = recentOf(c, snap.Recent, lang)
	return f
}

// placeRegions adds the rows, each with its place where the viewer may see one.
func (s *Server) placeRegions(f *frameAnswer, snap *leaderboard.Snapshot, rows []leaderboard.Row, sight leaderboard.Sight) {
	var ranks map[string]leaderboard.RowRank
	if len(rows) > 0 && (sight.Units || sight.Progress) {
		var today map[string]leaderboard.Window
		if sight.Frozen == nil { // what stands still rises and falls no more
			today = s.state.mornings.of(snap)
		}
		var by leaderboard.UnitMetric
		by, ranks = leaderboard.RowRanks(snap.Campaign, rows, snap.Roll.Total, today)
		f.RegionsBy = &by
	}
	for _, r := range rows {
		line := regionAnswer{rowAnswer: rowOf(r)}
		if at, ok := ranks[r.ID]; ok {
			line.Rank = &at.Rank
			if at.Before > 0 {
				line.RankBefore = &at.Before
			}
		}
		f.Regions = append(f.Regions, line)
	}
}

// trendOf leaves out the hours in which nothing happened.
func trendOf(c *campaign.Campaign, trend []leaderboard.Bucket) []bucketAnswer {
	return bucketsOf(c, slices.DeleteFunc(slices.Clone(trend), func(b leaderboard.Bucket) bool { return b.Window == leaderboard.Window{} }))
}

func recentOf(c *campaign.Campaign, acts []leaderboard.RecentAct, lang string) []recentAnswer {
	var out []recentAnswer
	for _, a := range first(frameRecent, acts) {
		// The kind's version is for readers of the stream: "signed.1".
		kind, _, _ := strings.Cut(string(a.Kind), ".")
		out = append(out, recentAnswer{
			Kind: kind, Name: hidden(a.Name), Unit: a.Unit, UnitName: unitName(c, a.Unit, lang), Path: c.Tree.Path(a.Unit, lang), At: stamp(a.At, c.Zone),
		})
	}
	return out
}

// hidden is a name for a screen before a whole town, where also those are masked who
// agreed that lists show their names.
func hidden(name string) string {
	if masked := campaign.MaskName(""); name == masked || strings.Contains(name, "*") {
		return name
	}
	return campaign.MaskName(name)
}

func topsOf(snap *leaderboard.Snapshot, lang string) *topsAnswer {
	c := snap.Campaign
	tops := &topsAnswer{Participants: topOf(c, snap.Boards[""], frameMain, lang)}
	for _, n := range c.Tree.Children("") {
		if b, ok := snap.Boards[leaderboard.RegionScope(n.ID)]; ok && n.Kind == campaign.Region {
			tops.Regions = append(tops.Regions, regionTopAnswer{n.ID, n.Name.In(lang), topOf(c, b, frameRegion, lang)})
		}
	}
	return tops
}

func topOf(c *campaign.Campaign, b leaderboard.Board, most int, lang string) topAnswer {
	return topAnswer{Total: b.Total, Items: itemsOf(c, first(most, b.Items), lang)}
}

// first returns the beginning of a list, at most so many.
func first[T any](most int, list []T) []T { return list[:min(most, len(list))] }

func bucketsOf(c *campaign.Campaign, buckets []leaderboard.Bucket) []bucketAnswer {
	out := make([]bucketAnswer, len(buckets))
	for i, b := range buckets {
		out[i] = bucketAnswer{stamp(b.Start, c.Zone), windowAnswer(b.Window)}
	}
	return out
}
