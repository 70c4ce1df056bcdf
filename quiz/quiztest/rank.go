package quiztest

import (
	"errors"
	"sync/atomic"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/quiz"
)

func rankPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"a rank counts who stands strictly above": ranks,
		"a store not asked to rank does not":      noRank,
	}
}

// ranks: all shards count, equals share a place, and a submission knows its own.
func ranks(b *bench) {
	people := b.people(12)
	scores := []int{100, 50, 50, 0, 100, 70, 120, 50, 0, 70, 70, 1}
	began := make([]quiz.Attempt, len(people))
	for i, p := range people {
		began[i] = b.start(p)
	}
	b.pass(time.Minute)
	for i, p := range people {
		s := b.submit(p, began[i], scores[i])
		if want := above(scores[:i+1], scores[i]); s.Above != want {
			b.Errorf("submission %d of %d points: %d above, want %d", i, scores[i], s.Above, want)
		}
	}
	for i, p := range people {
		b.ranked(p, above(scores, scores[i]))
	}
	slower := b.enrolled("slower")
	b.sits(slower, 70, time.Minute+100*time.Millisecond)
	b.ranked(slower, above(scores, 70)+3)
	b.ranked(b.enrolled("nothing yet"), -1)
	b.ranked(b.person("nobody"), -1)
	again, err := b.Submit(b.Context(), people[3], b.finished(began[3], 0), true)
	if want := above(scores, 0) + 1; err != nil || again.Above != want {
		b.Errorf("a repeat: %d above, %v; want %d", again.Above, err, want)
	}
}

// ranked shows how many stand above somebody.
func (b *bench) ranked(p quiz.Person, want int64) {
	b.Helper()
	got, err := b.Stands(b.Context(), p, 0, true)
	if errors.Is(err, campaign.ErrRequired) {
		got, err = quiz.Submitted{Above: -1}, nil
	}
	if err != nil || got.Above != want {
		b.Errorf("%s: %d above, %v; want %d", p.Participant, got.Above, err, want)
	}
}

func above(scores []int, score int) int64 {
	var n int64
	for _, s := range scores {
		if s > score {
			n++
		}
	}
	return n
}

func noRank(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	for range 2 {
		if s, err := b.Submit(b.Context(), p, b.finished(a, 50), false); err != nil || s.Above != -1 {
			b.Errorf("Submit: %d above, %v", s.Above, err)
		}
	}
	if s, err := b.Stands(b.Context(), p, 1, false); err != nil || s.Above != -1 {
		b.Errorf("Stands: %d above, %v", s.Above, err)
	}
}

func racePromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"racing starts open one attempt":               racingStarts,
		"invariant 2: racing repeats are counted once": racingRepeats,
		"of racing submissions one is accepted":        racingSubmissions,
		"racing revisions keep the highest":            racingSaves,
		"the deadline and the participant close once":  racingClosers,
		"many participants at once are all counted":    racingPeople,
	}
}

const racers = 200

func racingStarts(b *bench) {
	p := b.enrolled("p")
	var fresh atomic.Int64
	next := b.next()
	b.race(racers, func(s quiz.Store, i int) {
		a := next
		a.Paper = paper(uint64(i)) // each server draws its own
		got, st, outcome, err := s.Start(b.Context(), p, a, b.limits(1, 1))
		switch {
		case err != nil || got.Number != 1 || st.Last != 1 || st.OnDay != 1:
			b.Errorf("Start: %+v, %+v, %v", got, st, err)
		case outcome == quiz.Started:
			fresh.Add(1)
		case outcome != quiz.AlreadyOpen:
			b.Errorf("Start: %s", outcome)
		}
	})
	b.same("attempts opened", int64(1), fresh.Load())
	b.told(p, event.KindStarted)
}

