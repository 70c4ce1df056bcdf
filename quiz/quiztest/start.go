package quiztest

import (
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/quiz"
)

func startPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"who is not enrolled has no standing and starts nothing": notEnrolled,
		"a start opens the next attempt and tells it once":       startOpens,
		"a start gives back what is open":                        startGivesBack,
		"a start tells of an overdue attempt":                    startTellsOverdue,
		"a start with a number":                                  startWithNumber,
		"limits of a day and in all":                             startLimits,
		"a refused start changes nothing":                        refusedStart,
		"a paper for another group is not opened":                startForGroup,
		"attempts are read newest first":                         attemptsInOrder,
	}
}

func notEnrolled(b *bench) {
	p := b.person("nobody")
	_, err := b.Standing(b.Context(), p)
	b.wants("Standing", err, campaign.ErrRequired)
	_, _, _, err = b.Start(b.Context(), p, b.next(), b.limits(0, 0))
	b.wants("Start", err, campaign.ErrRequired)
	_, err = b.Attempt(b.Context(), p, 1)
	b.wants("Attempt", err, quiz.ErrAttemptNotFound)
	b.told(p)
}

func startOpens(b *bench) {
	p := b.enrolled("p")
	b.same("standing before the first", quiz.Standing{Group: "public"}, b.standing(p))
	want := b.next()
	a, st, outcome, err := b.Start(b.Context(), p, want, b.limits(3, 5))
	if err != nil || outcome != quiz.Started {
		b.Fatalf("Start: %s, %v", outcome, err)
	}
	want.Number = 1
	b.same("the attempt", want, a)
	b.same("standing with it", quiz.Standing{Last: 1, Day: "2026-06-10", OnDay: 1}, st)
	b.same("the attempt read again", want, b.attempt(p, 1))
	b.same("standing read again",
		quiz.Standing{Group: "public", Last: 1, Day: "2026-06-10", OnDay: 1, Open: &want}, b.standing(p))
	b.same("the fact", []any{event.Started{
		Number: 1, Deadline: want.Deadline.UnixMilli(), Bank: want.Paper.Bank,
		Seed: strconv.FormatUint(want.Paper.Seed, 36), Items: want.Paper.EncodeItems(),
	}}, b.bodies(p, event.KindStarted))
}

// bodies are the facts of one kind about a participant, in order.
func (b *bench) bodies(p quiz.Person, kind event.Kind) []any {
	b.Helper()
	var out []any
	for _, f := range b.Facts(b.T) {
		if f.Participant == p.Participant && f.Kind == kind {
			out = append(out, f.Body)
		}
	}
	return out
}

func startGivesBack(b *bench) {
	p := b.enrolled("p")
	first := b.start(p)
	for _, wanted := range []int{0, 1, 2} { // 2: the caller takes the open one for finished
		b.pass(time.Minute)
		l := b.limits(1, 1) // spent, and that does not matter
		l.WantedNumber = wanted
		a, st, outcome, err := b.Start(b.Context(), p, b.next(), l)
		if err != nil || outcome != quiz.AlreadyOpen {
			b.Errorf("Start with number %d: %s, %v", wanted, outcome, err)
		}
		b.same("the open attempt", first, a)
		b.same("its standing", quiz.Standing{Last: 1, Day: "2026-06-10", OnDay: 1}, st)
	}
	saved := quiz.Saved{Revision: 3, Choices: quiz.Choices{1, 0, 2, 0}}
	if _, err := b.Save(b.Context(), p, 1, saved); err != nil {
		b.Fatal(err)
	}
	first.Saved = saved
	a, _, _, err := b.Start(b.Context(), p, b.next(), b.limits(0, 0))
	b.wants("Start", err, nil)
	b.same("with what was kept", first, a)
	b.told(p, event.KindStarted)
}

func startTellsOverdue(b *bench) {
	p := b.enrolled("p")
	first := b.start(p)
	for _, tc := range []struct {
		after time.Duration
		want  quiz.StartOutcome
	}{
		{limit, quiz.AlreadyOpen},
		{limit + grace, quiz.AlreadyOpen},
		{limit + grace + time.Millisecond, quiz.Overdue},
		{24 * time.Hour, quiz.Overdue},
	} {
		b.now = first.StartedAt.Add(tc.after)
		a, _, outcome, err := b.Start(b.Context(), p, b.next(), b.limits(0, 0))
		if err != nil || outcome != tc.want {
			b.Errorf("Start after %v: %s, %v; want %s", tc.after, outcome, err, tc.want)
		}
		b.same("the attempt", first, a)
	}
	b.told(p, event.KindStarted)
}

