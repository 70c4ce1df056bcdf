package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// joining makes the test's own program one of several processes of a simulation.
const joining = "QINGYUAN_TEST_JOIN"

func TestMain(m *testing.M) {
	if os.Getenv(joining) != "" {
		if err := Join(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// fake is the least server that honours the contract: one campaign, in memory,
// with the faults that a simulation must notice or survive.
type fake struct {
	url    string
	faults faults

	mu       sync.Mutex
	detail   map[string]any
	people   map[string]*soul // by token, which is the name
	counts   figures
	attempts int // started
	signed   int
	won      int
	// writes counts the requests that changed something or repeated it.
	writes int
	// asked counts how often each ticket was asked for.
	asked map[string]int
	// down closes every connection unanswered.
	down atomic.Bool
}

// soul is a person as the fake knows them.
type soul struct {
	unit, group string
	sheet       *sitting
	signature   map[string]any
	luck        map[string]any
}

type sitting struct {
	id       string
	revision int64
	given    string // canonical answers once submitted
	receipt  map[string]any
}

// faults change what the fake does. The zero value is a server without any.
type faults struct {
	// before answers instead of the handler if it returns a status; it sees the
	// number of the write.
	before func(n int, r *http.Request) (status int, problem map[string]any)
	// drop performs the request and hangs up without a reply.
	drop func(n int, r *http.Request) bool
	// twice counts a repeated submission again.
	twice bool
	// uncounted forgets every tenth signature, the record and the count.
	uncounted bool
	// forgotten loses the record of every tenth attempt and keeps the count.
	forgotten bool
	// fickle gives a repeated submission another score.
	fickle bool
	// reserial gives a repeated signature another serial.
	reserial bool
	// lenient accepts whatever is submitted, and as often as it comes.
	lenient bool
	// misread reviews other answers than were given; miscount counts wrongly.
	misread, miscount bool
	// unreviewed shows no review.
	unreviewed bool
	// rankless hides the rank.
	rankless bool
	// lopsided makes the breakdown miss a row; private shows none.
	lopsided, private bool
	// counting is called before the counts are read.
	counting func()
	// expired answers quiz.expired to submissions, having handed in what was
	// kept, if any was.
	expired bool
	// signedOut ends every session once.
	signedOut bool
	once      map[string]bool
	// queued lets in whoever holds an admitted ticket; a ticket is admitted when
	// it was asked for so often. stuck admits nobody, stale no first ticket.
	queued       int
	stuck, stale bool
	// prizes gives a chance to everybody who has handed in. Of these, shared gives one
	// item to all, rerolled gives a repeated chance another end, unkept forgets wins.
	prizes                   bool
	shared, rerolled, unkept bool
}

// newFake starts a fake that stops with t.
func newFake(t *testing.T, f faults) *fake {
	t.Helper()
	s := &fake{faults: f, people: map[string]*soul{}, detail: map[string]any{
		"id": "demo", "state": "open", "ranking_mode": "top_n",
		"groups":           []map[string]string{{"id": "public"}, {"id": "under14"}, {"id": "drivers"}},
		"enrolment_fields": []map[string]any{{"field": "unit", "required": true}, {"field": "phone", "required": true}},
		"consent_notice":   map[string]string{"version": "n1", "text": "…"},
		"quiz":             map[string]any{"questions": fakeQuestions, "pass_score": 20, "max_score": 10 * fakeQuestions},
		"pledge":           map[string]string{"version": "v1", "title": "…"},
	}}
	s.faults.once, s.asked = map[string]bool{}, map[string]int{}
	srv := httptest.NewServer(s.routes())
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

const fakeQuestions = 5

func (s *fake) routes() http.Handler {
	mux := http.NewServeMux()
	const c = "/api/v1/campaigns/demo"
	mux.HandleFunc("POST /api/v1/sessions/sandbox", s.signIn)
	mux.HandleFunc("POST /api/v1/queue", s.queue)
	mux.HandleFunc("GET /api/v1/campaigns", s.campaigns)
	mux.HandleFunc("GET "+c, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, s.detail) })
	mux.HandleFunc("GET "+c+"/units", s.units)
	mux.HandleFunc("GET "+c+"/pledge", s.pledge)
	mux.HandleFunc("PUT "+c+"/enrolment", s.person(s.enrol))
	mux.HandleFunc("GET "+c+"/me", s.person(s.me))
	mux.HandleFunc("POST "+c+"/attempts", s.person(s.start))
	mux.HandleFunc("PUT "+c+"/attempts/{a}/answers", s.person(s.save))
	mux.HandleFunc("POST "+c+"/attempts/{a}/submission", s.person(s.submit))
	mux.HandleFunc("GET "+c+"/attempts/{a}", s.person(s.attempt))
	mux.HandleFunc("POST "+c+"/signatures", s.person(s.sign))
	mux.HandleFunc("GET "+c+"/signatures/me", s.person(s.mySignature))
	mux.HandleFunc("GET "+c+"/prizes", s.showPrizes)
	mux.HandleFunc("GET "+c+"/prizes/me", s.person(s.purse))
	mux.HandleFunc("POST "+c+"/prizes/chances", s.person(s.spend))
	mux.HandleFunc("GET "+c+"/counts", s.readCounts)
	mux.HandleFunc("GET "+c+"/counts/breakdown", s.breakdown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(mux, w, r) })
}

// serve puts the faults of the way around the handler.
func (s *fake) serve(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	if s.down.Load() {
		panic(http.ErrAbortHandler) // hangs up
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		mux.ServeHTTP(w, r)
		return
	}
	s.writes++
	if s.faults.before != nil {
		if status, p := s.faults.before(s.writes, r); status != 0 {
			answer(w, status, p)
			return
		}
	}
	if s.faults.drop != nil && s.faults.drop(s.writes, r) {
		mux.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	mux.ServeHTTP(w, r)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v))
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]any{"code": code, "message": "…", "request_id": "r"})
}

