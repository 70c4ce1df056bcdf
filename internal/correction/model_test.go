package correction_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/operator"
	"qingyuan/internal/rapidtest"
	"qingyuan/internal/sqltest"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// The plain model: who has which acts, and who keeps each of them out.
const (
	crowd    = 8
	byItself = "an operator, by itself"
)

// plain is what must be true.
type plain struct {
	out     map[act.Act]string // by whom an act is kept out; "" where it counts
	batches map[string]*plainBatch
}

type plainBatch struct {
	acts   []act.Act // in the order of the list
	took   map[act.Act]bool
	undone bool
}

// TestRandomBatches lets people act, operators correct single acts, and batches be
// made, run and undone in any order. What counts is what the model says; verifying finds
// nothing; and once everything is undone, nothing but what single corrections did is
// left.
func TestRandomBatches(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	n := 0
	rapid.Check(t, rapidtest.OneIn(25, func(rt *rapid.T) {
		n++
		r := newRig(t, db, definition(t, fmt.Sprint("c", n), 2))
		m := &model{T: rt, rig: r, plain: plain{out: map[act.Act]string{}, batches: map[string]*plainBatch{}}}
		step := func(f func()) func(*rapid.T) { return func(rt *rapid.T) { m.T = rt; f() } }
		rt.Repeat(map[string]func(*rapid.T){
			"act": step(m.act), "act too": step(m.act), "act again": step(m.act), "sign": step(m.sign), "batch": step(m.batch), "batch too": step(m.batch),
			"undo": step(m.undo), "undo too": step(m.undo), "alone": step(m.alone), "rebuild": step(m.rebuild), "check": step(m.check),
		})
		m.check()
		for _, id := range m.ran() {
			m.undoOne(id)
		}
		m.check()
		r.stopJobs()
	}))
}

type model struct {
	*rapid.T
	plain

	rig *rig
}

func (m *model) who() int { return rapid.IntRange(0, crowd-1).Draw(m.T, "who") }

func (m *model) acts() []act.Act {
	out := make([]act.Act, 0, len(m.out))
	for a := range m.out {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b act.Act) int {
		if a.Participant != b.Participant {
			return map[bool]int{true: -1, false: 1}[a.Participant < b.Participant]
		}
		return a.Number - b.Number
	})
	return out
}

func (m *model) act() {
	i := m.who()
	number := 1
	for m.has(i, number) {
		number++
	}
	must(m.rig, 0, m.rig.live(m.rig.Context(), i, 1, false))
	m.out[act.Act{Participant: person(i), Number: number}] = ""
}

func (m *model) has(i, number int) bool {
	_, ok := m.out[act.Act{Participant: person(i), Number: number}]
	return ok
}

func (m *model) sign() {
	i := m.who()
	must(m.rig, 0, m.rig.live(m.rig.Context(), i, 0, true))
	if !m.has(i, act.Signature) {
		m.out[act.Act{Participant: person(i)}] = ""
	}
}

// alone corrects one attempt by itself: it is taken out of every batch's hands.
func (m *model) alone() {
	attempts := slices.DeleteFunc(m.acts(), func(a act.Act) bool { return a.Number == act.Signature })
	if len(attempts) == 0 {
		return
	}
	a := rapid.SampledFrom(attempts).Draw(m.T, "attempt")
	to, by := quiz.StateWithdrawn, byItself
	if rapid.Bool().Draw(m.T, "back") {
		to, by = quiz.StateSubmitted, ""
	}
	must(m.rig, 0, m.rig.quizzes.Store.Correct(m.rig.Context(), quiz.Person{Campaign: m.rig.def.ID, Participant: a.Participant}, a.Number, to))
	m.out[a] = by
}

// batch makes a list by drawn conditions and runs it, perhaps after others.
func (m *model) batch() {
	m.rig.settle()
	c := correction.Conditions{Attempts: rapid.Bool().Draw(m.T, "attempts"), From: noon}
	c.Signatures = !c.Attempts || rapid.Bool().Draw(m.T, "signatures")
	if rapid.Bool().Draw(m.T, "scoped") {
		c.Scope = rapid.SampledFrom([]string{"d1", "d2", "u1"}).Draw(m.T, "scope")
	}
	var want []act.Act
	for _, a := range m.acts() {
		if m.out[a] == "" && (a.Number > 0 && c.Attempts || a.Number == 0 && c.Signatures) && m.inside(a.Participant, c.Scope) {
			want = append(want, a)
		}
	}
	b := m.rig.create(head(), c)
	if len(want) == 0 {
		if b.State != correction.Failed || b.Code != correction.ErrEmpty.Code {
			m.Fatalf("an empty batch is %+v", b)
		}
		return
	}
	if b.Items != int64(len(want)) {
		m.Fatalf("the list has %d acts, want %d", b.Items, len(want))
	}
	if rapid.Bool().Draw(m.T, "meanwhile") {
		m.alone()
	}
	if b = m.rig.run2(b); b.State != correction.Done {
		m.Fatalf("after the run: %+v", b)
	}
	took := map[act.Act]bool{}
	for _, a := range want {
		if m.out[a] == "" {
			m.out[a] = b.ID
			took[a] = true
		}
	}
	if b.Counts[correction.Out] != int64(len(took)) {
		m.Fatalf("%v, want %d out", b.Counts, len(took))
	}
	m.batches[b.ID] = &plainBatch{acts: want, took: took}
}

