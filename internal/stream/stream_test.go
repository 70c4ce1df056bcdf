package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(campaign string, shard int, s event.Stream) string {
	return fmt.Sprintf("%s of {%s %d}", s, campaign, shard)
}

func markOf(campaign string, shard int) string {
	return fmt.Sprintf("mark of {%s %d}", campaign, shard)
}

// factsKey is the stream that the tests write to.
func factsKey() string { return keyOf("c1", 1, event.Facts) }

// river is a reader and the Redis it reads.
type river struct {
	*testing.T
	stream.Reader
	db *redis.Client
}

func newRiver(t *testing.T) *river {
	t.Helper()
	db := redistest.Start(t).Client(t)
	return &river{T: t, db: db, Reader: stream.Reader{DB: db, Key: keyOf}}
}

// add appends a fact to shard 1 of c1 as the scripts do, in an epoch.
func (r *river) add(epoch int, participant string, changes ...string) {
	r.Helper()
	fields := []string{"k", "expired.1", "p", participant, "u", "u1", "g", "g1", "t", "1782489600123", "d", `{"number":1}`}
	for i := 0; i < len(changes); i += 2 {
		fields = append(fields, changes[i], changes[i+1])
	}
	if err := r.db.XAdd(r.Context(), &redis.XAddArgs{
		Stream: factsKey(), ID: fmt.Sprintf("%d-*", epoch), Values: fields,
	}).Err(); err != nil {
		r.Fatal(err)
	}
}

// read returns the participants of the facts after a position, and the last one.
func (r *river) read(after event.Position, limit int) (string, event.Position, error) {
	facts, err := r.After(r.Context(), "c1", 1, after, limit)
	var who []string
	for _, f := range facts {
		who, after = append(who, f.Participant), f.Position
	}
	return strings.Join(who, " "), after, err
}

// TestReadsInOrder: a cursor goes through everything once, whatever the batch,
// and over the border of an epoch.
func TestReadsInOrder(t *testing.T) {
	t.Parallel()
	r := newRiver(t)
	if got, at, err := r.read(event.Position{}, 10); got != "" || at != (event.Position{}) || err != nil {
		t.Errorf("an empty stream: %q to %s, %v", got, at, err)
	}
	for _, p := range []string{"a", "b", "c"} {
		r.add(1, p)
	}
	r.add(2, "d")
	r.add(2, "e")
	for limit := 1; limit < 7; limit++ {
		var all []string
		var at event.Position
		for {
			got, next, err := r.read(at, limit)
			if err != nil {
				t.Fatalf("in batches of %d: %v", limit, err)
			}
			if got == "" {
				break
			}
			all, at = append(all, got), next
		}
		if got := strings.Join(all, " "); got != "a b c d e" || at != (event.Position{Epoch: 2, Seq: 1}) {
			t.Errorf("in batches of %d: %s to %s", limit, got, at)
		}
	}
}

// TestAReaderKeepsNothing: the same question has the same answer, and shards are
// apart.
func TestAReaderKeepsNothing(t *testing.T) {
	t.Parallel()
	r := newRiver(t)
	r.add(1, "a")
	for range 2 {
		if got, _, err := r.read(event.Position{}, 10); got != "a" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
	for _, shard := range []int{0, 2} {
		if facts, err := r.After(t.Context(), "c1", shard, event.Position{}, 10); len(facts) != 0 || err != nil {
			t.Errorf("shard %d has %v, %v", shard, facts, err)
		}
	}
}

// TestGaps proves invariant 4: a fact that is missing stops the reader.
func TestGaps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after event.Position
		lose  func(*river)
		want  string // what is read before
		gap   bool
	}{
		"the first was trimmed":        {lose: func(r *river) { r.db.XTrimMinID(r.Context(), factsKey(), "1-1") }, gap: true},
		"one in the middle was lost":   {lose: func(r *river) { r.db.XDel(r.Context(), factsKey(), "1-1") }, gap: true},
		"trimmed below the cursor":     {after: event.Position{Epoch: 1, Seq: 1}, lose: func(r *river) { r.db.XTrimMinID(r.Context(), factsKey(), "1-2") }, want: "c"},
		"trimmed beyond the cursor":    {after: event.Position{Epoch: 1}, lose: func(r *river) { r.db.XTrimMinID(r.Context(), factsKey(), "1-2") }, gap: true},
		"everything was lost":          {after: event.Position{Epoch: 1, Seq: 1}, lose: func(r *river) { r.db.FlushAll(r.Context()) }},
		"a new epoch without its head": {after: event.Position{Epoch: 1, Seq: 2}, lose: func(r *river) { r.add(2, "d"); r.add(2, "e"); r.db.XDel(r.Context(), factsKey(), "2-0") }, gap: true},
	} {
		r := newRiver(t)
		for _, p := range []string{"a", "b", "c"} {
			r.add(1, p)
		}
		tc.lose(r)
		got, _, err := r.read(tc.after, 10)
		if got != tc.want || errors.Is(err, stream.ErrGap) != tc.gap || !tc.gap && err != nil {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
	}
}

// TestWhatCannotBeRead proves invariant 5: what lies before it is read, and there the
// reader stops, however often it is asked.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newRiver(t)
	r.add(1, "a")
	r.add(1, "b", "k", "of_a_newer_server.1")
	r.add(1, "c")
	got, at, err := r.read(event.Position{}, 10)
	if got != "a" || err != nil {
		t.Errorf("what comes before it: %q, %v", got, err)
	}
	for range 2 {
		got, _, err := r.read(at, 10)
		if got != "" || err == nil || !strings.Contains(err.Error(), "of_a_newer_server.1") || !strings.Contains(err.Error(), "c1:1") {
			t.Errorf("read %q, %v; want an error that names the kind and the shard", got, err)
		}
	}
}

func TestOutages(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	r := &river{T: t, db: s.Client(t)}
	r.Reader = stream.Reader{DB: r.db, Key: keyOf}
	r.add(1, "a")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.After(cancelled, "c1", 1, event.Position{}, 10); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("a caller who left: %v", err)
	}
	s.Kill(t)
	if _, err := r.After(t.Context(), "c1", 1, event.Position{}, 10); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Redis is down: %v", err)
	}
}
