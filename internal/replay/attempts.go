package replay

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/quiz"
)

// started opens an attempt and counts it for the limits, as attempt_start.lua
// does: by the local date of its start.
func (w *walk) started(f *event.Fact, body event.Started) {
	p := &w.life.Person
	if p.Open != nil {
		w.fault(f, "open attempt", "none", p.Open.Number)
	}
	same(w, f, "number", p.Last+1, body.Number)
	day := w.Campaign.Day(f.At)
	if day != p.Day {
		p.OnDay = 0
	}
	p.Last, p.Day = body.Number, day
	if body.Extra {
		p.Extra++
	} else {
		p.OnDay++
	}
	if p.Extra > len(p.Given) {
		w.fault(f, "extra", fmt.Sprintf("at most %d, as were given back", len(p.Given)), p.Extra)
	}

	seed, err := strconv.ParseUint(body.Seed, 36, 64)
	if err != nil {
		w.fault(f, "seed", "a number in base 36", body.Seed)
	}
	p.Open = &quiz.Attempt{
		Number: body.Number, State: quiz.StateOpen,
		Window: quiz.Window{StartedAt: f.At, Deadline: time.UnixMilli(body.Deadline)},
		Paper:  quiz.Paper{Bank: body.Bank, Seed: seed, Items: w.items(f, body.Items)},
	}
}

// granted gives an attempt back, as attempt_give.lua does: once for each act.
func (w *walk) granted(f *event.Fact, body event.Granted) {
	p := &w.life.Person
	if slices.Contains(p.Given, body.Act) {
		w.fault(f, "act", "one that has not given them any", body.Act)
		return
	}
	if body.Number < 1 || body.Number > p.Last {
		w.fault(f, "number", fmt.Sprintf("one of the %d begun", p.Last), body.Number)
	}
	p.Given = append(p.Given, body.Act)
}

func (w *walk) items(f *event.Fact, s string) []quiz.Item {
	items, err := quiz.ParseItems(s)
	if err != nil {
		w.fault(f, "items", "a paper's", s)
	}
	return items
}

// close takes the open attempt of that number; where there is none it makes up
// one of which nothing is known.
func (w *walk) close(f *event.Fact, number int) quiz.Attempt {
	open := w.life.Open
	w.life.Open = nil
	if open == nil {
		w.fault(f, "open attempt", number, "none")
		return quiz.Attempt{Number: number, Window: quiz.Window{StartedAt: f.At, Deadline: f.At}}
	}
	same(w, f, "number", open.Number, number)
	a := *open
	a.Number = number
	return a
}

func (w *walk) expired(f *event.Fact, body event.Expired) {
	a := w.close(f, body.Number)
	same(w, f, "at", a.Due(w.clocks(f, body.Clocks), f.At).UnixMilli(), f.At.UnixMilli())
	a.State, a.ClosedBy, a.Result = quiz.StateExpired, quiz.ByDeadline, quiz.Result{SubmittedAt: f.At}
	w.life.Finished = append(w.life.Finished, a)
}

func (w *walk) submitted(f *event.Fact, body event.Submitted) {
	w.act(f)
	w.previous(f, &body)
	a := w.close(f, body.Number)
	w.sameSitting(f, &a, &body)
	choices, err := quiz.ParseChoices(body.Choices)
	if err != nil {
		w.fault(f, "choices", "a paper's", "something else")
	}
	a.State, a.ClosedBy = quiz.StateSubmitted, quiz.Closer(body.ClosedBy)
	a.Result = quiz.Result{
		Mark:   quiz.Mark{Score: body.Score, MaxScore: body.MaxScore, Correct: body.Correct, Questions: len(a.Paper.Items)},
		Passed: body.Passed, Used: time.Duration(body.UsedMS) * time.Millisecond, SubmittedAt: f.At, Choices: choices,
	}
	w.regrade(f, &a)
	w.accept(f, &body)
	f.Body = body
	w.life.Finished = append(w.life.Finished, a)
}

// sameSitting compares a submission with the start of its attempt.
func (w *walk) sameSitting(f *event.Fact, a *quiz.Attempt, body *event.Submitted) {
	same(w, f, "started", a.StartedAt.UnixMilli(), body.StartedAt)
	same(w, f, "bank", a.Paper.Bank, body.Bank)
	same(w, f, "items", a.Paper.EncodeItems(), body.Items)
	clocks := w.clocks(f, body.Clocks)
	same(w, f, "used", clocks.Ran(time.UnixMilli(body.StartedAt), f.At).Milliseconds(), body.UsedMS)
	if due := a.Due(clocks, f.At); f.At.After(due) {
		w.fault(f, "at", "by "+due.UTC().Format(time.RFC3339Nano), f.At.UTC().Format(time.RFC3339Nano))
	}
}

// clocks returns the campaign's clocks as they were known where the fact was written,
// which is an act behind for a moment at most.
func (w *walk) clocks(f *event.Fact, number int64) campaign.Clocks {
	all := w.Campaign.Clocks
	known := all.As(number)
	if number <= all.Number() {
		same(w, f, "clocks", known.Number(), number)
	}
	for _, a := range all[len(known):] {
		if !f.At.Before(a.At.Add(clocksApart)) {
			w.fault(f, "clocks", a.Number, number)
			break
		}
	}
	return known
}

// previous works out what was before, and corrects what the fact says.
func (w *walk) previous(f *event.Fact, body *event.Submitted) {
	var before *event.Best
	if b := w.best(); b != nil {
		before = &event.Best{Score: b.Score, Passed: b.Passed, Full: b.Full}
	}
	same(w, f, "previous best", bestText(before), bestText(body.Previous))
	same(w, f, "hidden", w.record.Hidden, body.Hidden)
	body.Previous, body.Hidden = before, w.record.Hidden
}

func bestText(b *event.Best) string {
	if b == nil {
		return "none"
	}
	return fmt.Sprintf("%d, passed %t, full %t", b.Score, b.Passed, b.Full)
}

// regrade marks the attempt again from the answers that lie in the ledger.
func (w *walk) regrade(f *event.Fact, a *quiz.Attempt) {
	if w.Quiz == nil || w.Bank == nil {
		return
	}
	b, err := w.Bank(a.Paper.Bank)
	if err != nil {
		w.fault(f, "bank", "a version that can be read", a.Paper.Bank)
		return
	}
	for _, item := range a.Paper.Items {
		if item.Question >= len(b.Questions) {
			w.fault(f, "items", "questions of the bank", item.Question)
			return
		}
	}
	m, err := a.Paper.Grade(b, w.Quiz.Marking, a.Result.Choices)
	if err != nil {
		w.fault(f, "choices", len(a.Paper.Items), len(a.Result.Choices))
		return
	}
	w.life.Regraded++
	same(w, f, "score", m.Score, a.Result.Score)
	same(w, f, "max score", m.MaxScore, a.Result.MaxScore)
	same(w, f, "correct", m.Correct, a.Result.Correct)
	same(w, f, "passed", m.Score >= w.Quiz.PassScore, a.Result.Passed)
}
