package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qingyuan/internal/fault"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/session"
	"qingyuan/internal/waitingroom"
	"qingyuan/internal/waittest"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
)

const queuePath = "/api/v1/queue"

// realQueue gives a bench a waiting room on a Redis of its own.
func realQueue(t *testing.T, c *waittest.Clock, perSecond float64, burst int) func(*bench) {
	t.Helper()
	server := redistest.Start(t)
	return func(b *bench) {
		b.Now = c.Now
		b.Queue = &waitingroom.Room{
			Store: redisstore.NewQueue(server.Client(t)), Now: c.Now, Log: b.Log, Key: [32]byte{1},
			Rules: waitingroom.Rules{PerSecond: perSecond, Burst: burst, Hold: time.Minute, Most: 1000},
		}
		b.sessions.signIn = func(string, string, string) (session.Pair, error) { return session.Pair{}, nil }
	}
}

func (b *bench) queue(t *testing.T, ticket string) queueAnswer {
	t.Helper()
	return decoded[queueAnswer](t, b.do(t, request(http.MethodPost, queuePath, "", `{"ticket":"`+ticket+`"}`)))
}

func (b *bench) signIn(t *testing.T, code, ticket string) answer {
	t.Helper()
	return b.do(t, request(http.MethodPost, "/api/v1/sessions/wechat", "", `{"code":"`+code+`","ticket":"`+ticket+`"}`))
}

// moves lets the line of a bench move as its server does.
func (b *bench) moves(t *testing.T) {
	t.Helper()
	room, _ := b.Queue.(*waitingroom.Room)
	if _, err := room.Store.Turn(t.Context(), room.Rules, room.Now()); err != nil {
		t.Fatal(err)
	}
}

// TestQueueWholeWay is a rush at a door that lets one in a second, and two at once.
func TestQueueWholeWay(t *testing.T) {
	t.Parallel()
	c := newClock()
	asked := 0
	b := newBench(t, realQueue(t, c, 1, 2), func(b *bench) {
		b.sessions.signIn = func(string, string, string) (session.Pair, error) { asked++; return session.Pair{}, nil }
		b.Registerer = prometheus.NewRegistry()
	})
	if p := b.queue(t, ""); !p.Admitted || p.Position != 0 || p.RetryAfterMS != 0 || len(p.Ticket) != 32 {
		t.Errorf("the first: %+v", p)
	}
	if a := b.signIn(t, "no-ticket", ""); a.status != 200 {
		t.Errorf("below the rate and without a ticket: %d %s", a.status, a.body)
	}
	a := b.signIn(t, "late", "")
	if p := a.problem(t); a.status != 429 || p.Code != "queue.required" || p.RetryAfterMS < 750 || a.header.Get("Retry-After") == "" || asked != 1 {
		t.Fatalf("above the rate: %d %s; WeChat was asked %d times", a.status, a.body, asked)
	}
	var tickets []string
	for i := range 3 {
		p := b.queue(t, "")
		if p.Admitted || p.Position != int64(i+1) || p.RetryAfterMS < 750 || p.RetryAfterMS > 3750 {
			t.Errorf("%d in line: %+v", i, p)
		}
		tickets = append(tickets, p.Ticket)
	}
	if a := b.signIn(t, "late", tickets[0]); a.status != 429 || a.problem(t).Code != "queue.required" {
		t.Errorf("before its turn: %d %s", a.status, a.body)
	}
	c.Add(time.Second)
	b.moves(t)
	first, second := b.queue(t, tickets[0]), b.queue(t, tickets[1])
	if !first.Admitted || first.Ticket != tickets[0] || second.Admitted || second.Position != 1 {
		t.Errorf("after a second: %+v, %+v", first, second)
	}
	for range 2 { // the first answer is lost
		if a := b.signIn(t, "late", tickets[0]); a.status != 200 {
			t.Errorf("its turn: %d %s", a.status, a.body)
		}
	}
	if a := b.signIn(t, "pusher", ""); a.status != 429 {
		t.Errorf("without a ticket, before who waits: %d", a.status)
	}
	if got := value(t, b.state.metrics.entered.WithLabelValues(wasAdmitted)); got != 3 {
		t.Errorf("%v sign-ins counted as admitted, want 3", got)
	}
	if got := value(t, b.state.metrics.entered.WithLabelValues(wasTurnedAway)); got != 3 {
		t.Errorf("%v sign-ins counted as turned away, want 3", got)
	}
	if strings.Contains(b.logs.String(), "queue.required") {
		t.Error("each one who waits costs a line of the log")
	}
	for path, body := range map[string]string{
		"/api/v1/sessions/wechat-web": `{"code":"c"}`, "/api/v1/sessions/sandbox": `{"name":"n"}`,
	} {
		if a := b.do(t, request(http.MethodPost, path, "", body)); a.status != 429 || a.problem(t).Code != "queue.required" {
			t.Errorf("%s does not wait: %d %s", path, a.status, a.body)
		}
	}
}

// TestQueueLeavesTheRestAlone asks, while people wait, for what needs no waiting.
func TestQueueLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, realQueue(t, newClock(), 1, 1))
	b.queue(t, "")
	b.queue(t, "")
	for _, r := range []*http.Request{
		request(http.MethodPost, "/api/v1/sessions/refresh", "", `{"refresh_token":"r"}`),
		request(http.MethodGet, counts, "", ""),
		request(http.MethodGet, "/api/v1/campaigns/spring/counts/breakdown", "v:all", ""),
		request(http.MethodGet, "/readyz", "", ""),
	} {
		if a := b.do(t, r); a.status != 200 || strings.Contains(a.body, "warnings") {
			t.Errorf("%s: %d %s", r.URL.Path, a.status, a.body)
		}
	}
	b.quizzes.start = nil
	if a := b.do(t, request(http.MethodPost, attempts, "p:ann", "")); a.status == 429 {
		t.Errorf("who is signed in waits: %s", a.body)
	}
}

