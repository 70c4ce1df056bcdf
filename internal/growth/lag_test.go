package growth

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// At which pace BenchmarkLag lets people hand in, and for how long.
var (
	lagRate = flag.Int("lag.rate", 20_000, "facts a second of BenchmarkLag; 0 is as fast as the machine can")
	lagFor  = flag.Duration("lag.for", 3*time.Second, "how long BenchmarkLag feeds them")
)

// BenchmarkLag feeds facts at a steady pace through the submission's service and script,
// while a fold and an archiver work as in a server, and tells how old a fact was at most
// when it was counted and when it was stored. What feeds is on the same processors.
//
//	go test ./internal/growth -run '^$' -bench Lag -benchtime 1x -v -lag.rate 20000 -lag.for 5s
func BenchmarkLag(b *testing.B) {
	for b.Loop() {
		newRear(b, lagPeople(), sqltest.Open(b, sqltest.Target(b, sqldb.SQLite))).handIn(*lagRate).report(b)
	}
}

func lagPeople() int { return max(int(float64(*lagRate)*lagFor.Seconds()), 1) }

// lag is what a run of BenchmarkLag came to.
type lag struct {
	rate         float64 // facts a second that were accepted
	fold, ledger ages
}

func (l lag) report(b *testing.B) {
	b.Helper()
	b.Logf("\n%s", l)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(l.fold.worst().Seconds(), "fold-s")
	b.ReportMetric(l.ledger.worst().Seconds(), "ledger-s")
	b.ReportMetric(l.rate, "facts/s")
}

// ages are how old the oldest fact of each batch was when the batch was done.
type ages struct {
	all     []time.Duration
	drained time.Duration // after the last fact was accepted
}

func (a ages) part(of float64) time.Duration {
	sorted := slices.Sorted(slices.Values(a.all))
	return sorted[int(of*float64(len(sorted)-1))]
}

func (a ages) worst() time.Duration { return a.part(1) }

func (l lag) String() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%.0f facts a second\tbatches\tp50\tp99\tat most\tempty after the last by\t\n", l.rate)
	for _, part := range []struct {
		name string
		ages
	}{{"counted", l.fold}, {"stored", l.ledger}} {
		fmt.Fprintf(t, "%s\t%d\t%v\t%v\t%v\t%v\t\n", part.name, len(part.all), part.part(.5).Round(time.Millisecond),
			part.part(.99).Round(time.Millisecond), part.worst().Round(time.Millisecond), part.drained.Round(time.Millisecond))
	}
	_ = t.Flush() // a builder takes everything
	return b.String()
}

// arrivals are when facts were accepted, in the order of the stream but for those that
// came together.
type arrivals struct {
	mu  sync.Mutex
	at  []time.Time
	all int // that will come
}

func (a *arrivals) add() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Now())
}

// age is that of one of them. Whose answer is still on its way has none.
func (a *arrivals) age(i int) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i >= len(a.at) {
		return 0
	}
	return time.Since(a.at[i])
}

// follower is told of the batches of one of those who come behind the acts.
type follower struct {
	*arrivals

	done int
	ages ages
	end  chan struct{} // closed when all are done
}

// took is told of a batch of so many facts.
func (f *follower) took(n int) {
	f.ages.all = append(f.ages.all, f.age(f.done))
	if f.done += n; f.done >= f.all {
		f.ages.drained = f.age(f.all - 1)
		close(f.end)
	}
}

// handIn lets everybody hand in at a pace.
func (r *rear) handIn(rate int) lag {
	r.Helper()
	ready := r.sit()
	return r.lag(func(accepted func()) { r.feed(ready, rate, func(time.Time) { accepted() }) })
}

// lag lets as many facts come as there are people, and looks how old they become.
func (r *rear) lag(feed func(accepted func())) lag {
	r.Helper()
	accepted := &arrivals{all: r.size}
	fold, ledger := follower{arrivals: accepted, end: make(chan struct{})}, follower{arrivals: accepted, end: make(chan struct{})}
	r.folder.Folded = func(n int, _ time.Duration) { fold.took(n) }
	r.archiver.Archived = func(s event.Stream, n int, _ time.Duration) {
		if s == event.Facts {
			ledger.took(n)
		}
	}
	stop := r.behind()
	began := time.Now()
	feed(accepted.add)
	took := time.Since(began)
	<-fold.end
	<-ledger.end
	stop()
	return lag{float64(r.size) / took.Seconds(), fold.ages, ledger.ages}
}

// sit lets everybody start a paper, and leaves nothing of that on the streams.
func (r *rear) sit() []sitting {
	r.Helper()
	ready := make([]sitting, r.size)
	r.each(0, r.size, func(ctx context.Context, i int) (err error) { ready[i], err = r.begin(ctx, i); return err })
	r.foldAll()
	must(r, r.archiver.Drain(r.Context()))
	must(r, r.archiver.Trim(r.Context()))
	return ready
}

// behind lets fold and archiver work, and whoever else comes behind the acts, until what it
// returns is called.
func (r *rear) behind(others ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(r.Context())
	var all sync.WaitGroup
	all.Go(func() { r.folder.Run(ctx, 0) })
	all.Go(func() { r.archiver.Run(ctx) })
	for _, other := range others {
		all.Go(func() { other(ctx) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// feed hands papers in, each when its time has come. accepted is told of each when that
// was.
func (r *rear) feed(ready []sitting, rate int, accepted func(due time.Time)) {
	r.Helper()
	var next atomic.Int64
	began := time.Now()
	g, ctx := errgroup.WithContext(r.Context())
	for range atOnce {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(ready) || ctx.Err() != nil {
					return ctx.Err()
				}
				due := time.Now()
				if rate > 0 {
					due = began.Add(time.Duration(i) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(due)) // the pace is what is measured at
				}
				if err := r.submit(ctx, ready[i]); err != nil {
					return fmt.Errorf("person %d: %w", i, err)
				}
				accepted(due)
			}
		})
	}
	must(r, g.Wait())
}

// TestLag: what is fed is counted and stored, all of it, and the benchmark sees each
// batch.
func TestLag(t *testing.T) {
	t.Parallel()
	r := newRear(t, 60, sqltest.SQLite(t))
	l := r.handIn(0)
	r.publisher.Refresh(t.Context())
	s, err := r.publisher.Snapshot(r.def.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Roll.Total; got.Attempts != 60 {
		t.Errorf("counted: %+v", got)
	}
	heads, err := r.archiver.Ledger.Cursors(t.Context())
	if err != nil || heads[r.archiver.Shard].Facts != (event.Position{Epoch: 1, Seq: 179}) {
		t.Errorf("the ledger has come to %+v, %v", heads, err)
	}
	if l.rate <= 0 || len(l.fold.all) == 0 || len(l.ledger.all) == 0 || !strings.Contains(l.String(), "counted") {
		t.Errorf("the run came to %v", l)
	}
}