// person finds who asks.
func (s *fake) person(h func(http.ResponseWriter, *http.Request, *soul)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		who, ok := s.people[token]
		switch {
		case !ok:
			refuse(w, 401, "auth.missing")
		case s.faults.signedOut && !s.faults.once[token] && r.Method == http.MethodPost:
			s.faults.once[token] = true
			refuse(w, 401, "auth.expired")
		default:
			h(w, r, who)
		}
	}
}

// read decodes strictly, as the server does.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		refuse(w, 400, "request.invalid")
		return false
	}
	return true
}

// testClock is time that passes only while somebody sleeps. A run of minutes
// then takes as long as its requests.
type testClock struct {
	mu     sync.Mutex
	at     time.Time
	sleeps int
	waits  []time.Duration
	// during is called in every sleep, with how many there were.
	during func(n int)
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.at = c.at.Add(d)
	c.sleeps++
	c.waits = append(c.waits, d)
	n := c.sleeps
	c.mu.Unlock()
	if c.during != nil {
		c.during(n)
	}
	return ctx.Err()
}

// testConfig is a small run against s on a clock of its own.
func testConfig(s *fake, people int) (Config, *testClock) {
	clock := &testClock{at: time.Unix(1_780_000_000, 0)}
	c := Default()
	c.Target, c.Participants, c.Workers, c.Seed = s.url, people, 8, 1
	c.now, c.sleep = clock.now, clock.sleep
	c.backoff, c.limit = time.Millisecond, 10*time.Millisecond
	return c, clock
}

// mustRun runs and returns a report; problems are the caller's to judge.
func mustRun(t *testing.T, c Config) Report {
	t.Helper()
	rep, err := Run(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func mustPass(t *testing.T, rep *Report) {
	t.Helper()
	if !rep.OK() {
		t.Fatalf("not OK: errors %v, problems %v", rep.Errors, rep.Problems)
	}
}

// mustFind fails the test unless a problem of the kind tells of text.
func mustFind(t *testing.T, rep *Report, kind, text string) {
	t.Helper()
	if rep.OK() {
		t.Errorf("the report is OK, want a problem of kind %q", kind)
	}
	for _, p := range rep.Problems {
		if p.Kind == kind && strings.Contains(p.Detail, text) {
			return
		}
	}
	t.Errorf("no problem %q with %q among %v", kind, text, rep.Problems)
}

func outcomeOf(rep *Report, kind string) Outcome {
	for _, o := range rep.Outcomes {
		if o.Kind == kind {
			return o
		}
	}
	return Outcome{}
}

func itoa(n int) string { return strconv.Itoa(n) }
