package watching

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/simulate"
)

// How many watch in BenchmarkWatchers, for how long, and how many people a second
// take part meanwhile:
//
//	go test ./internal/watching -run '^$' -bench Watchers -benchtime 1x -timeout 20m -watchers 10000
var (
	benchWatchers = flag.Int("watchers", 1000, "watchers of the benchmark")
	benchSeconds  = flag.Int("seconds", 20, "how long they are measured")
	benchRate     = flag.Float64("rate", 20, "people a second who take part in the whole program meanwhile")
)

// Targets, of processor time with ten thousand watchers of one frame a second.
const (
	bytesTarget = 4 << 10
	shareTarget = 0.08
	shareOf     = 10_000
)

// seen is what one scene showed.
type seen struct {
	name     string
	watchers int
	frame    int     // bytes of a frame, with its wrapping
	bytes    float64 // resident, for each watcher
	share    float64 // of a core, for all watchers
	frames   int
	// ceiling is set where it is not the product that was seen, but what any server
	// would need.
	ceiling bool
	// How late frames came, from the moment they tell of.
	p50, p99, max time.Duration
}

// BenchmarkWatchers lets many watch a small frame, then the same from a server that does
// nothing but write it, and then the real one while people take part.
func BenchmarkWatchers(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(0, "ns/op")
		d := time.Duration(*benchSeconds) * time.Second
		small := measure(b, startFrames(b), "1 KB frame", *benchWatchers, 0, d)
		ceiling := measure(b, startBare(b), "as many bare writes", *benchWatchers, 0, d)
		ceiling.ceiling = true
		program := startProgram(b)
		stop := takePart(b, program, *benchRate)
		whole := measure(b, program, "real frame, submissions", *benchWatchers, 0, d)
		stop()
		b.Logf("\n%s", table(small, ceiling, whole))
		b.ReportMetric(small.bytes, "B/watcher")
		b.ReportMetric(small.share*shareOf/float64(small.watchers), "core/10k-watchers")
		b.ReportMetric(small.share/ceiling.share, "of-bare-writes")
	}
}

// takePart lets people take part until the returned function is called.
func takePart(t testing.TB, s *server, perSecond float64) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cfg := simulate.Default()
	cfg.Target, cfg.Campaign, cfg.Participants, cfg.Rate = "http://"+s.addr, s.campaign, 1_000_000, perSecond
	came := &progress{first: make(chan struct{})}
	var g errgroup.Group
	var rep simulate.Report
	g.Go(func() (err error) {
		rep, err = simulate.Run(ctx, cfg, came)
		return err
	})
	select {
	case <-came.first:
	case <-time.After(time.Minute):
		t.Fatal("nobody came")
	}
	return func() {
		cancel()
		_ = g.Wait() // it was interrupted
		if rep.Participants.Done == 0 || len(rep.Errors)+len(rep.ProblemCounts) > 0 {
			t.Errorf("people who took part: %+v, errors %v, problems %v", rep.Participants, rep.Errors, rep.Problems)
		}
	}
}

// progress tells of the first person who came to their end.
type progress struct {
	once  sync.Once
	first chan struct{}
}

func (*progress) Begin(string, int) {}
func (*progress) End()              {}
func (p *progress) Step()           { p.once.Do(func() { close(p.first) }) }

// measure compares the server with and without watchers. Both last so long, and
// with the watchers at least until so many frames have come.
func measure(t testing.TB, s *server, name string, watchers, frames int, d time.Duration) seen {
	t.Helper()
	idle := s.spend(t, d)
	_, before := s.stat(t)
	c := watch(t, s, watchers)
	busy := s.spend(t, d)
	c.await(frames)
	_, after := s.stat(t)
	out := c.stop()
	out.name, out.watchers = name, watchers
	out.bytes, out.share = float64(after-before)/float64(watchers), busy-idle
	return out
}

// table tells what was seen, and which targets are missed.
func table(all ...seen) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\twatchers\tframe bytes\tresident B a watcher\tshare of a core\tfor 10,000\tframes\tlate p50 ms\tp99 ms\tmax ms\t")
	for _, s := range all {
		fmt.Fprintf(t, "%s\t%d\t%d\t%.0f\t%.3f\t%.3f\t%d\t%.1f\t%.1f\t%.1f\t\n", s.name, s.watchers, s.frame, s.bytes, s.share,
			s.share*shareOf/float64(s.watchers), s.frames, ms(s.p50), ms(s.p99), ms(s.max))
	}
	_ = t.Flush() // a builder takes everything
	for _, s := range all {
		if s.ceiling {
			continue
		}
		if s.bytes > bytesTarget {
			fmt.Fprintf(&b, "MISSED: %s: %.0f bytes a watcher, want at most %d\n", s.name, s.bytes, bytesTarget)
		}
		if share := s.share * shareOf / float64(s.watchers); share > shareTarget {
			fmt.Fprintf(&b, "MISSED: %s: %.3f of a core for 10,000 watchers, want at most %.2f\n", s.name, share, shareTarget)
		}
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// A few watchers of the edge, and of what it is compared with, see frames that are new, of the size that they
// are measured by.
func TestAFewWatch(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) *server{asFrames: startFrames, asBare: startBare} {
		got := measure(t, start(t), name, 20, 40, time.Second)
		if got.frame < 800 || got.frame > 1400 {
			t.Errorf("%s: a frame has %d bytes, want about a kilobyte", name, got.frame)
		}
		if got.frames < 40 || got.p50 < 0 {
			t.Errorf("%s: %d frames, half of them within %v", name, got.frames, got.p50)
		}
		if text := table(got); !strings.Contains(text, name) {
			t.Errorf("table:\n%s", text)
		}
	}
}

func TestTableNamesWhatIsMissed(t *testing.T) {
	t.Parallel()
	good := seen{name: "good", watchers: 1000, bytes: 4096, share: 0.008}
	ceiling := seen{name: "any server", watchers: 1000, bytes: 5000, share: 0.009, ceiling: true}
	for text, s := range map[string]seen{
		"bytes a watcher": {name: "fat", watchers: 1000, bytes: 5000, share: 0.008},
		"0.090 of a core": {name: "busy", watchers: 1000, bytes: 100, share: 0.009},
	} {
		if got := table(good, ceiling, s); strings.Count(got, "MISSED") != 1 || !strings.Contains(got, text) {
			t.Errorf("want %q missed once:\n%s", text, got)
		}
	}
}
