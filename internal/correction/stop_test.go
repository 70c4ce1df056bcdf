package correction_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqltest"
)

// trap is a store of acts in which something happens to one of the calls.
type trap struct {
	correction.Acts

	calls  atomic.Int64
	at     int64
	spring func(context.Context) error // after the act was done
}

func (s *trap) hit(ctx context.Context, f act.Fate, err error) (act.Fate, error) {
	if err == nil && s.calls.Add(1) == s.at {
		err = s.spring(ctx)
	}
	return f, err
}

func (s *trap) Invalidate(ctx context.Context, id string, t act.Turn, a act.Act) (act.Fate, error) {
	f, err := s.Acts.Invalidate(ctx, id, t, a)
	return s.hit(ctx, f, err)
}

func (s *trap) Restore(ctx context.Context, id string, t act.Turn, a act.Act) (act.Fate, error) {
	f, err := s.Acts.Restore(ctx, id, t, a)
	return s.hit(ctx, f, err)
}

// set puts a trap between the service and its store.
func (r *rig) set(at int64, spring func(context.Context) error) {
	r.service.Acts = &trap{Acts: r.service.Acts, at: at, spring: spring}
}

func (r *rig) unset() {
	if s, ok := r.service.Acts.(*trap); ok {
		r.service.Acts = s.Acts
	}
}

// outNow counts the acts of the batch that are out by it, as Redis has them.
func (r *rig) outNow(b *correction.Batch) int64 {
	r.Helper()
	items, err := r.service.Items(r.Context(), b, 0, 1_000_000)
	must(r, items, err)
	n := int64(0)
	for i := range items {
		f, err := r.service.Acts.Fate(r.Context(), r.def.ID, items[i].Act)
		must(r, f, err)
		if !f.Counts && f.Batch == b.ID {
			n++
		}
	}
	return n
}

func small(t *testing.T) (*rig, map[string]map[string]string, *correction.Batch) {
	t.Helper()
	r := newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 2))
	r.service.Stretch = 16
	r.populate(100, 1)
	before := r.image()
	return r, before, r.create(clerk(""), correction.Conditions{Attempts: true, Signatures: true, From: noon})
}

// same fails where Redis is not as it was.
func (r *rig) same(before map[string]map[string]string) {
	r.Helper()
	r.settle()
	r.clean()
	if diff := cmp.Diff(before, r.image()); diff != "" {
		r.Errorf("not as before (-before +after):\n%.3000s", diff)
	}
}

// TestCancelMidway: what was done stays done and is listed; it can be undone, or gone
// on with.
func TestCancelMidway(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]bool{"undone": false, "gone on with": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, b := small(t)
			r.set(40, func(ctx context.Context) error {
				now, err := r.service.Find(ctx, head(), r.def.ID, b.ID)
				if err != nil {
					return err
				}
				return r.service.Cancel(ctx, head(), now)
			})
			b = r.run(b)
			r.unset()
			out := r.outNow(b)
			if b.State != correction.Stopped || b.Counts[correction.Out] != out || out < 40 || out >= 150 || b.Counts[correction.Pending] != 150-out {
				t.Fatalf("%d are out; after the stop: %+v", out, b)
			}
			r.settle()
			r.clean()
			if ahead {
				must(t, 0, r.service.GoOn(t.Context(), clerk(""), b))
				if b = r.await(b.ID, correction.Done, correction.Stopped); b.State != correction.Done || b.Counts[correction.Out] != 150 {
					t.Fatalf("gone on with: %+v", b)
				}
				out = 150
			}
			if b = r.undo(b); b.State != correction.Undone || b.Counts[correction.Back] != out {
				t.Errorf("undone: %+v", b)
			}
			r.same(before)
		})
	}
}

// TestCancelTheUndo stops the undo midway and goes on with it.
func TestCancelTheUndo(t *testing.T) {
	t.Parallel()
	r, before, b := small(t)
	b = r.run(b)
	r.set(40, func(ctx context.Context) error {
		now, err := r.service.Find(ctx, head(), r.def.ID, b.ID)
		if err != nil {
			return err
		}
		return r.service.Cancel(ctx, head(), now)
	})
	b = r.undo(b)
	r.unset()
	if out := r.outNow(b); b.State != correction.UndoHalted || b.Counts[correction.Out] != out || b.Counts[correction.Back] != 150-out || out == 0 {
		t.Fatalf("%d are out; after the stop: %+v", out, b)
	}
	r.settle()
	r.clean()
	must(t, 0, r.service.GoOn(t.Context(), clerk(""), b))
	if b = r.await(b.ID, correction.Undone, correction.UndoHalted); b.Counts[correction.Back] != 150 {
		t.Errorf("%+v", b)
	}
	r.same(before)
}

