package growth

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/stream"
)

// How many people BenchmarkBehind lets act in a round, how often, and which
// database holds the ledger.
var (
	behindPeople = flag.Int("behind", 4000, "people of a round of BenchmarkBehind")
	behindRounds = flag.Int("behind.rounds", 5, "rounds of BenchmarkBehind")
	behindSQL    = flag.String("behind.sql", string(sqldb.SQLite), "database of BenchmarkBehind: sqlite or postgres")
)

// BenchmarkBehind measures what one fact costs behind the act: the fold, and the
// archiver that moves it into SQL, each draining what a round has left on the
// streams. The ledger grows from round to round; figures are medians.
//
//	go test ./internal/growth -run '^$' -bench Behind -benchtime 1x -v -behind 10000
func BenchmarkBehind(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(0, "ns/op")
		r := newRear(b, *behindPeople, sqltest.Open(b, sqltest.Target(b, sqldb.Dialect(*behindSQL))))
		acts := r.measure(*behindRounds)
		b.Logf("\n%s", behindTable(acts))
		b.ReportMetric(medianOf(acts[submitting].fold).all(), "fold-µs/submission")
		b.ReportMetric(medianOf(acts[submitting].archive).all(), "ledger-µs/submission")
	}
}

// rear is a town with a ledger behind it.
type rear struct {
	*town

	sql      *sqldb.DB
	archiver *ledger.Archiver
}

// source is what an archiver takes from the town's Redis.
type source struct {
	*stream.Turn

	town *town
}

func (source) Confirm(context.Context, string, int) error { return nil }

func (s source) FoldCursor(ctx context.Context, campaign string, shard int) (event.Position, error) {
	return s.town.folder.Store.Cursor(ctx, campaign, shard)
}

func (source) Bank(context.Context, string) ([]byte, error) { return []byte("bank"), nil }

func newRear(t testing.TB, people int, db *sqldb.DB) *rear {
	t.Helper()
	r := &rear{town: newTown(t, people), sql: db}
	r.archiver = &ledger.Archiver{
		Ledger: ledger.New(db), Source: source{r.facts.Turn("ledger"), r.town}, Shard: ledger.Shard{Campaign: r.def.ID}, Now: time.Now,
		Archived: func(event.Stream, int, time.Duration) {}, Dead: func(n int) { t.Errorf("%d dead letters", n) },
		Failed: func(err error) { t.Error(err) },
	}
	return r
}

// The kinds of act that are measured.
const (
	beginning  = "enrol and start" // two facts, one personal record
	submitting = "submit"
	signing    = "sign" // a fact and a personal record
)

// burden is what the acts of one kind cost behind them, round by round.
type burden struct{ fold, archive []effort }

// effort is what one act costs: processor time, what is allocated, and how long it
// took by the clock.
type effort struct {
	cost

	bytes, allocations float64
	wall               time.Duration
}

// measure lets a round of people act, and drains what that leaves.
func (r *rear) measure(rounds int) map[string]*burden {
	r.Helper()
	all := map[string]*burden{beginning: {}, submitting: {}, signing: {}}
	for range rounds {
		n := r.size
		from := int(r.people.Add(int64(n))) - n
		ready := make([]sitting, n)
		for _, act := range []struct {
			name string
			do   func(ctx context.Context, i int) error
		}{
			{beginning, func(ctx context.Context, i int) (err error) { ready[i-from], err = r.begin(ctx, i); return err }},
			{submitting, func(ctx context.Context, i int) error { return r.submit(ctx, ready[i-from]) }},
			{signing, func(ctx context.Context, i int) error { return r.sign(ctx, ready[i-from].who) }},
		} {
			r.each(from, from+n, act.do)
			b := all[act.name]
			b.fold = append(b.fold, r.effortOf(n, r.foldAll))
			b.archive = append(b.archive, r.effortOf(n, func() { must(r, r.archiver.Drain(r.Context())) }))
			must(r, r.archiver.Trim(r.Context()))
		}
	}
	return all
}

// foldAll folds until nothing is left.
func (r *rear) foldAll() {
	r.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = r.folder.Step(r.Context(), 0)
		must(r, err)
	}
}

func (r *rear) effortOf(n int, do func()) effort {
	r.Helper()
	runtime.GC() // what others left behind is not paid for here
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	e := effort{cost: r.costOf(n, do)}
	e.wall = time.Since(began) / time.Duration(n)
	runtime.ReadMemStats(&after)
	e.bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
	e.allocations = float64(after.Mallocs-before.Mallocs) / float64(n)
	return e
}

// medianOf is that of the processor time.
func medianOf(all []effort) effort {
	costs := make([]cost, len(all))
	for i, e := range all {
		costs[i] = e.cost
	}
	m := median(costs)
	for _, e := range all {
		if e.cost == m {
			return e
		}
	}
	return effort{}
}

func behindTable(all map[string]*burden) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "behind one act\tRedis µs\tprocess µs\tbytes\tallocations\tacts a second\t")
	for _, name := range []string{beginning, submitting, signing} {
		for _, part := range []struct {
			name string
			all  []effort
		}{{"fold", all[name].fold}, {"ledger", all[name].archive}} {
			m := medianOf(part.all)
			fmt.Fprintf(t, "%s: %s\t%.1f\t%.1f\t%.0f\t%.1f\t%.0f\t\n", name, part.name, m.redis, m.own, m.bytes, m.allocations, float64(time.Second)/float64(m.wall))
		}
	}
	_ = t.Flush() // a builder takes everything
	return b.String()
}

// TestBehind: what is drained in the benchmark's way is counted and stored, all of
// it, in both databases.
func TestBehind(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRear(t, 40, db)
		text := behindTable(r.measure(2))
		r.publisher.Refresh(t.Context())
		s, err := r.publisher.Snapshot(r.def.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Roll.Total; got.Enrolled != 80 || got.Attempts != 80 || got.Signatures != 80 {
			t.Errorf("counted: %+v", got)
		}
		heads, err := r.archiver.Ledger.Cursors(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h := heads[r.archiver.Shard]
		if h.Facts != (event.Position{Epoch: 1, Seq: 319}) || h.Personal != (event.Position{Epoch: 1, Seq: 159}) {
			t.Errorf("the ledger has come to %s and %s", h.Facts, h.Personal)
		}
		for _, s := range []event.Stream{event.Facts, event.Personal} {
			if n := r.db.XLen(t.Context(), redisstore.StreamKey(r.def.ID, 0, s)).Val(); n != 0 {
				t.Errorf("%d entries were left on the %s", n, s)
			}
		}
		if !strings.Contains(text, "submit: ledger") {
			t.Errorf("table:\n%s", text)
		}
	})
}
