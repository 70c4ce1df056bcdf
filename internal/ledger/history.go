package ledger

import (
	"context"
	"fmt"
	"iter"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// History is everything the ledger holds of one participant in one shard, in
// order.
type History struct {
	Participant string
	Facts       []event.Fact
	Records     []event.Record
}

// historyPage is how many rows are read at a time. Two pages of facts, two of personal
// records, what orderedRows allows for each of them and the longest history are all that
// is in memory.
const historyPage = 1000

// Histories yields the participants of a shard in order of id, each with what
// happened up to heads. It reads in pages and keeps no transaction open, so that
// it may take hours; what is appended meanwhile lies beyond heads and is left
// out. The first error ends it.
func (l *Ledger) Histories(ctx context.Context, s Shard, heads Heads) iter.Seq2[History, error] {
	return func(yield func(History, error) bool) {
		id, err := l.shardID(ctx, s)
		if err != nil {
			yield(History{}, err)
			return
		}
		m := merge{
			facts:   &pager[event.Fact]{read: inOrder(l, asFacts(), id, heads.Facts).read, key: factKey, head: heads.Facts},
			records: &pager[event.Record]{read: inOrder(l, asRecords(), id, heads.Personal).read, key: recordKey, head: heads.Personal},
		}
		ctx, stop := context.WithCancel(ctx)
		defer m.wait()
		defer stop()
		m.facts.readAhead(ctx)
		m.records.readAhead(ctx)
		for {
			h, ok, err := m.next(ctx)
			if err != nil {
				yield(History{}, fmt.Errorf("read the histories of %s: %w", s, err))
				return
			}
			if !ok || !yield(h, nil) {
				return
			}
		}
	}
}

// History returns everything the ledger holds of one participant in a shard now.
func (l *Ledger) History(ctx context.Context, s Shard, participant string) (History, error) {
	h := History{Participant: participant}
	fail := func(err error) (History, error) {
		return History{}, fmt.Errorf("read the history of participant %s in %s: %w", participant, s, err)
	}
	id, err := l.shardID(ctx, s)
	if err != nil {
		return fail(err)
	}
	if h.Facts, err = ofParticipant(ctx, l.db, asFacts(), id, participant); err != nil {
		return fail(err)
	}
	if h.Records, err = ofParticipant(ctx, l.db, asRecords(), id, participant); err != nil {
		return fail(err)
	}
	return h, nil
}

// key is where a row stands among those of a shard.
type key struct {
	participant string
	event.Position
}

func factKey(f *event.Fact) key     { return key{f.Participant, f.Position} }
func recordKey(r *event.Record) key { return key{r.Participant, r.Position} }

// inOrder reads the rows of a shard in the order of participants, of the blocks that begin
// no later than a head.
func inOrder[T any](l *Ledger, as rowsAs[T], shard int64, head event.Position) *ordered[T] {
	return &ordered[T]{
		key:    as.key,
		blocks: func(ctx context.Context) ([]block, error) { return blocksUpTo(ctx, l.db, as.table, shard, head) },
		page: func(ctx context.Context, b block, after key, limit int) ([]T, error) {
			rows, err := l.db.QueryContext(ctx, pageQuery(as.columns, as.table, limit), shard, b.epoch, b.number, after.participant, after.Seq)
			return sqldb.Collect(rows, err, as.scan)
		},
	}
}

// pager walks over rows in order of key. While one page is used, the next is
// read.
type pager[T any] struct {
	read func(context.Context) ([]T, error) // the page behind the one before; a short one is the last
	key  func(*T) key
	head event.Position

	rows  []T // what is left of the page
	done  bool
	ahead chan page[T] // where the next page arrives; nil while none is read
}

// page is what came of reading one.
type page[T any] struct {
	rows []T
	err  error
}

// peek returns the next row up to the head, or nil at the end.
func (p *pager[T]) peek(ctx context.Context) (*T, error) {
	for {
		if len(p.rows) == 0 {
			if p.done {
				return nil, nil //nolint:nilnil // The end is not an error.
			}
			if err := p.turn(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if row := &p.rows[0]; p.key(row).Compare(p.head) <= 0 {
			return row, nil
		}
		p.rows = p.rows[1:]
	}
}

func (p *pager[T]) turn(ctx context.Context) error {
	if p.ahead == nil {
		p.readAhead(ctx)
	}
	got := p.wait()
	if got.err != nil {
		return got.err
	}
	p.rows, p.done = got.rows, len(got.rows) < historyPage
	if !p.done {
		p.readAhead(ctx)
	}
	return nil
}

// readAhead begins to read the next page.
func (p *pager[T]) readAhead(ctx context.Context) {
	ahead := make(chan page[T], 1)
	p.ahead = ahead
	go func() {
		rows, err := p.read(ctx)
		ahead <- page[T]{rows, err}
	}()
}

// wait returns the page that is being read, if any, when it is there.
func (p *pager[T]) wait() page[T] {
	if p.ahead == nil {
		return page[T]{}
	}
	got := <-p.ahead
	p.ahead = nil
	return got
}

// take appends the rows of one participant to all.
func (p *pager[T]) take(ctx context.Context, participant string, all []T) ([]T, error) {
	for {
		row, err := p.peek(ctx)
		if err != nil || row == nil || p.key(row).participant != participant {
			return all, err
		}
		all = append(all, *row)
		p.rows = p.rows[1:]
	}
}

// merge joins facts and records of the same participants.
type merge struct {
	facts   *pager[event.Fact]
	records *pager[event.Record]
}

// wait lets what is being read ahead come to its end.
func (m *merge) wait() {
	m.facts.wait()
	m.records.wait()
}

// next returns the history of the next participant, and false after the last.
func (m *merge) next(ctx context.Context) (h History, ok bool, err error) {
	fact, err := m.facts.peek(ctx)
	if err != nil {
		return h, false, err
	}
	record, err := m.records.peek(ctx)
	switch {
	case err != nil:
		return h, false, err
	case fact == nil && record == nil:
		return h, false, nil
	case record == nil || fact != nil && fact.Participant < record.Participant:
		h.Participant = fact.Participant
	default:
		h.Participant = record.Participant
	}
	if h.Facts, err = m.facts.take(ctx, h.Participant, nil); err != nil {
		return h, false, err
	}
	h.Records, err = m.records.take(ctx, h.Participant, nil)
	return h, err == nil, err
}
