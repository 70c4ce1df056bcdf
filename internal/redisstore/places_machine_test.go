package redisstore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/rapidtest"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// The days of the campaign of a placesMachine: two phases, the second of which
// begins at noon of the second day, and a freeze around that.
var (
	secondPhase = noon.Add(24 * time.Hour)
	freezes     = noon.Add(10 * time.Hour)
	thaws       = noon.Add(30 * time.Hour)
)

// placesMachine holds every board in every view against the pure rules.
type placesMachine struct {
	*rapid.T

	rig     *rig
	rules   leaderboard.Rules
	now     time.Time
	records map[string]*leaderboard.Record
	states  map[string][]quiz.State // of the attempts, in order
	thawing bool
	// requests counts those for transfers.
	requests int
}

func newPlacesMachine(t *rapid.T, r *rig) *placesMachine {
	m := &placesMachine{
		T: t, rig: r, now: noon, records: map[string]*leaderboard.Record{}, states: map[string][]quiz.State{},
	}
	layout, err := r.boards.Layout(r.Context(), r.def.ID)
	if err != nil {
		t.Fatal(err)
	}
	m.rules = leaderboard.Rules{Campaign: r.def, Layout: layout}
	for i, unit := range []string{"u1", "u1", "u1", "u2", "u3", "u3", campaign.Unassigned} {
		id := fmt.Sprint("p", i)
		r.enrol(id, unit, "public")
		m.records[id] = &leaderboard.Record{Unit: unit, Group: "public"}
	}
	return m
}

func (m *placesMachine) anybody() string {
	return rapid.SampledFrom(slices.Sorted(maps.Keys(m.records))).Draw(m.T, "who")
}

func (m *placesMachine) server() server {
	return m.rig.servers[rapid.IntRange(0, serversOfARig-1).Draw(m.T, "server")]
}

func (m *placesMachine) pass() {
	m.now = m.now.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Minute, 5 * time.Hour, 13 * time.Hour}).Draw(m.T, "time"))
	m.tick()
}

func (m *placesMachine) tick() {
	for _, s := range m.rig.servers {
		s.world.is(m.now)
	}
}

// submit hands in an attempt of few possible scores and times, so that many are
// equal.
func (m *placesMachine) submit() {
	who := m.anybody()
	used := time.Duration(rapid.IntRange(1, 2).Draw(m.T, "used")) * time.Second
	points := rapid.SampledFrom([]int{0, 30, 60, 100}).Draw(m.T, "score")
	a := m.rig.start(who, m.now)
	m.now = m.now.Add(used)
	m.tick()
	s, err := m.server().quiz.Submit(m.rig.Context(), m.rig.person(who), finished(a, points, m.now), true)
	if err != nil || !s.Fresh {
		m.Fatalf("submit by %s: fresh %t, %v", who, s.Fresh, err)
	}
	rec := m.records[who]
	rec.Attempts = append(rec.Attempts, event.Counted{
		Number: len(rec.Attempts) + 1, At: m.now.UnixMilli(), UsedMS: used.Milliseconds(), Score: points, Passed: points >= 60, Full: points == 100,
	})
	m.states[who] = append(m.states[who], quiz.StateSubmitted)
	m.checkSubmitted(who, s)
}

// checkSubmitted: a submission knows its own place at once.
func (m *placesMachine) checkSubmitted(who string, s quiz.Submitted) {
	want := int64(-1)
	if !m.records[who].Hidden {
		main := m.board("", leaderboard.Now)
		want = main.above(main.of(who))
	}
	if s.Above != want {
		m.Fatalf("%d above %s after the submission, want %d", s.Above, who, want)
	}
}

// correct makes any attempt of any state one of any other, sometimes twice.
func (m *placesMachine) correct() {
	who := m.anybody()
	number := rapid.IntRange(0, len(m.states[who])+1).Draw(m.T, "number")
	to := rapid.SampledFrom([]quiz.State{quiz.StateInvalidated, quiz.StateWithdrawn, quiz.StateSubmitted}).Draw(m.T, "to")
	for range rapid.IntRange(1, 2).Draw(m.T, "times") {
		err := m.server().quiz.Correct(m.rig.Context(), m.rig.person(who), number, to)
		if there := number >= 1 && number <= len(m.states[who]); there != (err == nil) {
			m.Fatalf("correct %d of %d: %v", number, len(m.states[who]), err)
		}
		if err == nil {
			m.states[who][number-1] = to
			m.records[who].Attempts[number-1].Void = to.Void()
		}
	}
}

// corrections is the store of batches of a server.
func (m *placesMachine) corrections() *Corrections {
	s := m.server()
	return NewCorrections(s.campaigns, s.world.define, s.world.now)
}

