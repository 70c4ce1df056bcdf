package replay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

var (
	// ErrOvertaken is a rebuild during which another one has begun.
	ErrOvertaken = errors.New("another rebuild has begun meanwhile")
	// ErrOldLedger is a ledger from before a rebuild of this Redis: it lacks what
	// happened between.
	ErrOldLedger = errors.New("redis is in a later epoch than the ledger, which lacks what happened before that")
	// ErrNotDrained is a stream that could not be moved into the ledger as a whole.
	ErrNotDrained = errors.New("the stream still holds what the ledger does not")
)

// Rebuilder fills a Redis from the ledger: one that was lost, or one that differs.
// Nobody can act in a campaign from its beginning to its end. It may be
// interrupted at any point and begun again.
type Rebuilder struct {
	Ledger Rebuildable
	Redis  Refiller
	Open   Open
	// Drain moves everything that the streams of a shard still hold into the
	// ledger.
	Drain func(ctx context.Context, s ledger.Shard) error
	// Progress, when set, is told how many facts are done. It is not called
	// by two at once.
	Progress func(done, total int64)
	Now      func() time.Time
}

// Rebuilt is what a rebuild did.
type Rebuilt struct {
	Campaign string `json:"campaign"`
	Shards   int    `json:"shards"`
	// Epoch is the one in which acts are accepted from now on.
	Epoch        uint64 `json:"epoch"`
	Facts        int64  `json:"facts"`
	Participants int64  `json:"participants"`
	Doors        int64  `json:"doors"`
	// Answers counts the open attempts in which something was kept.
	Answers int `json:"answers_kept"`
	// Faults counts where the ledger contradicts itself; Redis has the answer of
	// the facts then, and verifying tells which they are.
	Faults int64 `json:"faults"`
	// NotDrained lists the shards whose streams ended before the ledger, so that
	// nothing was taken from them, and NoBank the versions of question banks that
	// the ledger does not hold.
	NotDrained []int         `json:"not_drained,omitempty"`
	NoBank     []string      `json:"no_bank,omitempty"`
	Duration   time.Duration `json:"duration_ns"`
}

// Campaign rebuilds a campaign.
func (r *Rebuilder) Campaign(ctx context.Context, c *campaign.Campaign) (Rebuilt, error) {
	x := &rebuild{Rebuilder: r, id: c.ID}
	return x.report(ctx, func(ctx context.Context) error { return x.refillCampaign(ctx, c) })
}

// Doors rebuilds who stands behind each way of signing in.
func (r *Rebuilder) Doors(ctx context.Context) (Rebuilt, error) {
	x := &rebuild{Rebuilder: r, id: ledger.DoorsCampaign}
	return x.report(ctx, x.refillDoors)
}

// rebuild is one run of a Rebuilder.
type rebuild struct {
	*Rebuilder

	id     string
	was    ledger.Opened
	ticket state.Ticket
	heads  []ledger.Heads // of each shard
	done   progress
	Rebuilt
}

func (x *rebuild) report(ctx context.Context, refill func(context.Context) error) (Rebuilt, error) {
	began := x.Now()
	err := x.run(ctx, refill)
	x.Rebuilt.Campaign, x.Rebuilt.Shards, x.Duration = x.id, x.was.Shards, x.Now().Sub(began)
	if err != nil {
		err = fmt.Errorf("rebuild %s: %w", x.id, err)
	}
	return x.Rebuilt, err
}

// run takes the steps in an order in which each can be repeated, and the last of
// them opens the campaign.
func (x *rebuild) run(ctx context.Context, refill func(context.Context) error) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"rebuild.after_mark", x.mark},
		{"rebuild.after_drain", x.drain},
		{"rebuild.after_clear", x.clear},
		{"rebuild.before_epoch", refill},
		{"rebuild.after_sql_epoch", x.raise},
		{"rebuild.before_open", x.open},
	} {
		if err := step.do(ctx); err != nil {
			return err
		}
		if err := failpoint.Hit(step.name); err != nil {
			return err
		}
	}
	return x.condition(ctx, ledger.Open)
}

