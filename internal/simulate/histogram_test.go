package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestBucketsFollowOneAnother(t *testing.T) {
	t.Parallel()
	last := -1
	for us := int64(0); us <= longest; us += 1 + us/500 {
		b := bucketOf(us)
		if b < last || b >= buckets {
			t.Fatalf("%d µs falls into bucket %d of %d, the one before was %d", us, b, buckets, last)
		}
		if up := upperOf(b); up < us || float64(up) > float64(us)*1.008+1 {
			t.Fatalf("bucket %d of %d µs ends at %d", b, us, up)
		}
		if bucketOf(upperOf(b)) != b || bucketOf(upperOf(b)+1) == b && b < buckets-1 {
			t.Fatalf("bucket %d does not end at %d µs", b, upperOf(b))
		}
		last = b
	}
	if b := bucketOf(longest); b != buckets-1 {
		t.Errorf("the longest duration falls into bucket %d, want the last, %d", b, buckets-1)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var h histogram
	exact := make([]time.Duration, 50_000)
	for i := range exact {
		exact[i] = time.Duration(math.Exp(rng.NormFloat64()*2)*float64(time.Millisecond)) + time.Microsecond
		h.add(exact[i])
	}
	slices.Sort(exact)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
		want := exact[int(math.Ceil(q*float64(len(exact))))-1]
		if got := h.quantile(q); math.Abs(float64(got-want)) > 0.01*float64(want)+float64(time.Microsecond) {
			t.Errorf("quantile %g is %v, want %v within 1 %%", q, got, want)
		}
	}
	if h.longest() != exact[len(exact)-1].Truncate(time.Microsecond) {
		t.Errorf("longest is %v, want %v", h.longest(), exact[len(exact)-1])
	}
}

func TestHistogramAtItsEdges(t *testing.T) {
	t.Parallel()
	var h histogram
	if h.quantile(0.5) != 0 || h.longest() != 0 {
		t.Error("an empty histogram has a quantile")
	}
	h.add(-time.Second) // a clock that stepped back
	if h.quantile(1) != 0 {
		t.Errorf("a negative duration counts as %v", h.quantile(1))
	}
	h.add(1000 * time.Hour)
	if got := h.quantile(1); got != longest*time.Microsecond {
		t.Errorf("a duration without end counts as %v", got)
	}
}

func TestHistogramIsShared(t *testing.T) {
	t.Parallel()
	var h histogram
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				h.add(time.Duration(w*1000+i) * time.Microsecond)
			}
		})
	}
	wg.Wait()
	if h.n.Load() != 8000 || h.longest() != 7999*time.Microsecond {
		t.Errorf("%d values up to %v", h.n.Load(), h.longest())
	}
}
