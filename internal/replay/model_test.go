package replay_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/rapidtest"
	"qingyuan/internal/redistest"
	"qingyuan/internal/session"
	"qingyuan/internal/sqltest"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// few are the people of the model.
const few = 5

// world lets a few people act at random. Faults of the rules are no concern here:
// what was accepted must be the same after a rebuild, whatever it was.
type world struct {
	*rapid.T
	rig *rig
}

func (w *world) who() string { return person(rapid.IntRange(0, few-1).Draw(w.T, "who")) }

func (w *world) right() int { return rapid.IntRange(0, 4).Draw(w.T, "right") }

func (w *world) enrol() {
	q := campaign.Request{
		Unit: rapid.SampledFrom([]string{"u1", "u3", ""}).Draw(w.T, "unit"), NoticeVersion: "1",
		Group:       rapid.SampledFrom([]string{"public", "pupils"}).Draw(w.T, "group"),
		Name:        rapid.SampledFrom([]string{"张小三", "李四", ""}).Draw(w.T, "name"),
		PublishName: rapid.Bool().Draw(w.T, "publish"),
	}
	if rapid.Bool().Draw(w.T, "guardian") {
		q.Guardian = "王五"
	}
	_, _ = w.rig.enrols.Enrol(w.rig.Context(), w.rig.def.ID, w.who(), q)
}

func (w *world) start() {
	_, _, _ = w.rig.quizzes.Start(w.rig.Context(), w.rig.def.ID, w.who(), 0)
}

// newest acts on somebody's newest attempt.
func (w *world) newest(act func(who, id string, answers map[string][]string)) {
	who := w.who()
	views, _, err := w.rig.quizzes.Attempts(w.rig.Context(), w.rig.def.ID, who, 0, 1)
	if err != nil || len(views) == 0 {
		return
	}
	act(who, views[0].ID, w.rig.answers(&views[0].Attempt.Paper, w.right()))
}

func (w *world) save() {
	revision := rapid.Int64Range(0, 4).Draw(w.T, "revision")
	w.newest(func(who, id string, answers map[string][]string) {
		_, _, _ = w.rig.quizzes.Save(w.rig.Context(), w.rig.def.ID, who, id, revision, answers)
	})
}

func (w *world) submit() {
	w.newest(func(who, id string, answers map[string][]string) {
		_, _ = w.rig.quizzes.Submit(w.rig.Context(), w.rig.def.ID, who, id, answers)
	})
}

func (w *world) sign() {
	_, _, _ = w.rig.pledges.Sign(w.rig.Context(), w.rig.def.ID, w.who(), pledge.Request{Version: "1", Method: pledge.Typed, Name: "张小三"})
}

func (w *world) sweep() {
	_, err := w.rig.quizzes.HandInOverdue(w.rig.Context(), w.rig.def.ID, 100)
	must(w.rig.TB, 0, err)
}

func (w *world) pass() {
	w.rig.pass(rapid.SampledFrom([]time.Duration{
		30 * time.Millisecond, time.Second, 7 * time.Minute, quizRules.TimeLimit, quizRules.TimeLimit + quizRules.Grace, 9 * time.Hour,
	}).Draw(w.T, "time"))
}

func (w *world) door() {
	from, to := w.who(), w.who()
	hash := fmt.Sprint("door-", rapid.IntRange(0, few-1).Draw(w.T, "door"))
	_, err := w.rig.doors.ClaimDoor(w.rig.Context(), hash, session.Door{Participant: from, Sealed: []byte("sealed")})
	must(w.rig.TB, 0, err)
	_, err = w.rig.doors.LinkDoor(w.rig.Context(), hash, from, session.Door{Participant: to})
	must(w.rig.TB, 0, err)
}

func (w *world) erase() {
	_, err := w.rig.campaigns.Erase(w.rig.Context(), w.rig.def.ID, w.who(), w.rig.now())
	must(w.rig.TB, 0, err)
}

func (w *world) eraseDoor() {
	hash := fmt.Sprint("door-", rapid.IntRange(0, few-1).Draw(w.T, "door"))
	_, err := w.rig.campaigns.EraseDoor(w.rig.Context(), hash, w.who(), w.rig.now())
	must(w.rig.TB, 0, err)
}

