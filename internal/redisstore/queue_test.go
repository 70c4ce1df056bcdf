package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/waitingroom"
)

// lobby is a waiting room as two servers see it, with a clock that is moved by hand.
type lobby struct {
	testing.TB
	servers [2]*Queue
	db      *redis.Client
	now     time.Time
	rules   waitingroom.Rules
}

func newLobby(t testing.TB, db, other *redis.Client) *lobby {
	t.Helper()
	return &lobby{
		TB: t, servers: [2]*Queue{NewQueue(db), NewQueue(other)}, db: db, now: noon,
		rules: waitingroom.Rules{PerSecond: 2, Burst: 3, Hold: time.Minute, Most: 50},
	}
}

func openLobby(t testing.TB) *lobby {
	t.Helper()
	s := redistest.Start(t)
	return newLobby(t, s.Client(t), s.Client(t))
}

func (l *lobby) join(server int) waitingroom.Spot {
	l.Helper()
	s, err := l.servers[server].Join(l.Context(), l.rules, l.now)
	if err != nil {
		l.Fatal(err)
	}
	return s
}

func (l *lobby) look(server int, number int64) waitingroom.Spot {
	l.Helper()
	s, err := l.servers[server].Look(l.Context(), number, l.rules, l.now)
	if err != nil {
		l.Fatal(err)
	}
	return s
}

func (l *lobby) enter(number int64, code string) bool {
	l.Helper()
	s, err := l.servers[0].Enter(l.Context(), number, code, l.rules, l.now)
	if err != nil {
		l.Fatal(err)
	}
	return s.State == waitingroom.Admitted
}

func (l *lobby) turn(server int) waitingroom.Line {
	l.Helper()
	line, err := l.servers[server].Turn(l.Context(), l.rules, l.now)
	if err != nil {
		l.Fatal(err)
	}
	return line
}

// crowd joins n times, over both servers, and returns the numbers.
func (l *lobby) crowd(n int) []waitingroom.Spot {
	l.Helper()
	var out []waitingroom.Spot
	for i := range n {
		out = append(out, l.join(i%2))
	}
	return out
}

func TestQueueOrderOverServers(t *testing.T) {
	t.Parallel()
	l := openLobby(t)
	spots := l.crowd(10)
	for i, s := range spots {
		if i > 0 && s.Number <= spots[i-1].Number {
			t.Errorf("number %d after %d", s.Number, spots[i-1].Number)
		}
		want := waitingroom.Spot{State: waitingroom.Admitted, Number: s.Number}
		if i >= 3 { // the burst
			want = waitingroom.Spot{State: waitingroom.Waiting, Number: s.Number, Ahead: int64(i - 3)}
		}
		if s != want {
			t.Errorf("%d: %+v, want %+v", i, s, want)
		}
	}
	if line := l.turn(0); line != (waitingroom.Line{Waiting: 7}) {
		t.Errorf("at once: %+v", line)
	}
	l.now = l.now.Add(time.Second)
	if line := l.turn(1); line != (waitingroom.Line{Waiting: 5, Admitted: 2}) {
		t.Errorf("after a second: %+v", line)
	}
	if line := l.turn(0); line != (waitingroom.Line{Waiting: 5}) {
		t.Errorf("the other server lets in once more: %+v", line)
	}
	for i, s := range spots {
		want := waitingroom.Waiting
		if i < 5 {
			want = waitingroom.Admitted
		}
		if got := l.look(i%2, s.Number); got.State != want {
			t.Errorf("%d: %+v, want %v", i, got, want)
		}
	}
	if got := l.look(0, spots[9].Number); got.Ahead != 4 {
		t.Errorf("the last has %d before it", got.Ahead)
	}
	l.now = l.now.Add(time.Hour) // unused capacity is no more than a burst
	for _, s := range spots[5:] {
		l.look(0, s.Number)
	}
	if line := l.turn(0); line.Admitted != 3 {
		t.Errorf("after an hour: %+v, want a burst of 3", line)
	}
}

