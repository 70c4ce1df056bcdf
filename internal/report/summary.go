package report

import (
	"context"
	"fmt"
	"strings"
	"time"

	"qingyuan/campaign"
)

// Summary is everything that the campaign's report tells: the workbook and the printed
// page are made from it.
type Summary struct {
	Campaign *campaign.Campaign
	AsOf     time.Time
	Announced
	// Figures and Items are what it was worked out from.
	Figures *Figures
	Items   *Items
	// Scope is the region or unit that the report tells of, "" for the whole campaign.
	Scope string
	// Parent is the node whose children are the regions of the report: the lowest that
	// holds everything.
	Parent string
}

// Summarise works the report out in one pass over the ledger.
func (s *Source) Summarise(ctx context.Context) (*Summary, error) {
	asOf := s.AsOf
	if asOf.IsZero() {
		asOf = s.Now()
	}
	i := NewItems(s.Campaign, NewBanks(ctx, s.Ledger), s.rulings())
	f, err := s.figures(ctx, i)
	if err != nil {
		return nil, fmt.Errorf("report on %s: %w", s.Campaign.ID, err)
	}
	return &Summary{
		Campaign: s.Campaign, AsOf: asOf, Announced: f.Announce(asOf), Figures: f, Items: i,
		Scope: s.Scope, Parent: lowest(s.Campaign.Tree, s.Scope),
	}, nil
}

// regions are the lines of the nodes right below the parent, and of those without a unit
// where the report tells of everybody: they add up to the whole.
func (m *Summary) regions() []Line {
	lines := map[string]Line{}
	for _, l := range m.Nodes {
		lines[l.ID] = l
	}
	var out []Line
	for _, n := range m.Campaign.Tree.Children(m.Parent) {
		out = append(out, lines[n.ID])
	}
	if none, ok := lines[campaign.Unassigned]; ok && m.Scope == "" {
		out = append(out, none)
	}
	return out
}

// whole is the line of everything that the report tells of.
func (m *Summary) whole() Line {
	if m.Parent == "" {
		return m.Total
	}
	for _, l := range m.Nodes {
		if l.ID == m.Parent && m.covers() {
			return m.Total
		}
		if l.ID == m.Parent {
			return l
		}
	}
	return m.Total
}

// covers tells whether the parent was found by going down from the top, and so stands
// for everybody, those without a unit too.
func (m *Summary) covers() bool {
	at := ""
	for at != m.Parent {
		below := m.Campaign.Tree.Children(at)
		if len(below) != 1 {
			return false
		}
		at = below[0].ID
	}
	return true
}

// missed is how many of the most missed questions a report tells.
const missed = 10

func (m *Summary) title() string { return m.Campaign.Title.In(campaign.DefaultLanguage) }

// part names the part of the campaign that is told of, with the regions above it; "" for
// the whole.
func (m *Summary) part() string {
	n, ok := m.Campaign.Tree.Node(m.Scope)
	if !ok {
		return ""
	}
	return strings.Join(append(m.Campaign.Tree.Path(n.ID, campaign.DefaultLanguage), name(n)), " / ")
}

// facts are the lines that a press release needs, as label and value.
func (m *Summary) facts() [][2]string {
	t := m.whole()
	var out [][2]string
	if part := m.part(); part != "" {
		out = append(out, [2]string{"统计范围", part})
	}
	out = append(out, [][2]string{
		{"统计截至", m.AsOf.In(m.Campaign.Zone).Format("2006年1月2日 15:04")},
		{"参与人数", grouped(t.Participants)},
		{"答题人次", grouped(t.Attempts)},
		{"签署承诺书人数", grouped(t.Signatures)},
		{"报名人数", grouped(t.Enrolled)},
		{"纸质承诺人数（另计）", grouped(t.Paper)},
		{"参与单位", fmt.Sprintf("%s / %s", grouped(t.Active), grouped(t.Units))},
	}...)
	if t.Roster > 0 {
		out = append(out, [2]string{"参与率", percent(min(t.Participants, t.Roster), t.Roster)})
	}
	if t.Scored > 0 {
		out = append(out, [2]string{"及格率", percent(t.Passed, t.Scored)}, [2]string{"满分率", percent(t.Full, t.Scored)},
			[2]string{"平均分", mean(&t)})
	}
	return out
}
