package quiztest

import (
	"context"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

func savePromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"only a higher revision replaces":            saveRevisions,
		"what is not open keeps nothing":             saveClosed,
		"the caller's context bounds every question": contextBounds,
	}
}

func saveRevisions(b *bench) {
	p := b.enrolled("p")
	b.start(p)
	save := func(revision int64, first quiz.Choice) quiz.Saved {
		b.Helper()
		s, err := b.Save(b.Context(), p, 1, quiz.Saved{Revision: revision, Choices: quiz.Choices{first, 0, 0, 0}})
		b.wants("Save", err, nil)
		b.same("kept", s, b.attempt(p, 1).Saved)
		return s
	}
	for _, tc := range []struct {
		revision, kept int64
		first, want    quiz.Choice
	}{
		{0, 0, 1, 1},
		{5, 5, 2, 2},
		{4, 5, 3, 2},
		{5, 5, 4, 2},
		{0, 5, 5, 2},
		{10, 10, 6, 6},
		{9, 10, 7, 6},
		{1<<53 - 1, 1<<53 - 1, 8, 8},
		{1<<53 - 2, 1<<53 - 1, 9, 8},
	} {
		want := quiz.Saved{Revision: tc.kept, Choices: quiz.Choices{tc.want, 0, 0, 0}}
		b.same("Save", want, save(tc.revision, tc.first))
	}
	b.told(p, event.KindStarted)
}

func saveClosed(b *bench) {
	p := b.enrolled("p")
	saved := quiz.Saved{Revision: 1, Choices: quiz.Choices{1, 0, 0, 0}}
	_, err := b.Save(b.Context(), p, 1, saved)
	b.wants("Save before the start", err, quiz.ErrSubmitted)
	done := b.sits(p, 70, time.Minute).Attempt
	_, err = b.Save(b.Context(), p, 1, saved)
	b.wants("Save after the submission", err, quiz.ErrSubmitted)
	b.start(p)
	_, err = b.Save(b.Context(), p, 1, saved)
	b.wants("Save in the one before", err, quiz.ErrSubmitted)
	b.same("the one before", done, b.attempt(p, 1))
	b.same("the open one", quiz.Saved{}, b.attempt(p, 2).Saved)
}

// contextBounds: who has left gets an error that may be repeated, and nothing
// happens.
func contextBounds(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	ctx, leave := context.WithCancel(b.Context())
	leave()
	_, errStanding := b.Standing(ctx, p)
	_, errAttempts := b.Attempts(ctx, p, 1, 1)
	_, _, _, errStart := b.Start(ctx, p, b.next(), b.limits(0, 0))
	_, errSave := b.Save(ctx, p, 1, quiz.Saved{Revision: 1, Choices: quiz.Choices{1, 0, 0, 0}})
	_, errSubmit := b.Submit(ctx, p, b.finished(a, 50), true)
	_, errStands := b.Stands(ctx, p, 1, true)
	_, errOverdue := b.OverdueAttempts(ctx, b.Campaign, b.now, 10)
	for name, err := range map[string]error{
		"Standing": errStanding, "Attempts": errAttempts, "Start": errStart, "Save": errSave, "Submit": errSubmit,
		"Expire": b.Expire(ctx, p, a.Expired(nil, a.Deadline)), "Correct": b.Correct(ctx, p, 1, quiz.StateWithdrawn), "Stands": errStands, "OverdueAttempts": errOverdue,
	} {
		b.wants(name, err, fault.ErrUnavailable)
	}
	b.same("the attempt", a, b.attempt(p, 1))
}

func submitPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"a submission is stored, told and counted":              submitStores,
		"invariant 2: a repeat changes nothing":                 submitRepeats,
		"without an open attempt nothing is taken":              submitWithoutOpen,
		"only the paper that is open is taken":                  submitAnotherPaper,
		"the best is by score, then less time, then earlier":    bestIsKept,
		"of two that a board cannot tell apart the first stays": firstStays,
		"a fact tells what was best before":                     factsTellBefore,
	}
}

func submitStores(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	if _, err := b.Save(b.Context(), p, 1, quiz.Saved{Revision: 2, Choices: quiz.Choices{1, 0, 0, 0}}); err != nil {
		b.Fatal(err)
	}
	b.pass(90*time.Second + 123*time.Millisecond)
	want := b.finished(a, 70)
	s := b.submit(p, a, 70)
	best := &quiz.Best{Score: 70, Used: 90*time.Second + 123*time.Millisecond, At: b.now, Passed: true}
	b.same("submitted", quiz.Submitted{
		Attempt: want, Fresh: true, Standing: quiz.Standing{Last: 1, Day: "2026-06-10", OnDay: 1, Best: best},
	}, s)
	b.same("read again", want, b.attempt(p, 1))
	b.same("standing", quiz.Standing{Group: "public", Last: 1, Day: "2026-06-10", OnDay: 1, Best: best}, b.standing(p))
	b.same("the fact", []any{event.Submitted{
		Number: 1, StartedAt: a.StartedAt.UnixMilli(), UsedMS: 90_123, Score: 70, MaxScore: 125, Correct: 1, Passed: true,
		ClosedBy: "participant", Bank: a.Paper.Bank, Items: a.Paper.EncodeItems(), Choices: want.Result.Choices.String(),
	}}, b.bodies(p, event.KindSubmitted))
	for _, f := range b.Facts(b.T) {
		if f.Kind == event.KindSubmitted && (!f.First || !f.At.Equal(b.now) || f.Group != "public") {
			b.Errorf("the fact is %+v", f)
		}
	}
}

