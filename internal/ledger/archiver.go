package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"qingyuan/internal/event"
)

// Bounds of an archiver. The larger a transaction is, the fewer pages of the index on
// participants are written for each row, so it waits until there is something to
// write, and no longer than nobody minds.
const (
	archiveBatch = 10_000
	archiveIdle  = 400 * time.Millisecond
	// archiveRead bounds one look at a stream, and with it how long that holds Redis.
	archiveRead = 1000
	// archivePause is the longest wait after errors.
	archivePause = 5 * time.Second
	trimEvery    = time.Second
	// restFor is how long SQL is not asked about a stream of which it had everything, while
	// nothing comes to it. Most streams rest most of the time.
	restFor = 2 * time.Second
)

// streams are in the order in which they are archived. Facts come first: of a
// shard that is lost with its Redis, they are what counts.
var streams = [...]event.Stream{event.Facts, event.Personal}

// ErrNoBank is a fact that names a version of a question bank which neither Redis
// nor the ledger holds. The fact is stored all the same.
var ErrNoBank = errors.New("nobody holds the bank version")

// ErrAhead is a stream that ends before the ledger's cursor, in the same epoch:
// Redis has lost what it had acknowledged, and must be rebuilt.
var ErrAhead = errors.New("the ledger is ahead of the stream")

// Archiver moves the entries of one shard from its streams into the ledger, and
// trims the streams behind both its own cursor and the fold's. Any number of them
// may work on one shard, in any number of processes: the cursor lies in SQL, and
// whoever comes second finds it moved. Fill the fields before the first use.
type Archiver struct {
	Ledger *Ledger
	Source Source
	Shard  Shard
	// Batch bounds the entries of one transaction; 10,000 when zero.
	Batch int
	// Idle is how long to wait where less than a batch was found; 400 ms when zero.
	// After errors the wait doubles up to 5 s.
	Idle time.Duration
	// Archived is told how many entries a batch had and how old its last one was.
	Archived func(s event.Stream, entries int, lag time.Duration)
	// Dead is told how many entries of a batch went to the dead letters.
	Dead func(entries int)
	// Failed is told of a step that did not succeed; it is tried again.
	Failed func(error)
	Now    func() time.Time

	watch   watch
	trimmed trimmed
}

// Run archives and trims until ctx ends. An error never skips an entry. A stream
// that stands still does not hold up the other one.
func (a *Archiver) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var pause time.Duration
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		full, err := a.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			a.Failed(err)
		}
		pause = a.pause(pause, full, err != nil)
		timer.Reset(pause)
	}
}

// pause returns how long to wait after a round, given the wait before it.
func (a *Archiver) pause(last time.Duration, full, failed bool) time.Duration {
	idle := cmp.Or(a.Idle, archiveIdle)
	switch {
	case failed:
		return min(max(2*last, idle), archivePause)
	case full:
		return 0
	default:
		return idle
	}
}

// round takes one step on each stream that does not rest and trims when it is time. It
// tells whether a batch was full, so that more is waiting.
func (a *Archiver) round(ctx context.Context) (full bool, err error) {
	var errs []error
	for _, s := range streams {
		if a.rests(ctx, s) {
			continue
		}
		n, err := a.Step(ctx, s)
		full = full || err == nil && n == a.batch()
		errs = append(errs, err)
	}
	if a.trimmed.due(a.Now()) && !a.bare() {
		errs = append(errs, a.Trim(ctx))
	}
	return full, errors.Join(errs...)
}

// rests tells whether nothing has come to a stream since SQL had all of it.
func (a *Archiver) rests(ctx context.Context, s event.Stream) bool {
	at, ok := a.watch.restsAt(s, a.Now())
	if !ok {
		return false
	}
	last, err := a.Source.Last(ctx, a.Shard.Campaign, a.Shard.Number, s)
	return err == nil && last == at
}

// bare tells whether all that SQL has was trimmed already.
func (a *Archiver) bare() bool {
	for _, s := range streams {
		if at, ok := a.watch.restsAt(s, a.Now()); !ok || !a.trimmed.reaches(s, at) {
			return false
		}
	}
	return true
}

