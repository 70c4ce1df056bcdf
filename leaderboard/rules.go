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
	// SignedVoid says that the signature counts nowhere.
	SignedVoid bool
	// Hidden people stand on no public board.
	Hidden bool
	// Stays are where they belonged before each transfer, oldest first.
	Stays []event.Stay
	// Joined people are counted as somebody else: nothing of theirs counts, the
	// enrolment neither.
	Joined bool
}

// Counts tells whether any act of theirs does.
func (rec *Record) Counts() bool {
	return !rec.Signed().IsZero() || slices.ContainsFunc(rec.Attempts, func(a event.Counted) bool { return !a.Void })
}

// frozenIn returns the unit and group in which the public sees the participant while
// the boards stand still: those of the moment at which they were frozen.
func (rec *Record) frozenIn(freeze campaign.Freeze) (unit, group string) {
	for _, s := range rec.Stays {
		if s.Until >= freeze.At.UnixMilli() {
			return s.Unit, s.Group
		}
	}
	return rec.Unit, rec.Group
}

// Signed returns when the signature that counts was made; zero where there is none.
func (rec *Record) Signed() time.Time {
	if rec.SignedVoid {
		return time.Time{}
	}
	return rec.SignedAt
}

// Place returns where attempts put their participant on a board that holds all
// of them, and false where none counts.
func (r Rules) Place(attempts []event.Counted) (uint64, bool, error) {
	v, err := r.place(r.credits(attempts))
	if v == nil || err != nil {
		return 0, false, err
	}
	return *v, true, nil
}

// credit is an attempt that counts, and by how much it raised its participant's
// sum.
type credit struct {
	*event.Counted
	added int
}

// credits returns what of a record counts, oldest first. Void attempts are passed
// over.
func (r Rules) credits(attempts []event.Counted) []credit {
	var out []credit
	days := map[string]int{} // the best of each day so far
	for i := range attempts {
		a := &attempts[i]
		if a.Void {
			continue
		}
		added := a.Score
		if r.Campaign.Policy == campaign.PolicySumDays {
			day := r.Campaign.Day(time.UnixMilli(a.At))
			added = max(a.Score-days[day], 0)
			days[day] += added
		}
		out = append(out, credit{a, added})
	}
	return out
}

// place returns where credits put their participant on a board that holds all of
// them, or nil where there are none.
func (r Rules) place(credits []credit) (*uint64, error) {
	if len(credits) == 0 {
		return nil, nil //nolint:nilnil // No place is not an error.
	}
	if r.Layout.Sums() {
		return r.sum(credits)
	}
	var best uint64
	for _, c := range credits {
		v, err := r.pack(c.Score, c.Counted)
		if err != nil {
			return nil, err
		}
		best = max(best, v)
	}
	return &best, nil
}

func (r Rules) pack(score int, a *event.Counted) (uint64, error) {
	return r.Layout.Pack(score, time.Duration(a.UsedMS)*time.Millisecond, time.UnixMilli(a.At))
}

// sum adds points up. The total was reached with the last attempt that raised it;
// a total of nothing with the first.
func (r Rules) sum(credits []credit) (*uint64, error) {
	total, reached := 0, credits[0]
	for _, c := range credits {
		if total += c.added; c.added > 0 {
			reached = c
		}
	}
	v, err := r.pack(total, reached.Counted)
	return &v, err
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
	unit, group := rec.Unit, rec.Group
	if r.Campaign.Freeze.Active(at) {
		unit, group = rec.frozenIn(r.Campaign.Freeze)
	}
	out := map[string]Placement{}
	for window, credits := range r.byWindow(r.credits(rec.Attempts)) {
		p, err := r.placement(credits, at)
		if err != nil {
			return nil, err
		}
		p.Hidden = rec.Hidden
		if window == "" {
			out[""] = p
		}
		is := Boards(r.Campaign, rec.Unit, rec.Group, window)
		was := is
		if unit != rec.Unit || group != rec.Group {
			was = Boards(r.Campaign, unit, group, window)
		}
		spread(out, p, was, is)
	}
	return out, nil
}

// spread puts a placement on the boards on which the public sees it and on those on
// which it is.
func spread(out map[string]Placement, p Placement, was, is []string) {
	for _, board := range is {
		out[board] = Placement{Now: p.Now, Hidden: p.Hidden}
	}
	for _, board := range was {
		there := out[board]
		there.Base, there.Hidden = p.Base, p.Hidden
		if out[board] = there; there.Empty() {
			delete(out, board)
		}
	}
}

// byWindow sorts credits into the windows they lie in. By how much an attempt
// raised the sum does not depend on the window, so that windows add up.
func (r Rules) byWindow(credits []credit) map[string][]credit {
	out := map[string][]credit{}
	for _, c := range credits {
		out[""] = append(out[""], c)
		for _, w := range Windows(r.Campaign, time.UnixMilli(c.At)) {
			out[w] = append(out[w], c)
		}
	}
	return out
}

// placement splits a place into what the public sees at a moment and what is.
func (r Rules) placement(credits []credit, at time.Time) (Placement, error) {
	now, err := r.place(credits)
	if err != nil || !r.Campaign.Freeze.Active(at) {
		return Placement{Base: now, Now: now}, err
	}
	base, err := r.place(r.before(credits))
	return Placement{Base: base, Now: now}, err
}

// before returns what came before the freeze.
func (r Rules) before(credits []credit) []credit {
	freeze := r.Campaign.Freeze.At.UnixMilli()
	return slices.DeleteFunc(slices.Clone(credits), func(c credit) bool { return c.At >= freeze })
}
