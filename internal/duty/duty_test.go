package duty

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// rig is a server whose metrics a test moves, at a clock of its own.
type rig struct {
	*Meter

	at       time.Time
	requests *prometheus.CounterVec
	times    *prometheus.HistogramVec
	failures *prometheus.CounterVec
	called   prometheus.Counter
	waiting  prometheus.Gauge
	pace     prometheus.Gauge
}

func newRig() *rig {
	r := &rig{
		at:       time.Date(2026, 6, 26, 12, 0, 0, 0, time.UTC),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "qingyuan_http_requests_total"}, []string{"route", "method", "status"}),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "qingyuan_http_request_duration_seconds", Buckets: []float64{.01, .1, 1, 3},
		}, []string{"route", "method"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "qingyuan_http_failures_total"}, []string{"code"}),
		called:   prometheus.NewCounter(prometheus.CounterOpts{Name: "qingyuan_queue_called_total"}),
		waiting:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "qingyuan_queue_waiting"}),
		pace:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "qingyuan_queue_pace_ratio"}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.requests, r.times, r.failures, r.called, r.waiting, r.pace)
	r.Meter = &Meter{Gatherer: registry, Now: func() time.Time { return r.at }}
	return r
}

// pass lets time pass as Run would.
func (r *rig) pass(d time.Duration) {
	for end := r.at.Add(d); r.at.Before(end); r.at = r.at.Add(every) {
		r.Sample()
	}
}

// TestTheLastMinuteAndTheLastFive counts what came within each, and nothing older.
func TestTheLastMinuteAndTheLastFive(t *testing.T) {
	t.Parallel()
	r := newRig()
	submit := func(n int, status string) {
		r.requests.WithLabelValues(campaignPath+"/attempts/:attempt/submission", "POST", status).Add(float64(n))
	}
	r.failures.WithLabelValues("quiz.expired").Add(1000) // long ago
	submit(1000, "200")
	r.pass(10 * time.Minute)
	if len(r.ring) != kept {
		t.Errorf("%d samples are kept", len(r.ring))
	}
	r.failures.WithLabelValues("quiz.expired").Add(7)
	r.failures.WithLabelValues("rate.limited").Add(1)
	submit(100, "200")
	r.pass(3 * time.Minute)
	r.failures.WithLabelValues("rate.limited").Add(4)
	submit(30, "200")
	submit(5, "409")
	submit(2, "503")
	r.requests.WithLabelValues(readyPath, "GET", "503").Add(40)
	r.requests.WithLabelValues(campaignPath+"/attempts", "GET", "200").Add(9)
	r.requests.WithLabelValues(campaignPath+"/attempts", "POST", "201").Add(8)
	r.requests.WithLabelValues(campaignPath+"/signatures", "POST", "201").Add(6)
	r.requests.WithLabelValues("/api/v1/sessions/wechat", "POST", "200").Add(10)
	r.requests.WithLabelValues("/api/v1/sessions/wechat", "POST", "401").Add(3)
	r.requests.WithLabelValues("/api/v1/sessions/wechat", "POST", "429").Add(50)
	r.requests.WithLabelValues(deskPath, "POST", "401").Add(2)
	r.called.Add(120)
	r.waiting.Set(40)
	r.pace.Set(0.72)
	r.pass(30 * time.Second)
	got := r.Activity()
	got.Routes = nil
	want := Activity{
		Since: 305 * time.Second, Starts: 8, Submissions: 30, Signatures: 6, SignIns: 63, SignInsFailed: 3, DeskFailed: 2, Unavailable: 2,
		AdmittedPerSecond: 2, Waiting: 40, Pace: 0.72,
		Refusals: []Refusals{{"rate.limited", 4, 5}, {"quiz.expired", 0, 7}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() <= every })); diff != "" {
		t.Error(diff)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	r := newRig()
	took := r.times.WithLabelValues(campaignPath+"/signatures", "POST")
	took.Observe(2.9) // before
	r.pass(2 * time.Minute)
	for range 98 {
		took.Observe(0.05)
	}
	took.Observe(0.5)
	took.Observe(10)
	for _, route := range r.Activity().Routes {
		if route.Name != "签署" {
			if route.Requests != 0 || route.P99 != 0 {
				t.Errorf("nobody asked: %+v", route)
			}
			continue
		}
		if route.Requests != 100 || route.P50 < 10*time.Millisecond || route.P50 > 100*time.Millisecond ||
			route.P99 < 100*time.Millisecond || route.P99 > time.Second {
			t.Errorf("%+v", route)
		}
	}
	all := histogram{bounds: []float64{1, 3}, counts: []float64{0, 0, 5}}
	if got := all.quantile(0.5); got != 3*time.Second {
		t.Errorf("behind the last bound: %v", got)
	}
}