// transfer lets somebody belong elsewhere, sometimes twice by one request.
func (m *placesMachine) transfer() {
	who := m.anybody()
	rec := m.records[who]
	to := act.Place{Unit: rapid.SampledFrom([]string{"u1", "u2", "u3"}).Draw(m.T, "unit"), Group: rec.Group}
	m.requests++
	request := fmt.Sprint("t", m.requests)
	for n := range rapid.IntRange(1, 2).Draw(m.T, "times") {
		moved, err := m.corrections().Transfer(m.rig.Context(), m.rig.def.ID, act.Transfer{Participant: who, Request: request, To: to})
		if err != nil || moved != (n == 0 && to.Unit != rec.Unit) {
			m.Fatalf("transfer of %s: %t, %v", who, moved, err)
		}
		if moved {
			*rec = leaderboard.Transferred(*rec, to.Unit, to.Group, m.now, request)
		}
	}
}

// remark gives any attempt other marks, sometimes twice, and sometimes as if it had
// others than it has.
func (m *placesMachine) remark() {
	who := m.anybody()
	rec := m.records[who]
	number := rapid.IntRange(0, len(rec.Attempts)+1).Draw(m.T, "number")
	c, turn := m.corrections(), act.Turn{Batch: "challenge", Number: 1}
	if err := c.Begin(m.rig.Context(), m.rig.def.ID, turn); err != nil {
		m.Fatal(err)
	}
	points := rapid.SampledFrom([]int{0, 30, 60, 100}).Draw(m.T, "score")
	r := act.Remark{Act: act.Act{Participant: who, Number: number}, To: act.Marks{Score: points, MaxScore: 100, Passed: points >= 60}}
	if number < 1 || number > len(rec.Attempts) {
		if _, err := c.Remark(m.rig.Context(), m.rig.def.ID, turn, r); !errors.Is(err, act.ErrNone) {
			m.Fatalf("remark %d of %d: %v", number, len(rec.Attempts), err)
		}
		return
	}
	has := &rec.Attempts[number-1]
	r.From = act.Marks{Score: has.Score, MaxScore: 100, Passed: has.Passed}
	wrong := rapid.IntRange(0, 4).Draw(m.T, "wrong") == 0 && r.From != r.To
	if wrong {
		r.From.Score++
	}
	for range rapid.IntRange(1, 2).Draw(m.T, "times") {
		got, err := c.Remark(m.rig.Context(), m.rig.def.ID, turn, r)
		if wrong != errors.Is(err, act.ErrMarks) || !wrong && (err != nil || got != r.To) || wrong && got.Score != has.Score {
			m.Fatalf("remark %d of %s: %+v, %v", number, who, got, err)
		}
	}
	if !wrong {
		has.Score, has.Passed, has.Full = points, points >= 60, points == 100
	}
}

func (m *placesMachine) hide() {
	who, hidden := m.anybody(), rapid.Bool().Draw(m.T, "hidden")
	for range rapid.IntRange(1, 2).Draw(m.T, "times") {
		if err := m.server().boards.Hide(m.rig.Context(), m.rig.def.ID, who, hidden); err != nil {
			m.Fatalf("hide: %v", err)
		}
	}
	m.records[who].Hidden = hidden
}

// thaw moves a little once the freeze is over. What is stays what it is.
func (m *placesMachine) thaw() {
	if !m.rig.def.Freeze.Over(m.now) {
		return
	}
	m.thawing = true
	for shard := range m.rig.def.Shards {
		if _, err := m.server().boards.Thaw(m.rig.Context(), m.rig.def.ID, shard, rapid.IntRange(1, 20).Draw(m.T, "limit")); err != nil {
			m.Fatal(err)
		}
	}
}

// places is a board as it must be, best first.
type places []leaderboard.Entry

func (p places) above(packed uint64) int64 {
	return int64(len(slices.DeleteFunc(slices.Clone(p), func(e leaderboard.Entry) bool { return e.Packed <= packed })))
}

func (p places) below(packed uint64) int64 {
	return int64(len(slices.DeleteFunc(slices.Clone(p), func(e leaderboard.Entry) bool { return e.Packed >= packed })))
}

func (p places) of(who string) uint64 {
	for _, e := range p {
		if e.Participant == who {
			return e.Packed
		}
	}
	return 0
}

