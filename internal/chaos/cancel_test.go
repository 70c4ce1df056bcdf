//go:build chaos

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ask is a request whose answer can be told from everybody else's.
type ask struct {
	request

	read func(body []byte) (string, error)
	want string
}

// hurry finds the time after which half of all answers have not come yet, so that
// whoever waits no longer leaves midway on any machine.
type hurry struct{ window atomic.Int64 }

const firstGuess = 4 * time.Millisecond

// context ends after a while of a random length.
func (h *hurry) context(ctx context.Context, random *rand.Rand) (context.Context, context.CancelFunc) {
	h.window.CompareAndSwap(0, int64(firstGuess))
	return context.WithTimeout(ctx, Between(random, 0, time.Duration(h.window.Load())))
}

// learn leaves less time to the next ones after an answer, and more after none.
func (h *hurry) learn(heard bool) {
	const step = 64
	w := h.window.Load()
	if heard {
		w -= w / step
	} else {
		w += w/step + 1
	}
	h.window.Store(w)
}

// storm is a crowd of askers of whom half hang up.
type storm struct {
	*Stage
	hurry

	asks []ask

	heard, hungUp, busy atomic.Int64
}

// TestCancelStorm has clients hang up in the middle of half of all requests.
// Every answer that arrives is the asker's own, whoever used the connection
// before, and what was sent counts once.
func TestCancelStorm(t *testing.T) {
	t.Parallel()
	const kind = "cancel"
	s := &storm{Stage: NewStage(t, "half of all requests cancelled midway", Options{Name: kind}, CrowdOptions{})}
	if err := s.people(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	s.rage(t.Context(), Rounds("cancel.requests", 10_000, 100_000))
	s.Row.Round(1)
	heard, hungUp := s.heard.Load(), s.hungUp.Load()
	s.Row.Note("%d answers heard, %d requests hung up on, %d busy", heard, hungUp, s.busy.Load())
	wantStorm(t, heard, hungUp)
	s.Everything(t.Context())
}

// wantStorm fails unless about half was given up.
func wantStorm(t *testing.T, heard, gaveUp int64) {
	t.Helper()
	if all := heard + gaveUp; min(heard, gaveUp) < all/3 {
		t.Errorf("%d answers heard, %d given up: that is no storm", heard, gaveUp)
	}
}

// people lets so many people do everything there is to do, and finds what each of
// their requests must be answered with.
func (s *storm) people(ctx context.Context, n int) error {
	seen := map[string]bool{}
	for i := range n {
		p := newPerson(s.Crowd, s.Crowd.books[0], s.Crowd.rngs[0], fmt.Sprint("storm-", i))
		p.plan = []*step{
			{kind: actDoor}, {kind: actEnrol}, {kind: actSign}, {kind: actStart, number: 1}, {kind: actSubmit, number: 1},
		}
		if err := p.arrive(ctx); err != nil {
			return err
		}
		for _, a := range p.asks() {
			var body json.RawMessage
			err := s.Crowd.client.until(ctx, a.request, &body)
			if err == nil {
				a.want, err = a.read(body)
			}
			if err != nil {
				return fmt.Errorf("%s %s: %w", a.method, a.path, err)
			}
			key := a.method + a.path + a.want
			if seen[key] {
				return fmt.Errorf("two people are answered %s with the same %s", a.path, a.want)
			}
			seen[key] = true
			s.asks = append(s.asks, a)
		}
	}
	return nil
}

// arrive is walk for somebody who comes back by themselves.
func (p *person) arrive(ctx context.Context) error {
	err := p.walk(ctx)
	for errors.Is(err, errParked) {
		err = p.walk(ctx)
	}
	return err
}

// asks are requests that repeat what the person did, and ask for it.
func (p *person) asks() []ask {
	var all []ask
	for _, s := range p.plan[2:] { // doors and enrolments of two people may read alike
		all = append(all, ask{
			request: request{method: s.intent.Method, path: s.intent.Path, token: p.token, body: s.intent.Body},
			read: func(body []byte) (string, error) {
				var e Entry
				err := readReceipt(s.kind, body, &e)
				return e.Receipt, err
			},
		})
	}
	get := func(path string, read func(body []byte) (string, error)) {
		all = append(all, ask{request: request{method: http.MethodGet, path: path, token: p.token}, read: read})
	}
	get(p.attempt(), func(body []byte) (string, error) {
		var r receipt
		err := json.Unmarshal(body, &r)
		return r.receipt(), err
	})
	get(p.crowd.scene.base+"/me", func(body []byte) (string, error) {
		var me home
		err := json.Unmarshal(body, &me)
		if err == nil && me.Signature == nil {
			return "", errors.New("no signature")
		}
		return me.Signature.Serial, err
	})
	return all
}

// rage sends so many requests, many at once.
func (s *storm) rage(ctx context.Context, requests int) {
	const askers = 16
	seeds := Random(s.t.Name())
	var all sync.WaitGroup
	for range askers {
		random := rand.New(rand.NewPCG(seeds.Uint64(), seeds.Uint64()))
		all.Go(func() {
			for range requests / askers {
				s.one(ctx, random)
			}
		})
	}
	all.Wait()
}

// one asks, and does not wait for long.
func (s *storm) one(ctx context.Context, random *rand.Rand) {
	a := s.asks[random.IntN(len(s.asks))]
	ctx, cancel := s.context(ctx, random)
	defer cancel()
	r := s.Crowd.client.send(ctx, a.request)
	s.learn(r.err == nil)
	switch r.outcome() {
	case isAcknowledged:
		s.heard.Add(1)
		if got, err := a.read(r.body); err != nil || got != a.want {
			s.Crowd.crossed(Fault{faultCrossed, fmt.Sprintf("%s was answered with %s, %v; own is %s", pattern(a.path), got, err, a.want)})
		}
	case isUnknown:
		s.hungUp.Add(1)
	case isRefused:
		s.Crowd.crossed(Fault{faultOther, fmt.Sprintf("%s was refused with %s", pattern(a.path), r.code)})
	default:
		s.busy.Add(1)
	}
}
