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
	Rate     *float64     `json:"participation_rate"`
	Today    windowAnswer `json:"today"`
	LastHour windowAnswer `json:"last_hour"`
}

type windowAnswer struct {
	Participants int64 `json:"participants"`
	Attempts     int64 `json:"attempts"`
	Signatures   int64 `json:"signatures"`
}

func countsOf(snap *leaderboard.Snapshot) countsPart {
	t := leaderboard.Whole(snap.Campaign.Tree, snap.Roll)
	return countsPart{
		Enrolled: t.Enrolled, Participants: t.Participants, Attempts: t.Attempts,
		Signatures: t.Signatures, Answered: t.Scored, Passed: t.Passed, Rate: figuresOf(t).Rate,
		Today: windowAnswer(snap.Today), LastHour: windowAnswer(snap.LastHour),
	}
}

// frameAnswer is the whole public state of a campaign: what a big screen shows.
type frameAnswer struct {
	AsOf string `json:"as_of"`
	// What stands still is the regions and the boards; everything else goes on.
	frozenPart
	Campaign campaignLine  `json:"campaign"`
	Banner   *bannerAnswer `json:"banner,omitempty"`
	Counts   countsPart    `json:"counts"`
	// Regions is the top level of the breakdown, empty where the campaign does
	// not publish it.
	Regions []rowAnswer `json:"regions"`
	// Boards is null where the campaign does not rank.
	Boards *topsAnswer    `json:"boards"`
	Trend  []bucketAnswer `json:"trend"`
	Recent []recentAnswer `json:"recent"`
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
	At       string `json:"at"`
}

// How much of a snapshot a frame shows: what fits on a big screen, because it goes to
// every watcher each second. Whoever wants more of a board asks for its pages.
const (
	frameMain   = 10 // places of the main board
	frameRegion = 1  // places of each region's board: who leads there
	frameRecent = 5
)

// frameOf lays a snapshot out. rows is the top level of the breakdown as far as
// it is public. What is off is left out.
func frameOf(snap *leaderboard.Snapshot, rows []leaderboard.Row, lang string, off func(Feature) bool) frameAnswer {
	c := snap.Campaign
	sight := leaderboard.Look(c, snap.AsOf, leaderboard.Viewer{}, "")
	f := frameAnswer{
		AsOf: stamp(snap.AsOf, c.Zone), frozenPart: frozenOf(c, sight.Frozen),
		Campaign: lineOf(c, lang, snap.AsOf), Banner: bannerOf(c, lang, snap.AsOf), Counts: countsOf(snap),
	}
	if sight.Depth > 0 && !off(FeatureBoards) {
		f.Boards = topsOf(snap, lang)
	}
	if !off(FeatureHistory) {
		f.Trend = bucketsOf(c, slices.DeleteFunc(slices.Clone(snap.Trend), func(b leaderboard.Bucket) bool { return b.Window == leaderboard.Window{} }))
	}
	if off(FeatureBreakdown) {
		rows = nil
	}
	for _, r := range rows {
		f.Regions = append(f.Regions, rowOf(r))
	}
	for _, a := range first(frameRecent, snap.Recent) {
		// The kind's version is for readers of the stream: "signed.1".
		kind, _, _ := strings.Cut(string(a.Kind), ".")
		f.Recent = append(f.Recent, recentAnswer{
			Kind: kind, Name: hidden(a.Name), Unit: a.Unit, UnitName: unitName(c, a.Unit, lang), At: stamp(a.At, c.Zone),
		})
	}
	return f
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