// board is what the rules say of a board in a view.
func (m *placesMachine) board(scope string, v leaderboard.View) places {
	var out places
	for who, rec := range m.records {
		all, err := m.rules.Placements(rec, m.now)
		if err != nil {
			m.Fatal(err)
		}
		at, ok := all[scope]
		place := at.Now
		if v == leaderboard.Frozen {
			place = at.Base
		}
		if ok && place != nil && (!at.Hidden || v == leaderboard.Everybody) {
			out = append(out, leaderboard.Entry{Participant: who, Packed: *place})
		}
	}
	slices.SortFunc(out, byPlace)
	return out
}

// scopes are all boards that anybody stands on.
func (m *placesMachine) scopes() []string {
	found := map[string]bool{"": true, "u:nobody": true}
	for _, rec := range m.records {
		all, err := m.rules.Placements(rec, m.now)
		if err != nil {
			m.Fatal(err)
		}
		for scope := range all {
			found[scope] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// check folds, and compares everything.
func (m *placesMachine) check() {
	m.rig.foldAll()
	views := []leaderboard.View{leaderboard.Now, leaderboard.Everybody}
	if !m.rig.def.Freeze.Over(m.now) {
		views = append(views, leaderboard.Frozen)
	}
	for _, v := range views {
		for _, scope := range m.scopes() {
			m.checkBoard(scope, v, m.board(scope, v))
		}
	}
	m.checkScores()
	m.checkPeople()
	if !m.thawing {
		m.rig.foldedOnce()
	}
	if m.rig.Failed() {
		m.FailNow()
	}
}

func (m *placesMachine) checkBoard(scope string, v leaderboard.View, want places) {
	ctx, id := m.rig.Context(), m.rig.def.ID
	offset, limit := rapid.Int64Range(0, 3).Draw(m.T, "offset"), rapid.Int64Range(1, 8).Draw(m.T, "limit")
	n := int64(len(want))
	got, total, err := m.rig.boards.Top(ctx, id, scope, v, offset, limit)
	stretch := want[min(offset, n):min(offset+limit, n)]
	if diff := gocmp.Diff(stretch, places(got), cmpopts.EquateEmpty()); err != nil || diff != "" || total != n {
		m.Fatalf("view %d of %q from %d to +%d: %d of %d, %v (-rules +redis):\n%s", v, scope, offset, limit, total, n, err, diff)
	}
	ranks, err := m.rig.boards.Ranks(ctx, id, scope, v, slices.Sorted(maps.Keys(m.records)))
	if err != nil || len(ranks) != len(want) {
		m.Fatalf("view %d of %q: %d ranks, %v; want %d", v, scope, len(ranks), err, len(want))
	}
	for _, e := range want {
		if r := ranks[e.Participant]; r.Entry != e || r.Above != want.above(e.Packed) {
			m.Fatalf("view %d of %q: rank %+v, want %+v above %d", v, scope, r, e, want.above(e.Packed))
		}
	}
	if n > 0 {
		m.checkOne(scope, v, want, rapid.SampledFrom(want).Draw(m.T, "whose"))
	}
}

// checkOne asks what takes a question for each person, of one of them.
func (m *placesMachine) checkOne(scope string, v leaderboard.View, want places, e leaderboard.Entry) {
	above, err := m.rig.boards.Above(m.rig.Context(), m.rig.def.ID, scope, v, e.Packed)
	if err != nil || above != want.above(e.Packed) {
		m.Fatalf("view %d of %q: %d above, %v; want %d", v, scope, above, err, want.above(e.Packed))
	}
	m.checkStanding(scope, v, want, e)
}

// checkStanding asks for somebody's surroundings.
func (m *placesMachine) checkStanding(scope string, v leaderboard.View, want places, e leaderboard.Entry) {
	window := rapid.Int64Range(0, 2).Draw(m.T, "window")
	st, ok, err := m.rig.boards.Standing(m.rig.Context(), m.rig.def.ID, scope, v, e.Participant, window)
	around := st.Around
	st.Around = nil
	wanted := leaderboard.Standing{
		Entry: e, Above: want.above(e.Packed), Below: want.below(e.Packed), Of: int64(len(want)), Passed: m.passed(e.Participant),
	}
	if diff := gocmp.Diff(wanted, st); err != nil || !ok || diff != "" {
		m.Fatalf("view %d of %q: standing of %s: %t, %v (-rules +redis):\n%s", v, scope, e.Participant, ok, err, diff)
	}
	at, i := slices.Index(around, e), slices.Index(want, e)
	before, behind := min(window/2+1, int64(i)), min((window-1)/2+1, int64(len(want)-i-1))
	if window == 0 {
		before, behind = 0, 0
	}
	if at < 0 || int64(at) > window || int64(at) < before || int64(len(around)-at-1) > window || int64(len(around)-at-1) < behind {
		m.Fatalf("view %d of %q: around %s are %+v, of %+v", v, scope, e.Participant, around, want)
	}
	for k := 1; k < len(around); k++ {
		if cmp.Compare(around[k-1].Packed, around[k].Packed) < 0 || !slices.Contains(want, around[k]) {
			m.Fatalf("view %d of %q: around %s are %+v, of %+v", v, scope, e.Participant, around, want)
		}
	}
}

// passed tells whether any attempt that counts did.
func (m *placesMachine) passed(who string) bool {
	return slices.ContainsFunc(m.records[who].Attempts, func(a event.Counted) bool { return a.Passed && !a.Void })
}

// checkScores: the histogram of scores is that of the main board.
func (m *placesMachine) checkScores() {
	t, err := m.rig.boards.Tallies(m.rig.Context(), m.rig.def.ID)
	if err != nil {
		m.Fatal(err)
	}
	want := map[int]int64{}
	for _, e := range m.board("", leaderboard.Now) {
		want[m.rules.Layout.Score(e.Packed)]++
	}
	if diff := gocmp.Diff(want, nonZero(t.All()).Scores, cmpopts.EquateEmpty()); diff != "" {
		m.Fatalf("scores (-board +histogram):\n%s", diff)
	}
}

// checkPeople: ranks, states and the best attempt in the record are right at once.
func (m *placesMachine) checkPeople() {
	main := m.board("", leaderboard.Now)
	for who, rec := range m.records {
		p, want := m.rig.person(who), int64(-1)
		if slices.ContainsFunc(main, func(e leaderboard.Entry) bool { return e.Participant == who }) {
			want = main.above(main.of(who))
		}
		now, err := m.rig.quiz.Stands(m.rig.Context(), p, 0, true)
		if err != nil || now.Above != want {
			m.Fatalf("rank of %s: %d above, %v; want %d", who, now.Above, err, want)
		}
		st := now.Standing
		m.checkBest(who, rec, st.Best)
		list, err := m.rig.quiz.Attempts(m.rig.Context(), p, st.Last, 100)
		if err != nil || len(list) != len(m.states[who]) {
			m.Fatalf("%d attempts of %s, %v", len(list), who, err)
		}
		for _, a := range list {
			if a.State != m.states[who][a.Number-1] {
				m.Fatalf("attempt %d of %s is %s, want %s", a.Number, who, a.State, m.states[who][a.Number-1])
			}
		}
	}
}

func (m *placesMachine) checkBest(who string, rec *leaderboard.Record, got *quiz.Best) {
	score, some := 0, false
	for _, a := range rec.Attempts {
		if !a.Void {
			score, some = max(score, a.Score), true
		}
	}
	if some != (got != nil) || some && (got.Score != score || got.Passed != (score >= 60) || got.Full != (score == 100)) {
		m.Fatalf("best of %s is %+v, want %d points of %+v", who, got, score, rec.Attempts)
	}
}

// TestPlacesMachine: whatever people and the office do before, in and after the
// freeze, every board in every view is what the rules make of all attempts, under
// each policy, on one shard and on three.
func TestPlacesMachine(t *testing.T) {
	t.Parallel()
	for _, policy := range []campaign.Policy{campaign.PolicyBest, campaign.PolicySum, campaign.PolicySumDays} {
		for _, shards := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, S=%d", policy, shards), func(t *testing.T) {
				t.Parallel()
				clients, runs := clientsOf(t, redistest.Start(t)), 0
				rapid.Check(t, rapidtest.OneIn(24, func(rt *rapid.T) {
					runs++
					def := definition(t, fmt.Sprint("c", runs), shards)
					def.Policy, def.Combined = policy, true
					def.Phases = []campaign.Phase{{ID: "first", From: opens, To: secondPhase}, {ID: "second", From: secondPhase, To: def.ClosesAt}}
					def.Freeze = campaign.Freeze{At: freezes, Until: thaws}
					m := newPlacesMachine(rt, rigOn(t, clients, def))
					by := func(f func()) func(*rapid.T) { return func(rt *rapid.T) { m.T = rt; f() } }
					rt.Repeat(map[string]func(*rapid.T){
						"submit": by(m.submit), "submit too": by(m.submit), "submit as well": by(m.submit), "correct": by(m.correct),
						"transfer": by(m.transfer), "transfer too": by(m.transfer), "remark": by(m.remark),
						"hide": by(m.hide), "pass": by(m.pass), "pass on": by(m.pass), "thaw": by(m.thaw), "check": by(m.check),
						"": func(*rapid.T) {},
					})
					m.T = rt
					m.check()
				}))
			})
		}
	}
}
