package redisstore

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/rapidtest"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// The rules of the campaign that the model knows.
const (
	modelLimit  = 10 * time.Minute
	modelGrace  = 5 * time.Second
	modelPerDay = 2
	modelAll    = 5
	modelPass   = 50
	modelPoints = 25 // for each of four questions
)

// sitting is what the model knows of an attempt.
type sitting struct {
	state    quiz.State
	by       quiz.Closer
	start    time.Time
	deadline time.Time // as it was started
	// left is how long its clock still has to run, and due when it came to nought.
	left     time.Duration
	due      time.Time
	right    int   // of a submitted attempt
	saved    int   // right answers kept; -1 for none at all
	revision int64 // of what was kept; -1 before
	used     time.Duration
	at       time.Time
	extra    bool // out of those that were given back
}

func (a *sitting) overdue(now time.Time) bool {
	return a.state == quiz.StateOpen && a.left == 0 && now.After(a.due.Add(modelGrace))
}

// somebody is what the model knows of a person.
type somebody struct {
	id       string
	unit     string // "" before they enrolled
	sittings []*sitting
	signed   bool
	given    []string // acts that gave them an attempt back
}

func (p *somebody) open() *sitting {
	if n := len(p.sittings); n > 0 && p.sittings[n-1].state == quiz.StateOpen {
		return p.sittings[n-1]
	}
	return nil
}

func (p *somebody) acted() bool { return p.signed || p.best() != nil }

// best is the first of the best attempts.
func (p *somebody) best() *sitting {
	var top *sitting
	for _, a := range p.sittings {
		if a.state == quiz.StateSubmitted && (top == nil || compare(a, top) < 0) {
			top = a
		}
	}
	return top
}

// compare orders attempts by score, then less time, then earlier, as finely as a
// board does.
func compare(a, b *sitting) int {
	return cmp.Or(cmp.Compare(b.right, a.right),
		cmp.Compare(a.used/(100*time.Millisecond), b.used/(100*time.Millisecond)), cmp.Compare(a.at.Unix(), b.at.Unix()))
}

// startedOn counts the attempts begun on a local date, without those given back.
func (p *somebody) startedOn(day string) int {
	n := 0
	for _, a := range p.sittings {
		if dayOf("", a.start) == day && !a.extra {
			n++
		}
	}
	return n
}

// extras counts the attempts begun of those given back.
func (p *somebody) extras() int {
	n := 0
	for _, a := range p.sittings {
		if a.extra {
			n++
		}
	}
	return n
}

// world is the model beside the program: people, a clock, and the services.
type world struct {
	*rapid.T
	rig     *rig
	now     time.Time
	stops   []campaign.Stop
	people  []*somebody
	bank    *quiz.Bank
	quizzes quiz.Service
	enrols  campaign.Service
	pledges pledge.Service
}

func newWorld(t *rapid.T, r *rig) *world {
	w := &world{T: t, rig: r, now: noon}
	for i := range 4 {
		w.people = append(w.people, &somebody{id: base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("person-%05d", i)))})
	}
	var questions []quiz.Question
	for i := range 4 {
		questions = append(questions, quiz.Question{
			ID: fmt.Sprint("q", i), Kind: quiz.Single, Audience: []string{"all"}, ValidFrom: "2020-01-01",
			Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}}, Key: 1 << (i % 3),
		})
	}
	var err error
	if w.bank, err = quiz.NewBank("model", questions); err != nil {
		t.Fatal(err)
	}
	serials, err := pledge.NewSerials(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	w.quizzes = quiz.Service{Catalog: w, Store: r.quiz, IDKey: make([]byte, 32), Now: clock}
	w.enrols = campaign.Service{Catalog: catalog{r.def}, Store: r.enrolments, Now: clock}
	w.pledges = pledge.Service{Catalog: w, Store: r.signatures, Serials: serials, Now: clock}
	return w
}

