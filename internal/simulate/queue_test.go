package simulate

import (
	"testing"
	"time"
)

// Whoever is sent to the queue takes a ticket, asks as seldom as told, and signs
// in with the ticket once it is admitted.
func TestQueueBeforeTheDoor(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{queued: 3})
	c, clock := testConfig(s, 20)
	rep := mustRun(t, c)
	mustPass(t, &rep)
	if rep.Waiting.People != 20 || rep.Waiting.P50MS < 4000 {
		t.Errorf("waiting %+v, want 20 people who asked three times, two seconds apart", rep.Waiting)
	}
	if len(s.asked) != 20 {
		t.Errorf("%d tickets for 20 people", len(s.asked))
	}
	for ticket, n := range s.asked {
		if n != 3 {
			t.Errorf("ticket %s was asked for %d times, want 3", ticket, n)
		}
	}
	waits := 0
	for _, d := range clock.waits {
		if d >= 2*time.Second && d <= 2500*time.Millisecond {
			waits++
		}
	}
	if waits != 40 {
		t.Errorf("%d waits of as long as the server asked, want 40", waits)
	}
}

// A ticket may grow old between its admission and the sign-in: then another one
// is taken.
func TestATicketThatGrewOldIsReplaced(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{queued: 2, stale: true})
	c, _ := testConfig(s, 1)
	c.Audit = -1
	rep := mustRun(t, c)
	mustPass(t, &rep)
	if rep.Waiting.People != 2 || len(s.asked) != 2 {
		t.Errorf("waiting %+v with %d tickets, want two", rep.Waiting, len(s.asked))
	}
}

func TestADeadQueueEnds(t *testing.T) {
	t.Parallel()
	c, clock := testConfig(newFake(t, faults{queued: 1, stuck: true}), 4)
	began := clock.now()
	rep := mustRun(t, c)
	mustFind(t, &rep, Failed, "queue.required")
	if took := clock.now().Sub(began); took < c.Patience {
		t.Errorf("given up after %v, patience is %v", took, c.Patience)
	}
}
