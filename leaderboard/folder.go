package leaderboard

import (
	"context"
	"fmt"
	"time"

	"qingyuan/campaign"
)

// Folder applies the facts of one campaign's shards to tallies and boards. Any
// number of servers may fold at once: a batch whose cursor has moved on is
// refused by the store and read again.
type Folder struct {
	Store    Store
	Facts    Facts
	Campaign func() (*campaign.Campaign, error) // the definition now
	// Idle is how long to wait when a shard has nothing new; 100 ms when zero.
	Idle time.Duration
	// Folded is told how many facts a batch had and how old its last one was.
	Folded func(facts int, lag time.Duration)
	// Failed is told of a batch that could not be folded; it is tried again.
	Failed func(error)
	Now    func() time.Time
}

// foldBatch bounds one batch, and with it how long the script holds Redis.
const foldBatch = 500

// Run folds one shard until ctx ends. An error never skips a fact: it is
// reported and the same batch is tried again after a pause.
func (f *Folder) Run(ctx context.Context, shard int) {
	idle := f.Idle
	if idle == 0 {
		idle = 100 * time.Millisecond
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		n, err := f.Step(ctx, shard)
		pause := idle
		switch {
		case err != nil && ctx.Err() == nil:
			f.Failed(err)
			pause = 10 * idle
		case n == foldBatch:
			pause = 0
		}
		timer.Reset(pause)
	}
}

// Step folds one batch and returns how many facts it had.
func (f *Folder) Step(ctx context.Context, shard int) (int, error) {
	c, err := f.Campaign()
	if err != nil {
		return 0, err
	}
	from, err := f.Store.Cursor(ctx, c.ID, shard)
	if err != nil {
		return 0, fmt.Errorf("cursor of %s:%d: %w", c.ID, shard, err)
	}
	facts, err := f.Facts.After(ctx, c.ID, shard, from, foldBatch)
	if err != nil || len(facts) == 0 {
		return 0, err
	}
	layout, err := f.Store.Layout(ctx, c.ID)
	if err != nil {
		return 0, err
	}
	b, err := Rules{Campaign: c, Layout: layout}.Fold(from, facts)
	if err != nil {
		return 0, err
	}
	applied, err := f.Store.Apply(ctx, c.ID, shard, b)
	if err != nil {
		return 0, fmt.Errorf("apply %d facts to %s:%d: %w", len(facts), c.ID, shard, err)
	}
	if applied {
		f.Folded(len(facts), f.Now().Sub(facts[len(facts)-1].At))
	}
	return len(facts), nil
}