// TestQueueSlowed lets the line move at a tenth of its rate, and again at the whole of it.
// Nobody is let in for the pace having changed.
func TestQueueSlowed(t *testing.T) {
	t.Parallel()
	l := openLobby(t)
	l.crowd(40) // three of them are in
	for i, step := range []struct {
		share float64
		after time.Duration
		want  int64
	}{
		{1, time.Second, 2},
		{0.1, 0, 0},
		{0.1, time.Second, 0},
		{0.1, 500 * time.Millisecond, 1}, // what was used ahead is past
		{0.1, 4 * time.Second, 0},
		{0.1, time.Second, 1},
		{1, 0, 0},
		{1, 4 * time.Second, 1}, // what is left of the slow one's five seconds counts
		{1, time.Second, 2},
		{0.5, time.Second, 1},
	} {
		l.now, l.rules.Share = l.now.Add(step.after), step.share
		if line := l.turn(i % 2); line.Admitted != step.want {
			t.Errorf("step %d: %d let in, want %d", i, line.Admitted, step.want)
		}
	}
}

func TestQueueSignInWithoutTicket(t *testing.T) {
	t.Parallel()
	l := openLobby(t)
	for i, want := range []bool{true, true, true, false} {
		if got := l.enter(0, fmt.Sprint("code", i)); got != want {
			t.Errorf("sign-in %d: %t", i, got)
		}
	}
	if !l.enter(0, "code0") {
		t.Error("a repeat is refused")
	}
	l.now = l.now.Add(500 * time.Millisecond)
	l.join(0) // takes what half a second gives
	waits := l.join(0)
	l.now = l.now.Add(time.Second)
	if l.enter(0, "pusher") {
		t.Error("a sign-in without a ticket goes before who waits")
	}
	l.turn(0)
	if !l.enter(waits.Number, "patient") {
		t.Error("whose turn it is is refused")
	}
	if !l.enter(0, "pusher") {
		t.Error("nobody waits, and a sign-in is refused")
	}
	if l.enter(waits.Number+1, "liar") {
		t.Error("a number that nobody has lets somebody in")
	}
}

// TestQueueTicketIsNotPassedRound lets one ticket sign in again and again.
func TestQueueTicketIsNotPassedRound(t *testing.T) {
	t.Parallel()
	l := openLobby(t)
	ticket := l.join(0).Number
	l.crowd(5) // the rate is spent, and some wait
	in := 0
	for i := range 100 {
		for range 2 { // each answer is lost once
			if l.enter(ticket, fmt.Sprint("code", i)) {
				in++
			}
		}
	}
	if in != 2*waitingroom.MaxCodes {
		t.Errorf("let in %d times, want %d", in, 2*waitingroom.MaxCodes)
	}
	if s := l.look(0, ticket); s.State != waitingroom.Unknown {
		t.Errorf("a ticket that is used up: %+v", s)
	}
	fresh := l.join(0)
	l.now = l.now.Add(l.rules.Hold)
	if l.enter(ticket, "code0") {
		t.Error("the right never ends")
	}
	if s := l.look(0, fresh.Number); s.State != waitingroom.Waiting {
		t.Errorf("another one: %+v", s)
	}
}

