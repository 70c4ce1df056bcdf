package replay_test

import (
	"context"
	"errors"
	"testing"

	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/internal/replay/state"
)

var errPulled = errors.New("the plug was pulled")

// plug does something before or after the call with a number.
type plug struct {
	at, calls     int
	before, after func() error
}

func (p *plug) call(do func() error) error {
	p.calls++
	if p.calls != p.at {
		return do()
	}
	for _, f := range []func() error{p.before, do, p.after} {
		if f == nil {
			continue
		}
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func pull() error { return errPulled }

// refiller is a Redis whose plug is pulled.
type refiller struct {
	replay.Refiller
	*plug
}

func (r refiller) Mark(ctx context.Context, o state.Opening, token string) error {
	return r.call(func() error { return r.Refiller.Mark(ctx, o, token) })
}

func (r refiller) KeepAnswers(ctx context.Context, t state.Ticket, shard int) (n int, err error) {
	err = r.call(func() error { n, err = r.Refiller.KeepAnswers(ctx, t, shard); return err })
	return n, err
}

func (r refiller) Clear(ctx context.Context, t state.Ticket) error {
	return r.call(func() error { return r.Refiller.Clear(ctx, t) })
}

func (r refiller) People(ctx context.Context, t state.Ticket, shard int, people []state.Person) error {
	return r.call(func() error { return r.Refiller.People(ctx, t, shard, people) })
}

func (r refiller) Sums(ctx context.Context, t state.Ticket, shard int, s *state.Sums) error {
	return r.call(func() error { return r.Refiller.Sums(ctx, t, shard, s) })
}

func (r refiller) Ends(ctx context.Context, t state.Ticket, shard int, ends state.Ends) error {
	return r.call(func() error { return r.Refiller.Ends(ctx, t, shard, ends) })
}

func (r refiller) PutBank(ctx context.Context, digest string, packed []byte) error {
	return r.call(func() error { return r.Refiller.PutBank(ctx, digest, packed) })
}

func (r refiller) OpenShard(ctx context.Context, t state.Ticket, shard int, epoch uint64) error {
	return r.call(func() error { return r.Refiller.OpenShard(ctx, t, shard, epoch) })
}

func (r refiller) OpenCampaign(ctx context.Context, t state.Ticket, epoch uint64) error {
	return r.call(func() error { return r.Refiller.OpenCampaign(ctx, t, epoch) })
}

// record is a ledger whose plug is pulled.
type record struct {
	replay.Rebuildable
	*plug
}

func (r record) RaiseEpoch(ctx context.Context, was ledger.Opened, epoch uint64, c ledger.Condition) (ok bool, err error) {
	err = r.call(func() error { ok, err = r.Rebuildable.RaiseEpoch(ctx, was, epoch, c); return err })
	return ok, err
}

// TestARebuildMayDieAnywhere interrupts a rebuild at every step, before and after
// it took effect, and begins again. Nothing is lost, not even kept answers.
func TestARebuildMayDieAnywhere(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]plug{"before": {before: pull}, "after": {after: pull}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 2)
			r.populate()
			r.settle()
			r.sign(person(1))
			r.fold()
			before := r.read(everybody)
			steps := 0
			for n := 1; ; n++ {
				p.at, p.calls = n, 0
				b := r.rebuilder()
				b.Redis, b.Ledger = refiller{b.Redis, &p}, record{b.Ledger, &p}
				_, err := b.Campaign(t.Context(), r.def)
				if err == nil {
					break
				}
				if !errors.Is(err, errPulled) {
					t.Fatalf("step %d: %v", n, err)
				}
				steps++
				if report := r.rebuild(); report.Answers > 2 {
					t.Errorf("step %d: rebuilt %+v", n, report)
				}
				same(t, "after an interrupted rebuild", before, r.read(everybody))
				r.clean()
				if t.Failed() {
					t.Fatalf("at step %d", n)
				}
			}
			if steps < 15 {
				t.Errorf("a rebuild has only %d steps", steps)
			}
			r.serve()
			r.clean()
		})
	}
}

// TestTheLaterRebuildWins: whoever was at work already notices, and spoils
// nothing.
func TestTheLaterRebuildWins(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.populate()
	r.settle()
	before := r.read(everybody)
	for name, at := range map[string]int{"before it clears": 5, "while it refills": 7, "before it opens": 14} {
		p := &plug{at: at, before: func() error { r.rebuild(); return nil }}
		b := r.rebuilder()
		b.Redis = refiller{b.Redis, p}
		_, err := b.Campaign(t.Context(), r.def)
		if !errors.Is(err, redisstore.ErrTakenOver) && !errors.Is(err, replay.ErrOvertaken) {
			t.Errorf("%s: a rebuild that was overtaken: %v", name, err)
		}
		same(t, name, before, r.read(everybody))
		r.clean()
	}
}