func submitRepeats(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	b.pass(time.Minute)
	first := b.submit(p, a, 70)
	first.Fresh = false
	for _, score := range []int{70, 120, 0} { // the same, a better and a worse one
		b.pass(time.Hour)
		again, err := b.Submit(b.Context(), p, b.finished(a, score), true)
		b.wants("Submit again", err, nil)
		b.same("submitted again", first, again)
	}
	b.same("the attempt", first.Attempt, b.attempt(p, 1))
	b.told(p, event.KindStarted, event.KindSubmitted)
	// A repeat stays one after others have come.
	b.sits(p, 120, time.Second)
	again, err := b.Submit(b.Context(), p, b.finished(a, 70), true)
	b.wants("Submit after another", err, nil)
	b.same("the first attempt", first.Attempt, again.Attempt)
	if again.Fresh || again.Standing.Last != 2 || again.Standing.Best.Score != 120 {
		b.Errorf("what stands now: %+v, fresh %t", again.Standing, again.Fresh)
	}
}

// submitAnotherPaper: an attempt of that number with another paper or window may have
// been lost since it was marked.
func submitAnotherPaper(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	paper, window := a, a
	paper.Paper.Seed++
	window.Deadline = window.Deadline.Add(time.Millisecond)
	for name, other := range map[string]quiz.Attempt{"another paper": paper, "another window": window} {
		_, err := b.Submit(b.Context(), p, b.finished(other, 70), true)
		b.wants(name, err, quiz.ErrAttemptNotFound)
	}
	b.same("the open attempt", a, b.attempt(p, 1))
	b.told(p, event.KindStarted)
	b.submit(p, a, 70)
}

func submitWithoutOpen(b *bench) {
	p := b.enrolled("p")
	a := b.next()
	a.Number = 1
	_, err := b.Submit(b.Context(), p, b.finished(a, 70), true)
	b.wants("Submit before the start", err, quiz.ErrAttemptNotFound)
	a = b.start(p)
	for _, number := range []int{0, 2} {
		a.Number = number
		_, err = b.Submit(b.Context(), p, b.finished(a, 70), true)
		b.wants("Submit of another number", err, quiz.ErrAttemptNotFound)
	}
	_, err = b.Submit(b.Context(), b.enrolled("q"), b.finished(b.attempt(p, 1), 70), true)
	b.wants("Submit by another", err, quiz.ErrAttemptNotFound)
	_, err = b.Submit(b.Context(), b.person("nobody"), b.finished(b.attempt(p, 1), 70), true)
	b.wants("Submit by who is not enrolled", err, quiz.ErrAttemptNotFound)
	b.told(p, event.KindStarted)
	if st := b.standing(p); st.Best != nil || st.Open == nil {
		b.Errorf("standing %+v", st)
	}
}

func bestIsKept(b *bench) {
	p := b.enrolled("p")
	for _, tc := range []struct {
		score int
		used  time.Duration
		best  int
		in    time.Duration
	}{
		{50, 60 * time.Second, 50, 60 * time.Second},
		{40, 10 * time.Second, 50, 60 * time.Second},
		{50, 61 * time.Second, 50, 60 * time.Second},
		{50, 60 * time.Second, 50, 60 * time.Second}, // as good, and later
		{50, 59900 * time.Millisecond, 50, 59900 * time.Millisecond},
		{125, limit, 125, limit},
		{0, 0, 125, limit},
	} {
		s := b.sits(p, tc.score, tc.used)
		if got := s.Standing.Best; got.Score != tc.best || got.Used != tc.in || got.Passed != (tc.best >= 60) {
			b.Errorf("%d in %v: best is %+v, want %d in %v", tc.score, tc.used, got, tc.best, tc.in)
		}
		b.same("read again", s.Standing.Best, b.standing(p).Best)
		b.pass(time.Minute)
	}
}

// firstStays: a board counts tenths of seconds used and whole seconds of the day.
func firstStays(b *bench) {
	p := b.enrolled("p")
	first := b.sits(p, 50, 1050*time.Millisecond).Standing.Best
	b.pass(-time.Second)
	b.same("best", first, b.sits(p, 50, 1090*time.Millisecond).Standing.Best)
}