// fine is a server on which nothing is to be done.
func fine() Readings {
	zero := 0
	return Readings{
		Redis: &Redis{Used: 1 << 20, Most: 100 << 20, LogOK: true}, JobsRunning: &zero, JobsQueued: &zero, Approvals: &zero,
		QueuePerSecond: 100, MostWatchers: 1000, Activity: Activity{Routes: hot()},
	}
}

// TestWaitOfASlowedLine: the last in a line that moves at half of its rate waits twice as
// long.
func TestWaitOfASlowedLine(t *testing.T) {
	t.Parallel()
	r := fine()
	r.Activity.Waiting, r.Activity.Pace = 30_000, 0.5
	figures := Judge(r).Figures
	i := slices.IndexFunc(figures, func(f Figure) bool { return f.ID == "queue.wait" })
	if i < 0 || *figures[i].Value != 600 || figures[i].Level != Watch {
		t.Errorf("30,000 people at fifty a second: %+v", figures)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	some := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		change func(*Readings)
		id     string
		want   Level
	}{
		"nothing":               {func(*Readings) {}, "redis.memory", OK},
		"unready":               {func(r *Readings) { r.Reasons = []string{"x"} }, "ready.reasons", Act},
		"a warning":             {func(r *Readings) { r.Warnings = []string{"x"} }, "ready.warnings", Watch},
		"a leak":                {func(r *Readings) { r.Leaks = []Leaks{{Questions: []Leak{{Question: "law-017"}}}} }, "ready.warnings", Watch},
		"a line":                {func(r *Readings) { r.Activity.Waiting = 50_000 }, "queue.wait", OK},
		"a long line":           {func(r *Readings) { r.Activity.Waiting = 60_000 }, "queue.wait", Watch},
		"an endless line":       {func(r *Readings) { r.Activity.Waiting = 180_000 }, "queue.wait", Act},
		"a line is slowed":      {func(r *Readings) { r.Activity.Pace = 0.85 }, "queue.slowed", Watch},
		"a line hardly moves":   {func(r *Readings) { r.Activity.Pace = 0.2 }, "queue.slowed", Act},
		"a line moves":          {func(r *Readings) { r.Activity.Pace = 1 }, "queue.slowed", OK},
		"few sign-ins":          {func(r *Readings) { r.Activity.SignIns, r.Activity.SignInsFailed = 19, 19 }, "sign_in.failures", OK},
		"some fail":             {func(r *Readings) { r.Activity.SignIns, r.Activity.SignInsFailed = 100, 10 }, "sign_in.failures", Watch},
		"half fail":             {func(r *Readings) { r.Activity.SignIns, r.Activity.SignInsFailed = 100, 50 }, "sign_in.failures", Act},
		"passwords are tried":   {func(r *Readings) { r.Activity.DeskFailed = 100 }, "desk.failures", Act},
		"a defect":              {func(r *Readings) { r.Activity.Internal = 1 }, "errors.internal", Watch},
		"too busy":              {func(r *Readings) { r.Activity.Unavailable = 300 }, "errors.unavailable", Act},
		"the fold is behind":    {func(r *Readings) { r.Fold.Waiting = 50_000 }, "fold.waiting", Act},
		"the figures are old":   {func(r *Readings) { r.Fold.Oldest = 5 * time.Second }, "fold.seconds", Watch},
		"SQL is slow":           {func(r *Readings) { r.Ledger.Waiting = 20_000 }, "ledger.waiting", Watch},
		"SQL is away":           {func(r *Readings) { r.Ledger.Oldest = time.Minute }, "ledger.seconds", Act},
		"memory":                {func(r *Readings) { r.Redis.Used = 70 << 20 }, "redis.memory", Watch},
		"no memory":             {func(r *Readings) { r.Redis.Used = 85 << 20 }, "redis.memory", Act},
		"no log":                {func(r *Readings) { r.Redis.LogOK = false }, "redis.log", Act},
		"no Redis":              {func(r *Readings) { r.Redis = nil }, "redis.memory", Act},
		"many watch":            {func(r *Readings) { r.Activity.Watchers = 800 }, "live.watchers", Watch},
		"a log is broken":       {func(r *Readings) { r.BrokenLogs = 1 }, "proofs.broken", Act},
		"jobs pile up":          {func(r *Readings) { r.JobsQueued = some(200) }, "jobs.queued", Act},
		"jobs run":              {func(r *Readings) { r.JobsRunning = some(500) }, "jobs.running", OK},
		"an approval waits":     {func(r *Readings) { r.Approvals = some(1) }, "approvals.open", Watch},
		"nobody knows the jobs": {func(r *Readings) { r.JobsRunning = nil }, "jobs.running", Act},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := fine()
			c.change(&r)
			got := Judge(r)
			found := false
			for _, f := range got.Figures {
				want := OK
				if f.ID == c.id {
					found, want = true, c.want
				}
				if f.Level != want || (f.Level == OK) != (f.Hint == "") {
					t.Errorf("%s is %s with the hint %q, want %s", f.ID, f.Level, f.Hint, want)
				}
			}
			if !found || got.Level != c.want || got.Ready != (len(r.Reasons) == 0) {
				t.Errorf("found %t, all is %s, ready %t", found, got.Level, got.Ready)
			}
		})
	}
}

