package correction_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/configs"
	"qingyuan/internal/approval"
	"qingyuan/internal/catalog"
	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/event"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/quiz"
)

// contest opens the desk for contested questions on the rig's stores.
func (r *rig) contest() *challenge.Service {
	r.Helper()
	store, err := catalog.NewStore(r.sql, r.now)
	must(r, store, err)
	s := &challenge.Service{
		DB: r.sql, Box: r.box, Now: time.Now, Catalog: store, Corrections: r.service, Ledger: r.ledger, Shelf: noShelf{},
		Definition: func(string) (configs.Definition, bool) {
			return configs.Definition{Campaign: r.def, Quiz: &r.rules, Bank: r.bank}, true
		},
		Head: func(ctx context.Context, id string, shard int) (event.Position, error) {
			return r.Last(ctx, id, shard, event.Facts)
		},
		Patience: time.Second,
	}
	must(r, 0, r.banks.PutBank(r.Context(), r.bank))
	r.service.Challenges, r.rules.Review = s, quiz.ReviewAfterSubmission
	return s
}

// noShelf keeps no banks: the campaign's came with its files.
type noShelf struct{}

func (noShelf) Rekey(context.Context, *sql.Tx, operator.Actor, string, quiz.Question, string) (int64, error) {
	return 0, nil
}

// decided takes a question up, decides on it and waits for the list.
func (r *rig) decided(s *challenge.Service, question string, j challenge.Judgement) (*challenge.Challenge, *correction.Batch) {
	r.Helper()
	j.Reason = "条例修订"
	c, err := s.Take(r.Context(), clerk(""), challenge.Draft{Campaign: r.def.ID, Question: question, Why: "多人反馈"})
	must(r, c, err)
	c, err = s.Decide(r.Context(), clerk(""), c, j)
	must(r, c, err)
	return c, r.await(c.Correction, correction.Ready, correction.Failed)
}

// marked works out by the papers alone how everybody's attempts are marked by rulings.
func (r *rig) marked(people int, rulings ...quiz.Ruling) map[string]quiz.Mark {
	r.Helper()
	out := map[string]quiz.Mark{}
	for i := range people {
		for n := 1; ; n++ {
			a, err := r.quizStore().Attempt(r.Context(), r.quizPerson(i), n)
			if errors.Is(err, quiz.ErrAttemptNotFound) {
				break
			}
			must(r, a, err)
			m, err := a.Paper.GradeRuled(r.bank, r.rules.Marking, a.Result.Choices, rulings)
			out[person(i)+string(rune('0'+n))] = must(r, m, err)
		}
	}
	return out
}

// stored is how they are marked in Redis.
func (r *rig) stored(people int) map[string]quiz.Mark {
	r.Helper()
	out := map[string]quiz.Mark{}
	for i := range people {
		for n := 1; ; n++ {
			a, err := r.quizStore().Attempt(r.Context(), r.quizPerson(i), n)
			if errors.Is(err, quiz.ErrAttemptNotFound) {
				break
			}
			out[person(i)+string(rune('0'+n))] = must(r, a, err).Result.Mark
		}
	}
	return out
}

// TestMarkAgain brings each rule through: what is previewed is what happens, the ledger
// alone says the same, and an undo restores everything to the byte.
func TestMarkAgain(t *testing.T) {
	t.Parallel()
	for _, j := range []challenge.Judgement{
		{Decision: challenge.Withdraw, Rule: quiz.GiveAll},
		{Decision: challenge.Correct, Rule: quiz.AcceptBoth, Key: 1 << 2},
		{Decision: challenge.Withdraw, Rule: quiz.Drop},
	} {
		t.Run(string(j.Rule), func(t *testing.T) {
			t.Parallel()
			sqltest.Each(t, func(t *testing.T, db *sqldb.DB) { markAgain(t, newRig(t, db, definition(t, "antidrug", 2)), j) })
		})
	}
}

