package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/stream"
)

// delta is a river that several go through, and how many entries came from Redis.
type delta struct {
	*river
	shared *stream.Shared
	came   atomic.Int64
}

func newDelta(t *testing.T) *delta {
	t.Helper()
	d := &delta{river: newRiver(t)}
	joined := redisstore.NewJoined(d.db, 1)
	t.Cleanup(func() { _ = joined.Close() })
	quick := d.Reader
	quick.Range = func(ctx context.Context, key, from string, limit int) ([]event.Entry, error) {
		entries, err := joined.Range(ctx, key, from, limit)
		d.came.Add(int64(len(entries)))
		return entries, err
	}
	d.shared = &stream.Shared{Reader: &quick}
	return d
}

// came tells how many entries came from Redis meanwhile.
func (d *delta) cameOf(read func()) int64 {
	before := d.came.Load()
	read()
	return d.came.Load() - before
}

// next reads what follows a position, and returns where it ends.
func (d *delta) next(turn *stream.Turn, after event.Position, limit int) ([]event.Entry, event.Position) {
	d.Helper()
	entries, err := turn.Entries(d.Context(), "c1", 1, event.Facts, after, limit)
	if err != nil {
		d.Fatal(err)
	}
	if n := len(entries); n > 0 {
		after = entries[n-1].Position
	}
	return entries, after
}

func same(a, b []event.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b event.Entry) bool { return a.Position == b.Position && a.Fields.Equal(b.Fields) })
}

// TestWhatOneHasReadTheOtherIsGiven: of what the one has read, one entry comes from
// Redis again.
func TestWhatOneHasReadTheOtherIsGiven(t *testing.T) {
	t.Parallel()
	d := newDelta(t)
	fold, ledger := d.shared.Turn("fold"), d.shared.Turn("ledger")
	var a, b event.Position
	_, b = d.next(ledger, b, 100) // it is there
	for i := range 10 {
		d.add(1, fmt.Sprint("p", i))
	}
	var first, second []event.Entry
	if n := d.cameOf(func() { first, a = d.next(fold, a, 100) }); n != 10 || len(first) != 10 {
		t.Errorf("%d entries came for %d", n, len(first))
	}
	if n := d.cameOf(func() { second, b = d.next(ledger, b, 100) }); n != 1 || !same(first, second) {
		t.Errorf("%d entries came for what was read already: %v", n, second)
	}
	for range 3 {
		d.add(1, "q")
	}
	if n := d.cameOf(func() { second, b = d.next(ledger, b, 2) }); n != 2 || len(second) != 2 {
		t.Errorf("%d entries came for %d", n, len(second))
	}
	if n := d.cameOf(func() { first, a = d.next(fold, a, 100) }); n != 2 || len(first) != 3 || !same(first[:2], second) {
		t.Errorf("%d entries came, two of three were known: %v", n, first)
	}
	if facts, err := ledger.After(t.Context(), "c1", 1, b, 10); err != nil || len(facts) != 1 || facts[0].Position != a {
		t.Errorf("the rest is %v, %v", facts, err)
	}
	if got, err := ledger.Entries(t.Context(), "c1", 1, event.Personal, event.Position{}, 10); err != nil || len(got) != 0 {
		t.Errorf("of the other stream: %v, %v", got, err)
	}
}