// TestAServerThatDies: its last acts are done and nobody has written that down. The
// batch can be gone on with, or undone, and misses none of them.
func TestAServerThatDies(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]bool{"undone": false, "gone on with": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, b := small(t)
			// As if killed: whoever had the job writes nothing down, and does not come back.
			r.set(40, func(context.Context) error { return jobs.ErrLost })
			b = r.run(b)
			r.unset()
			if out := r.outNow(b); b.State != correction.Stopped || out < 40 {
				t.Fatalf("%d are out; after the death: %+v", out, b)
			}
			r.settle()
			r.clean()
			if ahead {
				must(t, 0, r.service.GoOn(t.Context(), clerk(""), b))
				if b = r.await(b.ID, correction.Done, correction.Stopped); b.Counts[correction.Out] != 150 {
					t.Fatalf("gone on with: %+v", b)
				}
			}
			out := r.outNow(b)
			if b = r.undo(b); b.State != correction.Undone || b.Counts[correction.Back] != out {
				t.Errorf("%d were out; undone: %+v", out, b)
			}
			r.same(before)
		})
	}
}

// TestRedisAway: the work waits, and goes on where it was.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	r, before, b := small(t)
	var once sync.Once
	r.set(40, func(context.Context) error {
		err := error(nil)
		once.Do(func() { err = fault.ErrUnavailable.Because(errors.New("the reply was lost")) })
		return err
	})
	if b = r.run(b); b.State != correction.Done || b.Counts[correction.Out] != 150 {
		t.Fatalf("%+v", b)
	}
	r.unset()
	if b = r.undo(b); b.Counts[correction.Back] != 150 {
		t.Errorf("%+v", b)
	}
	r.same(before)
}

// TestRebuiltMidway: a Redis that was rebuilt has forgotten the turn, and is told it
// again.
func TestRebuiltMidway(t *testing.T) {
	t.Parallel()
	r, before, b := small(t)
	r.set(60, func(context.Context) error { return r.forgetTurns() })
	if b = r.run(b); b.State != correction.Done || b.Counts[correction.Out] != 150 {
		t.Fatalf("%+v", b)
	}
	r.unset()
	b = r.undo(b)
	r.same(before)
	if b.Counts[correction.Back] != 150 {
		t.Errorf("%+v", b)
	}
}

// forgetTurns takes the turns out of every shard, as a rebuild does.
func (r *rig) forgetTurns() error {
	ctx := context.Background()
	for _, key := range r.db.Keys(ctx, "*:meta").Val() {
		for field := range r.db.HGetAll(ctx, key).Val() {
			if len(field) > 5 && field[:5] == "turn:" {
				if err := r.db.HDel(ctx, key, field).Err(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// TestAnOldTurn: whoever was held up for longer than their turn changes nothing.
func TestAnOldTurn(t *testing.T) {
	t.Parallel()
	r, _, b := small(t)
	ctx, acts, first, second := t.Context(), r.service.Acts, act.Turn{Batch: b.ID, Number: 1}, act.Turn{Batch: b.ID, Number: 2}
	one := act.Act{Participant: person(0), Number: 1}
	must(t, 0, acts.Begin(ctx, r.def.ID, first))
	must(t, 0, acts.Begin(ctx, r.def.ID, second))
	if err := acts.Begin(ctx, r.def.ID, first); !errors.Is(err, act.ErrTurn) {
		t.Errorf("the old turn begins again: %v", err)
	}
	if f, err := acts.Invalidate(ctx, r.def.ID, first, one); !errors.Is(err, act.ErrTurn) {
		t.Errorf("the old turn takes out: %+v, %v", f, err)
	}
	for range 2 { // a repeat changes nothing
		if f, err := acts.Invalidate(ctx, r.def.ID, second, one); err != nil || f != (act.Fate{Batch: b.ID}) {
			t.Errorf("the new turn: %+v, %v", f, err)
		}
	}
	for range 2 {
		if f, err := acts.Restore(ctx, r.def.ID, second, one); err != nil || !f.Counts {
			t.Errorf("and back: %+v, %v", f, err)
		}
	}
	if f, err := acts.Invalidate(ctx, r.def.ID, second, act.Act{Participant: "nobody", Number: 1}); !errors.Is(err, act.ErrNone) {
		t.Errorf("an act of nobody: %+v, %v", f, err)
	}
	if f, err := acts.Fate(ctx, r.def.ID, act.Act{Participant: person(0), Number: 7}); !errors.Is(err, act.ErrNone) {
		t.Errorf("an act that is not there: %+v, %v", f, err)
	}
	r.settle()
	r.clean()
	h, err := r.ledger.History(ctx, ledger.Shard{Campaign: r.def.ID, Number: r.shardOf(person(0))}, person(0))
	must(t, h, err)
	if len(h.Facts) != 6 { // enrolled, started, submitted, signed, invalidated, restored
		t.Errorf("%d facts", len(h.Facts))
	}
}

// shardOf finds where the ledger holds a participant.
func (r *rig) shardOf(id string) int {
	r.Helper()
	shards, err := r.ledger.ShardsOf(r.Context(), id)
	if must(r, shards, err); len(shards) != 1 {
		r.Fatalf("%s lies in %v", id, shards)
	}
	return shards[0].Number
}
