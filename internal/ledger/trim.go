package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/failpoint"
)

// trimmed remembers when and how far an archiver has trimmed.
type trimmed struct {
	mu   sync.Mutex
	next time.Time
	upTo Heads
}

// due tells whether it is time to trim, once for each interval.
func (t *trimmed) due(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.next) {
		return false
	}
	t.next = now.Add(trimEvery)
	return true
}

// reaches tells whether a stream is trimmed up to a position.
func (t *trimmed) reaches(s event.Stream, p event.Position) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.upTo.of(s).Compare(p) >= 0
}

// Trim removes from the streams what the ledger holds; of the facts only what the
// fold has applied, too. While a hold is in force it removes nothing.
//
// The cursors are read before the hold is looked for. Whatever is removed was in
// SQL when no hold was in force yet, and so is in any backup of SQL that is made
// under a hold.
func (a *Archiver) Trim(ctx context.Context) error {
	if err := a.trim(ctx); err != nil {
		return fmt.Errorf("trim the streams of %s: %w", a.Shard, err)
	}
	return nil
}

func (a *Archiver) trim(ctx context.Context) error {
	upTo, err := a.trimmable(ctx)
	if err != nil {
		return err
	}
	held, err := a.Ledger.Held(ctx, a.Now())
	if err != nil || held {
		return err
	}
	if err := failpoint.Hit("ledger.before_trim"); err != nil {
		return err
	}
	for _, s := range streams {
		if err := a.trimTo(ctx, s, *upTo.of(s)); err != nil {
			return err
		}
	}
	return failpoint.Hit("ledger.after_trim")
}

// trimmable returns how far each stream is needed by nobody. The doors have no
// fold.
func (a *Archiver) trimmable(ctx context.Context) (Heads, error) {
	var h Heads
	var err error
	for _, s := range streams {
		if *h.of(s), err = a.Ledger.Cursor(ctx, a.Shard, s); err != nil {
			return Heads{}, err
		}
	}
	if a.Shard.Campaign == DoorsCampaign {
		return h, nil
	}
	fold, err := a.Source.FoldCursor(ctx, a.Shard.Campaign, a.Shard.Number)
	if err != nil {
		return Heads{}, err
	}
	if fold.Compare(h.Facts) < 0 {
		h.Facts = fold
	}
	return h, nil
}

// trimTo asks Redis only where there is something new to remove.
func (a *Archiver) trimTo(ctx context.Context, s event.Stream, upTo event.Position) error {
	a.trimmed.mu.Lock()
	defer a.trimmed.mu.Unlock()
	was := a.trimmed.upTo.of(s)
	if upTo.Compare(*was) <= 0 {
		return nil
	}
	if err := a.Source.Trim(ctx, a.Shard.Campaign, a.Shard.Number, s, upTo); err != nil {
		return err
	}
	*was = upTo
	return nil
}
