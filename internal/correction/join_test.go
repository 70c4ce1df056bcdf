package correction_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/correction"
	"qingyuan/internal/sqltest"
	"qingyuan/leaderboard"
)

// enrolled is how many the figures count.
func (r *rig) enrolled() (n int64) {
	r.Helper()
	t, err := r.boards.Tallies(r.Context(), r.def.ID)
	must(r, 0, err)
	for cell, count := range t.Public.Cells {
		if cell.Metric == leaderboard.Enrolled {
			n += count
		}
	}
	return n
}

// TestWhoGoesOnAsAnother: a person is enrolled once as soon as nothing is lost by it, at
// once or when an office has decided, and one who was three is one in the end.
func TestWhoGoesOnAsAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 2))
	r.populate(6, 0) // of whom every other one has signed
	idle, signed, into, other, third := person(1), person(2), person(3), person(4), person(5)
	goesOn := func(from, to string) {
		t.Helper()
		must(t, 0, r.service.GoesOnAs(t.Context(), from, to))
		r.settle()
	}
	enrolled := func(want int64) {
		t.Helper()
		if n := r.enrolled(); n != want {
			t.Errorf("%d are enrolled, want %d", n, want)
		}
		r.clean()
	}
	takeOut := func(who string) *correction.Batch {
		t.Helper()
		b := r.create(head(), correction.Conditions{Attempts: true, Signatures: true, Participants: []string{who}})
		b = r.run2(b)
		r.settle()
		r.look()
		return b
	}
	enrolled(6)
	for range 2 { // once is enough
		goesOn(idle, into)
		enrolled(5)
	}
	goesOn(signed, into) // who has not done anything yet
	enrolled(4)
	b := takeOut(signed)
	enrolled(4) // by the one who signs in
	if b = r.undo2(b); b.Counts[correction.Back] != 1 || b.Counts[correction.Kept] != 0 {
		t.Errorf("the undo: %+v", b)
	}
	r.settle()
	r.look()
	enrolled(4)
	takeOut(signed)
	enrolled(4)

	goesOn(other, into)
	enrolled(3)
	goesOn(into, third) // who was two goes on as a third
	enrolled(2)
	takeOut(other)
	enrolled(2)
	r.rebuild()
	enrolled(2)
}

// TestThePersonStaysAsWhoeverCounts: an office that takes out what was done by the door that
// leads on has the person enrolled once as well, by what they did as the other. They may
// go on by that door, and whatever is given back comes with its enrolment.
func TestThePersonStaysAsWhoeverCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 2))
	r.populate(4, 0) // of whom every other one has signed
	from, to := person(0), person(2)
	before := r.tallies()
	must(t, 0, r.service.GoesOnAs(t.Context(), from, to))
	r.settle()
	enrolled := func(when string, want int64) {
		t.Helper()
		r.look()
		if n := r.enrolled(); n != want {
			t.Errorf("%s: %d are enrolled, want %d", when, n, want)
		}
		r.clean()
	}
	takeOut := func(who string) *correction.Batch {
		t.Helper()
		return r.run2(r.create(head(), correction.Conditions{Attempts: true, Signatures: true, Participants: []string{who}}))
	}
	enrolled("both count", 4)
	later := takeOut(to)
	enrolled("the one who stays counts no more", 3)
	r.rebuild()
	enrolled("a rebuild", 3)
	earlier := takeOut(from)
	enrolled("neither counts", 3)
	r.undo2(later)
	enrolled("the later one was given back", 3)
	r.undo2(earlier)
	enrolled("both were given back", 4)
	if diff := cmp.Diff(before, r.tallies()); diff != "" {
		t.Errorf("the figures after everything was undone (-before +after):\n%s", diff)
	}

	takeOut(to)
	enrolled("out again", 3)
	must(t, 0, r.sit(t.Context(), to, 3)) // they sign in as this one, and go on
	r.settle()
	enrolled("they went on", 4)
	takeOut(from)
	enrolled("the earlier one counts no more", 3)

	must(t, 0, r.service.GoesOnAs(t.Context(), to, from)) // the doors lead back
	r.settle()
	enrolled("the doors lead back", 3)
	must(t, 0, r.sit(t.Context(), from, 3))
	r.settle()
	enrolled("both have gone on", 4)
	r.rebuild()
	enrolled("a last rebuild", 4)
}

// look lets the service look at everybody again, as late as it ever does.
func (r *rig) look() {
	r.Helper()
	r.service.Now = func() time.Time { return time.Now().Add(time.Hour) }
	must(r, 0, r.service.Join(r.Context()))
	r.service.Now = time.Now
	r.settle()
}