// The catalogs of the world.
func (w *world) Quiz(string) (quiz.Offer, error) {
	return quiz.Offer{Campaign: w.rig.def, Bank: w.bank, Rules: &quiz.Rules{
		Strata: []quiz.Stratum{{Count: 4, Points: modelPoints}}, TimeLimit: modelLimit, Grace: modelGrace,
		AttemptsPerDay: modelPerDay, AttemptsInAll: modelAll, PassScore: modelPass, Review: quiz.ReviewNever,
	}}, nil
}

func (w *world) Bank(context.Context, string) (*quiz.Bank, error) { return w.bank, nil }

func (w *world) Pledge(string) (pledge.Offer, error) {
	return pledge.Offer{Campaign: w.rig.def, Prefix: "M", Versions: []pledge.Version{
		{Version: "1", Text: campaign.Text{"zh-CN": "承诺"}, Methods: []pledge.Method{pledge.Typed}},
	}}, nil
}

func (w *world) CampaignByPrefix(string) (string, bool) { return w.rig.def.ID, true }

func (w *world) anybody() *somebody { return rapid.SampledFrom(w.people).Draw(w.T, "who") }

func (w *world) over() bool { return !w.now.Before(w.rig.def.ClosesAt) }

// expects compares what the program answered with what the model says, by the
// fault's code; "" is no fault.
func (w *world) expects(what, want string, err error) {
	got := ""
	if err != nil {
		got = fault.From(err).Code
	}
	if got != want {
		w.Fatalf("%s: %v, the model says %q", what, err, want)
	}
}

// choices are right for the first questions and left out for the rest.
func (w *world) choices(p *quiz.Paper, right int) quiz.Answers {
	c := make(quiz.Choices, len(p.Items))
	for i := range max(right, 0) {
		c[i] = w.bank.Questions[p.Items[i].Question].Key
	}
	answers, err := p.Write(w.bank, c)
	if err != nil {
		w.Fatal(err)
	}
	return answers
}

func (w *world) right() int { return rapid.IntRange(0, 4).Draw(w.T, "right") }

func (w *world) pass() {
	to := w.now.Add(rapid.SampledFrom([]time.Duration{
		30 * time.Millisecond, time.Second, 3 * time.Second, 7 * time.Minute, modelLimit, modelLimit + modelGrace, 9 * time.Hour, 5 * 24 * time.Hour,
	}).Draw(w.T, "time"))
	for w.now.Before(to) {
		next, stands := to, false
		for _, s := range w.stops {
			for _, edge := range []time.Time{s.From, s.Until} {
				if edge.After(w.now) && edge.Before(next) {
					next = edge
				}
			}
			stands = stands || !w.now.Before(s.From) && w.now.Before(s.Until)
		}
		if !stands {
			w.tick(next.Sub(w.now))
		}
		w.now = next
	}
}

// tick lets the clocks of everybody who is under way run.
func (w *world) tick(d time.Duration) {
	for _, p := range w.people {
		a := p.open()
		if a == nil || a.left == 0 {
			continue
		}
		ran := min(d, a.left)
		a.used += ran
		if a.left -= ran; a.left == 0 {
			a.due = w.now.Add(ran)
		}
	}
}

// clocks stops the clocks, or lets them run.
func (w *world) clocks() {
	def := w.rig.def
	from, number := w.now.Add(campaign.ClocksNotice), def.Clocks.Number()+1
	if rapid.Bool().Draw(w.T, "run") {
		if def.Clocks = def.Clocks.Run(number, w.now); w.standsAt(from) {
			w.stops[len(w.stops)-1].Until = from
		}
		return
	}
	var until time.Time
	if minutes := rapid.IntRange(0, 9).Draw(w.T, "minutes"); minutes > 0 {
		until = w.now.Add(time.Duration(minutes) * time.Minute)
	}
	c, err := def.Clocks.Stop(number, w.now, until)
	if err != nil {
		w.Fatal(err)
	}
	def.Clocks = c
	switch stands := w.standsAt(from); {
	case !stands && until.IsZero():
		w.stops = append(w.stops, campaign.Stop{From: from, Until: from.Add(24 * time.Hour)})
	case !stands:
		w.stops = append(w.stops, campaign.Stop{From: from, Until: until})
	case !until.IsZero():
		w.stops[len(w.stops)-1].Until = until
	}
}

