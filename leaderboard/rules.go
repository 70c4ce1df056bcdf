package leaderboard

import (
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
)

// Rules are what makes places out of attempts: a campaign and the layout its
// boards were opened with.
type Rules struct {
	Campaign *campaign.Campaign
	Layout   Layout
}

// Record is everything of one participant that figures are made of.
type Record struct {
	Unit, Group string
	// Attempts are all that were accepted, oldest first.
	Attempts []event.Counted
	// SignedAt is zero where they have not signed.
	SignedAt time.Time
	// Hidden people stand on no public board.
	Hidden bool
}

// Place returns where attempts put their participant on a board that holds all
// of them, and false where none counts. Void attempts are passed over.
func (r Rules) Place(attempts []event.Counted) (uint64, bool, error) {
	if r.Layout.Sums() {
		return r.sum(attempts)
	}
	var best uint64
	found := false
	for i := range attempts {
		a := &attempts[i]
		if a.Void {
			continue
		}
		v, err := r.pack(a.Score, a)
		if err != nil {
			return 0, false, err
		}
		best, found = max(best, v), true
	}
	return best, found, nil
}

func (r Rules) pack(score int, a *event.Counted) (uint64, error) {
	return r.Layout.Pack(score, time.Duration(a.UsedMS)*time.Millisecond, time.UnixMilli(a.At))
}

// sum adds points up, oldest first. The total was reached with the last attempt
// that raised it; a total of nothing with the first.
func (r Rules) sum(attempts []event.Counted) (uint64, bool, error) {
	total, days := 0, map[string]int{}
	var reached *event.Counted
	for i := range attempts {
		a := &attempts[i]
		if a.Void {
			continue
		}
		added := r.added(a, days)
		if total += added; added > 0 || reached == nil {
			reached = a
		}
	}
	if reached == nil {
		return 0, false, nil
	}
	v, err := r.pack(total, reached)
	return v, err == nil, err
}

// added returns by how much an attempt raises the sum, and keeps the best of its
// day in days.
func (r Rules) added(a *event.Counted, days map[string]int) int {
	if r.Campaign.Policy != campaign.PolicySumDays {
		return a.Score
	}
	day := r.Campaign.Day(time.UnixMilli(a.At))
	added := max(a.Score-days[day], 0)
	days[day] += added
	return added
}

// Windows names the parts of the campaign's time that a moment lies in: its day,
// and its phase where there is one.
func Windows(c *campaign.Campaign, at time.Time) []string {
	out := []string{DayScope(c.Day(at))}
	if p, ok := c.PhaseAt(at); ok {
		out = append(out, PhaseScope(p.ID))
	}
	return out
}

// parts names the parts of the campaign that a participant belongs to: their
// unit, their group and the regions around the unit.
func parts(c *campaign.Campaign, unit, group string) []string {
	out := []string{UnitScope(unit), GroupScope(group)}
	for _, region := range c.Tree.Regions(unit) {
		out = append(out, RegionScope(region))
	}
	return out
}

// In names the board of a part of the campaign within a window.
func In(part, window string) string { return part + "|" + window }

// Boards names the boards, beside the main one, on which whatever a member of
// unit and group does in a window has a place; window "" is the whole time.
func Boards(c *campaign.Campaign, unit, group, window string) []string {
	if window == "" {
		return parts(c, unit, group)
	}
	out := []string{window}
	if c.Combined {
		for _, part := range parts(c, unit, group) {
			out = append(out, In(part, window))
		}
	}
	return out
}

// Placement is where somebody stands on one board. A nil place is none.
type Placement struct {
	// Base is their place by what the public sees while the boards stand still,
	// and also otherwise what the board itself holds; Now is by everything.
	Base, Now *uint64
	// Hidden people are kept beside the board.
	Hidden bool
}

// Empty tells whether nobody stands there.
func (p Placement) Empty() bool { return p.Base == nil && p.Now == nil }

// Placements returns where a record puts its participant at a moment, by board;
// "" is the main one.
func (r Rules) Placements(rec *Record, at time.Time) (map[string]Placement, error) {
	out := map[string]Placement{}
	for window, attempts := range r.byWindow(rec.Attempts) {
		p, err := r.placement(attempts, at)
		if err != nil {
			return nil, err
		}
		if p.Empty() {
			continue
		}
		p.Hidden = rec.Hidden
		if window == "" {
			out[""] = p
		}
		for _, board := range Boards(r.Campaign, rec.Unit, rec.Group, window) {
			out[board] = p
		}
	}
	return out, nil
}

func (r Rules) byWindow(attempts []event.Counted) map[string][]event.Counted {
	out := map[string][]event.Counted{"": attempts}
	for _, a := range attempts {
		for _, w := range Windows(r.Campaign, time.UnixMilli(a.At)) {
			out[w] = append(out[w], a)
		}
	}
	return out
}

// placement splits a place into what the public sees at a moment and what is.
func (r Rules) placement(attempts []event.Counted, at time.Time) (Placement, error) {
	now, err := r.place(attempts)
	if err != nil || !r.Campaign.Freeze.Active(at) {
		return Placement{Base: now, Now: now}, err
	}
	base, err := r.place(r.before(attempts))
	return Placement{Base: base, Now: now}, err
}

func (r Rules) place(attempts []event.Counted) (*uint64, error) {
	v, ok, err := r.Place(attempts)
	if !ok || err != nil {
		return nil, err
	}
	return &v, nil
}

// before returns the attempts from before the freeze.
func (r Rules) before(attempts []event.Counted) []event.Counted {
	freeze := r.Campaign.Freeze.At.UnixMilli()
	return slices.DeleteFunc(slices.Clone(attempts), func(a event.Counted) bool { return a.At >= freeze })
}
