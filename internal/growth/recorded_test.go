package growth

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// BenchmarkLagRecorded is BenchmarkLag at a pace that the machine cannot hand in at: the
// facts are recorded beforehand, and put on the stream of another town as they are.
func BenchmarkLagRecorded(b *testing.B) {
	for b.Loop() {
		facts := record(b, lagPeople())
		r := newRear(b, len(facts), sqltest.Open(b, sqltest.Target(b, sqldb.SQLite)))
		r.lag(func(accepted func()) { r.put(facts, *lagRate, accepted) }).report(b)
	}
}

// record lets people hand in and returns the facts of that, as they lie on the stream.
func record(t testing.TB, people int) [][]any {
	t.Helper()
	r := newRear(t, people, sqltest.Open(t, sqltest.Target(t, sqldb.SQLite)))
	ready := r.sit()
	r.each(0, people, func(ctx context.Context, i int) error { return r.submit(ctx, ready[i]) })
	facts := make([][]any, 0, people)
	for from := "-"; len(facts) < people; {
		page, err := r.db.Do(t.Context(), "XRANGE", r.stream(), from, "+", "COUNT", 1000).Slice()
		must(t, err)
		if len(page) == 0 {
			t.Fatalf("%d facts of %d people", len(facts), people)
		}
		for _, entry := range page {
			idAndFields := entry.([]any)
			from = "(" + idAndFields[0].(string)
			facts = append(facts, idAndFields[1].([]any))
		}
	}
	return facts
}

// stream is where the facts of the town lie.
func (w *town) stream() string { return redisstore.StreamKey(w.def.ID, 0, event.Facts) }

// putEvery is how often recorded facts are put on the stream.
const putEvery = 10 * time.Millisecond

// put adds facts to the stream at a pace, those of each moment together; rate 0 is all at
// once.
func (r *rear) put(facts [][]any, rate int, accepted func()) {
	r.Helper()
	began, moment := time.Now(), time.NewTicker(putEvery)
	defer moment.Stop()
	for len(facts) > 0 {
		due := len(facts)
		if rate > 0 {
			<-moment.C
			sent := r.size - len(facts)
			due = min(due, int(time.Since(began).Seconds()*float64(rate))-sent)
		}
		_, err := r.db.Pipelined(r.Context(), func(p redis.Pipeliner) error {
			for _, fact := range facts[:due] {
				p.Do(r.Context(), append([]any{"XADD", r.stream(), "1-*"}, fact...)...)
			}
			return nil
		})
		must(r, err)
		for range due {
			accepted()
		}
		facts = facts[due:]
	}
}

// TestLagRecorded: recorded facts come to the same as those that were handed in.
func TestLagRecorded(t *testing.T) {
	t.Parallel()
	facts := record(t, 60)
	r := newRear(t, len(facts), sqltest.SQLite(t))
	l := r.lag(func(accepted func()) { r.put(facts, 3000, accepted) })
	r.publisher.Refresh(t.Context())
	s, err := r.publisher.Snapshot(r.def.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Roll.Total; got.Attempts != 60 || got.Scored != 60 || got.Score == 0 {
		t.Errorf("counted: %+v", got)
	}
	heads, err := r.archiver.Ledger.Cursors(t.Context())
	if err != nil || heads[r.archiver.Shard].Facts != (event.Position{Epoch: 1, Seq: 59}) {
		t.Errorf("the ledger has come to %+v, %v", heads, err)
	}
	if l.rate <= 0 || l.rate > 3100 || len(l.fold.all) == 0 || len(l.ledger.all) == 0 {
		t.Errorf("the run came to %v", l)
	}
}