// mark closes the campaign, in the ledger first: no server opens what the ledger
// says is being rebuilt.
func (x *rebuild) mark(ctx context.Context) error {
	var known bool
	var err error
	if x.was, known, err = x.Ledger.Campaign(ctx, x.id); err != nil {
		return err
	}
	if !known {
		return ErrUnknown
	}
	found, _, err := x.Redis.Opening(ctx, x.id)
	if err != nil {
		return err
	}
	if found.Epoch > x.was.Epoch {
		return ErrOldLedger
	}
	if err := x.condition(ctx, ledger.Rebuilding); err != nil {
		return err
	}
	x.ticket = state.Ticket{Campaign: x.id, Shards: x.was.Shards, Token: rand.Text()}
	return x.Redis.Mark(ctx, state.Opening{
		Campaign: x.id, Shards: x.was.Shards, Base: x.was.Base, Bits: x.was.Bits, Epoch: x.was.Epoch,
	}, x.ticket.Token)
}

// condition sets the campaign's condition in the ledger.
func (x *rebuild) condition(ctx context.Context, c ledger.Condition) error {
	if x.was.Condition == c {
		return nil
	}
	ok, err := x.Ledger.RaiseEpoch(ctx, x.was, x.was.Epoch, c)
	if err != nil {
		return err
	}
	if !ok {
		return ErrOvertaken
	}
	x.was.Condition = c
	return nil
}

// drain moves into the ledger what the streams still hold. A stream that ends
// before the ledger's cursor is older than the ledger or another one: there is
// nothing to be taken from it.
func (x *rebuild) drain(ctx context.Context) error {
	x.heads = make([]ledger.Heads, x.was.Shards)
	for n := range x.was.Shards {
		s := ledger.Shard{Campaign: x.id, Number: n}
		head, err := x.Redis.Head(ctx, x.id, n)
		if err != nil {
			return err
		}
		at, err := cursors(ctx, x.Ledger, s)
		if err != nil {
			return err
		}
		if !arrived(head.Facts, at.Facts) || !arrived(head.Personal, at.Personal) {
			x.NotDrained = append(x.NotDrained, n)
			x.heads[n] = at
			continue
		}
		if err := x.Drain(ctx, s); err != nil {
			return fmt.Errorf("drain shard %d: %w", n, err)
		}
		if x.heads[n], err = cursors(ctx, x.Ledger, s); err != nil {
			return err
		}
		if !arrived(x.heads[n].Facts, head.Facts) || !arrived(x.heads[n].Personal, head.Personal) {
			return fmt.Errorf("drain shard %d: %w", n, ErrNotDrained)
		}
	}
	return nil
}

// clear sets the answers aside that only Redis knows, and takes everything else
// away.
func (x *rebuild) clear(ctx context.Context) error {
	for n := range x.was.Shards {
		kept, err := x.Redis.KeepAnswers(ctx, x.ticket, n)
		if err != nil {
			return err
		}
		x.Answers += kept
	}
	return x.Redis.Clear(ctx, x.ticket)
}

// raise takes an epoch that nobody has been in.
func (x *rebuild) raise(ctx context.Context) error {
	x.Epoch = x.was.Epoch + 1
	ok, err := x.Ledger.RaiseEpoch(ctx, x.was, x.Epoch, ledger.Rebuilding)
	if err != nil {
		return err
	}
	if !ok {
		return ErrOvertaken
	}
	x.was.Epoch = x.Epoch
	return nil
}

func (x *rebuild) open(ctx context.Context) error {
	for n := range x.was.Shards {
		if err := x.Redis.OpenShard(ctx, x.ticket, n, x.Epoch); err != nil {
			return err
		}
	}
	return x.Redis.OpenCampaign(ctx, x.ticket, x.Epoch)
}
