package redisstore

import (
	"cmp"
	"fmt"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/rapidtest"
	"qingyuan/quiz"
)

// The rules that the machine's starts ask for.
const (
	machinePerDay = 2
	machineAll    = 4
	machineLimit  = 10 * time.Minute
	machineGrace  = 5 * time.Second
)

// sitter is what the model knows of one participant.
type sitter struct {
	id     string
	st     quiz.Standing // its group is "" before the enrolment
	done   map[int]quiz.Attempt
	signed time.Time
}

// quizMachine holds the quiz' store against a model.
type quizMachine struct {
	*crashes

	people []*sitter
}

func (m *quizMachine) anybody() *sitter { return rapid.SampledFrom(m.people).Draw(m.T, "who") }

func (m *quizMachine) person(p *sitter) quiz.Person { return m.rig.person(p.id) }

// number draws the number of an attempt there is, mostly the newest, or nearly is.
func (m *quizMachine) number(p *sitter) int {
	return max(p.st.Last+rapid.SampledFrom([]int{0, 0, 0, 0, 1, -1, 2}).Draw(m.T, "number"), 0)
}

func (m *quizMachine) choices(n int) quiz.Choices {
	c := make(quiz.Choices, n)
	for i := range c {
		c[i] = rapid.SampledFrom([]quiz.Choice{0, 1, 2, 5}).Draw(m.T, "choice")
	}
	return c
}

// enrol joins as everybody does, once.
func (m *quizMachine) enrol() {
	p := m.anybody()
	e := campaign.Enrolment{Unit: "u1", Group: "public", NoticeVersion: "1", At: noon}
	do(m.crashes, "enrol", func(s server) (string, error) {
		kept, err := s.enrolments.Enrol(m.rig.Context(), m.rig.def.ID, p.id, e, campaign.Personal{})
		return kept.Unit, err
	}, func() answer[string] {
		if p.st.Group == "" {
			p.st.Group = "public"
			m.told[p.id] = append(m.told[p.id], event.Fact{
				Kind: event.KindEnrolled, Participant: p.id, Unit: "u1", Group: "public", At: noon, Body: event.Enrolled{Notice: "1"},
			})
		}
		return answer[string]{Result: "u1"}
	})
}

// started is what a start gives.
type started struct {
	Attempt  quiz.Attempt
	Standing quiz.Standing
	Outcome  quiz.StartOutcome
}

func (m *quizMachine) start() {
	p, now := m.anybody(), m.now
	wanted := m.number(p)
	a := quiz.Attempt{
		Window: quiz.Window{StartedAt: now, Deadline: now.Add(machineLimit)}, State: quiz.StateOpen, Paper: m.paper(),
	}
	limits := quiz.Limits{Day: dayOf("", now), PerDay: machinePerDay, All: machineAll, Grace: machineGrace, WantedNumber: wanted}
	do(m.crashes, "start", func(s server) (started, error) {
		got, st, outcome, err := s.quiz.Start(m.rig.Context(), m.person(p), a, limits)
		return started{got, st, outcome}, err
	}, func() answer[started] {
		if p.st.Group == "" {
			return answer[started]{Code: "enrolment.required"}
		}
		return answer[started]{Result: m.begin(p, a, limits)}
	})
}

func (m *quizMachine) paper() quiz.Paper {
	p := quiz.Paper{Bank: "0123456789ab", Seed: rapid.Uint64().Draw(m.T, "seed")}
	for range rapid.IntRange(1, 3).Draw(m.T, "questions") {
		p.Items = append(p.Items, quiz.Item{Question: rapid.IntRange(0, 500).Draw(m.T, "question"), Points: 5})
	}
	return p
}

// begin is what the model says of a start.
func (m *quizMachine) begin(p *sitter, a quiz.Attempt, l quiz.Limits) started {
	last, wanted := p.st.Last, l.WantedNumber
	limits := func() quiz.Standing { return quiz.Standing{Last: p.st.Last, Day: p.st.Day, OnDay: p.st.OnDay} }
	switch {
	case p.st.Open != nil && (wanted == 0 || wanted >= last && wanted <= last+1):
		if p.st.Open.Overdue(nil, m.now, machineGrace) {
			return started{*p.st.Open, limits(), quiz.Overdue}
		}
		return started{*p.st.Open, limits(), quiz.AlreadyOpen}
	case wanted > 0 && wanted <= last:
		return started{p.done[wanted], quiz.Standing{}, quiz.Used}
	case wanted > last+1:
		return started{Outcome: quiz.WrongNumber}
	case last >= machineAll:
		return started{Outcome: quiz.AllLimit}
	case p.st.Day == l.Day && p.st.OnDay >= machinePerDay:
		return started{Outcome: quiz.DayLimit}
	}
	if p.st.Day != l.Day {
		p.st.Day, p.st.OnDay = l.Day, 0
	}
	p.st.Last, p.st.OnDay = last+1, p.st.OnDay+1
	a.Number = p.st.Last
	p.st.Open = &a
	m.tell(event.KindStarted, p.id, "u1", false, event.Started{
		Number: a.Number, Deadline: a.Deadline.UnixMilli(),
		Bank: a.Paper.Bank, Seed: strconv.FormatUint(a.Paper.Seed, 36), Items: a.Paper.EncodeItems(),
	})
	return started{a, limits(), quiz.Started}
}

