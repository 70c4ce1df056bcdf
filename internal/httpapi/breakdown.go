package httpapi

import (
	"math"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// rowAnswer is one region's or unit's figures.
type rowAnswer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	Code string `json:"code,omitzero"`
	figures
}

// figures are counts with what is derived from them. Where
// fewer than five persons have a score neither average nor passed nor full is told.
type figures struct {
	Enrolled     int64    `json:"enrolled"`
	Participants int64    `json:"participants"`
	Attempts     int64    `json:"attempts"`
	Signatures   int64    `json:"signatures"`
	Passed       *int64   `json:"passed"`
	Full         *int64   `json:"full"`
	Average      *float64 `json:"average"`
	Roster       *int64   `json:"roster"`
	// Rate is at most the whole; where more took part than the roster has, it is
	// flagged.
	Rate       *float64 `json:"participation_rate"`
	OverRoster bool     `json:"over_roster"`
}

func rowOf(r leaderboard.Row) rowAnswer {
	return rowAnswer{ID: r.ID, Name: r.Name, Kind: string(r.Kind), Code: r.Code, figures: figuresOf(r)}
}

func figuresOf(r leaderboard.Row) figures {
	f := figures{
		Enrolled: r.Enrolled, Participants: r.Participants, Attempts: r.Attempts, Signatures: r.Signatures,
	}
	if !r.Small {
		f.Passed, f.Full = &r.Passed, &r.Full
		if avg, ok := r.Average(); ok {
			f.Average = new(rounded(avg, pointScale))
		}
	}
	if r.Roster > 0 {
		f.Roster = &r.Roster
		f.OverRoster = r.Participants > r.Roster
		f.Rate = new(rounded(min(float64(r.Participants)/float64(r.Roster), 1), shareScale))
	}
	return f
}

// Shares keep six digits: one person of a city is not nobody. Points keep two.
const (
	shareScale = 1e6
	pointScale = 100
)

// rounded keeps as many parts of a unit as scale says.
func rounded(v, scale float64) float64 { return math.Round(v*scale) / scale }

type breakdownAnswer struct {
	AsOf string `json:"as_of"`
	frozenPart
	Parent *string `json:"parent"`
	// Total are the parent's own figures: the items sum to them exactly.
	Total figures     `json:"total"`
	Items []rowAnswer `json:"items"`
}

// showBreakdown handles GET /api/v1/campaigns/{campaign}/counts/breakdown. It is
// not paged: a table whose parts must sum is read whole.
func (s *Server) showBreakdown(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	parent, err := k.text("parent")
	if err != nil {
		return err
	}
	lang := published(c, k.lang())
	t, err := s.Boards.Breakdown(c.ID, parent, lang, k.viewer)
	if err != nil {
		return err
	}
	key := k.pageKey(c, t.Frozen, page{}, pageOf{"breakdown", parent})
	e, err := s.state.pages.get(key, t.Snapshot.AsOf, func() (*encoded, error) {
		return encode(breakdownOf(c, parent, t), volatileTime)
	})
	if err != nil {
		return err
	}
	return k.sendBoard(e)
}

func breakdownOf(c *campaign.Campaign, parent string, t leaderboard.Table) breakdownAnswer {
	out := breakdownAnswer{
		AsOf: stamp(t.Snapshot.AsOf, c.Zone), frozenPart: frozenOf(c, t.Frozen), Total: figuresOf(t.Total),
	}
	if parent != "" {
		out.Parent = &parent
	}
	for _, r := range t.Rows {
		out.Items = append(out.Items, rowOf(r))
	}
	return out
}

type historyAnswer struct {
	frozenPart
	Step       string         `json:"step"`
	Scope      *string        `json:"scope"`
	Items      []bucketAnswer `json:"items"`
	NextCursor *string        `json:"next_cursor"` // always null: buckets sum to the total
}

// showHistory handles GET /api/v1/campaigns/{campaign}/counts/history. The store is
// asked once a second at most, whoever and how many ask.
func (s *Server) showHistory(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	scope, err := k.text("scope")
	if err != nil {
		return err
	}
	step := leaderboard.Step(k.Query("step", string(leaderboard.ByHour)))
	h, err := s.Boards.History(k.ctx, c.ID, step, scope, k.viewer)
	if err != nil {
		return err
	}
	out := historyAnswer{frozenPart: frozenOf(c, h.Frozen), Step: string(step), Items: bucketsOf(c, h.Buckets)}
	if scope != "" {
		out.Scope = &scope
	}
	e, err := encode(out, volatileTime)
	if err != nil {
		return err
	}
	return k.sendBoard(e)
}