// correct lets an attempt count no more, or again.
func (w *world) correct() {
	to := rapid.SampledFrom([]quiz.State{quiz.StateInvalidated, quiz.StateWithdrawn, quiz.StateSubmitted}).Draw(w.T, "state")
	who := quiz.Person{Campaign: w.rig.def.ID, Participant: w.who()}
	err := w.rig.quizzes.Store.Correct(w.rig.Context(), who, rapid.IntRange(1, 3).Draw(w.T, "number"), to)
	if err != nil && !errors.Is(err, quiz.ErrAttemptNotFound) {
		w.Fatalf("correct: %v", err)
	}
}

// batch takes acts out for a batch, or gives back what that has taken out.
func (w *world) batch() {
	turn := act.Turn{Batch: rapid.SampledFrom([]string{"first", "second"}).Draw(w.T, "batch"), Number: 1}
	store := w.rig.corrections()
	must(w.rig.TB, 0, store.Begin(w.rig.Context(), w.rig.def.ID, turn))
	correct := store.Invalidate
	if rapid.Bool().Draw(w.T, "undo") {
		correct = store.Restore
	}
	a := act.Act{Participant: w.who(), Number: rapid.IntRange(act.Signature, 3).Draw(w.T, "act")}
	if _, err := correct(w.rig.Context(), w.rig.def.ID, turn, a); !errors.Is(err, act.ErrNone) {
		must(w.rig.TB, 0, err)
	}
}

// clocks stops the clocks, lets them run, or moves the close.
func (w *world) clocks() {
	def, now := *w.rig.def, w.rig.now()
	number := def.Clocks.Number() + 1
	switch rapid.IntRange(0, 3).Draw(w.T, "clocks") {
	case 0, 1:
		var until time.Time
		if minutes := rapid.IntRange(0, 20).Draw(w.T, "minutes"); minutes > 0 {
			until = now.Add(time.Duration(minutes) * time.Minute)
		}
		c, err := def.Clocks.Stop(number, now, until)
		def.Clocks = must(w.rig.TB, c, err)
	case 2:
		def.Clocks = def.Clocks.Run(number, now)
	default:
		if !now.Before(def.ClosesAt) {
			return
		}
		closes := now.Add(time.Duration(rapid.IntRange(1, 60).Draw(w.T, "closes")) * time.Minute).Truncate(time.Second)
		def.Clocks = def.Clocks.MoveClose(number, now, def.ClosesAt, closes, quizRules.TimeLimit)
		def.ClosesAt = closes
	}
	w.rig.def = &def
	must(w.rig.TB, 0, w.rig.campaigns.Clocks(w.rig.Context(), &def))
}

// give gives an attempt back that was not handed in.
func (w *world) give() {
	turn := act.Turn{Batch: rapid.SampledFrom([]string{"A", "AB"}).Draw(w.T, "act"), Number: 1}
	store := w.rig.corrections()
	must(w.rig.TB, 0, store.Begin(w.rig.Context(), w.rig.def.ID, turn))
	a := act.Act{Participant: w.who(), Number: rapid.IntRange(1, 3).Draw(w.T, "number")}
	if _, err := store.Give(w.rig.Context(), w.rig.def.ID, turn, a); !errors.Is(err, act.ErrNone) {
		must(w.rig.TB, 0, err)
	}
}

// transfer grants what somebody asked for, one request sometimes twice.
func (w *world) transfer() {
	_, err := w.rig.corrections().Transfer(w.rig.Context(), w.rig.def.ID, act.Transfer{
		Participant: w.who(), Request: fmt.Sprint("t", rapid.IntRange(0, 20).Draw(w.T, "request")),
		To: act.Place{
			Unit:  rapid.SampledFrom([]string{"u1", "u2", "u3"}).Draw(w.T, "unit"),
			Group: rapid.SampledFrom([]string{"public", "pupils"}).Draw(w.T, "group"),
		},
	})
	if !errors.Is(err, campaign.ErrRequired) && !errors.Is(err, act.ErrElsewhere) {
		must(w.rig.TB, 0, err)
	}
}

// remark gives an attempt other marks.
func (w *world) remark() {
	store, turn := w.rig.corrections(), act.Turn{Batch: "challenge", Number: 1}
	must(w.rig.TB, 0, store.Begin(w.rig.Context(), w.rig.def.ID, turn))
	a := act.Act{Participant: w.who(), Number: rapid.IntRange(1, 3).Draw(w.T, "number")}
	from, err := store.Marks(w.rig.Context(), w.rig.def.ID, a)
	if errors.Is(err, act.ErrNone) {
		return
	}
	must(w.rig.TB, 0, err)
	rules := rapid.SliceOfN(rapid.SampledFrom([]quiz.Rule{quiz.GiveAll, quiz.Drop}), 0, 4).Draw(w.T, "rules")
	_, err = store.Remark(w.rig.Context(), w.rig.def.ID, turn, w.rig.ruled(a, from, rules...))
	must(w.rig.TB, 0, err)
}

