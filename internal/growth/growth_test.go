package growth

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"qingyuan/leaderboard"
)

// The sizes of BenchmarkGrowth, and how often each is measured. `make
// bench-growth` has those of the targets:
//
//	go test ./internal/growth -run '^$' -bench Growth -benchtime 1x -timeout 3h -sizes 10000,100000,1000000
var (
	benchSizes  = flag.String("sizes", "2000,10000", "participants in each of the campaigns that are compared")
	benchRounds = flag.Int("rounds", 9, "how often each size is measured, in turn with the others")
)

// load is how much is done in one round. Places are looked at far more often than papers are
// handed in, and after a stretch of acts the first few hundred looks find every cache cold.
type load struct{ submissions, ranks, snapshots int }

var fullLoad = load{submissions: 1000, ranks: 10_000, snapshots: 10}

// cost is processor time for one thing, of Redis and of this process, in µs.
type cost struct{ redis, own float64 }

func (c cost) all() float64 { return c.redis + c.own }

// figures are those of one town.
type figures struct {
	// rank is one's own place, around the same with five neighbours and their names.
	submission, rank, around, snapshot []cost
	bytes                              float64
	fill, redis, first                 time.Duration
}

// BenchmarkGrowth fills a campaign of each size and compares what they cost.
func BenchmarkGrowth(b *testing.B) {
	sizes, err := parseSizes(*benchSizes)
	must(b, err)
	for b.Loop() {
		b.ReportMetric(0, "ns/op")
		towns, all := measure(b, sizes, *benchRounds, fullLoad)
		b.Logf("\n%s", table(towns, all))
		for i, w := range towns[1:] {
			f, small := all[i+1], all[0]
			b.ReportMetric(median(small.submission).all()/median(f.submission).all(), fmt.Sprintf("submission-%d/%d", w.size, sizes[0]))
		}
	}
}

func parseSizes(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-sizes: %q is not a number of people", part)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out, nil
}

// measure fills the towns and goes from one to the next, round after round. The
// order turns around each time.
func measure(t testing.TB, sizes []int, rounds int, l load) ([]*town, []figures) {
	t.Helper()
	towns, all := make([]*town, len(sizes)), make([]figures, len(sizes))
	for i, size := range sizes {
		w := newTown(t, size)
		empty := w.used()
		began := time.Now()
		w.fill()
		all[i].fill = time.Since(began)
		all[i].bytes = w.bytesEach(empty)
		t.Logf("%d people after %v", size, all[i].fill.Round(time.Millisecond))
		towns[i] = w
	}
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	for range rounds {
		for _, i := range order {
			w, f := towns[i], &all[i]
			f.submission = append(f.submission, w.submissions(l.submissions))
			f.rank = append(f.rank, w.ranks(l.ranks, 0))
			f.around = append(f.around, w.ranks(l.ranks, neighbours))
			f.snapshot = append(f.snapshot, w.snapshots(l.snapshots))
		}
		slices.Reverse(order)
	}
	t.Logf("before the restart, which a machine that is full may not finish in time\n%s", table(towns, all))
	for i, w := range towns {
		w.compact()
		all[i].redis, all[i].first = w.restart()
	}
	return towns, all
}

// submissions lets new people hand in, and measures the handing in alone.
func (w *town) submissions(n int) cost {
	w.Helper()
	from := int(w.people.Add(int64(n))) - n
	ready := make([]sitting, n)
	w.each(from, from+n, func(ctx context.Context, i int) (err error) {
		ready[i-from], err = w.begin(ctx, i)
		return err
	})
	c := w.costOf(n, func() {
		w.each(0, n, func(ctx context.Context, i int) error { return w.submit(ctx, ready[i]) })
	})
	w.settle()
	return c
}

// neighbours are how many lines a page shows around one's own.
const neighbours = 5

// ranks asks for the places of people by chance, with so many lines around them.
func (w *town) ranks(n int, around int64) cost {
	w.Helper()
	rng := rand.New(rand.NewPCG(2, uint64(w.people.Load())))
	who := make([]string, n)
	for i := range who {
		who[i] = somebody(rng.IntN(w.size))
	}
	return w.costOf(n, func() {
		w.each(0, n, func(ctx context.Context, i int) error {
			m, err := w.boards.Mine(ctx, w.def.ID, who[i], leaderboard.Query{}, around)
			if err == nil && (m.Rank == nil || m.Rank.Place < 1) {
				return fmt.Errorf("%s has no place", who[i])
			}
			return err
		})
	})
}

// snapshots makes the public state anew.
func (w *town) snapshots(n int) cost {
	w.Helper()
	return w.costOf(n, func() {
		for range n {
			w.publisher.Refresh(w.Context())
		}
	})
}

// costOf returns the processor time that each of n things took.
func (w *town) costOf(n int, do func()) cost {
	w.Helper()
	redis, own := w.cpu()
	do()
	redisAfter, ownAfter := w.cpu()
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
	return cost{redis: each(redisAfter - redis), own: each(ownAfter - own)}
}

// cpu reads the processor time of Redis' main thread and of this process.
func (w *town) cpu() (redis, own time.Duration) {
	w.Helper()
	info, err := w.db.InfoMap(w.Context(), "cpu").Result()
	must(w, err)
	for _, part := range []string{"used_cpu_user_main_thread", "used_cpu_sys_main_thread"} {
		s, err := strconv.ParseFloat(info["CPU"][part], 64)
		must(w, err)
		redis += time.Duration(s * float64(time.Second))
	}
	var u syscall.Rusage
	must(w, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return redis, time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// median is that of the sums.
func median(all []cost) cost {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b cost) int {
		switch {
		case a.all() < b.all():
			return -1
		case a.all() > b.all():
			return 1
		default:
			return 0
		}
	})
	return sorted[len(sorted)/2]
}

