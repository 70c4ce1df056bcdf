package replay_test

import (
	"errors"
	"testing"
	"time"

	"qingyuan/internal/correction/act"
	"qingyuan/internal/redisstore"
	"qingyuan/quiz"
)

// TestWhatWasGivenBackIsKept: an attempt that was given back can be started beyond the
// day's limit, once; the ledger knows of both, also when Redis is made anew.
func TestWhatWasGivenBackIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	who := person(1)
	r.enrol(who, "u1")
	for range r.rules.AttemptsPerDay {
		r.start(who)
		r.pass(time.Hour) // and it expires
		_, err := r.quizzes.HandInOverdue(t.Context(), r.def.ID, 10)
		must(t, 0, err)
	}
	start := func() error {
		_, _, err := r.quizzes.Start(t.Context(), r.def.ID, who, 0)
		return err
	}
	if err := start(); !errors.Is(err, quiz.ErrLimitReached) {
		t.Fatalf("beyond the limit: %v", err)
	}
	turn := act.Turn{Batch: "evening", Number: 1}
	store := redisstore.NewCorrections(r.campaigns, r.Campaign, r.now)
	must(t, 0, store.Begin(t.Context(), r.def.ID, turn))
	for _, want := range []act.Giving{act.Given, act.Had} {
		if got, err := store.Give(t.Context(), r.def.ID, turn, act.Act{Participant: who, Number: 2}); got != want || err != nil {
			t.Errorf("Give = %s, %v; want %s", got, err, want)
		}
	}
	left := func() int {
		h, err := r.quizzes.Home(t.Context(), r.def.ID, who)
		return *must(t, h, err).Left.Today
	}
	if n := left(); n != 1 {
		t.Errorf("%d left", n)
	}
	r.settle()
	r.clean()
	r.flush()
	r.rebuild()
	if n := left(); n != 1 {
		t.Errorf("%d left after a loss", n)
	}
	must(t, 0, start())
	r.pass(time.Minute)
	if n := left(); n != 0 {
		t.Errorf("%d left after it was started", n)
	}
	r.hand(who, r.start(who), 4)
	if err := start(); !errors.Is(err, quiz.ErrLimitReached) {
		t.Errorf("a second one: %v", err)
	}
	r.settle()
	r.clean()
	r.flush()
	r.rebuild()
	r.clean()
	if n := left(); n != 0 {
		t.Errorf("%d left after a second loss", n)
	}
}