func markAgain(t *testing.T, r *rig, j challenge.Judgement) {
	t.Helper()
	const people = 40
	s := r.contest()
	r.populate(people, 2)
	must(r, 0, r.quizStore().Correct(r.Context(), r.quizPerson(3), 1, quiz.StateInvalidated))
	must(r, 0, r.boards.Hide(r.Context(), r.def.ID, person(5), true))
	r.settle()
	before, first := r.image(), r.marked(people)

	c, b := r.decided(s, "q1", j)
	e := b.Summary.Effect
	if b.State != correction.Ready || e == nil || e.Open != 0 || e.Raised+e.Lowered+e.Same != b.Items || e.Had < b.Items || len(e.TopAfter) != 20 {
		t.Fatalf("the list %+v, effect %+v", b, e)
	}
	if withdrawn, err := s.Catalog.Withdrawn(r.Context(), r.def.ID); err != nil || withdrawn[c.Fingerprint] != c.ID {
		t.Errorf("withdrawn are %v, %v", withdrawn, err)
	}
	if diff := cmp.Diff(before, r.image()); diff != "" {
		t.Fatalf("deciding changed results:\n%.2000s", diff)
	}
	r.approve(s.AskRun(r.Context(), clerk(""), c))
	b = r.await(b.ID, correction.Done, correction.Stopped)
	if b.State != correction.Done || b.Counts[correction.Out] != b.Items {
		t.Fatalf("after the run: %+v", b)
	}
	r.settle()
	r.clean()
	after := r.marked(people, c.Ruling())
	if diff := cmp.Diff(after, r.stored(people)); diff != "" {
		t.Errorf("not marked by the rule (-want +got):\n%s", diff)
	}
	raised, lowered := int64(0), int64(0)
	for key, m := range after {
		switch {
		case m.Score > first[key].Score:
			raised++
		case m.Score < first[key].Score:
			lowered++
		}
	}
	if raised != e.Raised || lowered != e.Lowered || raised == 0 {
		t.Errorf("raised %d and lowered %d, previewed %+v", raised, lowered, e)
	}
	r.ranksAre(s, c)
	r.receipts(c)
	r.rebuild()
	r.clean()

	r.approve(s.AskUndo(r.Context(), clerk(""), c, "核实有误"))
	b = r.await(b.ID, correction.Undone, correction.UndoHalted)
	if b.State != correction.Undone || b.Counts[correction.Back] != b.Items {
		t.Fatalf("after the undo: %+v", b)
	}
	r.settle()
	r.clean()
	if diff := cmp.Diff(before, r.image()); diff != "" {
		t.Errorf("not as before (-before +after):\n%.4000s", diff)
	}
	if c, err := s.Readmit(r.Context(), clerk(""), c, "维持"); err != nil || c.State != challenge.Dismissed {
		t.Errorf("readmitted: %+v, %v", c, err)
	}
}

// ranksAre compares the places that were kept with those of the board now.
func (r *rig) ranksAre(s *challenge.Service, c *challenge.Challenge) {
	r.Helper()
	ranks, err := s.Ranks(r.Context(), c, 0, 1000)
	must(r, ranks, err)
	if len(ranks) == 0 || !slices.ContainsFunc(ranks, func(k challenge.Rank) bool { return k.Before != k.After }) {
		r.Errorf("nobody moved: %+v", ranks)
	}
	for _, k := range ranks {
		s, err := r.quizStore().Stands(r.Context(), quiz.Person{Campaign: r.def.ID, Participant: k.Participant}, 0, true)
		if must(r, s, err).Above+1 != k.After {
			r.Errorf("%s is at %d, and kept is %d", k.Participant, s.Above+1, k.After)
		}
	}
}

// receipts looks at what participants see: the receipt as it was given, and beside it how
// the attempt is marked by now.
func (r *rig) receipts(c *challenge.Challenge) {
	r.Helper()
	r.ruled = []quiz.Ruled{{Ruling: c.Ruling(), Fingerprint: c.Fingerprint, Reason: c.Reason}}
	defer func() { r.ruled = nil }()
	told := 0
	for i := range 40 {
		views, _, err := r.quizzes.Attempts(r.Context(), r.def.ID, person(i), 0, 10)
		must(r, views, err)
		for _, v := range views {
			one, err := r.quizzes.Attempt(r.Context(), r.def.ID, person(i), v.ID)
			must(r, one, err)
			if one.Attempt.State != quiz.StateSubmitted {
				continue
			}
			a := &one.Attempt
			first, err := a.Paper.Grade(r.bank, r.rules.Marking, a.Result.Choices)
			must(r, first, err)
			if changed := first != a.Result.Mark; changed != (one.Remarked != nil) {
				r.Errorf("attempt %d of %d is told %+v, and marked %+v after %+v", a.Number, i, one.Remarked, a.Result.Mark, first)
			}
			if one.Remarked == nil {
				continue
			}
			told++
			if one.Remarked.First != first || !slices.Equal(one.Remarked.Reasons, []string{c.Reason}) {
				r.Errorf("told %+v, first %+v", one.Remarked, first)
			}
			points := 0
			for _, it := range one.Review {
				points += it.Points
			}
			if c.Rule != quiz.Drop && points != a.Result.Score {
				r.Errorf("the review gives %d points and the attempt has %d", points, a.Result.Score)
			}
		}
	}
	if told == 0 {
		r.Error("nobody is told")
	}
}