// standsAt tells whether the newest stop goes on at a moment.
func (w *world) standsAt(at time.Time) bool {
	return len(w.stops) > 0 && at.Before(w.stops[len(w.stops)-1].Until)
}

// extend moves the close, and gives those the rest of their time whom it cut short.
func (w *world) extend() {
	def := w.rig.def
	closes := def.ClosesAt.Add(time.Duration(rapid.IntRange(1, 15).Draw(w.T, "later")) * time.Minute)
	if w.over() || closes.After(noon.AddDate(0, 0, 12)) {
		return
	}
	was := def.ClosesAt
	def.Clocks = def.Clocks.MoveClose(def.Clocks.Number()+1, w.now, was, closes, modelLimit)
	def.ClosesAt = closes
	if was.Sub(w.now) < campaign.ClocksNotice {
		return
	}
	for _, p := range w.people {
		if a := p.open(); a != nil && a.deadline.Equal(was) {
			a.left -= a.deadline.Sub(a.start)
			if a.deadline = a.start.Add(modelLimit); a.deadline.After(closes) {
				a.deadline = closes
			}
			a.left += a.deadline.Sub(a.start)
		}
	}
}

func (w *world) enrol() {
	p, unit := w.anybody(), rapid.SampledFrom([]string{"u1", "u3", campaign.Unassigned}).Draw(w.T, "unit")
	request := campaign.Request{Unit: unit, Group: "public", NoticeVersion: "1", Name: "张小三"}
	if unit == campaign.Unassigned {
		request.Unit = ""
	}
	_, err := w.enrols.Enrol(w.rig.Context(), w.rig.def.ID, p.id, request)
	switch {
	case w.over() && unit != p.unit:
		w.expects("enrol", "campaign.closed", err)
	case p.acted() && unit != p.unit:
		w.expects("move", "enrolment.unit_fixed", err)
	default:
		w.expects("enrol", "", err)
		p.unit = unit
	}
}

// handIn closes an attempt as the deadline does.
func (a *sitting) handIn() {
	a.by, a.state = quiz.ByDeadline, quiz.StateExpired
	if a.saved > 0 {
		a.state, a.right, a.at = quiz.StateSubmitted, a.saved, a.due
	}
}

// start tries any number, and learns from the model what it must lead to.
func (w *world) start() {
	p, number := w.anybody(), rapid.IntRange(0, modelAll+1).Draw(w.T, "number")
	r, fresh, err := w.quizzes.Start(w.rig.Context(), w.rig.def.ID, p.id, number)
	last := len(p.sittings)
	if a := p.open(); a != nil && (number == 0 || number == last || number == last+1 && !w.over()) {
		if !a.overdue(w.now) {
			w.started("the open attempt", r, err, fresh, last, false)
			return
		}
		a.handIn()
	}
	switch {
	case p.unit == "":
		w.expects("start", "enrolment.required", err)
	case number > 0 && number <= last:
		w.started("a finished attempt", r, err, fresh, number, false)
	case w.over():
		w.expects("start", "campaign.closed", err)
	case number > last+1:
		w.expects("start", "request.invalid", err)
	case p.spent(w.now) && p.extras() >= len(p.given):
		w.expects("start", "quiz.limit_reached", err)
	default:
		w.started("a new attempt", r, err, fresh, last+1, true)
		a := &sitting{
			state: quiz.StateOpen, start: w.now, deadline: w.now.Add(modelLimit), saved: -1, revision: -1, extra: p.spent(w.now),
		}
		if a.deadline.After(w.rig.def.ClosesAt) {
			a.deadline = w.rig.def.ClosesAt
		}
		a.left = a.deadline.Sub(a.start)
		p.sittings = append(p.sittings, a)
	}
}