// save keeps answers a few times, newer and older ones.
func (m *quizMachine) save() {
	p := m.anybody()
	number := m.number(p)
	for range rapid.IntRange(1, 3).Draw(m.T, "saves") {
		m.saveOnce(p, number, quiz.Saved{Revision: rapid.Int64Range(0, 2).Draw(m.T, "revision"), Choices: m.choices(2)})
	}
}

func (m *quizMachine) saveOnce(p *sitter, number int, s quiz.Saved) {
	do(m.crashes, "save", func(one server) (quiz.Saved, error) {
		return one.quiz.Save(m.rig.Context(), m.person(p), number, s)
	}, func() answer[quiz.Saved] {
		open := p.st.Open
		if open == nil || open.Number != number {
			return answer[quiz.Saved]{Code: "quiz.submitted"}
		}
		if open.Saved.Choices == nil || s.Revision > open.Saved.Revision {
			open.Saved = s
		}
		return answer[quiz.Saved]{Result: open.Saved}
	})
}

// submit hands in what is open, or what is not.
func (m *quizMachine) submit() {
	p, now := m.anybody(), m.now
	var a quiz.Attempt
	if p.st.Open != nil {
		a = *p.st.Open
	} else {
		a = quiz.Attempt{Window: quiz.Window{StartedAt: now, Deadline: now}, Paper: m.paper()}
	}
	a.Number, a.Saved = m.number(p), quiz.Saved{}
	a.State, a.ClosedBy = quiz.StateSubmitted, quiz.ByParticipant
	score := rapid.IntRange(0, 4).Draw(m.T, "score") * 25
	a.Result = quiz.Result{
		Mark:   quiz.Mark{Score: score, MaxScore: 100, Correct: score / 25, Questions: len(a.Paper.Items)},
		Passed: score >= 50, Used: min(now.Sub(a.StartedAt), machineLimit), SubmittedAt: now, Choices: m.choices(len(a.Paper.Items)),
	}
	do(m.crashes, "submit", func(one server) (quiz.Submitted, error) {
		return one.quiz.Submit(m.rig.Context(), m.person(p), a, true)
	}, func() answer[quiz.Submitted] { return m.accept(p, a) })
}

// accept is what the model says of a submission.
func (m *quizMachine) accept(p *sitter, a quiz.Attempt) answer[quiz.Submitted] {
	kept, finished := p.done[a.Number]
	if !finished && (p.st.Open == nil || p.st.Open.Number != a.Number) {
		return answer[quiz.Submitted]{Code: "quiz.attempt_not_found"}
	}
	if !finished {
		m.keep(p, a)
		kept = a
	}
	st := quiz.Standing{Last: p.st.Last, Day: p.st.Day, OnDay: p.st.OnDay, Best: p.st.Best}
	return answer[quiz.Submitted]{Result: quiz.Submitted{Attempt: kept, Fresh: !finished, Standing: st, Above: m.above(p)}}
}

func (m *quizMachine) keep(p *sitter, a quiz.Attempt) {
	var before *event.Best
	first := p.st.Best == nil
	if !first {
		before = &event.Best{Score: p.st.Best.Score, Passed: p.st.Best.Passed, Full: p.st.Best.Full}
	}
	r := a.Result
	best := quiz.Best{Score: r.Score, Used: r.Used, At: r.SubmittedAt, Passed: r.Passed, Full: r.Score == r.MaxScore}
	if first || rivals(best, *p.st.Best) < 0 {
		p.st.Best = &best
	}
	p.st.Open, p.done[a.Number] = nil, a
	m.tell(event.KindSubmitted, p.id, "u1", first && p.signed.IsZero(), event.Submitted{
		Number: a.Number, StartedAt: a.StartedAt.UnixMilli(), UsedMS: r.Used.Milliseconds(), Score: r.Score, MaxScore: r.MaxScore,
		Correct: r.Correct, Passed: r.Passed, ClosedBy: string(a.ClosedBy), Bank: a.Paper.Bank, Items: a.Paper.EncodeItems(),
		Choices: r.Choices.String(), Previous: before,
	})
}