// TestQueueWhoLeftBlocksNobody lets those at the head go silent.
func TestQueueWhoLeftBlocksNobody(t *testing.T) {
	t.Parallel()
	l := openLobby(t)
	l.rules.PerSecond = 0.001 // nobody is let in meanwhile
	spots := l.crowd(13)[3:]
	stays := spots[8:]
	for range 10 {
		l.now = l.now.Add(waitingroom.Patience / 9)
		for _, s := range stays {
			l.look(0, s.Number)
		}
	}
	if line := l.turn(0); line.Waiting != 2 {
		t.Fatalf("%+v, want the two that ask", line)
	}
	if s := l.look(0, stays[0].Number); s.Ahead != 0 {
		t.Errorf("the first that stayed has %d before it", s.Ahead)
	}
	back := l.look(1, spots[4].Number)
	if back.State != waitingroom.Waiting || back.Ahead != 0 {
		t.Errorf("who comes back soon: %+v, want its old place", back)
	}
	l.now = l.now.Add(waitingroom.Forget)
	l.turn(0)
	if s := l.look(0, spots[0].Number); s.State != waitingroom.Unknown {
		t.Errorf("who comes back late: %+v", s)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	l := openLobby(t)
	spots := l.crowd(60)
	full := 0
	for _, s := range spots {
		if s.State == waitingroom.Full {
			full++
		}
	}
	if full != 7 { // 3 let in, 50 in line
		t.Errorf("%d turned away, want 7", full)
	}
	l.now = l.now.Add(waitingroom.Patience + time.Second)
	l.turn(0) // all are passed over, and keep their places for a while
	if s := l.join(1); s.State == waitingroom.Full {
		t.Error("a free rate turns somebody away")
	}
	l.now = l.now.Add(waitingroom.Forget + l.rules.Hold)
	l.turn(1)
	keys, err := l.db.Keys(t.Context(), "*").Result()
	if err != nil || !slices.Equal(keys, []string{queueKeysOf().line()}) {
		t.Errorf("left behind: %q, %v", keys, err)
	}
	if ttl := l.db.PTTL(t.Context(), queueKeysOf().line()).Val(); ttl <= 0 || ttl > keepQueue {
		t.Errorf("the line runs out in %v", ttl)
	}
}

// TestQueueAfterALoss empties Redis under a line. Whoever asks again has the old
// place, and new numbers stand behind all old ones.
func TestQueueAfterALoss(t *testing.T) {
	t.Parallel()
	l := openLobby(t)
	l.turn(0)
	spots := l.crowd(13)[3:]
	l.now = l.now.Add(time.Minute)
	if err := l.db.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	l.turn(0)
	l.crowd(3) // the new burst
	stranger := l.join(0)
	for _, i := range []int{7, 2, 9, 0} { // as they happen to ask
		if s := l.look(i%2, spots[i].Number); s.State != waitingroom.Waiting || s.Number != spots[i].Number {
			t.Errorf("%d: %+v", i, s)
		}
	}
	for place, number := range []int64{spots[0].Number, spots[2].Number, spots[7].Number, spots[9].Number, stranger.Number} {
		if s := l.look(0, number); s.Ahead != int64(place) {
			t.Errorf("%d has %d before it, want %d", number, s.Ahead, place)
		}
	}
	l.now = l.now.Add(waitingroom.Patience + time.Second)
	if s := l.look(0, spots[5].Number); s.State != waitingroom.Unknown {
		t.Errorf("much later: %+v", s)
	}
}

func TestQueueWithoutRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	l := newLobby(t, s.Client(t), s.Client(t))
	s.Kill(t)
	q := l.servers[0]
	_, join := q.Join(t.Context(), l.rules, l.now)
	_, look := q.Look(t.Context(), 1, l.rules, l.now)
	_, enter := q.Enter(t.Context(), 1, "c", l.rules, l.now)
	_, turn := q.Turn(t.Context(), l.rules, l.now)
	for i, err := range []error{join, look, enter, turn} {
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("%d: %v, want %v", i, err, fault.ErrUnavailable)
		}
	}
}

// guest is somebody in the model of a waiting room.
type guest struct {
	number int64
	seen   time.Time
	ends   time.Time // the end of the right; zero while waiting
}

// lounge is the model: a slice in order, and how many seconds ahead of the rate the line is.
type lounge struct {
	share  float64 // of the rate
	rules  waitingroom.Rules
	guests []*guest // waiting, in order
	in     []*guest
	ahead  float64
	seen   time.Time
}

func (m *lounge) pass(now time.Time) {
	m.ahead = max(m.ahead-now.Sub(m.seen).Seconds(), 0)
	m.seen = now
}

// take lets one in, if that is not too far ahead.
func (m *lounge) take() bool {
	const rounding = 1e-5
	step := 1 / (m.rules.PerSecond * m.share)
	if m.ahead+step > max(float64(m.rules.Burst)/m.rules.PerSecond, step)+rounding {
		return false
	}
	m.ahead += step
	return true
}