// TestLists is what keeps a list from being worked off: papers that are open, and one that
// is not the same any more.
func TestLists(t *testing.T) {
	t.Parallel()
	r := newSmallRig(t)
	s := r.contest()
	r.populate(8, 1)
	late := r.open1(20)
	c, b := r.decided(s, "q1", challenge.Judgement{Decision: challenge.Withdraw, Rule: quiz.GiveAll})
	if b.Summary.Effect.Open != 1 {
		t.Fatalf("effect %+v", b.Summary.Effect)
	}
	if _, err := s.AskRun(t.Context(), clerk(""), c); !errors.Is(err, correction.ErrPapersOpen) {
		t.Errorf("with an open paper: %v", err)
	}
	// Around the desk the list itself refuses.
	r.approve(r.service.AskRun(t.Context(), clerk(""), b))
	if b = r.await(b.ID, correction.Stopped); b.Code != "challenge.papers_open" || b.Counts[correction.Out] != 0 {
		t.Errorf("run with an open paper: %+v", b)
	}
	r.handIn(20, late)
	r.settle()
	must(r, 0, s.GoOn(t.Context(), clerk(""), c))
	if b = r.await(b.ID, correction.Stopped); b.Code != "correction.changed" {
		t.Errorf("run with another list: %+v", b)
	}
	c, err := s.Preview(t.Context(), clerk(""), c)
	must(r, c, err)
	b = r.await(c.Correction, correction.Ready)
	if b.Summary.Effect.Open != 0 {
		t.Errorf("effect %+v", b.Summary.Effect)
	}
	r.approve(s.AskRun(t.Context(), clerk(""), c))
	if b = r.await(b.ID, correction.Done, correction.Stopped); b.State != correction.Done {
		t.Fatalf("after the run: %+v", b)
	}
	r.settle()
	r.clean()
	if _, err := s.Preview(t.Context(), clerk(""), c); !errors.Is(err, challenge.ErrState) {
		t.Errorf("a list is made anew after the run: %v", err)
	}
}

// TestBuiltUpon lets a second challenge mark attempts of the first: its marks follow from
// both, and only the later one can be undone.
func TestBuiltUpon(t *testing.T) {
	t.Parallel()
	r := newSmallRig(t)
	s := r.contest()
	r.populate(30, 1)
	before := r.image()
	run := func(c *challenge.Challenge) {
		t.Helper()
		r.approve(s.AskRun(t.Context(), clerk(""), c))
		if b := r.await(c.Correction, correction.Done, correction.Stopped); b.State != correction.Done {
			t.Fatalf("after the run: %+v", b)
		}
		r.settle()
		r.clean()
	}
	one, _ := r.decided(s, "q1", challenge.Judgement{Decision: challenge.Withdraw, Rule: quiz.Drop})
	two, stale := r.decided(s, "q2", challenge.Judgement{Decision: challenge.Withdraw, Rule: quiz.GiveAll})
	run(one)
	between := r.image()
	r.approve(s.AskRun(t.Context(), clerk(""), two))
	if b := r.await(stale.ID, correction.Done, correction.Stopped); b.Code != "correction.changed" {
		t.Fatalf("a list from before the other run is worked off: %+v", b)
	}
	if _, err := s.Take(t.Context(), clerk(""), challenge.Draft{Campaign: r.def.ID, Question: "q1", Why: "又"}); !errors.Is(err, challenge.ErrExists) {
		t.Errorf("a question is taken up twice: %v", err)
	}
	two, err := s.Preview(t.Context(), clerk(""), two)
	must(r, two, err)
	r.await(two.Correction, correction.Ready)
	run(two)
	if diff := cmp.Diff(r.marked(30, one.Ruling(), two.Ruling()), r.stored(30)); diff != "" {
		t.Errorf("not marked by both (-want +got):\n%s", diff)
	}
	undo := func(c *challenge.Challenge) error {
		t.Helper()
		id, err := s.AskUndo(t.Context(), clerk(""), c, "核实有误")
		must(r, id, err)
		_, err = r.approvals.Approve(t.Context(), head(), id, "同意")
		must(r, 0, err)
		_, err = r.approvals.Step(t.Context())
		must(r, 0, err)
		a, err := r.approvals.Find(t.Context(), head(), id)
		if must(r, a, err).State == approval.Done {
			r.await(c.Correction, correction.Undone)
			r.settle()
			r.clean()
			return nil
		}
		return challenge.ErrLater
	}
	if err := undo(one); err == nil {
		t.Error("what another is built upon was undone")
	}
	must(r, 0, undo(two))
	if diff := cmp.Diff(between, r.image()); diff != "" {
		t.Errorf("not as before the second (-before +after):\n%.3000s", diff)
	}
	must(r, 0, undo(one))
	if diff := cmp.Diff(before, r.image()); diff != "" {
		t.Errorf("not as before (-before +after):\n%.3000s", diff)
	}
}

// open1 starts an attempt of somebody whose paper has question q1, and returns it.
func (r *rig) open1(i int) quiz.Receipt {
	r.Helper()
	must(r, 0, r.live(r.Context(), i, 0, false))
	for {
		v, _, err := r.quizzes.Start(r.Context(), r.def.ID, person(i), 0)
		must(r, v, err)
		if _, had := v.Attempt.Paper.Had(r.bank, &r.bank.Questions[1]); had {
			r.settle()
			return v
		}
		r.handIn(i, v)
	}
}

// handIn answers nothing rightly.
func (r *rig) handIn(i int, v quiz.Receipt) {
	r.Helper()
	_, err := r.quizzes.Submit(r.Context(), r.def.ID, person(i), v.ID, quiz.Answers{})
	must(r, 0, err)
}
