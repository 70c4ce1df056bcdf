package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/simulate"
)

// How much the ledger is asked for while the whole program serves. Lines that begin
// with a bar are for docs/PERFORMANCE.md:
//
//	go test ./cmd/qingyuan -run 'Backlog|Saturated' -parallel 1 -timeout 1h -v -args \
//	    -backlog.facts 1000000 -backlog.people 6000 -backlog.rate 100 -backlog.rounds 3 -saturated.people 30000
var (
	backlogFacts    = flag.Int("backlog.facts", 4000, "facts that wait for the ledger")
	backlogPeople   = flag.Int("backlog.people", 60, "people who come meanwhile")
	backlogRate     = flag.Float64("backlog.rate", 40, "how many of them come a second")
	backlogRounds   = flag.Int("backlog.rounds", 1, "how often they come without and with a backlog")
	saturatedPeople = flag.Int("saturated.people", 150, "people who come as fast as one server takes them")
)

// load is a server with people, seen from beside it.
type load struct {
	*testing.T
	*workbench

	server *server
	opened ledger.Opened
}

func newLoad(t *testing.T) *load {
	t.Helper()
	cfg := demo(t)
	cfg.Verify.Every = 24 * time.Hour // what the backlog says is of nobody
	s := start(t, cfg)
	l := &load{T: t, server: s, workbench: bench(t, cfg)}
	o, known, err := l.ledger.Campaign(t.Context(), demoCampaign)
	if err != nil || !known {
		t.Fatalf("the campaign is known: %t, %v", known, err)
	}
	l.opened = o
	return l
}

// crowd lets people come and returns what they saw. A rate of 0 is as fast as they are
// taken. While people are under way, watch is called ten times a second.
func (l *load) crowd(people int, rate float64, workers int, watch func()) simulate.Report {
	l.Helper()
	cfg := simulate.Default()
	cfg.Target, cfg.Campaign, cfg.Participants, cfg.Rate, cfg.Workers = l.server.base, demoCampaign, people, rate, workers
	cfg.Settle, cfg.Patience = 10*patience, 4*patience
	came, done := &counter{news: make(chan struct{}, 1)}, make(chan simulation, 1)
	go func() {
		report, err := simulate.Run(l.Context(), cfg, came)
		done <- simulation{report, err}
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if came.steps.Load() < int64(people) {
				watch()
			}
		case v := <-done:
			if v.err != nil {
				l.Fatal(v.err)
			}
			requireOK(l.T, &v.report)
			return v.report
		}
	}
}

// reached adds up how far the streams of facts go, and how far the ledger has read.
func (l *load) reached() (stream, stored uint64) {
	l.Helper()
	for n := range l.opened.Shards {
		last, err := l.services.facts.Last(l.Context(), demoCampaign, n, event.Facts)
		if err != nil {
			l.Fatal(err)
		}
		at, err := l.ledger.Cursor(l.Context(), ledger.Shard{Campaign: demoCampaign, Number: n}, event.Facts)
		if err != nil {
			l.Fatal(err)
		}
		stream, stored = stream+last.Seq, stored+at.Seq
	}
	return stream, stored
}