// What growth may cost: a submission at the largest size is worth this share of
// one at the smallest, and everything else takes at most so much more.
const (
	submissionTarget = 0.92
	othersTarget     = 1.3
)

// table compares every town with the smallest.
func table(towns []*town, all []figures) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cell func(i int) string) {
		fmt.Fprint(t, name, "\t")
		for i := range towns {
			fmt.Fprint(t, cell(i), "\t")
		}
		fmt.Fprintln(t)
	}
	costs := func(of func(figures) []cost) func(int) string {
		return func(i int) string {
			c, small := median(of(all[i])), median(of(all[0]))
			return fmt.Sprintf("%.1f + %.1f (×%.2f)", c.redis, c.own, c.all()/small.all())
		}
	}
	row("participants", func(i int) string { return strconv.Itoa(towns[i].size) })
	row("submission, µs Redis + process", costs(func(f figures) []cost { return f.submission }))
	row("my rank, µs", costs(func(f figures) []cost { return f.rank }))
	row("my rank with neighbours, µs", costs(func(f figures) []cost { return f.around }))
	row("snapshot, µs", costs(func(f figures) []cost { return f.snapshot }))
	row("Redis bytes a participant", func(i int) string { return fmt.Sprintf("%.0f", all[i].bytes) })
	row("Redis answers after a restart, s", func(i int) string { return fmt.Sprintf("%.2f", all[i].redis.Seconds()) })
	row("and the first snapshot, s", func(i int) string { return fmt.Sprintf("%.3f", all[i].first.Seconds()) })
	row("filled in, s", func(i int) string { return fmt.Sprintf("%.1f", all[i].fill.Seconds()) })
	_ = t.Flush() // a builder takes everything
	for _, miss := range missed(all) {
		b.WriteString("MISSED: " + miss + "\n")
	}
	return b.String()
}

// missed names the targets that the largest town misses.
func missed(all []figures) []string {
	small, large := all[0], all[len(all)-1]
	var out []string
	if share := median(small.submission).all() / median(large.submission).all(); share < submissionTarget {
		out = append(out, fmt.Sprintf("a submission at the largest size is worth %.2f of one at the smallest, want %.2f", share, submissionTarget))
	}
	for name, of := range map[string]func(figures) []cost{
		"my rank":                 func(f figures) []cost { return f.rank },
		"my rank with neighbours": func(f figures) []cost { return f.around },
		"a snapshot":              func(f figures) []cost { return f.snapshot },
	} {
		if ratio := median(of(large)).all() / median(of(small)).all(); ratio > othersTarget {
			out = append(out, fmt.Sprintf("%s takes %.2f times as long at the largest size, want at most %.1f", name, ratio, othersTarget))
		}
	}
	slices.Sort(out)
	return out
}

// The benchmark's own small towns are whole: everybody is counted, has a place,
// and is still there after a restart.
func TestSmallTowns(t *testing.T) {
	t.Parallel()
	towns, all := measure(t, []int{150, 300}, 2, load{submissions: 20, ranks: 20, snapshots: 1})
	for i, w := range towns {
		w.settle()
		w.publisher.Refresh(t.Context())
		s, err := w.publisher.Snapshot(w.def.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Roll.Total
		if want := int64(w.size + 40); got.Enrolled != want || got.Attempts != want || got.Signatures != int64(w.size) {
			t.Errorf("%d people: %d enrolled, %d attempts, %d signatures", w.size, got.Enrolled, got.Attempts, got.Signatures)
		}
		if got.Passed == 0 || got.Passed == got.Attempts {
			t.Errorf("%d of %d passed: the town's people are all alike", got.Passed, got.Attempts)
		}
		if f := all[i]; median(f.submission).redis <= 0 || f.bytes < 100 || f.redis <= 0 {
			t.Errorf("%d people: figures %+v", w.size, f)
		}
	}
	if text := table(towns, all); !strings.Contains(text, "submission, µs") || !strings.Contains(text, "×1.00") {
		t.Errorf("table:\n%s", text)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	is := func(submission, rank, around, snapshot float64) figures {
		one := func(v float64) []cost { return []cost{{redis: v / 2, own: v / 2}} }
		return figures{submission: one(submission), rank: one(rank), around: one(around), snapshot: one(snapshot)}
	}
	tests := map[string]struct {
		large figures
		want  int
	}{
		"as small":            {is(100, 10, 20, 1000), 0},
		"just within":         {is(108, 12.9, 25.9, 1290), 0},
		"a dear submission":   {is(110, 10, 20, 1000), 1},
		"everything too dear": {is(200, 20, 40, 2000), 4},
	}
	for name, tt := range tests {
		if got := missed([]figures{is(100, 10, 20, 1000), tt.large}); len(got) != tt.want {
			t.Errorf("%s: missed %q, want %d", name, got, tt.want)
		}
	}
	if m := median([]cost{{1, 1}, {9, 9}, {2, 2}}); m.all() != 4 {
		t.Errorf("the median is %+v", m)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	got, err := parseSizes("1000, 10")
	if err != nil || !slices.Equal(got, []int{10, 1000}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "0", "a"} {
		if _, err := parseSizes(bad); err == nil {
			t.Errorf("%q passes for sizes", bad)
		}
	}
}