func (w *world) hide() {
	err := w.rig.boards.Hide(w.rig.Context(), w.rig.def.ID, w.who(), rapid.Bool().Draw(w.T, "hidden"))
	if err != nil && !errors.Is(err, campaign.ErrRequired) {
		w.Fatalf("hide: %v", err)
	}
}

// thaw goes on with it once the freeze is over.
func (w *world) thaw() {
	if !w.rig.def.Freeze.Over(w.rig.now()) {
		return
	}
	shard := rapid.IntRange(0, w.rig.def.Shards-1).Draw(w.T, "shard")
	_, err := w.rig.boards.Thaw(w.rig.Context(), w.rig.def.ID, shard, rapid.IntRange(1, 5).Draw(w.T, "entries"))
	must(w.rig.TB, 0, err)
}

// kindOf draws a campaign of any policy, half of them with a freeze and every board.
func kindOf(t *testing.T, rt *rapid.T, id string, shards int) *campaign.Campaign {
	t.Helper()
	p := rapid.SampledFrom([]campaign.Policy{campaign.PolicyBest, campaign.PolicySum, campaign.PolicySumDays}).Draw(rt, "policy")
	if rapid.Bool().Draw(rt, "frozen") {
		return season(t, id, shards, p)
	}
	def := definition(t, id, shards)
	def.Policy = p
	return def
}

// verify compares at any moment, whatever was folded and archived so far.
func (w *world) verify() {
	w.rig.archive(w.rig.def.ID, w.rig.def.Shards)
	if _, found := w.rig.verifyCampaign(); len(found) > 0 {
		w.Fatalf("differences: %q", found)
	}
}

// rebuild may happen at any moment. What the fold had not reached is folded then,
// and looking at an overdue attempt would hand it in.
func (w *world) rebuild() {
	w.sweep()
	w.rig.fold()
	before := w.rig.read(few)
	w.rig.rebuildCampaign()
	w.same("after a rebuild", before, w.rig.read(few))
}

// lose loses Redis once everything is archived, and with it answers kept in open
// attempts.
func (w *world) lose() {
	w.sweep()
	w.rig.settle()
	before := w.rig.read(few)
	w.rig.flush()
	w.rig.rebuild()
	withoutAnswers(before)
	w.same("after a loss", before, w.rig.read(few))
}

// same compares two readings of one moment. What the public saw before the freeze
// was over nobody reads any more.
func (w *world) same(what string, before, after readings) {
	if w.rig.def.Freeze.Over(w.rig.now()) {
		before, after = withoutFrozen(before), withoutFrozen(after)
	}
	same(w, what, before, after)
}

// TestModel lets people act at random, and rebuilds at random. Everybody must see
// what they saw before, and verifying must find nothing.
func TestModel(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		client, db := redistest.Start(t).Client(t), sqltest.SQLite(t)
		n := 0
		rapid.Check(t, rapidtest.OneIn(25, func(rt *rapid.T) {
			n++
			w := &world{T: rt, rig: newRigOn(t, client, db, kindOf(t, rt, fmt.Sprint("c", n), shards))}
			by := func(f func()) func(*rapid.T) {
				return func(rt *rapid.T) { w.T = rt; f() }
			}
			rt.Repeat(map[string]func(*rapid.T){
				"enrol": by(w.enrol), "enrol too": by(w.enrol), "start": by(w.start), "start too": by(w.start), "save": by(w.save),
				"submit": by(w.submit), "submit too": by(w.submit), "sign": by(w.sign), "pass": by(w.pass), "sweep": by(w.sweep),
				"door": by(w.door), "erase": by(w.erase), "erase a door": by(w.eraseDoor), "fold": by(w.rig.fold), "archive": by(w.rig.settle), "verify": by(w.verify),
				"correct": by(w.correct), "correct too": by(w.correct), "batch": by(w.batch), "batch too": by(w.batch), "transfer": by(w.transfer), "transfer too": by(w.transfer),
				"remark": by(w.remark), "give": by(w.give), "clocks": by(w.clocks), "hide": by(w.hide), "thaw": by(w.thaw), "rebuild": by(w.rebuild),
			})
			w.lose()
			w.verify()
			if _, found := w.rig.verifyDoors(); len(found) > 0 {
				w.Fatalf("differences of doors: %q", found)
			}
		}))
	})
}