// rivals orders bests as finely as a board does; negative where a is the better.
func rivals(a, b quiz.Best) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Used/(100*time.Millisecond), b.Used/(100*time.Millisecond)),
		cmp.Compare(a.At.Unix(), b.At.Unix()))
}

// above counts who stands above p; nobody does where p has no best.
func (m *quizMachine) above(p *sitter) int64 {
	n := int64(0)
	for _, other := range m.people {
		if p.st.Best != nil && other.st.Best != nil && rivals(*other.st.Best, *p.st.Best) < 0 {
			n++
		}
	}
	if p.st.Best == nil {
		return -1
	}
	return n
}

// expire closes what is open, sometimes by a server that has not seen the newest
// answers kept.
func (m *quizMachine) expire() {
	p := m.anybody()
	if p.st.Open == nil {
		return
	}
	seen := *p.st.Open
	if rapid.Bool().Draw(m.T, "stale") {
		seen.Saved = quiz.Saved{}
	}
	do(m.crashes, "expire", func(one server) (string, error) {
		return "", one.quiz.Expire(m.rig.Context(), m.person(p), seen.Expired(nil, m.now))
	}, func() answer[string] {
		if p.st.Open == nil || packSaved(p.st.Open.Saved) != packSaved(seen.Saved) {
			return answer[string]{}
		}
		a := *p.st.Open
		a.State, a.ClosedBy, a.Saved = quiz.StateExpired, quiz.ByDeadline, quiz.Saved{}
		a.Result = quiz.Result{Mark: quiz.Mark{Questions: len(a.Paper.Items)}, SubmittedAt: a.Deadline}
		p.st.Open, p.done[a.Number] = nil, a
		m.told[p.id] = append(m.told[p.id], event.Fact{
			Kind: event.KindExpired, Participant: p.id, Unit: "u1", Group: "public", At: a.Deadline, Body: event.Expired{Number: a.Number},
		})
		return answer[string]{}
	})
}

// correct lets an attempt count no more, or again.
func (m *quizMachine) correct() {
	p, now := m.anybody(), m.now
	number := m.number(p)
	to := rapid.SampledFrom([]quiz.State{quiz.StateInvalidated, quiz.StateWithdrawn, quiz.StateSubmitted}).Draw(m.T, "to")
	if !p.done[number].State.Accepted() || p.done[number].State == to {
		return // TestCorrectionsOfNothing
	}
	do(m.crashes, "correct", func(one server) (string, error) {
		one.world.is(now)
		return "", one.quiz.Correct(m.rig.Context(), m.person(p), number, to)
	}, func() answer[string] {
		a, ok := p.done[number]
		switch {
		case !ok || !a.State.Accepted():
			return answer[string]{Code: "quiz.attempt_not_found"}
		case a.State != to:
			kind, _ := correctionTo(to)
			m.tell(kind, p.id, "u1", false, p.corrected(number))
			a.State = to
			p.done[number] = a
			p.recount()
		}
		return answer[string]{}
	})
}

// remark gives an accepted attempt other marks.
func (m *quizMachine) remark() {
	p, now := m.anybody(), m.now
	number := m.number(p)
	a := p.done[number]
	if !a.State.Accepted() {
		return // TestPlacesMachine
	}
	score := rapid.IntRange(0, 4).Draw(m.T, "new score") * 25
	r := act.Remark{
		Act: act.Act{Participant: p.id, Number: number}, From: marksOf(&a.Result),
		To: act.Marks{Score: score, MaxScore: 100, Correct: min(score/25, len(a.Paper.Items)), Passed: score >= 50},
	}
	if r.From == r.To {
		return // TestPlacesMachine: nothing is written
	}
	turn := act.Turn{Batch: "challenge", Number: 1}
	corrections := func(one server) *Corrections { return NewCorrections(one.campaigns, one.world.define, one.world.now) }
	if err := corrections(m.rig.server).Begin(m.rig.Context(), m.rig.def.ID, turn); err != nil {
		m.Fatal(err)
	}
	do(m.crashes, "remark", func(one server) (act.Marks, error) {
		one.world.is(now)
		return corrections(one).Remark(m.rig.Context(), m.rig.def.ID, turn, r)
	}, func() answer[act.Marks] {
		if a := p.done[number]; marksOf(&a.Result) != r.To {
			whole := p.corrected(number)
			whole.Batch = turn.Batch
			m.tell(event.KindRemarked, p.id, "u1", false, event.Remarked{Corrected: whole, Before: event.Marks(r.From), After: event.Marks(r.To)})
			a.Result.Score, a.Result.Correct, a.Result.Passed = r.To.Score, r.To.Correct, r.To.Passed
			p.done[number] = a
			p.recount()
		}
		return answer[act.Marks]{Result: r.To}
	})
}