// inside tells whether a participant's unit lies within a scope.
func (m *model) inside(participant, scope string) bool {
	for i := range crowd {
		if person(i) == participant {
			return m.rig.def.Tree.Within(units[i%4], scope)
		}
	}
	return false
}

// ran are the batches that are not undone, in order.
func (m *model) ran() []string {
	var out []string
	for id, b := range m.batches {
		if !b.undone {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (m *model) undo() {
	if ran := m.ran(); len(ran) > 0 {
		m.undoOne(rapid.SampledFrom(ran).Draw(m.T, "batch"))
	}
}

func (m *model) undoOne(id string) {
	b, err := m.rig.service.Find(m.rig.Context(), head(), m.rig.def.ID, id)
	must(m.rig, b, err)
	if b = m.rig.undo2(b); b.State != correction.Undone {
		m.Fatalf("after the undo: %+v", b)
	}
	back, kept := int64(0), int64(0)
	for a := range m.batches[id].took {
		switch m.out[a] {
		case id:
			m.out[a] = ""
			back++
		case "":
			back++ // somebody has let it count again before
		default:
			kept++
		}
	}
	if b.Counts[correction.Back] != back || b.Counts[correction.Kept] != kept || b.Counts[correction.Out] != 0 {
		m.Fatalf("%v, want %d back and %d kept", b.Counts, back, kept)
	}
	m.batches[id].undone = true
	if _, err := m.rig.service.AskUndo(m.rig.Context(), head(), b, "再次"); !errors.Is(err, correction.ErrState) {
		m.Errorf("undoing twice: %v", err)
	}
}

func (m *model) rebuild() {
	m.rig.settle()
	m.rig.rebuild()
}

// check compares figures with the model, and Redis with the ledger.
func (m *model) check() {
	m.rig.settle()
	want := map[leaderboard.Metric]int64{}
	acting := map[string]bool{}
	for a, by := range m.out {
		if by != "" {
			continue
		}
		acting[a.Participant] = true
		if a.Number == act.Signature {
			want[leaderboard.Signatures]++
		} else {
			want[leaderboard.Attempts]++
		}
	}
	want[leaderboard.Participants] = int64(len(acting))
	got := map[leaderboard.Metric]int64{}
	for cell, n := range m.rig.tallies().Cells {
		got[cell.Metric] += n
	}
	for _, metric := range []leaderboard.Metric{leaderboard.Attempts, leaderboard.Signatures, leaderboard.Participants} {
		if got[metric] != want[metric] {
			m.Errorf("%d %s, want %d", got[metric], metric, want[metric])
		}
	}
	for a, by := range m.out {
		f, err := m.rig.service.Acts.Fate(m.rig.Context(), m.rig.def.ID, a)
		if by == byItself {
			by = ""
			if f.Counts {
				m.Errorf("%v counts", a)
			}
		} else if f.Counts != (by == "") {
			m.Errorf("%v counts: %t; it is kept out by %q", a, f.Counts, by)
		}
		if err != nil || f.Batch != by {
			m.Errorf("%v is kept out by %q, want %q; %v", a, f.Batch, by, err)
		}
	}
	m.rig.clean()
}

// run2 and undo2 are run and undo by two people who both reach everything.
func (r *rig) run2(b *correction.Batch) *correction.Batch {
	r.Helper()
	r.approve(r.service.AskRun(r.Context(), other(), b))
	return r.await(b.ID, correction.Done, correction.Stopped)
}

func (r *rig) undo2(b *correction.Batch) *correction.Batch {
	r.Helper()
	r.approve(r.service.AskUndo(r.Context(), other(), b, "核实有误"))
	return r.await(b.ID, correction.Undone, correction.UndoHalted)
}

func other() operator.Actor {
	a := head()
	a.ID, a.Login = "op-other", "other"
	return a
}
