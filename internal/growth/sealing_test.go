package growth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/proof"
)

// At which pace BenchmarkSealing lets people hand in, for how long, and by what time acts
// are sealed; in a server that is a minute.
var (
	sealingRate  = flag.Int("sealing.rate", 2000, "acts a second of BenchmarkSealing")
	sealingFor   = flag.Duration("sealing.for", 5*time.Second, "how long BenchmarkSealing feeds them")
	sealingEvery = flag.Duration("sealing.every", time.Second, "by what time BenchmarkSealing has them sealed")
)

// BenchmarkSealing feeds acts at a steady pace through the submission's service and script,
// while a fold and an archiver work as in a server: first with nobody who seals them in the
// campaign's log, and then with. It tells how long acts took from when they were due, what
// the process used, and how long after the end of a span of time its checkpoint was there.
//
//	go test ./internal/growth -run '^$' -bench Sealing -benchtime 1x -v -sealing.rate 2000 -sealing.for 20s
func BenchmarkSealing(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(0, "ns/op")
		people := max(int(float64(*sealingRate)*sealingFor.Seconds()), 1)
		measure := func(every time.Duration) sealing {
			return newRear(b, people, sqltest.Open(b, sqltest.Target(b, sqldb.SQLite))).sealing(*sealingRate, every)
		}
		without, with := measure(0), measure(*sealingEvery)
		b.Logf("\n%s", sealingTable(without, with))
		b.ReportMetric(part(with.signed, 1).Seconds(), "signed-s")
		b.ReportMetric(with.cores-without.cores, "cores")
		b.ReportMetric(with.rate, "acts/s")
	}
}

// sealing is what a run of BenchmarkSealing came to.
type sealing struct {
	rate float64 // acts a second that were accepted
	// acts are how long each took from when it was due, and cores what this process used
	// until everything was stored and sealed.
	acts  []time.Duration
	cores float64
	// signed are how long after the end of each span its checkpoint was there, and leaves
	// how many the last one covers.
	signed []time.Duration
	leaves int64
}

// part is the figure below which so much of all lies; zero where there is none.
func part(all []time.Duration, of float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return ages{all: all}.part(of)
}

// sealing lets everybody hand in at a pace, and seals by every so much time; by zero
// nothing is sealed.
func (r *rear) sealing(rate int, every time.Duration) sealing {
	r.Helper()
	ready, accepted := r.sit(), &arrivals{all: r.size}
	stored := follower{arrivals: accepted, end: make(chan struct{})}
	r.archiver.Archived = func(s event.Stream, n int, _ time.Duration) {
		if s == event.Facts {
			stored.took(n)
		}
	}
	w := &watcher{rear: r, all: int64(r.size), end: make(chan struct{})}
	var others []func(context.Context)
	if every > 0 {
		others = append(others, w.sealer(every).Run)
	} else {
		close(w.end)
	}

	var out sealing
	var mu sync.Mutex
	stop := r.behind(others...)
	_, before := r.cpu()
	began := time.Now()
	r.feed(ready, rate, func(due time.Time) {
		accepted.add()
		mu.Lock()
		defer mu.Unlock()
		out.acts = append(out.acts, time.Since(due))
	})
	out.rate = float64(r.size) / time.Since(began).Seconds()
	<-stored.end
	<-w.end
	_, after := r.cpu()
	out.cores = (after - before).Seconds() / time.Since(began).Seconds()
	stop()
	out.signed, out.leaves = w.signed, w.leaves
	return out
}

// proofs is the log of the town, which has sealed what is there.
func (r *rear) proofs() *prooflog.Log {
	r.Helper()
	ctx, l := r.Context(), ledger.New(r.sql)
	_, err := l.Deployment(ctx, "growth")
	must(r, err)
	_, err = l.Register(ctx, ledger.Opened{Campaign: r.def.ID, Shards: r.def.Shards, Base: 1, Bits: 1, Epoch: 1, Condition: ledger.Open})
	must(r, err)
	log := &prooflog.Log{
		DB: r.sql, Ledger: l, Now: time.Now,
		Keys: prooflog.Keys{Current: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))},
	}
	for more := true; more; {
		sealed, err := log.Seal(ctx, r.def.ID)
		must(r, err)
		more = sealed.More
	}
	return log
}

// watcher looks when checkpoints come.
type watcher struct {
	*rear

	all    int64 // leaves that will come
	end    chan struct{}
	signed []time.Duration
	leaves int64
}

func (w *watcher) sealer(every time.Duration) *prooflog.Sealer {
	w.Helper()
	log := w.proofs()
	log.Span = every
	return &prooflog.Sealer{
		Log: log, Every: every, Signed: w.saw, Told: func(int) {},
		Failed: func(what string, err error) { w.Errorf("seal %s: %v", what, err) },
	}
}

// saw is told of each checkpoint, also of one that was there before.
func (w *watcher) saw(campaignID string, c proof.Signed) {
	if c.N == w.leaves {
		return
	}
	var ended int64
	err := w.sql.QueryRowContext(w.Context(), "SELECT MIN(moment) FROM proof_cuts WHERE campaign = $1 AND size = $2", campaignID, c.N).Scan(&ended)
	if err != nil {
		w.Errorf("which span is the checkpoint of %d leaves of: %v", c.N, err)
	}
	w.signed = append(w.signed, time.Since(time.UnixMilli(ended)))
	if w.leaves = c.N; w.leaves == w.all {
		close(w.end)
	}
}

func sealingTable(without, with sealing) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tacts a second\tp50\tp99\tat most\tcores of the process\t")
	for _, one := range []struct {
		name string
		sealing
	}{{"nobody seals", without}, {"sealed", with}} {
		fmt.Fprintf(t, "%s\t%.0f\t%v\t%v\t%v\t%.2f\t\n", one.name, one.rate, part(one.acts, .5).Round(time.Millisecond),
			part(one.acts, .99).Round(time.Millisecond), part(one.acts, 1).Round(time.Millisecond), one.cores)
	}
	_ = t.Flush() // a builder takes everything
	fmt.Fprintf(&b, "%d checkpoints of %d leaves: signed %v after the end of their span (p50), at most %v\n", len(with.signed), with.leaves,
		part(with.signed, .5).Round(time.Millisecond), part(with.signed, 1).Round(time.Millisecond))
	return b.String()
}

// TestSealing: what is fed is sealed, all of it, and the benchmark sees each checkpoint.
func TestSealing(t *testing.T) {
	t.Parallel()
	with := newRear(t, 60, sqltest.SQLite(t)).sealing(600, 20*time.Millisecond)
	if with.leaves != 60 || len(with.acts) != 60 || len(with.signed) == 0 || slices.Min(with.signed) < 0 {
		t.Errorf("%d leaves of 60 acts, %d acts timed; checkpoints %v after their spans", with.leaves, len(with.acts), with.signed)
	}
	without := newRear(t, 60, sqltest.SQLite(t)).sealing(0, 0)
	if without.leaves != 0 || len(without.acts) != 60 || without.rate <= 0 || without.cores <= 0 {
		t.Errorf("with nobody who seals: %+v", without)
	}
	if text := sealingTable(without, with); !strings.Contains(text, "of 60 leaves") {
		t.Errorf("table:\n%s", text)
	}
}