// TestQueueTicketForOne passes one admitted ticket round.
func TestQueueTicketForOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, realQueue(t, newClock(), 0.001, 1))
	ticket := b.queue(t, "").Ticket
	b.queue(t, "") // somebody waits
	in := 0
	for i := range 50 {
		if b.signIn(t, "code"+strconv.Itoa(i), ticket).status == 200 {
			in++
		}
	}
	if in != waitingroom.MaxCodes {
		t.Errorf("one ticket let %d in, want %d", in, waitingroom.MaxCodes)
	}
	if p := b.queue(t, ticket); p.Admitted || p.Ticket == ticket || p.Position != 2 {
		t.Errorf("a ticket that is used up: %+v", p)
	}
}

func TestNoQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, body := range []string{"", "{}", `{"ticket":"anything"}`} {
		a := b.do(t, request(http.MethodPost, queuePath, "", body))
		if a.status != 200 || a.body != `{"ticket":"","admitted":true,"position":0,"retry_after_ms":0}` {
			t.Errorf("%q: %d %s", body, a.status, a.body)
		}
	}
	if a := b.do(t, request(http.MethodPost, queuePath, "", `{"tickets":1}`)); a.status != 400 {
		t.Errorf("an unknown field: %d", a.status)
	}
}

// stubQueue answers as it is told.
type stubQueue struct {
	place waitingroom.Place
	err   error
}

func (s stubQueue) Join(ctx context.Context, ticket string, draw func(context.Context) error) (waitingroom.Place, error) {
	if ticket == "" {
		if err := draw(ctx); err != nil {
			return waitingroom.Place{}, err
		}
	}
	return s.place, s.err
}

func (s stubQueue) Enter(context.Context, string, string) error { return s.err }

// TestQueueNumbersAreLimited draws numbers from one address until the gate closes;
// whoever has one may go on asking.
func TestQueueNumbersAreLimited(t *testing.T) {
	t.Parallel()
	var drawn atomic.Int64
	b := newBench(t, func(b *bench) {
		b.Queue = stubQueue{place: waitingroom.Place{Ticket: "t", Position: 1, RetryAfter: time.Second}}
		b.Tickets = gateFunc(func(netip.Addr) error {
			if drawn.Add(1) > 3 {
				return session.ErrRateLimited.WithRetry(time.Second)
			}
			return nil
		})
	})
	limited := 0
	for range 5 {
		if a := b.do(t, request(http.MethodPost, queuePath, "", "")); a.status == 429 && a.problem(t).Code == "rate.limited" {
			limited++
		}
		if a := b.do(t, request(http.MethodPost, queuePath, "", `{"ticket":"t"}`)); a.status != 200 {
			t.Errorf("asking again: %d %s", a.status, a.body)
		}
	}
	if limited != 2 || value(t, b.state.metrics.limited.WithLabelValues(byTicket)) != 2 {
		t.Errorf("%d numbers refused, want 2", limited)
	}
	spared := newBench(t, func(b *bench) {
		b.Queue, b.Limits.Allow = stubQueue{place: waitingroom.Place{Ticket: "t", Admitted: true}}, prefixes("0.0.0.0/32")
		b.Tickets = gateFunc(func(netip.Addr) error { return session.ErrRateLimited })
	})
	if a := spared.do(t, request(http.MethodPost, queuePath, "", "")); a.status != 200 {
		t.Errorf("a spared network: %d", a.status)
	}
}

func TestQueueWithoutRedis(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) {
		b.Queue = stubQueue{err: fault.ErrUnavailable.Because(errors.New("dial 10.0.0.7"))}
	})
	for path, body := range map[string]string{queuePath: "", "/api/v1/sessions/wechat": `{"code":"c"}`} {
		if a := b.do(t, request(http.MethodPost, path, "", body)); a.status != 503 || a.problem(t).RetryAfterMS <= 0 || strings.Contains(a.body, "10.0") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// heard writes down what a brake is told.
type heard []time.Duration

func (h *heard) Note(took time.Duration) { *h = append(*h, took) }

// TestBrakeHears shows that a brake is told of those who are in, however they are answered,
// and of nobody else: neither the public's boards nor whoever is at the door slow the line.
func TestBrakeHears(t *testing.T) {
	t.Parallel()
	c := waittest.NewClock(noon())
	var told heard
	b := newBench(t, func(b *bench) {
		b.Now, b.Brake = c.Now, &told
		b.pledges.signature = func(string, string) (pledge.Receipt, error) {
			c.Add(300 * time.Millisecond)
			return pledge.Receipt{}, fault.ErrUnavailable
		}
		b.boards.board = func(string, leaderboard.Query) (leaderboard.Board, error) {
			c.Add(time.Second)
			return leaderboard.Board{AsOf: noon()}, nil
		}
		b.sessions.signIn = func(string, string, string) (session.Pair, error) {
			c.Add(2 * time.Second)
			return session.Pair{}, nil
		}
	})
	const spring = "/api/v1/campaigns/spring"
	for path, status := range map[string]int{spring + "/signatures/me": 503, spring + "/counts": 200, spring + "/boards/participants": 200} {
		if a := b.get(t, path, "p:ann"); a.status != status {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := b.signIn(t, "code", ""); a.status != 200 {
		t.Errorf("signing in: %d %s", a.status, a.body)
	}
	if !slices.Equal(told, heard{300 * time.Millisecond}) {
		t.Errorf("the brake heard %v", told)
	}
}
