package httpapi

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// unmatchedRoute labels requests that no route took: the label must not be what
// somebody typed.
const unmatchedRoute = "unmatched"

// metrics are this package's figures. Labels are bounded by the route table and
// say nothing about persons.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	limited   *prometheus.CounterVec
	failures  *prometheus.CounterVec
	watchers  prometheus.Gauge
	frames    prometheus.Counter
	entered   *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qingyuan_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "qingyuan_http_request_duration_seconds", Help: "Time from a whole request to its answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 3},
		}, []string{"route", "method"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qingyuan_http_rate_limited_total", Help: "Requests refused because there were too many, by whose.",
		}, []string{"by"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qingyuan_http_failures_total", Help: "Requests refused or failed, by error code.",
		}, []string{"code"}),
		watchers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "qingyuan_live_watchers", Help: "Event streams open now.",
		}),
		frames: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "qingyuan_live_published_total", Help: "Frames handed to the event streams.",
		}),
		entered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qingyuan_queue_sign_ins_total", Help: "Sign-ins at the waiting room's door, by whether they were let through.",
		}, []string{"outcome"}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.durations, m.limited, m.failures, m.watchers, m.frames, m.entered)
	}
	return m
}

// Why a request was refused as one too many.
const (
	byAddress     = "address"
	byParticipant = "participant"
	bySignIn      = "sign_in"
	byLookup      = "lookup"
	byRoster      = "roster"
	byDesk        = "desk"
	byWatchers    = "watchers"
	byTicket      = "ticket"
)

// What became of a sign-in at the waiting room's door.
const (
	wasAdmitted   = "admitted"
	wasTurnedAway = "turned_away"
)

// routeMetrics are one route's figures, found once so that a request needs no
// look-up by label.
type routeMetrics struct {
	all      *metrics
	route    string
	methods  [2]string // GET routes answer HEAD as well
	duration [2]prometheus.Observer
	status   [2][600]atomic.Pointer[prometheus.Counter]
}

func (m *metrics) route(r route) *routeMetrics {
	rm := &routeMetrics{all: m, route: r.path, methods: [2]string{r.method, fiber.MethodHead}}
	for i, method := range rm.methods {
		if i == 0 || r.method == fiber.MethodGet {
			rm.duration[i] = m.durations.WithLabelValues(r.path, method)
		}
	}
	return rm
}

func (rm *routeMetrics) observe(method string, status int, took time.Duration) {
	i := 0
	if method != rm.methods[0] {
		i = 1
	}
	rm.duration[i].Observe(took.Seconds())
	if status < 0 || status >= len(rm.status[i]) {
		status = http.StatusInternalServerError
	}
	c := rm.status[i][status].Load()
	if c == nil {
		counter := rm.all.requests.WithLabelValues(rm.route, rm.methods[i], strconv.Itoa(status))
		c = &counter
		rm.status[i][status].Store(c)
	}
	(*c).Inc()
}

// unmatched counts a request that no route took.
func (m *metrics) unmatched(method string, status int) {
	m.requests.WithLabelValues(unmatchedRoute, method, strconv.Itoa(status)).Inc()
}