func TestSlowRoutes(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]Level{499 * time.Millisecond: OK, 500 * time.Millisecond: Watch, 2 * time.Second: Act} {
		r := fine()
		r.Activity.Routes[1].P99 = took
		got := Judge(r)
		if one := got.Routes[1]; one.Level != want || got.Level != want || (want == OK) != (one.Hint == "") {
			t.Errorf("%v: %+v, all is %s", took, one, got.Level)
		}
	}
}

// TestWithoutALine shows nothing of a line where there is none.
func TestWithoutALine(t *testing.T) {
	t.Parallel()
	r := fine()
	r.QueuePerSecond = 0
	for _, f := range Judge(r).Figures {
		if strings.HasPrefix(f.ID, "queue.") {
			t.Errorf("%+v", f)
		}
	}
}

// TestLeaksAreWarnings: each campaign has a line of its own, which stays one when half a
// bank is suspected.
func TestLeaksAreWarnings(t *testing.T) {
	t.Parallel()
	r := fine()
	r.Warnings = []string{"campaign x: 1 dead letters"}
	r.Leaks = []Leaks{
		{Campaign: "a", Title: "春季", Questions: []Leak{{Question: "law-017"}, {Question: "law-002"}}},
		{Campaign: "b", Title: "秋季", Questions: []Leak{{Question: "1"}, {Question: "2"}, {Question: "3"}, {Question: "4"}, {Question: "5"}, {Question: "6"}}},
	}
	got := Judge(r)
	want := []string{"campaign x: 1 dead letters", "疑似泄题：活动“春季”第 law-017、law-002 题", "疑似泄题：活动“秋季”第 1、2、3、4、5 题等 6 题"}
	if diff := cmp.Diff(want, got.Warnings); diff != "" || got.Level != Watch || !got.Ready {
		t.Errorf("%s %s, ready %t", diff, got.Level, got.Ready)
	}
	if diff := cmp.Diff(r.Leaks, got.Leaks); diff != "" {
		t.Error(diff)
	}
}
