// Package replay works out from the ledger what Redis must hold: every
// participant's state, every place on a board and every tally. With that it
// verifies a Redis that serves, and rebuilds one that was lost.
//
// A participant's history is replayed by itself, fact by fact, with the rules of
// the domains and of the scripts that wrote the facts. What the facts say of
// each other (who was best before, whose first act it was) is worked out again
// and not believed, and so are the marks of every attempt.
package replay

import (
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// Open reads a sealed personal record of a participant in a campaign.
type Open func(campaignID, participant string, r event.Record) (state.Disclosed, error)

// Rules are what facts of one campaign are replayed by.
type Rules struct {
	Campaign *campaign.Campaign
	// Layout is the one the campaign's boards were opened with.
	Layout leaderboard.Layout
	// Open reads personal records.
	Open Open
	// Quiz and Bank mark attempts again; without them that is left out. Bank
	// returns the version of a digest.
	Quiz *quiz.Rules
	Bank func(digest string) (*quiz.Bank, error)
	// Roll says what a chance falls on; nil leaves that out.
	Roll func(participant string, chance int) string
	// Now says whether the freeze is over.
	Now func() time.Time
}

// clocksApart is more than the clocks of two machines are.
const clocksApart = time.Minute

// standStill tells whether the boards certainly stand still, or have not begun to:
// no server lets them move again yet. What was read before is from then or before.
func (r *Rules) standStill() bool {
	f := r.Campaign.Freeze
	return !f.At.IsZero() && !f.Over(r.Now().Add(clocksApart))
}

// Life is what a participant's history comes to.
type Life struct {
	state.Person

	// Facts are those of the history. What they say of the facts before them is as
	// it must be.
	Facts []event.Fact
	// Turned is the newest fact that may have changed their places.
	Turned event.Position
	// Faults are where the history contradicts itself or the rules.
	Faults []Fault
	// Regraded and Commitments count the attempts that were marked again and the
	// signatures that were compared with their personal records.
	Regraded, Commitments int
}

// Fault is a contradiction within the ledger.
type Fault struct {
	// Position is that of the fact at which it shows.
	event.Position

	// Field is what is contradicted, Want what the rest of the history says and
	// Got what the fact says.
	Field, Want, Got string
}

// String says it in one line.
func (f Fault) String() string {
	return fmt.Sprintf("fact %s: %s is %s, want %s", f.Position, f.Field, f.Got, f.Want)
}

// Replay replays a history. Facts after folded give no place on a scoped board:
// only what the fold has reached stands there.
func (r *Rules) Replay(h ledger.History, folded event.Position) Life {
	w := &walk{Rules: r, folded: folded, life: Life{Person: state.Person{Participant: h.Participant}, Facts: h.Facts}}
	for i := range h.Facts {
		w.fact(&h.Facts[i])
	}
	w.places()
	w.personal(h.Records)
	return w.life
}

// boards are the rules by which attempts make places.
func (r *Rules) boards() leaderboard.Rules {
	return leaderboard.Rules{Campaign: r.Campaign, Layout: r.Layout}
}

// walk is one replay on its way.
type walk struct {
	*Rules

	folded event.Position
	life   Life
	// record is what figures are made of, and atFold what it was when the fold had
	// come to where it is; nil while it is the same.
	record leaderboard.Record
	atFold *leaderboard.Record
	// total is the sum of points, where the campaign adds points up.
	total int
	// commitment is what the fact of the signature says of its record.
	commitment string
}

func (w *walk) fault(f *event.Fact, field string, want, got any) {
	w.life.Faults = append(w.life.Faults, Fault{f.Position, field, fmt.Sprint(want), fmt.Sprint(got)})
}

// same reports a field in which a fact differs from the rest of the history.
func same[T comparable](w *walk, f *event.Fact, field string, want, got T) bool {
	if want != got {
		w.fault(f, field, want, got)
	}
	return want == got
}

func (w *walk) fact(f *event.Fact) {
	if w.prizeFact(f) {
		return
	}
	if _, joins := f.Body.(event.Enrolled); !joins && w.life.Enrolment.Unit == "" {
		w.fault(f, "enrolment", "one before it", "none")
	}
	if w.life.Joined != "" && !leavesJoined(f) {
		w.fault(f, "joined", "nothing after it that counts", f.Kind)
	}
	switch body := f.Body.(type) {
	case event.Enrolled:
		w.enrolled(f, body)
	case event.Moved:
		w.moved(f, body)
	case event.Started:
		w.belongs(f)
		w.started(f, body)
	case event.Submitted:
		w.belongs(f)
		w.submitted(f, body)
	case event.Expired:
		w.belongs(f)
		w.expired(f, body)
	case event.Granted:
		w.belongs(f)
		w.granted(f, body)
	case event.Signed:
		w.belongs(f)
		w.sign(f, body)
	case event.Corrected:
		w.belongs(f)
		w.corrected(f, body)
	case event.Transferred:
		w.transferred(f, body)
	case event.Remarked:
		w.belongs(f)
		w.remarked(f, body)
	case event.Joined:
		w.belongs(f)
		w.joined(f, body)
	case event.Parted:
		w.belongs(f)
		w.parted(f, body)
	case event.Erased:
		w.belongs(f)
		w.life.Enrolment.NoticeVersion, w.life.Enrolment.Guardian = body.Notice, body.Guardian
	default:
		w.fault(f, "kind", "one of a campaign", f.Kind)
	}
}

// belongs compares where a fact counts with where the participant belonged.
func (w *walk) belongs(f *event.Fact) {
	same(w, f, "unit", w.life.Enrolment.Unit, f.Unit)
	same(w, f, "group", w.life.Enrolment.Group, f.Group)
}

func (w *walk) enrolled(f *event.Fact, body event.Enrolled) {
	e := &w.life.Enrolment
	same(w, f, "enrolled before", "", e.Unit)
	e.Unit, e.Group, e.At = f.Unit, f.Group, f.At
	e.NoticeVersion, e.Guardian = body.Notice, body.Guardian
	w.record.Unit, w.record.Group = f.Unit, f.Group
}

func (w *walk) moved(f *event.Fact, body event.Moved) {
	e := &w.life.Enrolment
	same(w, f, "moved from unit", e.Unit, body.FromUnit)
	same(w, f, "moved from group", e.Group, body.FromGroup)
	if !w.life.FirstAct.IsZero() {
		w.fault(f, "moved", "never after an act", "moved")
	}
	e.Unit, e.Group = f.Unit, f.Group
	w.record.Unit, w.record.Group = f.Unit, f.Group
}

// act notes an accepted act, and corrects what the fact says of it.
func (w *walk) act(f *event.Fact) {
	first := w.life.FirstAct.IsZero()
	same(w, f, "first", first, f.First)
	f.First = first
	if first {
		w.life.FirstAct = f.At
	}
}
