package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

var correctTurnScript = script("correct_turn")

// turnField is the field of a shard's meta that holds whose turn it is at a batch.
// Turns are no facts: a rebuild forgets them, and bars everybody by its epoch.
func turnField(t act.Turn) string {
	if t.Batch == "" {
		return ""
	}
	return "turn:" + t.Batch
}

// Corrections invalidates acts for batches and gives them back.
type Corrections struct {
	campaigns *Campaigns
	define    func(id string) (*campaign.Campaign, error)
	now       func() time.Time
}

// NewCorrections returns the store of batches. define is the definition of a
// campaign now.
func NewCorrections(c *Campaigns, define func(id string) (*campaign.Campaign, error), now func() time.Time) *Corrections {
	return &Corrections{campaigns: c, define: define, now: now}
}

// Begin begins a turn in every shard, and may be repeated. It fails with act.ErrTurn
// where a later turn has begun.
func (c *Corrections) Begin(ctx context.Context, id string, t act.Turn) error {
	fail := func(err error) error {
		return fmt.Errorf("begin turn %d at batch %s in %s: %w", t.Number, t.Batch, id, err)
	}
	o, err := c.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	for _, k := range o.shards {
		r, err := run(ctx, c.campaigns.writes, correctTurnScript, []string{k.meta()}, o.epoch, turnField(t), t.Number)
		switch {
		case err != nil:
			return fail(err)
		case r.outcome == "past":
			return fail(act.ErrTurn)
		case r.outcome == "epoch":
			return fail(o.wrongEpoch())
		case r.outcome != "ok":
			return fail(r.unknown())
		}
	}
	return nil
}

// Invalidate lets an act count nowhere any more and writes down for which batch. One
// that counts nowhere already stays as it is. It returns what became of the act. What
// was never accepted is act.ErrNone.
func (c *Corrections) Invalidate(ctx context.Context, id string, t act.Turn, a act.Act) (act.Fate, error) {
	return c.correct(ctx, id, t, a, func(was act.Fate) (act.Fate, bool) {
		return act.Fate{Batch: t.Batch}, was.Counts
	})
}

// Restore lets an act count again that the batch has invalidated. Any other stays
// as it is. Whoever is counted as another participant is counted as themselves again
// first. It returns what became of the act; errors are those of Invalidate.
func (c *Corrections) Restore(ctx context.Context, id string, t act.Turn, a act.Act) (act.Fate, error) {
	return c.correct(ctx, id, t, a, func(was act.Fate) (act.Fate, bool) {
		return act.Fate{Counts: true}, !was.Counts && was.Batch == t.Batch
	})
}

// Fate tells what became of an act so far. Errors are those of Invalidate.
func (c *Corrections) Fate(ctx context.Context, id string, a act.Act) (act.Fate, error) {
	return c.correct(ctx, id, act.Turn{}, a, func(was act.Fate) (act.Fate, bool) { return was, false })
}

// correct leads an act to another fate where rule says so.
func (c *Corrections) correct(ctx context.Context, id string, t act.Turn, a act.Act, rule func(act.Fate) (act.Fate, bool)) (act.Fate, error) {
	fail := func(err error) (act.Fate, error) {
		return act.Fate{}, fmt.Errorf("correct act %d of %s in %s: %w", a.Number, a.Participant, id, err)
	}
	def, err := c.define(id)
	if err != nil {
		return fail(err)
	}
	var fate act.Fate
	parts := false
	step := func() error {
		return c.campaigns.correct(ctx, def, a.Participant, c.now(), func(x *correction) (change, error) {
			was, err := x.fate(a.Number)
			if err != nil {
				return change{}, err
			}
			to, changes := rule(was)
			if parts = changes && x.record.Joined; parts {
				out := x.parted()
				out.turn = t
				return out, nil
			}
			if fate = was; !changes {
				return change{}, nil
			}
			fate = to
			return x.lead(a.Number, to, t)
		})
	}
	err = step()
	for range correctionTries {
		if err != nil || !parts {
			break
		}
		err = step()
	}
	if err == nil && parts {
		err = fault.ErrUnavailable.Because(errBusy)
	}
	if errors.Is(err, campaign.ErrRequired) {
		err = act.ErrNone
	}
	if err != nil {
		return fail(err)
	}
	return fate, nil
}

// fate tells what has become of an act so far.
func (x *correction) fate(number int) (act.Fate, error) {
	if number == act.Signature {
		if x.signature.State == "" {
			return act.Fate{}, act.ErrNone
		}
		return act.Fate{Counts: x.signature.State == pledge.Valid, Batch: x.signature.Batch}, nil
	}
	a, found := x.attempts[number]
	if !found || !a.State.Accepted() {
		return act.Fate{}, act.ErrNone
	}
	return act.Fate{Counts: !a.State.Void(), Batch: a.Batch}, nil
}

// lead returns the change that leads an act to a fate.
func (x *correction) lead(number int, to act.Fate, t act.Turn) (change, error) {
	out := change{number: number, batch: t.Batch, turn: t}
	if number == act.Signature {
		sig := x.signature
		sig.State, sig.Batch, out.kind = pledge.Invalidated, to.Batch, event.KindSignatureInvalidated
		if to.Counts {
			sig.State, out.kind = pledge.Valid, event.KindSignatureRestored
		}
		packed, err := repackSignature(x.fields["s"], &sig)
		out.fields = map[string]string{"s": packed}
		return out, err
	}
	a := x.attempts[number]
	a.State, a.Batch, out.kind = quiz.StateInvalidated, to.Batch, event.KindInvalidated
	if to.Counts {
		a.State, out.kind = quiz.StateSubmitted, event.KindRestored
	}
	out.fields = map[string]string{slot(number): packFinished(&a)}
	return out, nil
}