// spent tells whether the limits leave nothing.
func (p *somebody) spent(now time.Time) bool {
	return len(p.sittings)-p.extras() >= modelAll || p.startedOn(dayOf("", now)) >= modelPerDay
}

// give gives an attempt back, for one of two acts.
func (w *world) give() {
	p, number := w.anybody(), rapid.IntRange(1, 3).Draw(w.T, "number")
	t := act.Turn{Batch: rapid.SampledFrom([]string{"A", "AB"}).Draw(w.T, "act"), Number: 1}
	store := NewCorrections(w.rig.campaigns, nil, func() time.Time { return w.now })
	if err := store.Begin(w.rig.Context(), w.rig.def.ID, t); err != nil {
		w.Fatal(err)
	}
	got, err := store.Give(w.rig.Context(), w.rig.def.ID, t, act.Act{Participant: p.id, Number: number})
	want := act.Given
	switch {
	case number > len(p.sittings):
		if !errors.Is(err, act.ErrNone) {
			w.Fatalf("give back what was never begun: %s, %v", got, err)
		}
		return
	case p.sittings[number-1].by == quiz.ByParticipant:
		want = act.Finished
	case slices.Contains(p.given, t.Batch):
		want = act.Had
	default:
		p.given = append(p.given, t.Batch)
	}
	if err != nil || got != want {
		w.Fatalf("give: %s, %v; the model says %s", got, err, want)
	}
}

func (w *world) started(what string, r quiz.Receipt, err error, fresh bool, number int, wantFresh bool) {
	if err != nil || r.Attempt.Number != number || fresh != wantFresh {
		w.Fatalf("%s: number %d, fresh %t, %v; the model says %d", what, r.Attempt.Number, fresh, err, number)
	}
}

// paper finds the paper of a person's newest attempt without touching it.
func (w *world) paper(p *somebody) (string, *quiz.Paper, bool) {
	views, _, err := w.quizzes.Attempts(w.rig.Context(), w.rig.def.ID, p.id, len(p.sittings), 1)
	if err != nil || len(views) == 0 {
		return "", nil, false
	}
	return views[0].ID, &views[0].Attempt.Paper, true
}

func (w *world) save() {
	p, right, revision := w.anybody(), w.right(), rapid.Int64Range(0, 4).Draw(w.T, "revision")
	id, paper, ok := w.paper(p)
	if !ok {
		return
	}
	a := p.sittings[len(p.sittings)-1]
	_, _, err := w.quizzes.Save(w.rig.Context(), w.rig.def.ID, p.id, id, revision, w.choices(paper, right))
	if a.overdue(w.now) {
		a.handIn()
	}
	switch {
	case a.state == quiz.StateSubmitted && a.by == quiz.ByParticipant:
		w.expects("save", "quiz.submitted", err)
	case a.state != quiz.StateOpen || a.overdue(w.now):
		w.expects("save", "quiz.expired", err)
	default:
		w.expects("save", "", err)
		if revision > a.revision {
			a.revision, a.saved = revision, right
		}
	}
}

// submit hands the newest attempt in, also again, and also with other answers.
func (w *world) submit() {
	p, right := w.anybody(), w.right()
	id, paper, ok := w.paper(p)
	if !ok {
		return
	}
	a := p.sittings[len(p.sittings)-1]
	r, err := w.quizzes.Submit(w.rig.Context(), w.rig.def.ID, p.id, id, w.choices(paper, right))
	if a.overdue(w.now) {
		a.handIn()
	}
	switch {
	case a.state == quiz.StateOpen:
		w.expects("submit", "", err)
		a.state, a.by, a.right, a.at = quiz.StateSubmitted, quiz.ByParticipant, right, w.now
		if a.left == 0 {
			a.at = a.due
		}
	case a.state == quiz.StateSubmitted && a.right == right:
		w.expects("submit again", "", err)
	case a.by == quiz.ByDeadline:
		w.expects("submit too late", "quiz.expired", err)
	default:
		w.expects("submit another", "quiz.submitted", err)
	}
	if err == nil {
		w.receipt(p, a, r)
	}
}

