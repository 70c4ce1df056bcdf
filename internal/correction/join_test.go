package correction_test

import (
	"testing"
	"time"

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
	goesOn(signed, into)
	enrolled(5)
	b := takeOut(signed)
	enrolled(4)
	if b = r.undo2(b); b.Counts[correction.Kept] != 1 { // what was theirs counts for nobody any more
		t.Errorf("the undo: %+v", b)
	}
	r.settle()
	enrolled(4)

	goesOn(other, into)
	enrolled(4)
	goesOn(into, third) // who was two goes on as a third
	enrolled(3)
	takeOut(other)
	enrolled(2)
	r.rebuild()
	enrolled(2)
}

// look lets the service look at everybody again, as late as it ever does.
func (r *rig) look() {
	r.Helper()
	r.service.Now = func() time.Time { return time.Now().Add(time.Hour) }
	must(r, 0, r.service.Join(r.Context()))
	r.service.Now = time.Now
	r.settle()
}
