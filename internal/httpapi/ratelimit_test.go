package httpapi

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"qingyuan/campaign"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

func TestBuckets(t *testing.T) {
	t.Parallel()
	b := newBuckets[string](Rate{PerSecond: 2, Burst: 3}, 64)
	now := noon()
	for range 3 {
		if wait := b.take("a", now); wait != 0 {
			t.Fatalf("the burst is refused for %s", wait)
		}
	}
	if wait := b.take("a", now); wait != 500*time.Millisecond {
		t.Errorf("the fourth waits %s, want 500ms", wait)
	}
	if wait := b.take("a", now); wait != 500*time.Millisecond {
		t.Errorf("asking costs something: %s", wait)
	}
	if wait := b.take("b", now); wait != 0 {
		t.Errorf("another key waits %s", wait)
	}
	if wait := b.take("a", now.Add(500*time.Millisecond)); wait != 0 {
		t.Errorf("after half a second: %s", wait)
	}
	for i := range 10_000 {
		b.take(strconv.Itoa(i), now)
	}
	kept := 0
	for i := range b.shards {
		kept += b.shards[i].lru.Len()
	}
	if kept > 64 {
		t.Errorf("%d keys remembered, at most 64", kept)
	}
	if newBuckets[string](Rate{}, 64).take("a", now) != 0 {
		t.Error("no rate is a bound")
	}
}

func TestParticipantLimit(t *testing.T) {
	t.Parallel()
	c, reg := newClock(), prometheus.NewRegistry()
	b := newBench(t, func(b *bench) {
		b.Now, b.Registerer = c.Now, reg
		b.Limits.PerParticipant = Rate{PerSecond: 1, Burst: 2}
	})
	b.quizzes.start = func(context.Context, string, string, int) (quiz.Receipt, bool, error) {
		return newReceipt(t), true, nil
	}
	ask := func(as string) answer { return b.do(t, request("POST", attempts, as, "")) }
	ask("p:ann")
	ask("p:ann")
	a := ask("p:ann")
	if p := a.problem(t); a.status != 429 || p.Code != "rate.limited" || p.RetryAfterMS != 1000 || a.header.Get("Retry-After") != "1" {
		t.Errorf("third: %d %s", a.status, a.body)
	}
	if a := ask("p:bob"); a.status != 201 {
		t.Errorf("another participant: %d", a.status)
	}
	if a := ask("forged"); a.status != 401 {
		t.Errorf("a forged token: %d", a.status)
	}
	c.Add(time.Second)
	if a := ask("p:ann"); a.status != 201 {
		t.Errorf("after a second: %d %s", a.status, a.body)
	}
	if got := value(t, b.state.metrics.limited.WithLabelValues(byParticipant)); got != 1 {
		t.Errorf("counted %v refusals, want 1", got)
	}
}

func TestLookupLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) { b.Limits.Lookup = Rate{PerSecond: 1, Burst: 5} })
	b.pledges.bySerial = func(string) (pledge.Receipt, *campaign.Campaign, error) {
		return pledge.Receipt{}, nil, pledge.ErrNotSigned
	}
	refused := 0
	for i := range 20 {
		if b.get(t, "/api/v1/signatures/SPR-"+strconv.Itoa(i), "").status == 429 {
			refused++
		}
	}
	if refused != 15 {
		t.Errorf("%d guesses refused, want 15", refused)
	}
	if a := b.get(t, counts, ""); a.status != 200 {
		t.Errorf("the counts are refused with them: %d", a.status)
	}
}

func TestAllowedNetworksAreNotLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) {
		b.Limits = Limits{
			PerParticipant: Rate{0.01, 1}, PerAddress: Rate{0.01, 1}, Lookup: Rate{0.01, 1}, Allow: prefixes("0.0.0.0/32"),
		}
	})
	b.quizzes.start = func(context.Context, string, string, int) (quiz.Receipt, bool, error) {
		return quiz.Receipt{}, false, errors.New("reached")
	}
	for range 5 {
		if a := b.do(t, request("POST", attempts, "p:ann", "")); a.status != 500 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
}

// TestNowhereIsLimitedToo shows that asking for what does not exist is no way
// around the limits, nor a way to fill the log.
func TestNowhereIsLimitedToo(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) { b.Limits.PerAddress = Rate{0.01, 1} })
	if a := b.get(t, "/nowhere", ""); a.status != 404 {
		t.Errorf("first: %d", a.status)
	}
	if a := b.get(t, "/nowhere", ""); a.status != 429 {
		t.Errorf("second: %d", a.status)
	}
}

func TestProbesAreNotLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) { b.Limits.PerAddress = Rate{0.01, 1} })
	for range 5 {
		if a := b.get(t, "/readyz", ""); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	b := newBench(t, func(b *bench) { b.Registerer = reg })
	b.get(t, counts, "")
	b.get(t, counts, "")
	b.get(t, "/api/v1/campaigns/autumn/counts", "")
	b.get(t, "/secret-path", "")
	b.do(t, request("HEAD", counts, "", ""))
	b.do(t, request("BREW", "/", "", ""))
	const route = "/api/v1/campaigns/:campaign/counts"
	for _, tt := range []struct {
		labels []string
		want   float64
	}{
		{[]string{route, "GET", "200"}, 2},
		{[]string{route, "GET", "404"}, 1},
		{[]string{route, "HEAD", "200"}, 1},
		{[]string{"unmatched", "GET", "404"}, 1},
		{[]string{"unmatched", "other", "405"}, 1},
	} {
		if got := value(t, b.state.metrics.requests.WithLabelValues(tt.labels...)); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.labels, got, tt.want)
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(families); n < 4 {
		t.Errorf("%d families of metrics", n)
	}
}

// value reads a counter or a gauge.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetCounter().GetValue() + out.GetGauge().GetValue()
}