func startWithNumber(b *bench) {
	p := b.enrolled("p")
	done := b.sits(p, 70, time.Minute).Attempt
	open := b.start(p)
	for _, tc := range []struct {
		wanted int
		want   quiz.StartOutcome
		a      quiz.Attempt
	}{
		{1, quiz.Used, done},
		{2, quiz.AlreadyOpen, open},
		{3, quiz.AlreadyOpen, open},
		{4, quiz.WrongNumber, quiz.Attempt{}},
		{1000, quiz.WrongNumber, quiz.Attempt{}},
	} {
		l := b.limits(0, 0)
		l.WantedNumber = tc.wanted
		a, _, outcome, err := b.Start(b.Context(), p, b.next(), l)
		if err != nil || outcome != tc.want {
			b.Errorf("Start with number %d: %s, %v; want %s", tc.wanted, outcome, err, tc.want)
		}
		b.same("the attempt", tc.a, a)
	}
	b.submit(p, open, 10)
	l := b.limits(0, 0)
	l.WantedNumber = 3
	if a, _, outcome, err := b.Start(b.Context(), p, b.next(), l); err != nil || outcome != quiz.Started || a.Number != 3 {
		b.Errorf("Start with the next number: %d, %s, %v", a.Number, outcome, err)
	}
}

// startLimits counts starts, by the local date the caller gives.
func startLimits(b *bench) {
	p := b.enrolled("p")
	try := func(perDay, all int) quiz.StartOutcome {
		b.Helper()
		a, _, outcome, err := b.Start(b.Context(), p, b.next(), b.limits(perDay, all))
		b.wants("Start", err, nil)
		if outcome == quiz.Started {
			b.submit(p, a, 1)
		}
		return outcome
	}
	for i, want := range []quiz.StartOutcome{quiz.Started, quiz.Started, quiz.DayLimit, quiz.DayLimit} {
		b.same("start of the first day", want, try(2, 3))
		b.pass(time.Duration(i) * time.Second)
	}
	b.pass(24 * time.Hour)
	b.same("the next day", quiz.Started, try(2, 3))
	b.same("all are spent", quiz.AllLimit, try(2, 3))
	b.same("all are spent, a day has no bound", quiz.AllLimit, try(0, 3))
	b.same("a larger limit", quiz.Started, try(2, 10))
	b.same("the day is spent", quiz.DayLimit, try(2, 0))
	b.same("no bound at all", quiz.Started, try(0, 0))
	b.same("standing", 5, b.standing(p).Last)
}

func refusedStart(b *bench) {
	p := b.enrolled("p")
	b.sits(p, 70, time.Minute)
	before, facts := b.standing(p), b.kinds(p)
	beyond := b.limits(0, 0)
	beyond.WantedNumber = 7
	for _, l := range []quiz.Limits{b.limits(1, 0), b.limits(0, 1), beyond} {
		if a, _, outcome, err := b.Start(b.Context(), p, b.next(), l); err != nil || outcome == quiz.Started || a.Number != 0 {
			b.Errorf("Start within %+v: %+v, %s, %v", l, a, outcome, err)
		}
	}
	b.same("standing", before, b.standing(p))
	b.same("facts", facts, b.kinds(p))
}

// startForGroup: the store tells of which group the participant is, and what is
// given back or refused comes before that.
func startForGroup(b *bench) {
	p := b.enrolled("p")
	try := func(group string, perDay int, outcome quiz.StartOutcome, st quiz.Standing) quiz.Attempt {
		b.Helper()
		l := b.limits(perDay, 0)
		l.Group = group
		a, got, is, err := b.Start(b.Context(), p, b.next(), l)
		if err != nil || is != outcome {
			b.Errorf("Start for group %q: %s, %v; want %s", group, is, err, outcome)
		}
		b.same("standing", st, got)
		return a
	}
	for _, group := range []string{"pupils", "publi", "public,", "u1"} {
		b.same("no attempt", quiz.Attempt{}, try(group, 0, quiz.OtherGroup, quiz.Standing{Group: "public"}))
	}
	b.told(p)
	one := quiz.Standing{Last: 1, Day: "2026-06-10", OnDay: 1}
	open := try("public", 1, quiz.Started, one)
	b.same("the open one", open, try("pupils", 1, quiz.AlreadyOpen, one))
	b.submit(p, open, 10)
	try("pupils", 1, quiz.DayLimit, quiz.Standing{})
	b.told(p, event.KindStarted, event.KindSubmitted)
}

func attemptsInOrder(b *bench) {
	p := b.enrolled("p")
	var all []quiz.Attempt
	for range 4 {
		all = append([]quiz.Attempt{b.sits(p, 10*len(all), time.Second).Attempt}, all...)
		b.pass(time.Hour)
	}
	all = append([]quiz.Attempt{b.start(p)}, all...)
	for _, tc := range []struct{ from, limit, first, n int }{
		{5, 10, 0, 5}, {5, 2, 0, 2}, {3, 2, 2, 2}, {1, 2, 4, 1}, {0, 2, 0, 0}, {9, 5, 0, 1}, {9, 2, 0, 0}, {5, 0, 0, 0},
	} {
		got, err := b.Attempts(b.Context(), p, tc.from, tc.limit)
		b.wants("Attempts", err, nil)
		b.same("attempts", all[tc.first:tc.first+tc.n], got)
	}
	for _, number := range []int{-1, 0, 6} {
		_, err := b.Attempt(b.Context(), p, number)
		b.wants("Attempt", err, quiz.ErrAttemptNotFound)
	}
}