// receipt compares a receipt with the attempt of the model.
func (w *world) receipt(p *somebody, a *sitting, r quiz.Receipt) {
	res := r.Attempt.Result
	if res.Score != a.right*modelPoints || res.Used != a.used || !res.SubmittedAt.Equal(a.at) || r.Attempt.ClosedBy != a.by {
		w.Fatalf("receipt %+v by %s, the model says %+v", res, r.Attempt.ClosedBy, a)
	}
	w.standing(p, r.Best, r.Rank)
}

// standing compares best and rank.
func (w *world) standing(p *somebody, best *quiz.Best, rank int64) {
	top := p.best()
	if (best == nil) != (top == nil) {
		w.Fatalf("best of %s is %+v, the model says %+v", p.id, best, top)
	}
	if top == nil {
		return
	}
	want := quiz.Best{Score: top.right * modelPoints, Used: top.used, At: top.at, Passed: top.right*modelPoints >= modelPass, Full: top.right == 4}
	if diff := gocmp.Diff(want, *best); diff != "" {
		w.Fatalf("best of %s (-model +program):\n%s", p.id, diff)
	}
	above := int64(0)
	for _, other := range w.people {
		if b := other.best(); b != nil && compare(b, top) < 0 {
			above++
		}
	}
	if rank != above+1 {
		w.Fatalf("rank of %s is %d, the model says %d", p.id, rank, above+1)
	}
}

func (w *world) sign() {
	p := w.anybody()
	_, fresh, err := w.pledges.Sign(w.rig.Context(), w.rig.def.ID, p.id, pledge.Request{Version: "1", Method: pledge.Typed, Name: "张小三"})
	switch {
	case w.over() && !p.signed:
		w.expects("sign", "campaign.closed", err)
	case p.unit == "":
		w.expects("sign", "enrolment.required", err)
	default:
		w.expects("sign", "", err)
		if fresh == p.signed {
			w.Fatalf("sign: fresh %t, the model says %t", fresh, !p.signed)
		}
		p.signed = true
	}
}

func (w *world) sweep() {
	want := 0
	for _, p := range w.people {
		if a := p.open(); a != nil && a.overdue(w.now) {
			a.handIn()
			want++
		}
	}
	if n, err := w.quizzes.HandInOverdue(w.rig.Context(), w.rig.def.ID, 100); err != nil || n != want {
		w.Fatalf("HandInOverdue = %d, %v; the model says %d", n, err, want)
	}
}

// fold folds, and compares the counts of every unit.
func (w *world) fold() {
	w.rig.foldAll()
	t, err := w.rig.boards.Tallies(w.rig.Context(), w.rig.def.ID)
	if err != nil {
		w.Fatal(err)
	}
	for _, unit := range []string{"u1", "u3", campaign.Unassigned} {
		var want leaderboard.Counts
		for _, p := range w.people {
			if p.unit == unit {
				want = want.Add(p.counts())
			}
		}
		if want.Participants > 0 && unit != campaign.Unassigned {
			want.Active = 1
		}
		got := leaderboard.SumOver(w.rig.def.Tree, t.All().Cells, unit)
		if diff := gocmp.Diff(want, got); diff != "" {
			w.Fatalf("counts of %s (-model +program):\n%s", unit, diff)
		}
	}
}

