//go:build chaos

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	devices  = 3 // of one person, at work at once
	movesOf  = 5 // each device makes
	checking = 20 * time.Second
)

// device is where a person makes their moves. It knows what it was shown.
type device interface {
	// make does one move on one of two servers.
	make(ctx context.Context, m move) seen
	// papers are the attempts it has been shown the questions of.
	papers() []int
}

// history is what the devices of one person did, and what they were told.
type history struct {
	began time.Time

	mu  sync.Mutex
	ops []porcupine.Operation
}

// play lets the devices of one person make their moves at once.
func play(ctx context.Context, all []device, units []string, seeds *rand.Rand, impatience float64) *history {
	h := &history{began: time.Now()}
	h.one(ctx, 0, all[0], move{kind: actEnrol, unit: units[0]})
	var wg sync.WaitGroup
	for i, d := range all {
		random := rand.New(rand.NewPCG(seeds.Uint64(), seeds.Uint64()))
		wg.Go(func() {
			for range movesOf {
				ctx, cancel := ctx, context.CancelFunc(func() {})
				if random.Float64() < impatience {
					ctx, cancel = context.WithTimeout(ctx, Between(random, 0, time.Millisecond))
				}
				h.one(ctx, i, d, draw(d, units, random))
				cancel()
			}
		})
	}
	wg.Wait()
	for i, kind := range []string{readHome, readSignature, readUnit} { // what it has come to
		h.one(ctx, i, all[0], move{kind: kind})
	}
	return h
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// draw chooses a move: mostly starts and submissions, of which the same ones are
// likely to be made at once.
func draw(d device, units []string, random *rand.Rand) move {
	papers := d.papers()
	switch n := random.IntN(100); {
	case n < 30 || n < 65 && len(papers) == 0:
		return move{kind: actStart, number: []int{0, 0, 1, 2, 3}[random.IntN(5)]}
	case n < 65:
		return move{kind: actSubmit, number: papers[random.IntN(len(papers))], variant: 1 + random.IntN(2)}
	case n < 75:
		return move{kind: actSign}
	case n < 85:
		return move{kind: actEnrol, unit: units[random.IntN(len(units))]}
	default:
		return move{kind: []string{readHome, readSignature, readUnit}[random.IntN(3)]}
	}
}

func (h *history) one(ctx context.Context, client int, d device, m move) {
	call := time.Since(h.began).Nanoseconds()
	out := d.make(ctx, m)
	end := time.Since(h.began).Nanoseconds()
	if out.unknown {
		end = never
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Call: call, Return: end, Input: m, Output: out})
}

// check asks porcupine for an order of the moves by the rules.
func (h *history) check(limit int) error {
	switch porcupine.CheckOperationsTimeout(rules(limit), h.ops, checking) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("no answer in %v about %s", checking, h)
	default:
		return fmt.Errorf("there is no order by the rules for %s", h)
	}
}

// forge turns one refusal of a double submission into an acceptance, where it is
// known what was accepted instead, and tells whether there was one.
func (h *history) forge() bool {
	kept := map[int]int{} // variants by number
	for _, o := range h.ops {
		if out := o.Output.(seen); out.variant > 0 {
			kept[out.number] = out.variant
		}
	}
	for i, o := range h.ops {
		m := o.Input.(move)
		if o.Output.(seen).code == "quiz.submitted" && kept[m.number] > 0 && kept[m.number] != m.variant {
			h.ops[i].Output = seen{number: m.number, variant: m.variant}
			return true
		}
	}
	return false
}

// known counts the moves of which the outcome is known.
func (h *history) known() int {
	n := 0
	for _, o := range h.ops {
		if !o.Output.(seen).unknown {
			n++
		}
	}
	return n
}

func (h *history) String() string {
	text := ""
	for _, o := range h.ops {
		text += fmt.Sprintf("\n  device %d, %d–%d: %+v: %+v", o.ClientId, o.Call, o.Return, o.Input, o.Output)
	}
	return text
}

// judged is what came of many histories.
type judged struct {
	row *Row

	mu                        sync.Mutex
	histories, moves, unknown int
	forged                    int
}

// judge checks a history, and that with a double acceptance planted in it it is
// rejected.
func (j *judged) judge(t *testing.T, h *history, limit int) {
	t.Helper()
	if err := h.check(limit); err != nil {
		t.Error(err)
		j.row.Book(Verdict{Faults: []Fault{{faultDoubled, err.Error()}}})
	}
	moves, known := len(h.ops), h.known()
	planted := h.forge()
	if planted && h.check(limit) == nil {
		t.Errorf("a double acceptance is found to be in order: %s", h)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.histories++
	j.moves += moves
	j.unknown += moves - known
	if planted {
		j.forged++
	}
}

func (j *judged) conclude(t *testing.T) {
	t.Helper()
	j.row.Round(j.histories)
	j.row.Note("%d moves, %d without a known outcome; all %d planted double acceptances rejected", j.moves, j.unknown, j.forged)
	if j.forged == 0 && j.histories > 100 {
		t.Error("no submission was ever refused: nothing was done at once")
	}
}