// Drain archives until nothing is left on the streams. It returns the first
// error; a stream that has lost its end is drained, too, and Status tells of it.
func (a *Archiver) Drain(ctx context.Context) error {
	for _, s := range streams {
		for {
			n, err := a.Step(ctx, s)
			if err != nil && !errors.Is(err, ErrAhead) {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

func (a *Archiver) batch() int { return cmp.Or(a.Batch, archiveBatch) }

// Step archives one batch of a stream and returns how many entries it found
// there, whoever stored them in the end; none means that nothing is waiting.
func (a *Archiver) Step(ctx context.Context, s event.Stream) (int, error) {
	n, err := a.step(ctx, s)
	if err != nil {
		err = fmt.Errorf("archive the %s of %s: %w", s, a.Shard, err)
	}
	a.watch.tried(s, err)
	return n, err
}

func (a *Archiver) step(ctx context.Context, s event.Stream) (int, error) {
	from, err := a.Ledger.Cursor(ctx, a.Shard, s)
	if err != nil {
		return 0, err
	}
	a.watch.at(s, from)
	entries, err := a.read(ctx, s, from)
	if err != nil {
		return a.overtaken(ctx, s, from, err)
	}
	if len(entries) == 0 {
		return 0, a.ahead(ctx, s, from)
	}
	if err := a.Source.Confirm(ctx, a.Shard.Campaign, a.Shard.Number); err != nil {
		return 0, err
	}
	r, err := understand(Batch{Shard: a.Shard, Stream: s, From: from, Entries: entries, Now: a.Now()})
	if err != nil {
		return 0, err
	}
	if r.Banks, err = a.newBanks(ctx, r.banks); err != nil {
		return 0, err
	}
	out, err := a.Ledger.append(ctx, r)
	a.tell(r, out)
	return len(entries), err
}

// read returns what follows a position, at most a batch. What stands in the way of
// more is found again by the step that begins there.
func (a *Archiver) read(ctx context.Context, s event.Stream, from event.Position) ([]event.Entry, error) {
	var all []event.Entry
	for len(all) < a.batch() {
		n := min(archiveRead, a.batch()-len(all))
		page, err := a.Source.Entries(ctx, a.Shard.Campaign, a.Shard.Number, s, from, n)
		switch {
		case err != nil && len(all) == 0:
			return nil, err
		case err != nil || len(page) == 0:
			return all, nil //nolint:nilerr // It is found again, as said above.
		}
		if all = append(all, page...); len(page) < n {
			break
		}
		from = page[n-1].Position
	}
	return all, nil
}

// overtaken judges a read that failed. Somebody else may have archived the
// entries and trimmed the stream since the cursor was read: that is no gap.
func (a *Archiver) overtaken(ctx context.Context, s event.Stream, from event.Position, cause error) (int, error) {
	now, err := a.Ledger.Cursor(ctx, a.Shard, s)
	if err != nil || now == from {
		return 0, cause
	}
	return 1, nil
}

// ahead judges a stream with nothing behind the cursor. After a rebuild it begins
// anew, in an epoch that the ledger has heard of.
func (a *Archiver) ahead(ctx context.Context, s event.Stream, at event.Position) error {
	last, err := a.Source.Last(ctx, a.Shard.Campaign, a.Shard.Number, s)
	if err == nil && last == at {
		a.watch.rest(s, at, a.Now().Add(restFor))
	}
	if err != nil || last.Compare(at) >= 0 {
		return err
	}
	o, known, err := a.Ledger.Campaign(ctx, a.Shard.Campaign)
	if err != nil || known && o.Epoch > at.Epoch {
		return err
	}
	return fmt.Errorf("%w: it ends at %s, and %s is stored", ErrAhead, last, at)
}

// newBanks fetches the versions that the ledger does not hold yet. One that
// nobody has is told and does not hold up the facts, which are worth more.
func (a *Archiver) newBanks(ctx context.Context, digests []string) (map[string][]byte, error) {
	banks := map[string][]byte{}
	for _, digest := range digests {
		has, err := a.Ledger.hasBank(ctx, digest)
		if err != nil {
			return nil, err
		}
		if has {
			continue
		}
		packed, err := a.Source.Bank(ctx, digest)
		if err != nil {
			return nil, err
		}
		if packed == nil {
			a.Failed(fmt.Errorf("archive the facts of %s: %w %q", a.Shard, ErrNoBank, digest))
			continue
		}
		banks[digest] = packed
	}
	return banks, nil
}

// tell reports what was stored.
func (a *Archiver) tell(r *run, out Appended) {
	n := out.Stored + out.Dead
	if n == 0 {
		return
	}
	a.watch.at(r.Stream, out.To)
	a.Archived(r.Stream, n, a.Now().Sub(happened(&r.Entries[n-1])))
	if out.Dead > 0 {
		a.Dead(out.Dead)
	}
}