// pileUp writes facts to the first shard while nobody can write to the database.
func (l *load) pileUp(facts int) {
	l.Helper()
	err := l.db.WithTx(l.Context(), func(*sql.Tx) error {
		for from := 0; from < facts; from += 1000 {
			_, err := l.redis.Pipelined(l.Context(), func(p redis.Pipeliner) error {
				for i := from; i < min(from+1000, facts); i++ {
					p.XAdd(l.Context(), started(l.opened.Epoch, i))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
}

// started is a fact as long as most are, which changes no figure.
func started(epoch uint64, i int) *redis.XAddArgs {
	return &redis.XAddArgs{
		Stream: redisstore.StreamKey(demoCampaign, 0, event.Facts), ID: strconv.FormatUint(epoch, 10) + "-*",
		Values: []string{
			"k", string(event.KindStarted), "p", fmt.Sprintf("backlog%014d", i), "u", "nowhere", "g", "nobody", "t", "1782489600123",
			"d", `{"number":1,"deadline":1782490200000,"bank":"","seed":"1z141z3","items":"` + strings.Repeat("p:0.1.2.3,", 12) + `"}`,
		},
	}
}

// drained waits until the ledger has everything, and returns how long that took and
// how full Redis was at most, as a part of what it may hold.
func (l *load) drained(ctx context.Context) (took time.Duration, fullest float64) {
	began := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		fullest = max(fullest, l.full())
		if stream, stored := l.reached(); stored+uint64(*backlogFacts)/100 >= stream {
			return time.Since(began), fullest
		}
		<-tick.C
	}
	return time.Since(began), fullest
}

// full is the part of its memory that Redis uses.
func (l *load) full() float64 {
	l.Helper()
	info, err := l.redis.InfoMap(l.Context(), "memory").Result()
	if err != nil {
		l.Fatal(err)
	}
	used, _ := strconv.ParseFloat(info["Memory"]["used_memory"], 64)
	most, _ := strconv.ParseFloat(info["Memory"]["maxmemory"], 64)
	if most == 0 {
		l.Fatal("Redis has no limit")
	}
	return used / most
}

// TestABacklogIsArchivedWhileServing lets people come to a server with and without a
// backlog of facts that it archives: all is stored, nobody is refused, and what they
// notice of it is told.
func TestABacklogIsArchivedWhileServing(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	come := func() simulate.Report { return l.crowd(*backlogPeople, *backlogRate, 24, func() {}) }
	for round := range *backlogRounds {
		without := come()
		l.pileUp(*backlogFacts)
		var took time.Duration
		var fullest float64
		var wg sync.WaitGroup
		wg.Go(func() { took, fullest = l.drained(t.Context()) })
		with := come()
		wg.Wait()
		if fullest >= l.cfg.Redis.MemoryGuard {
			t.Errorf("Redis was %.0f %% full, and the guard stands at %.0f %%", 100*fullest, 100*l.cfg.Redis.MemoryGuard)
		}
		if n := with.Retries["service.unavailable"]; n > 0 {
			t.Errorf("%d requests were refused", n)
		}
		if round == 0 {
			t.Log("\n| backlog | archived in | facts a second | Redis at most full | submissions without, p50 / p99 | with, p50 / p99 | people came for |\n|--:|--:|--:|--:|--:|--:|--:|")
		}
		t.Logf("\n| %d | %.1f s | %.0f | %.1f %% | %s | %s | %.0f s |", *backlogFacts, took.Seconds(), float64(*backlogFacts)/took.Seconds(),
			100*fullest, submitting(t, &without), submitting(t, &with), with.Seconds)
	}
	if stream, stored := l.reached(); stored < uint64(*backlogFacts**backlogRounds) || stored > stream {
		t.Errorf("%d facts are stored of %d", stored, stream)
	}
}

// submitting says how long submissions took.
func submitting(t *testing.T, r *simulate.Report) string {
	t.Helper()
	i := slices.IndexFunc(r.Operations, func(o simulate.Operation) bool { return o.Name == "submit" })
	if i < 0 {
		t.Fatal("nobody has submitted")
	}
	return fmt.Sprintf("%.0f / %.0f ms", r.Operations[i].P50MS, r.Operations[i].P99MS)
}

// TestASaturatedServerIsArchived lets people come as fast as one server takes them, and
// tells how far the ledger is behind in the moment when the last has gone.
func TestASaturatedServerIsArchived(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	began := time.Now()
	before, _ := l.reached()
	var took time.Duration
	var stream, stored, most uint64
	l.crowd(*saturatedPeople, 0, 64, func() {
		took = time.Since(began)
		stream, stored = l.reached()
		most = max(most, stream-stored)
	})
	if took == 0 || stream == before {
		t.Fatalf("%d facts were accepted while people came for %v", stream-before, took)
	}
	l.drained(t.Context()) // few people may have gone before the archiver looks again
	t.Log("\n| people came for | facts accepted a second | archived a second | not archived when they had gone | at most |\n|--:|--:|--:|--:|--:|")
	t.Logf("\n| %.0f s | %.0f | %.0f | %d | %d |", took.Seconds(), float64(stream-before)/took.Seconds(), float64(stored-before)/took.Seconds(), stream-stored, most)
}