// corrected is what a correction says of what was before.
func (p *sitter) corrected(number int) event.Corrected {
	body := event.Corrected{Number: number}
	for n := 1; n <= p.st.Last; n++ {
		if a, ok := p.done[n]; ok && a.State.Accepted() {
			body.Attempts = append(body.Attempts, counted(&a))
		}
	}
	if !p.signed.IsZero() {
		body.SignedAt = p.signed.UnixMilli()
	}
	return body
}

// recount finds the best of the attempts that count.
func (p *sitter) recount() {
	p.st.Best = nil
	for n := 1; n <= p.st.Last; n++ {
		a, ok := p.done[n]
		if !ok || a.State != quiz.StateSubmitted {
			continue
		}
		r := a.Result
		best := quiz.Best{Score: r.Score, Used: r.Used, At: r.SubmittedAt, Passed: r.Passed, Full: r.Score == r.MaxScore}
		if p.st.Best == nil || rivals(best, *p.st.Best) < 0 {
			p.st.Best = &best
		}
	}
}

// sign makes the first act of some another one than a submission.
func (m *quizMachine) sign() {
	p, now := m.anybody(), m.now
	do(m.crashes, "sign", func(one server) (bool, error) {
		_, fresh, err := one.signatures.Sign(m.rig.Context(), m.rig.def.ID, p.id, signature(now), campaign.Personal{})
		return fresh, err
	}, func() answer[bool] {
		fresh := p.signed.IsZero()
		switch {
		case p.st.Group == "":
			return answer[bool]{Code: "enrolment.required"}
		case fresh:
			p.signed = now
			s := signature(now)
			m.tell(event.KindSigned, p.id, "u1", p.st.Best == nil, event.Signed{Version: s.Version, TextSHA256: s.TextSHA256, Method: string(s.Method)})
		}
		return answer[bool]{Result: fresh}
	})
}

// check reads everything that can be read.
func (m *quizMachine) check() {
	overdue := map[string]bool{}
	for _, p := range m.people {
		m.checkSitter(p)
		if p.st.Open != nil && p.st.Open.Deadline.Before(m.now) {
			overdue[p.id] = true
		}
	}
	list, err := m.rig.quiz.OverdueAttempts(m.rig.Context(), m.rig.def.ID, m.now, 100)
	got := map[string]bool{}
	for _, p := range list {
		got[p.Participant] = true
	}
	if diff := gocmp.Diff(overdue, got); err != nil || diff != "" {
		m.Fatalf("overdue: %v (-model +program):\n%s", err, diff)
	}
}

func (m *quizMachine) checkSitter(p *sitter) {
	st, err := m.rig.quiz.Standing(m.rig.Context(), m.person(p))
	if p.st.Group == "" {
		if err == nil {
			m.Fatalf("%s is not enrolled and stands at %+v", p.id, st)
		}
		return
	}
	if diff := gocmp.Diff(p.st, st, cmpopts.EquateEmpty()); err != nil || diff != "" {
		m.Fatalf("standing of %s: %v (-model +program):\n%s", p.id, err, diff)
	}
	var want []quiz.Attempt
	for n := p.st.Last; n > 0; n-- {
		if a, ok := p.done[n]; ok {
			want = append(want, a)
		} else {
			want = append(want, *p.st.Open)
		}
	}
	list, err := m.rig.quiz.Attempts(m.rig.Context(), m.person(p), p.st.Last, 100)
	if diff := gocmp.Diff(want, list, cmpopts.EquateEmpty()); err != nil || diff != "" {
		m.Fatalf("attempts of %s: %v (-model +program):\n%s", p.id, err, diff)
	}
}

// TestQuizMachine runs the quiz' store beside a model through crashes, lost
// answers, repeats and several servers. Every answer, every reading and every
// fact, field by field, must be what the model says: invariants 2, 3 and 4.
func TestQuizMachine(t *testing.T) {
	t.Parallel()
	open := crashing(t, 4)
	rapid.Check(t, rapidtest.OneIn(4, func(rt *rapid.T) {
		m := &quizMachine{crashes: open(rt)}
		for i := range 3 {
			m.people = append(m.people, &sitter{id: fmt.Sprint("p", i), done: map[int]quiz.Attempt{}})
		}
		m.repeat([]func(){
			m.enrol, m.enrol, m.start, m.start, m.start, m.save, m.save, m.submit, m.submit, m.correct, m.remark, m.sign, m.expire, m.pass,
		}, m.check)
		m.wantFacts()
	}))
}