func (m *lounge) admit(g *guest, now time.Time) {
	g.ends = now.Add(m.rules.Hold)
	m.in = append(m.in, g)
}

func (m *lounge) turn(now time.Time) (admitted int) {
	m.guests = slices.DeleteFunc(m.guests, func(g *guest) bool { return now.Sub(g.seen) >= waitingroom.Patience })
	for len(m.guests) > 0 && m.take() {
		m.admit(m.guests[0], now)
		m.guests = m.guests[1:]
		admitted++
	}
	return admitted
}

// TestQueueModel does at random what people and two servers do, and compares every
// answer with the model's. Nobody is let in before somebody who came earlier and
// still asks, and never more than the rate and one burst.
func TestQueueModel(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	db, other := server.Client(t), server.Client(t)
	rapid.Check(t, func(rt *rapid.T) {
		if err := db.FlushAll(t.Context()).Err(); err != nil {
			rt.Fatal(err)
		}
		l := newLobby(t, db, other)
		m := &lounge{rules: l.rules, share: 1, seen: l.now}
		var all []*guest
		started, let, codes := l.now, 0, 0
		l.turn(0)
		rt.Repeat(map[string]func(*rapid.T){
			"join": func(rt *rapid.T) {
				s := l.join(rapid.IntRange(0, 1).Draw(rt, "server"))
				g := &guest{number: s.Number, seen: l.now}
				all = append(all, g)
				if len(m.guests) == 0 && m.take() {
					let++
					m.admit(g, l.now)
					if s.State != waitingroom.Admitted {
						rt.Fatalf("nobody waits: %+v", s)
					}
					return
				}
				m.guests = append(m.guests, g)
				if s.State != waitingroom.Waiting || s.Ahead != int64(len(m.guests)-1) {
					rt.Fatalf("%+v, want %d ahead", s, len(m.guests)-1)
				}
			},
			"look": func(rt *rapid.T) {
				if len(all) == 0 {
					return // nobody is there
				}
				g := rapid.SampledFrom(all).Draw(rt, "guest")
				i := slices.Index(m.guests, g)
				if i < 0 && (g.ends.IsZero() || !g.ends.After(l.now)) {
					return // gone: told by other tests
				}
				s := l.look(rapid.IntRange(0, 1).Draw(rt, "server"), g.number)
				if i < 0 && s.State != waitingroom.Admitted || i >= 0 && (s.State != waitingroom.Waiting || s.Ahead != int64(i)) {
					rt.Fatalf("guest at %d of the line: %+v", i, s)
				}
				if i >= 0 && l.now.Sub(g.seen) >= noteAfter {
					g.seen = l.now
				}
			},
			"turn": func(rt *rapid.T) {
				line := l.turn(rapid.IntRange(0, 1).Draw(rt, "server"))
				admitted := m.turn(l.now)
				let += admitted
				if line.Admitted != int64(admitted) || line.Waiting != int64(len(m.guests)) {
					rt.Fatalf("%+v, want %d let in and %d waiting", line, admitted, len(m.guests))
				}
			},
			"push in": func(rt *rapid.T) {
				want := len(m.guests) == 0 && m.take()
				if want {
					let++
				}
				codes++
				if got := l.enter(0, strconv.Itoa(codes)); got != want {
					rt.Fatalf("without a ticket: %t, %d wait, %v s ahead", got, len(m.guests), m.ahead)
				}
			},
			"pace": func(rt *rapid.T) {
				m.share = rapid.SampledFrom([]float64{1, 0.5, 0.2}).Draw(rt, "share")
				l.rules.Share = m.share
			},
			"": func(rt *rapid.T) {
				l.now = l.now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "ms")) * time.Millisecond)
				m.pass(l.now)
				if most := float64(l.rules.Burst) + l.now.Sub(started).Seconds()*l.rules.PerSecond + 1; float64(let) > most {
					rt.Fatalf("%d let in, at most %v", let, most)
				}
			},
		})
	})
}
