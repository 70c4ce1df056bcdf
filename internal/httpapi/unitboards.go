package httpapi

import (
	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

type unitBoardAnswer struct {
	AsOf string `json:"as_of"`
	frozenPart
	Metric string         `json:"metric"`
	Total  int64          `json:"total"` // how many are ranked
	Items  []rankedAnswer `json:"items"`
	// Unranked have too few persons for the metric. They follow the ranked: a
	// page holds at most fifty of both together.
	Unranked   []rowAnswer `json:"unranked"`
	NextCursor *string     `json:"next_cursor"`
}

type rankedAnswer struct {
	Rank  int64   `json:"rank"`
	Value float64 `json:"value"`
	// Path is what the row lies in, from the top: classes of many schools have one name.
	Path []string `json:"path"`
	rowAnswer
}

// rankUnits handles GET /api/v1/campaigns/{campaign}/boards/units.
func (s *Server) rankUnits(k *call) error { return s.showRanking(k, campaign.Unit) }

// rankRegions handles GET /api/v1/campaigns/{campaign}/boards/regions.
func (s *Server) rankRegions(k *call) error { return s.showRanking(k, campaign.Region) }

// ranking is what a request for a board of units asks for.
type ranking struct {
	metric leaderboard.UnitMetric
	parent string
	page   page
}

func readRanking(k *call) (ranking, error) {
	var r ranking
	var err error
	if r.metric, err = readMetric(k); err != nil {
		return r, err
	}
	if r.parent, err = k.text("parent"); err != nil {
		return r, err
	}
	r.page, err = k.page()
	return r, err
}

func (s *Server) showRanking(k *call, kind campaign.NodeKind) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, err := readRanking(k)
	if err != nil {
		return err
	}
	// Asked for whether they may look there, and for what moment there is.
	t, err := s.Boards.Breakdown(c.ID, r.parent, campaign.DefaultLanguage, k.viewer)
	if err != nil {
		return err
	}
	key := k.pageKey(c, t.Frozen, r.page, pageOf{string(kind), string(r.metric), r.parent})
	e, err := s.state.pages.get(key, t.Snapshot.AsOf, func() (*encoded, error) {
		b, err := s.Boards.Units(c.ID, leaderboard.UnitQuery{
			Viewer: k.viewer, Metric: r.metric, Kind: kind, Parent: r.parent, Lang: published(c, k.lang()),
		})
		if err != nil {
			return nil, err
		}
		return encode(r.answer(c, b, published(c, k.lang())), volatileTime)
	})
	if err != nil {
		return err
	}
	return k.sendBoard(e)
}

func (r ranking) answer(c *campaign.Campaign, b leaderboard.UnitBoard, lang string) unitBoardAnswer {
	in, out := b.Ranked, b.Unranked
	lines := make([]rankedAnswer, len(in))
	for i, line := range in {
		lines[i] = rankedAnswer{
			Rank: line.Rank, Value: shownValue(r.metric, line.Value), Path: c.Tree.Path(line.ID, lang), rowAnswer: rowOf(line.Row),
		}
	}
	shown := stretch(lines, r.page)
	rest := page{offset: max(r.page.offset-int64(len(in)), 0), limit: r.page.limit - int64(len(shown.Items))}
	others := stretch(out, rest)
	a := unitBoardAnswer{
		AsOf: stamp(b.AsOf, c.Zone), frozenPart: frozenOf(c, b.Frozen),
		Metric: string(r.metric), Total: int64(len(in)), Items: shown.Items,
	}
	for _, o := range others.Items {
		a.Unranked = append(a.Unranked, rowOf(o))
	}
	if next := r.page.offset + r.page.limit; next < int64(len(in)+len(out)) {
		a.NextCursor = cursor(next)
	}
	return a
}

// shownValue rounds for reading; the order was made from the exact value.
func shownValue(m leaderboard.UnitMetric, v leaderboard.Ratio) float64 {
	switch m {
	case leaderboard.ByAverage, leaderboard.ByBayes, leaderboard.BySum, leaderboard.ByComposite:
		return rounded(v.Float(), pointScale)
	default:
		return rounded(v.Float(), shareScale)
	}
}
