// Package quiztest is what any quiz.Store must do, as tests. The comments of the
// interface become executable here, the races included.
package quiztest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/internal/event"
	"qingyuan/quiz"
)

// Bench is an empty store and what a test needs around it.
type Bench struct {
	// Stores are the same store as several servers hold it, each with a client
	// of its own; one will do.
	Stores []quiz.Store
	// Campaign is open at Opens and for days after, and ranks.
	Campaign string
	// Enrol makes a participant known, in the group "public".
	Enrol func(t testing.TB, participant string)
	// Facts returns all facts of the campaign, those of a participant in order.
	Facts func(t testing.TB) []event.Fact
}

// Opens is a whole second at which the campaign of a Bench has opened already:
// 12:00 on 2026-06-10 in its zone, Asia/Shanghai.
func Opens() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

// RunStore exercises the store that open returns. open must return an empty
// store each time and release it through t.Cleanup.
func RunStore(t *testing.T, open func(t *testing.T) Bench) {
	t.Helper()
	for _, group := range []map[string]func(*bench){
		startPromises(), savePromises(), submitPromises(), expirePromises(), rankPromises(), racePromises(),
	} {
		for name, promise := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := &bench{T: t, Bench: open(t), now: Opens()}
				b.Store = b.Stores[0]
				promise(b)
			})
		}
	}
}

// bench is a Bench in the hands of one test, with a clock to turn.
type bench struct {
	*testing.T
	Bench
	quiz.Store
	now time.Time
}

const (
	limit = 10 * time.Minute
	grace = 5 * time.Second
)

func (b *bench) person(participant string) quiz.Person {
	return quiz.Person{Campaign: b.Campaign, Participant: participant}
}

// enrolled makes a participant known and returns who they are.
func (b *bench) enrolled(participant string) quiz.Person {
	b.Helper()
	b.Enrol(b.T, participant)
	return b.person(participant)
}

func (b *bench) pass(d time.Duration) { b.now = b.now.Add(d) }

// paper is what is drawn for one attempt; seed makes another.
func paper(seed uint64) quiz.Paper {
	return quiz.Paper{Bank: "0123456789ab", Seed: seed, Items: []quiz.Item{
		{Question: 0, Points: 50}, {Question: 36, Points: 50}, {Question: 7, Points: 20}, {Question: 400, Points: 5},
	}}
}

// next is an attempt that begins now.
func (b *bench) next() quiz.Attempt {
	return quiz.Attempt{
		Window: quiz.Window{StartedAt: b.now, Deadline: b.now.Add(limit)},
		Paper:  paper(uint64(b.now.UnixNano())), State: quiz.StateOpen,
	}
}

// limits of a day in June; 0 means no bound.
func (b *bench) limits(perDay, all int) quiz.Limits {
	day := b.now.Add(8 * time.Hour).Format(time.DateOnly)
	return quiz.Limits{Day: day, PerDay: perDay, All: all, Grace: grace}
}

// start opens the participant's next attempt.
func (b *bench) start(p quiz.Person) quiz.Attempt {
	b.Helper()
	a, _, outcome, err := b.Start(b.Context(), p, b.next(), b.limits(0, 0))
	if err != nil || outcome != quiz.Started {
		b.Fatalf("Start by %s: %s, %v", p.Participant, outcome, err)
	}
	return a
}

// finished is the attempt handed in now with a score.
func (b *bench) finished(a quiz.Attempt, score int) quiz.Attempt {
	a.State, a.ClosedBy, a.Saved = quiz.StateSubmitted, quiz.ByParticipant, quiz.Saved{}
	a.Result = quiz.Result{
		Mark:   quiz.Mark{Score: score, MaxScore: 125, Correct: score / 50, Questions: len(a.Paper.Items)},
		Passed: score >= 60, Used: b.now.Sub(a.StartedAt), SubmittedAt: b.now,
		Choices: quiz.Choices{quiz.Choice(score), 2, 0, 65535},
	}
	return a
}

// submit hands the attempt in now.
func (b *bench) submit(p quiz.Person, a quiz.Attempt, score int) quiz.Submitted {
	b.Helper()
	s, err := b.Submit(b.Context(), p, b.finished(a, score), true)
	if err != nil || !s.Fresh {
		b.Fatalf("Submit by %s: fresh %t, %v", p.Participant, s.Fresh, err)
	}
	return s
}

// sits takes a whole attempt of the given length.
func (b *bench) sits(p quiz.Person, score int, used time.Duration) quiz.Submitted {
	b.Helper()
	a := b.start(p)
	b.pass(used)
	return b.submit(p, a, score)
}

func (b *bench) standing(p quiz.Person) quiz.Standing {
	b.Helper()
	st, err := b.Standing(b.Context(), p)
	if err != nil {
		b.Fatal(err)
	}
	return st
}

func (b *bench) attempt(p quiz.Person, number int) quiz.Attempt {
	b.Helper()
	a, err := b.Attempt(b.Context(), p, number)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// kinds lists what the facts tell of a participant, in order.
func (b *bench) kinds(p quiz.Person) []event.Kind {
	b.Helper()
	var out []event.Kind
	for _, f := range b.Facts(b.T) {
		if f.Participant == p.Participant && f.Kind != event.KindEnrolled {
			out = append(out, f.Kind)
		}
	}
	return out
}

// told shows that the facts tell just this of a participant, each once.
func (b *bench) told(p quiz.Person, want ...event.Kind) {
	b.Helper()
	b.same("facts", want, b.kinds(p))
}

func (b *bench) same(what string, want, got any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (b *bench) wants(what string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Errorf("%s: %v, want %v", what, err, want)
	}
}

// race runs n calls at once over all stores; each call is told its number.
func (b *bench) race(n int, call func(s quiz.Store, i int)) {
	barrier := make(chan struct{})
	var runners sync.WaitGroup
	for i := range n {
		runners.Go(func() {
			<-barrier
			call(b.Stores[i%len(b.Stores)], i)
		})
	}
	close(barrier)
	runners.Wait()
}

// people enrols so many participants.
func (b *bench) people(n int) []quiz.Person {
	b.Helper()
	out := make([]quiz.Person, n)
	for i := range out {
		out[i] = b.enrolled(fmt.Sprint("p", i))
	}
	return out
}
