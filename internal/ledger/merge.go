package ledger

import (
	"container/heap"
	"context"
	"math/bits"
	"strconv"
)

// ordered reads the rows of a shard in the order of participants: each of its blocks is in
// that order, and they are merged.
type ordered[T any] struct {
	blocks func(context.Context) ([]block, error)
	page   func(ctx context.Context, b block, after key, limit int) ([]T, error)
	key    func(*T) key

	begun bool
	limit int // of the page of a block
	heap  tops[T]
}

// stretch is one block with what has been read of it and not been taken yet.
type stretch[T any] struct {
	block

	rows []T
	last key // of what has been read
	done bool
}

// orderedRows bounds the rows of all blocks that are held to be merged, while there are not
// too many blocks for it: no fewer than leastOfBlock are worth a question.
const (
	orderedRows  = 4 * historyPage
	leastOfBlock = 32
)

// read returns the next page, which is shorter than historyPage at the end alone.
func (o *ordered[T]) read(ctx context.Context) ([]T, error) {
	if !o.begun {
		if err := o.begin(ctx); err != nil {
			return nil, err
		}
	}
	var page []T
	for len(page) < historyPage && len(o.heap.all) > 0 {
		top := o.heap.all[0]
		page = append(page, top.rows[0])
		top.rows = top.rows[1:]
		if err := o.refill(ctx, top); err != nil {
			return nil, err
		}
		if len(top.rows) == 0 {
			heap.Pop(&o.heap)
			continue
		}
		heap.Fix(&o.heap, 0)
	}
	return page, nil
}

// begin reads the first page of each block.
func (o *ordered[T]) begin(ctx context.Context) error {
	all, err := o.blocks(ctx)
	if err != nil {
		return err
	}
	o.begun, o.heap.key = true, o.key
	o.limit = 1 << (bits.Len(uint(min(max(orderedRows/max(len(all), 1), leastOfBlock), historyPage))) - 1) // few different statements
	for _, b := range all {
		s := &stretch[T]{block: b}
		if err := o.refill(ctx, s); err != nil {
			return err
		}
		if len(s.rows) > 0 {
			o.heap.all = append(o.heap.all, s)
		}
	}
	heap.Init(&o.heap)
	return nil
}

// refill reads the next page of a block of which everything was taken.
func (o *ordered[T]) refill(ctx context.Context, s *stretch[T]) error {
	if len(s.rows) > 0 || s.done {
		return nil
	}
	rows, err := o.page(ctx, s.block, s.last, o.limit)
	if err != nil {
		return err
	}
	s.rows, s.done = rows, len(rows) < o.limit
	if len(rows) > 0 {
		s.last = o.key(&rows[len(rows)-1])
	}
	return nil
}

// tops are blocks in the order of their next rows, for container/heap.
type tops[T any] struct {
	all []*stretch[T]
	key func(*T) key
}

func (t *tops[T]) Len() int { return len(t.all) }

func (t *tops[T]) Less(i, j int) bool {
	return t.key(&t.all[i].rows[0]).before(t.key(&t.all[j].rows[0]))
}

func (t *tops[T]) Swap(i, j int) { t.all[i], t.all[j] = t.all[j], t.all[i] }

func (t *tops[T]) Push(any) { panic("ledger: a block begins with the others") }

func (t *tops[T]) Pop() any {
	last := t.all[len(t.all)-1]
	t.all = t.all[:len(t.all)-1]
	return last
}

// before is the order of participants by the bytes of their ids, and of each one's rows by
// position.
func (k key) before(other key) bool {
	if k.participant != other.participant {
		return k.participant < other.participant
	}
	return k.Compare(other.Position) < 0
}

// pageQuery reads the page of a block behind a key. A planner must see that the index is
// the way: so the limit is no parameter, and heads are looked at in Go.
func pageQuery(columns, table string, limit int) string {
	return "SELECT " + columns + " FROM " + table + " WHERE shard = $1 AND epoch = $2 AND " + inBlock +
		" = $3 AND (participant, seq) > ($4, $5) ORDER BY participant, seq LIMIT " + strconv.Itoa(limit)
}