func factsTellBefore(b *bench) {
	p := b.enrolled("p")
	for _, score := range []int{50, 40, 70, 60} {
		b.sits(p, score, time.Second)
	}
	var first []bool
	var before []*event.Best
	for _, f := range b.Facts(b.T) {
		if s, ok := f.Body.(event.Submitted); ok {
			first, before = append(first, f.First), append(before, s.Previous)
		}
	}
	b.same("the first act", []bool{true, false, false, false}, first)
	b.same("the best before", []*event.Best{nil, {Score: 50}, {Score: 50}, {Score: 70, Passed: true}}, before)
}

func expirePromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"an attempt expires once and counts for the limits": expires,
		"what was kept does not expire":                     keptDoesNotExpire,
		"an empty answer expires":                           emptyExpires,
		"overdue attempts are listed":                       overdueListed,
	}
}

func expires(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	b.pass(time.Hour)
	for range 3 {
		b.wants("Expire", b.Expire(b.Context(), p, a.Expired(nil, a.Deadline)), nil)
	}
	got := b.attempt(p, 1)
	if got.State != quiz.StateExpired || got.ClosedBy != quiz.ByDeadline || got.Result.Choices != nil || got.Result.Score != 0 {
		b.Errorf("expired: %+v", got)
	}
	b.same("its paper", a.Paper, got.Paper)
	b.same("standing", quiz.Standing{Group: "public", Last: 1, Day: "2026-06-10", OnDay: 1}, b.standing(p))
	_, err := b.Submit(b.Context(), p, b.finished(a, 70), true)
	b.wants("Submit", err, nil)
	b.same("after a late submission", got, b.attempt(p, 1))
	for _, f := range b.Facts(b.T) {
		if f.Kind == event.KindExpired && (f.First || !f.At.Equal(a.Deadline)) {
			b.Errorf("the fact is %+v", f)
		}
	}
	b.told(p, event.KindStarted, event.KindExpired)
	b.start(p)
	b.wants("Expire of the one before", b.Expire(b.Context(), p, a.Expired(nil, a.Deadline)), nil)
	b.same("the next one", quiz.StateOpen, b.attempt(p, 2).State)
}

func keptDoesNotExpire(b *bench) {
	p := b.enrolled("p")
	a := b.start(p)
	if _, err := b.Save(b.Context(), p, 1, quiz.Saved{Revision: 1, Choices: quiz.Choices{1, 0, 0, 0}}); err != nil {
		b.Fatal(err)
	}
	b.pass(time.Hour)
	b.wants("Expire of what it was before", b.Expire(b.Context(), p, a.Expired(nil, a.Deadline)), nil)
	b.same("state", quiz.StateOpen, b.attempt(p, 1).State)
	b.told(p, event.KindStarted)
}

// emptyExpires: keeping an answer without a mark is keeping nothing.
func emptyExpires(b *bench) {
	p := b.enrolled("p")
	b.start(p)
	for revision := range int64(3) {
		if _, err := b.Save(b.Context(), p, 1, quiz.Saved{Revision: revision, Choices: quiz.Choices{0, 0, 0, 0}}); err != nil {
			b.Fatal(err)
		}
	}
	b.pass(time.Hour)
	a := b.attempt(p, 1)
	b.wants("Expire", b.Expire(b.Context(), p, a.Expired(nil, b.now)), nil)
	b.same("state", quiz.StateExpired, b.attempt(p, 1).State)
}

func overdueListed(b *bench) {
	people := b.people(8)
	for _, p := range people {
		b.start(p)
		b.pass(time.Second)
	}
	deadline := Opens().Add(limit)
	for _, tc := range []struct {
		before time.Time
		limit  int
		want   int
	}{
		{deadline, 10, 0}, // the first one's deadline has not passed
		{deadline.Add(time.Millisecond), 10, 1},
		{deadline.Add(3500 * time.Millisecond), 10, 4},
		{deadline.Add(time.Hour), 3, 3},
		{deadline.Add(time.Hour), 0, 0},
		{deadline.Add(time.Hour), 100, 8},
	} {
		got, err := b.OverdueAttempts(b.Context(), b.Campaign, tc.before, tc.limit)
		if err != nil || len(got) != tc.want {
			b.Errorf("%d overdue before +%v, at most %d, %v; want %d", len(got), tc.before.Sub(deadline), tc.limit, err, tc.want)
		}
	}
	b.submit(people[0], b.attempt(people[0], 1), 10)
	a := b.attempt(people[1], 1)
	b.wants("Expire", b.Expire(b.Context(), people[1], a.Expired(nil, b.now)), nil)
	if got, err := b.OverdueAttempts(b.Context(), b.Campaign, deadline.Add(time.Hour), 100); err != nil || len(got) != 6 {
		b.Errorf("%d overdue after two were closed, %v", len(got), err)
	}
}