// racingRepeats: two hundred times the same submission, from several servers.
func racingRepeats(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	b.pass(time.Minute)
	var fresh atomic.Int64
	got := make([]quiz.Submitted, racers)
	b.race(racers, func(s quiz.Store, i int) {
		var err error
		if got[i], err = s.Submit(b.Context(), p, b.finished(a, 70), true); err != nil {
			b.Error(err)
		}
		if got[i].Fresh {
			fresh.Add(1)
		}
		got[i].Fresh = false
	})
	for _, s := range got {
		b.same("receipt", got[0], s)
	}
	b.same("accepted", int64(1), fresh.Load())
	b.told(p, event.KindStarted, event.KindSubmitted)
	b.same("standing", 1, b.standing(p).OnDay)
}

// racingSubmissions: different answers from several devices; the first wins, and
// the others are told of it.
func racingSubmissions(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	b.pass(time.Minute)
	var fresh atomic.Int64
	got := make([]quiz.Submitted, racers)
	b.race(racers, func(s quiz.Store, i int) {
		var err error
		if got[i], err = s.Submit(b.Context(), p, b.finished(a, i%126), true); err != nil {
			b.Error(err)
		}
		if got[i].Fresh {
			fresh.Add(1)
		}
	})
	kept := b.attempt(p, 1)
	for _, s := range got {
		b.same("the attempt", kept, s.Attempt)
	}
	b.same("accepted", int64(1), fresh.Load())
	b.told(p, event.KindStarted, event.KindSubmitted)
	if body, ok := b.bodies(p, event.KindSubmitted)[0].(event.Submitted); !ok || body.Score != kept.Result.Score {
		b.Errorf("the fact tells of %d points, the receipt of %d", body.Score, kept.Result.Score)
	}
}

func racingSaves(b *bench) {
	p := b.enrolled("p")
	b.start(p)
	b.race(racers, func(s quiz.Store, i int) {
		saved := quiz.Saved{Revision: int64(i), Choices: quiz.Choices{quiz.Choice(i), 0, 0, 0}}
		if kept, err := s.Save(b.Context(), p, 1, saved); err != nil || kept.Revision < saved.Revision {
			b.Errorf("Save revision %d: kept %d, %v", i, kept.Revision, err)
		}
	})
	b.same("kept", quiz.Saved{Revision: racers - 1, Choices: quiz.Choices{racers - 1, 0, 0, 0}}, b.attempt(p, 1).Saved)
}

// racingClosers: some hand in, some expire, some still keep answers.
func racingClosers(b *bench) {
	for _, p := range b.people(8) {
		a := b.start(p)
		b.race(30, func(s quiz.Store, i int) {
			switch i % 3 {
			case 0:
				if _, err := s.Submit(b.Context(), p, b.finished(a, 70), true); err != nil {
					b.Errorf("Submit: %v", err)
				}
			case 1:
				b.wants("Expire", s.Expire(b.Context(), p, a.Expired(nil, a.Deadline)), nil)
			default: // refused once it is closed
				_, _ = s.Save(b.Context(), p, 1, quiz.Saved{Revision: int64(i), Choices: quiz.Choices{1, 0, 0, 0}})
			}
		})
		closed := b.attempt(p, 1)
		last := event.KindSubmitted
		if closed.State == quiz.StateExpired {
			last = event.KindExpired
		}
		b.told(p, event.KindStarted, last)
		if st := b.standing(p); st.Open != nil || (st.Best != nil) != (closed.State == quiz.StateSubmitted) {
			b.Errorf("closed as %s, standing %+v", closed.State, st)
		}
	}
}

func racingPeople(b *bench) {
	people := b.people(100)
	b.race(2*len(people), func(s quiz.Store, i int) {
		p := people[i/2]
		a, _, _, err := s.Start(b.Context(), p, b.next(), b.limits(0, 0))
		if err != nil {
			b.Error(err)
			return
		}
		if a.Number == 1 { // else the other of the pair was quicker
			if _, err := s.Submit(b.Context(), p, b.finished(a, i/2), true); err != nil {
				b.Error(err)
			}
		}
	})
	for i, p := range people {
		if st := b.standing(p); st.Best == nil || st.Best.Score != i {
			b.Errorf("%s stands at %+v, want %d points", p.Participant, st.Best, i)
		}
	}
	b.ranked(people[99], 0)
	b.ranked(people[0], 99)
}
