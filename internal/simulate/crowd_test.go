package simulate

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// People come when the plan says, also while the server answers nobody: the load
// must not wait for the target.
func TestPeopleComeWhetherOrNotTheServerIsSlow(t *testing.T) {
	t.Parallel()
	const people = 40
	knocked, opened := make(chan struct{}, people), make(chan struct{})
	s := newFake(t, faults{})
	gate := gateBefore(t, s.url, knocked, opened)
	c, _ := testConfig(s, people)
	c.Target, c.Shape, c.Over, c.Workers = gate, Rush, 10*time.Second, people
	c.Repeats, c.LostReplies = 0, 0
	var g errgroup.Group
	var rep Report
	g.Go(func() (err error) {
		rep, err = Run(t.Context(), c, nil)
		return err
	})
	for range people { // everybody has come before anybody was let in
		<-knocked
	}
	close(opened)
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	mustPass(t, &rep)
	if rep.Arrivals.MostUnderWay != people || rep.Arrivals.Held != 0 {
		t.Errorf("arrivals %+v, want all %d under way at once", rep.Arrivals, people)
	}
}

// gateBefore is a server before another one that holds every sign-in back until
// opened is closed.
func gateBefore(t *testing.T, target string, knocked chan<- struct{}, opened <-chan struct{}) string {
	t.Helper()
	return proxyBefore(t, target, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/sandbox") {
			select {
			case knocked <- struct{}{}:
			default: // a repeat
			}
			<-opened
		}
	})
}

// Too few workers make people late, and the report says that it was they.
func TestLateArrivalsAreTheLoadsOwnFault(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{})
	c, clock := testConfig(s, 30)
	c.Shape, c.Over, c.Workers = Flat, 3*time.Second, 1
	slow := proxyBefore(t, s.url, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/sandbox") {
			_ = clock.sleep(r.Context(), time.Second) // time passes while somebody is served
		}
	})
	c.Target = slow
	rep := mustRun(t, c)
	mustPass(t, &rep)
	if rep.Arrivals.Held == 0 || rep.Arrivals.LateP99MS < 1000 || rep.Arrivals.MostUnderWay != 1 {
		t.Errorf("arrivals %+v", rep.Arrivals)
	}
	if !strings.Contains(strings.Join(rep.Notes, " "), "not the target's fault") {
		t.Errorf("notes %q", rep.Notes)
	}
}

// The timeline tells what happened when, and misses nobody.
func TestTimelineTellsWhenItBent(t *testing.T) {
	t.Parallel()
	limited := 0
	s := newFake(t, faults{before: func(n int, _ *http.Request) (int, map[string]any) {
		if n%50 == 0 {
			limited++
			return 429, map[string]any{"code": "rate.limited", "retry_after_ms": 10}
		}
		return 0, nil
	}})
	c, _ := testConfig(s, 200)
	c.Shape, c.Over, c.LostReplies = Rush, time.Minute, 0
	rep := mustRun(t, c)
	mustPass(t, &rep)
	var sum Slice
	for _, part := range rep.Timeline {
		sum.Arrived += part.Arrived
		sum.Finished += part.Finished
		sum.Limited += part.Limited
		sum.Requests += part.Requests
	}
	if sum.Arrived != 200 || sum.Finished != 200 || sum.Limited != int64(limited) {
		t.Errorf("the timeline adds up to %+v, limited were %d", sum, limited)
	}
	walked := int64(0)
	for _, o := range rep.Operations {
		if o.Name != "counts" && o.Name != "look_up" && o.Name != "reread" {
			walked += o.Done
		}
	}
	if sum.Requests != walked {
		t.Errorf("the timeline has %d requests, the operations %d", sum.Requests, walked)
	}
	var b bytes.Buffer
	if err := rep.WriteTable(&b); err != nil || !strings.Contains(b.String(), "arrivals: rush over 60 s") {
		t.Errorf("%v:\n%s", err, b.String())
	}
}

// What a run keeps must not grow with its people: a million have to fit.
func TestMemoryDoesNotGrowWithPeople(t *testing.T) {
	c := Default()
	c.Participants, c.Audit, c.Shape, c.Over = 10_000_000, 100, Rush, time.Hour
	c.Target = "http://127.0.0.1:1"
	c, err := c.complete()
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(c, portion{0, 1}, silent{})
	defer r.client.close()
	r.meter.line = newTimeline(time.Unix(0, 0), r.plan.span())
	visit := func(n int) {
		r.tally.add(acts{acknowledged, acknowledged, acknowledged, true})
		r.kept.offer(keepsake{Number: n, Token: strings.Repeat("t", 300), Receipt: &fixed{}, Signature: &signature{}})
		r.arrivals.late.add(time.Duration(n))
		r.meter.answered(opSubmit, time.Unix(int64(n%3600), 0), time.Duration(n))
		r.meter.repeated(opSubmit, "rate.limited")
		r.findings.add(Problem{Kind: Failed, Participant: n})
		_ = r.plan.at(n)
	}
	visit(1) // makes room for what is kept of the first
	for n := range 1000 {
		visit(n)
	}
	if grown := testing.AllocsPerRun(20_000, func() { visit(2000) }); grown > 3 { // the keepsake offered, soon forgotten
		t.Errorf("one more person makes %.1f allocations", grown)
	}
	if len(r.kept.kept) != 100 || len(r.findings.listed) != maxListed {
		t.Errorf("%d keepsakes and %d problems are kept", len(r.kept.kept), len(r.findings.listed))
	}
}

// Two halves that are put together tell the same as the whole.
func TestSharesAddUpExactly(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Target, c.Participants, c.Shape, c.Over = "http://127.0.0.1:1", 2000, Rush, time.Minute
	c, err := c.complete()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Unix(1_780_000_000, 0)
	part := func(from, step int) *run {
		r := newRun(c, portion{0, 1}, silent{})
		t.Cleanup(r.client.close)
		r.meter.line = newTimeline(begin, r.plan.span())
		for n := from; n < c.Participants; n += step {
			at := begin.Add(r.plan.at(n))
			r.meter.answered(opSubmit, at, time.Duration(n)*time.Millisecond)
			r.meter.line.arrived(at)
			r.arrivals.late.add(time.Duration(n) * time.Microsecond)
			r.tally.add(acts{acknowledged, outcome(n % 3), acknowledged, n%2 == 0})
			r.done.Add(1)
			if n%7 == 0 {
				r.meter.repeated(opSubmit, "network")
				r.findings.add(Problem{Kind: Missing, Participant: n})
			}
		}
		return r
	}
	whole := part(0, 1)
	sum := newRun(c, portion{0, 1}, silent{})
	t.Cleanup(sum.client.close)
	sum.meter.line = newTimeline(begin, sum.plan.span())
	for i := range 3 {
		sum.absorb(overTheWire(t, part(i, 3)))
	}
	want, got := whole.report(), sum.report()
	want.Load, got.Load, want.Prefix, got.Prefix = nil, nil, "", ""
	want.Problems, got.Problems = nil, nil // other twenty
	if diff := diffJSON(t, want, got); diff != "" {
		t.Errorf("the whole and the sum of its thirds (-whole +sum):\n%s", diff)
	}
	wantYes, wantMaybe := whole.tally.read()
	if yes, maybe := sum.tally.read(); yes != wantYes || maybe != wantMaybe {
		t.Errorf("acknowledged %+v, unknown %+v; want %+v, %+v", yes, maybe, wantYes, wantMaybe)
	}
}