// counts are what one person adds to the figures.
func (p *somebody) counts() leaderboard.Counts {
	c := leaderboard.Counts{Enrolled: 1}
	for _, a := range p.sittings {
		if a.state == quiz.StateSubmitted {
			c.Attempts++
		}
	}
	if p.signed {
		c.Signatures = 1
	}
	if p.acted() {
		c.Participants = 1
	}
	if top := p.best(); top != nil {
		c.Scored, c.Score = 1, int64(top.right*modelPoints)
		if c.Score >= modelPass {
			c.Passed = 1
		}
		if top.right == 4 {
			c.Full = 1
		}
	}
	return c
}

// dueOf is when an attempt's time would be over if no clock stood from now on.
func (w *world) dueOf(a *sitting) time.Time {
	switch {
	case a == nil:
		return time.Time{}
	case a.left == 0:
		return a.due
	}
	return w.now.Add(a.left)
}

// check looks at everybody's home page after each act.
func (w *world) check() {
	for _, p := range w.people {
		h, err := w.quizzes.Home(w.rig.Context(), w.rig.def.ID, p.id)
		if err != nil {
			w.Fatal(err)
		}
		all := max(modelAll+len(p.given)-len(p.sittings), 0)
		today := min(max(modelPerDay-p.startedOn(dayOf("", w.now)), 0)+len(p.given)-p.extras(), all)
		if *h.Left.Today != today || *h.Left.All != all {
			w.Fatalf("%s has %d left today of %d, the model says %d of %d", p.id, *h.Left.Today, *h.Left.All, today, all)
		}
		a := p.open()
		if running := a != nil && !a.overdue(w.now); running != (h.OpenID != "") || running && !h.OpenDeadline.Equal(w.dueOf(a)) {
			w.Fatalf("%s has the attempt %q open until %s, the model says %t, %s", p.id, h.OpenID, h.OpenDeadline, running, w.dueOf(a))
		}
		w.standing(p, h.Best, h.Rank)
	}
}

// TestModel runs random acts of four people beside a model of a few lines. Limits,
// deadlines, bests, ranks and counts must be the same, on one shard and on four.
func TestModel(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		open := suiteOn(t, shards)
		rapid.Check(t, rapidtest.OneIn(3, func(rt *rapid.T) {
			w := newWorld(rt, open(t))
			w.rig.def.ClosesAt = noon.AddDate(0, 0, 10)
			act := func(f func()) func(*rapid.T) {
				return func(rt *rapid.T) { w.T = rt; f() }
			}
			rt.Repeat(map[string]func(*rapid.T){
				"enrol": act(w.enrol), "start": act(w.start), "start too": act(w.start), "save": act(w.save), "submit": act(w.submit),
				"submit too": act(w.submit), "sign": act(w.sign), "pass": act(w.pass), "sweep": act(w.sweep), "fold": act(w.fold), "give": act(w.give),
				"clocks": act(w.clocks), "extend": act(w.extend),
				"": act(w.check),
			})
			w.sweep()
			w.fold()
			w.finalBoard()
			w.rig.allFacts() // gapless
		}))
	})
}

// finalBoard compares the board with a sort of everybody.
func (w *world) finalBoard() {
	var want []string
	ranked := slices.Clone(w.people)
	ranked = slices.DeleteFunc(ranked, func(p *somebody) bool { return p.best() == nil })
	slices.SortFunc(ranked, func(a, b *somebody) int { return cmp.Or(compare(a.best(), b.best()), cmp.Compare(b.id, a.id)) })
	for _, p := range ranked {
		want = append(want, p.id)
	}
	top, total, err := w.rig.boards.Top(w.rig.Context(), w.rig.def.ID, "", leaderboard.Now, 0, 10)
	var got []string
	for _, e := range top {
		got = append(got, e.Participant)
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || total != int64(len(want)) || errors.Is(err, fault.ErrUnavailable) {
		w.Fatalf("board of %d, %v (-model +program):\n%s", total, err, diff)
	}
}
