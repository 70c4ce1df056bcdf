package leaderboard

import (
	"qingyuan/campaign"
)

// Counts are the figures of one node, with the meanings architecture fixes for
// them: persons enrolled, persons with an accepted act, accepted submissions,
// persons who signed, persons whose best attempt passed.
type Counts struct {
	Enrolled     int64
	Participants int64
	Attempts     int64
	Signatures   int64
	Passed       int64
	// Full is of persons whose best attempt had everything right.
	Full int64
	// Active is how many units there are in which anybody took part.
	Active int64
	// Scored persons have a best attempt; Score is the sum of their scores.
	Scored, Score int64
}

// Add returns the sum, figure by figure.
func (c *Counts) Add(o Counts) Counts {
	return Counts{
		Enrolled: c.Enrolled + o.Enrolled, Participants: c.Participants + o.Participants,
		Attempts: c.Attempts + o.Attempts, Signatures: c.Signatures + o.Signatures,
		Passed: c.Passed + o.Passed, Full: c.Full + o.Full, Active: c.Active + o.Active, Scored: c.Scored + o.Scored, Score: c.Score + o.Score,
	}
}

// Average returns the mean of best scores, and false where nobody has one.
func (c *Counts) Average() (float64, bool) {
	mean, ok := c.Mean()
	if !ok {
		return 0, false
	}
	return mean.Float(), true
}

// Mean returns the mean of best scores exactly, and false where nobody has one.
func (c *Counts) Mean() (Ratio, bool) { return Ratio{c.Score, c.Scored}, c.Scored > 0 }

// PassRate returns which part of the persons with a score passed, and false where
// there is none.
func (c *Counts) PassRate() (Ratio, bool) { return Ratio{c.Passed, c.Scored}, c.Scored > 0 }

// FullRate returns which part of the persons with a score had everything right, and
// false where there is none.
func (c *Counts) FullRate() (Ratio, bool) { return Ratio{c.Full, c.Scored}, c.Scored > 0 }

// field returns the figure that a metric counts.
func (c *Counts) field(m Metric) *int64 {
	switch m {
	case Enrolled:
		return &c.Enrolled
	case Participants:
		return &c.Participants
	case Attempts:
		return &c.Attempts
	case Signatures:
		return &c.Signatures
	case Passed:
		return &c.Passed
	case Full:
		return &c.Full
	case Scored:
		return &c.Scored
	case Score:
		return &c.Score
	default:
		return nil
	}
}

// Roll is the counts of every node: leaves as tallied, regions as the sums of
// what is below them. A unit that left the tree counts as unassigned, so that
// every level always adds up to Total.
type Roll struct {
	Total Counts
	Nodes map[string]Counts // by node id, campaign.Unassigned included
}

// RollUp sums tallies along the tree. Metrics it does not know are ignored: a
// newer server may write them.
func RollUp(t *campaign.Tree, tally map[Cell]int64) Roll {
	leaves := map[string]Counts{}
	for cell, n := range tally {
		unit := cell.Unit
		if node, ok := t.Node(unit); !ok || node.Kind != campaign.Unit {
			unit = campaign.Unassigned
		}
		c := leaves[unit]
		if f := c.field(cell.Metric); f != nil {
			*f += n
		}
		leaves[unit] = c
	}
	r := Roll{Nodes: make(map[string]Counts, 2*len(leaves))}
	for unit, c := range leaves {
		if c.Participants > 0 && unit != campaign.Unassigned {
			c.Active = 1
		}
		r.Total = r.Total.Add(c)
		r.Nodes[unit] = c
		for _, region := range t.Regions(unit) {
			r.Nodes[region] = c.Add(r.Nodes[region])
		}
	}
	return r
}

// SumOver adds up the cells of the units within scope ("" is everything).
func SumOver(t *campaign.Tree, tally map[Cell]int64, scope string) Counts {
	if scope == "" {
		return RollUp(t, tally).Total
	}
	return RollUp(t, tally).Nodes[scope]
}

// Row is one line of a breakdown.
type Row struct {
	ID     string // campaign.Unassigned for those without a unit
	Name   string
	Kind   campaign.NodeKind
	Code   string
	Roster int64
	// Units is how many units the row stands for.
	Units int64
	Counts
	// Small is true where fewer than MinPersons have a score: average and passed
	// are then withheld, because they would tell about single persons.
	Small bool
}

// MinPersons is the least number of persons whose average may be shown.
const MinPersons = 5

// Breakdown lists the children of parent ("" is the top) with their counts, and
// the unassigned as a row of the top; the rows sum to the parent exactly.
func Breakdown(t *campaign.Tree, r Roll, parent, lang string) []Row {
	var rows []Row
	for _, n := range t.Children(parent) {
		rows = append(rows, nodeRow(n, r.Nodes[n.ID], lang))
	}
	if parent == "" {
		c := r.Nodes[campaign.Unassigned]
		rows = append(rows, Row{
			ID: campaign.Unassigned, Name: "未分配", Kind: campaign.Unit, Counts: c, Small: c.Scored < MinPersons,
		})
	}
	return rows
}

func nodeRow(n *campaign.Node, c Counts, lang string) Row {
	return Row{
		ID: n.ID, Name: n.Name.In(lang), Kind: n.Kind, Code: n.Code, Roster: n.Roster, Units: n.Units,
		Counts: c, Small: c.Scored < MinPersons,
	}
}

// Whole is everything as one row.
func Whole(t *campaign.Tree, r Roll) Row { return parentRow(t, r, "", "") }

// parentRow is the row that a breakdown of id sums to; "" is everything.
func parentRow(t *campaign.Tree, r Roll, id, lang string) Row {
	if n, ok := t.Node(id); ok {
		return nodeRow(n, r.Nodes[id], lang)
	}
	row := Row{Kind: campaign.Region, Counts: r.Total, Small: r.Total.Scored < MinPersons}
	for _, n := range t.Children("") {
		row.Roster += n.Roster
		row.Units += n.Units
	}
	return row
}