// TestSharedIsWhatLiesThere: whoever reads how much, and in whatever order, gets what
// the stream itself says. Batches are small and large, the stream is trimmed behind
// both, and goes on in another epoch.
func TestSharedIsWhatLiesThere(t *testing.T) {
	t.Parallel()
	d := newDelta(t)
	rng := rand.New(rand.NewPCG(1, 2))
	turns := []*stream.Turn{d.shared.Turn("fold"), d.shared.Turn("ledger")}
	at := make([]event.Position, len(turns))
	epoch := 1
	for step := range 1500 {
		switch rng.IntN(8) {
		case 0, 1, 2:
			for range rng.IntN(6) {
				d.add(epoch, strconv.Itoa(step))
			}
		case 3:
			if rng.IntN(20) == 0 && at[0] == at[1] && at[0] != (event.Position{}) {
				epoch++
			}
		case 4:
			if behind := slices.MinFunc(at, event.Position.Compare); behind != (event.Position{}) {
				if err := d.Trim(t.Context(), "c1", 1, event.Facts, behind); err != nil {
					t.Fatal(err)
				}
			}
		default:
			i, limit := rng.IntN(len(turns)), 1+rng.IntN(8)
			want, err := d.Entries(t.Context(), "c1", 1, event.Facts, at[i], limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []event.Entry
			if got, at[i] = d.next(turns[i], at[i], limit); !same(got, want) {
				t.Fatalf("step %d: %v, want %v", step, got, want)
			}
		}
	}
	if at[0].Seq < 20 && epoch == 1 {
		t.Errorf("nothing was read: %v", at)
	}
}

// TestSharedForgetsWhatIsGone: what was read from a Redis that has lost it is given to
// nobody, even where the same position says something else now.
func TestSharedForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(d *delta){
		"emptied": func(*delta) {},
		"other facts lie there": func(d *delta) {
			for range 4 {
				d.add(1, "other")
			}
		},
		"the last one is another": func(d *delta) {
			d.add(1, "p")
			d.add(1, "p")
			d.add(1, "other")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDelta(t)
			fold, ledger := d.shared.Turn("fold"), d.shared.Turn("ledger")
			for range 3 {
				d.add(1, "p")
			}
			d.next(ledger, event.Position{}, 1)
			d.next(fold, event.Position{}, 10)
			if err := d.db.Del(t.Context(), factsKey()).Err(); err != nil {
				t.Fatal(err)
			}
			after(d)
			want, err := d.Entries(t.Context(), "c1", 1, event.Facts, event.Position{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := d.next(ledger, event.Position{}, 10); !same(got, want) {
				t.Errorf("given %v, there is %v", got, want)
			}
		})
	}
}

// TestASharedGapIsOne: what was trimmed before everybody had read it is missed, whoever
// still remembers it.
func TestASharedGapIsOne(t *testing.T) {
	t.Parallel()
	d := newDelta(t)
	fold, ledger := d.shared.Turn("fold"), d.shared.Turn("ledger")
	for range 5 {
		d.add(1, "p")
	}
	d.next(ledger, event.Position{}, 1)
	_, at := d.next(fold, event.Position{}, 3)
	if err := d.Trim(t.Context(), "c1", 1, event.Facts, at); err != nil {
		t.Fatal(err)
	}
	if got, err := ledger.Entries(t.Context(), "c1", 1, event.Facts, event.Position{}, 10); !errors.Is(err, stream.ErrGap) {
		t.Errorf("read %v, %v", got, err)
	}
}

// TestWhoLagsReadsForItself: more than what is remembered is read from the stream, and
// in order.
func TestWhoLagsReadsForItself(t *testing.T) {
	t.Parallel()
	d := newDelta(t)
	const many = 9000
	_, err := d.db.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range many {
			p.XAdd(t.Context(), &redis.XAddArgs{Stream: factsKey(), ID: "1-*", Values: []string{"p", strconv.Itoa(i)}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := func(turn *stream.Turn, limit int) int {
		n, at := 0, event.Position{}
		for {
			var got []event.Entry
			if got, at = d.next(turn, at, limit); len(got) == 0 {
				return n
			}
			for _, e := range got {
				if e.Get("p") != strconv.Itoa(n) {
					t.Fatalf("entry %d is of %q", n, e.Get("p"))
				}
				n++
			}
		}
	}
	fold, ledger := d.shared.Turn("fold"), d.shared.Turn("ledger")
	d.next(ledger, event.Position{}, 1)
	if n := all(fold, 500); n != many {
		t.Errorf("the first read %d", n)
	}
	came := d.cameOf(func() {
		if n := all(ledger, 1000); n != many {
			t.Errorf("the second read %d", n)
		}
	})
	if came <= many-4096 || came > many-3000 {
		t.Errorf("%d entries came for the second, which only lacks what is not remembered", came)
	}
}

// TestSharedWhileItGrows: everybody reads everything once, in order, while facts come.
func TestSharedWhileItGrows(t *testing.T) {
	t.Parallel()
	d := newDelta(t)
	const many = 300
	var all sync.WaitGroup
	all.Go(func() {
		for i := range many {
			d.add(1, strconv.Itoa(i))
		}
	})
	for i, name := range []string{"fold", "ledger", "another"} {
		all.Go(func() {
			turn, at := d.shared.Turn(name), event.Position{}
			for n := 0; n < many; {
				got, err := turn.Entries(t.Context(), "c1", 1, event.Facts, at, 3+20*i)
				if err != nil {
					t.Error(err)
					return
				}
				for _, e := range got {
					if at = e.Position; e.Get("p") != strconv.Itoa(n) {
						t.Errorf("%s: entry %d is of %q", name, n, e.Get("p"))
						return
					}
					n++
				}
			}
		})
	}
	all.Wait()
}
