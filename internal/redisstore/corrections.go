package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

var correctTurnScript = script("correct_turn")

// ErrTurn is a correction by somebody whose turn at the batch is over, or was
// forgotten with a Redis that was rebuilt.
var ErrTurn = errors.New("it is another turn at the batch")

// Turn is one run over the acts of a batch. A later one has a higher number, and
// bars the earlier: a server that was held up cannot take out what an undo has given
// back. Turns are no facts. A rebuild forgets them, and bars everybody by its epoch.
type Turn struct {
	Batch  string
	Number int
}

func (t Turn) field() string {
	if t.Batch == "" {
		return ""
	}
	return "turn:" + t.Batch
}

// Fate is what became of an act.
type Fate struct {
	// Counts says that it counts in the figures.
	Counts bool
	// Batch is the one that invalidated it, or "".
	Batch string
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

// Begin begins a turn in every shard, and may be repeated. It fails with ErrTurn
// where a later turn has begun.
func (c *Corrections) Begin(ctx context.Context, id string, t Turn) error {
	fail := func(err error) error {
		return fmt.Errorf("begin turn %d at batch %s in %s: %w", t.Number, t.Batch, id, err)
	}
	o, err := c.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	for _, k := range o.shards {
		r, err := run(ctx, c.campaigns.writes, correctTurnScript, []string{k.meta()}, o.epoch, t.field(), t.Number)
		switch {
		case err != nil:
			return fail(err)
		case r.outcome == "past":
			return fail(ErrTurn)
		case r.outcome == "epoch":
			return fail(o.wrongEpoch())
		case r.outcome != "ok":
			return fail(r.unknown())
		}
	}
	return nil
}

// Invalidate lets an act count nowhere any more and writes down for which batch;
// number 0 is the signature. One that counts nowhere already stays as it is. It
// returns what became of the act. What was never accepted is quiz.ErrAttemptNotFound
// or pledge.ErrNotSigned.
func (c *Corrections) Invalidate(ctx context.Context, id string, t Turn, participant string, number int) (Fate, error) {
	return c.correct(ctx, id, t, participant, number, func(was Fate) (Fate, bool) {
		return Fate{Batch: t.Batch}, was.Counts
	})
}

// Restore lets an act count again that the batch has invalidated. Any other stays
// as it is. It returns what became of the act; errors are those of Invalidate.
func (c *Corrections) Restore(ctx context.Context, id string, t Turn, participant string, number int) (Fate, error) {
	return c.correct(ctx, id, t, participant, number, func(was Fate) (Fate, bool) {
		return Fate{Counts: true}, !was.Counts && was.Batch == t.Batch
	})
}

// correct leads an act to another fate where rule says so.
func (c *Corrections) correct(ctx context.Context, id string, t Turn, participant string, number int, rule func(Fate) (Fate, bool)) (Fate, error) {
	fail := func(err error) (Fate, error) {
		return Fate{}, fmt.Errorf("correct act %d of %s in %s for batch %s: %w", number, participant, id, t.Batch, err)
	}
	def, err := c.define(id)
	if err != nil {
		return fail(err)
	}
	var fate Fate
	err = c.campaigns.correct(ctx, def, participant, c.now(), func(x *correction) (change, error) {
		was, err := x.fate(number)
		if err != nil {
			return change{}, err
		}
		to, changes := rule(was)
		if !changes {
			fate = was
			return change{}, nil
		}
		fate = to
		return x.lead(number, to, t)
	})
	if err != nil {
		return fail(err)
	}
	return fate, nil
}

// fate tells what has become of an act so far.
func (x *correction) fate(number int) (Fate, error) {
	if number == 0 {
		if x.signature.State == "" {
			return Fate{}, pledge.ErrNotSigned
		}
		return Fate{Counts: x.signature.State == pledge.Valid, Batch: x.signature.Batch}, nil
	}
	a, found := x.attempts[number]
	if !found || !a.State.Accepted() {
		return Fate{}, quiz.ErrAttemptNotFound
	}
	return Fate{Counts: !a.State.Void(), Batch: a.Batch}, nil
}

// lead returns the change that leads an act to a fate.
func (x *correction) lead(number int, to Fate, t Turn) (change, error) {
	out := change{number: number, batch: t.Batch, turn: t}
	var err error
	if number == 0 {
		sig := x.signature
		sig.State, sig.Batch, out.kind = pledge.Invalidated, to.Batch, event.KindSignatureInvalidated
		if to.Counts {
			sig.State, out.kind = pledge.Valid, event.KindSignatureRestored
		}
		out.field = "s"
		out.value, err = repackSignature(x.fields["s"], &sig)
		return out, err
	}
	a := x.attempts[number]
	a.State, a.Batch, out.kind = quiz.StateInvalidated, to.Batch, event.KindInvalidated
	if to.Counts {
		a.State, out.kind = quiz.StateSubmitted, event.KindRestored
	}
	out.field, out.value = slot(number), packFinished(&a)
	return out, nil
}
