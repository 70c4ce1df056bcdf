package quiz

import (
	"fmt"
	"math/rand/v2"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Pool is what papers for one audience on one day are drawn from. It never changes.
type Pool struct {
	bank          *Bank
	rules         *Rules
	audience, day string
	// strata lists for each stratum which questions it admits, by position.
	strata [][]int
	// tables are what drawings have laid out their questions on.
	tables sync.Pool
}

// table is where one paper is drawn: which questions are taken, and what is left of
// those that a stratum admits.
type table struct {
	taken []bool
	left  []int
}

// table returns an empty one. It is given back when the paper is drawn.
func (p *Pool) table() *table {
	t, ok := p.tables.Get().(*table)
	if !ok {
		return &table{make([]bool, len(p.bank.Questions)), make([]int, 0, len(p.bank.Questions))}
	}
	clear(t.taken)
	return t
}

// NewPool finds the questions for the audience that hold on day.
func NewPool(b *Bank, r *Rules, audience, day string) *Pool {
	return newPool(b, r, audience, day, nil)
}

// newPool leaves out what was withdrawn.
func newPool(b *Bank, r *Rules, audience, day string, out *Withdrawn) *Pool {
	p := &Pool{bank: b, rules: r, audience: audience, day: day, strata: make([][]int, len(r.Strata))}
	for i := range b.Questions {
		q := &b.Questions[i]
		if !q.Suits(audience) || !q.ValidOn(day) || out.Has(i) {
			continue
		}
		for n := range r.Strata {
			if r.Strata[n].admits(q) {
				p.strata[n] = append(p.strata[n], i)
			}
		}
	}
	return p
}

// Draw takes a paper. It is deterministic in seed. A bank too small for the rules is
// an error of the campaign, found when it is loaded and not by a participant.
func (p *Pool) Draw(seed uint64) (Paper, error) {
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // The seed is from crypto/rand; the stream only spreads it.
	out := Paper{Bank: p.bank.Digest, Seed: seed, Items: make([]Item, 0, p.rules.Questions())}
	t := p.table()
	defer p.tables.Put(t)
	for i, admitted := range p.strata {
		left := t.left[:0]
		for _, question := range admitted {
			if !t.taken[question] {
				left = append(left, question)
			}
		}
		s := &p.rules.Strata[i]
		if len(left) < s.Count {
			return Paper{}, fmt.Errorf("draw from bank %s: stratum %d wants %d questions for %s on %s and finds %d",
				p.bank.ID, i, s.Count, p.audience, p.day, len(left))
		}
		for n := range s.Count {
			j := n + rng.IntN(len(left)-n)
			left[n], left[j] = left[j], left[n]
			t.taken[left[n]] = true
			out.Items = append(out.Items, Item{Question: left[n], Points: s.Points})
		}
	}
	return out, nil
}

// Draw takes one paper for the audience from the questions that hold on day: see
// Pool.Draw.
func Draw(b *Bank, r *Rules, audience, day string, seed uint64) (Paper, error) {
	return NewPool(b, r, audience, day).Draw(seed)
}

// PoolsKept is how many pools a server remembers: one for each audience of each
// campaign, with a position of eight bytes for each question and stratum that admits
// it. A bank of a thousand questions takes some 10 KiB a pool.
const PoolsKept = 1 << 8

// Pools remembers pools, so that a start does not walk through the whole bank. They
// go by the version of the bank, what was withdrawn of it, the rules and the day, and
// so are never outdated;
// the one not asked for the longest goes first. It also remembers who is of which
// group, as far as that helps to draw early.
type Pools struct {
	known *lru.Cache[poolKey, *Pool]
	hints *hints
}

type poolKey struct {
	bank          string
	rules         *Rules
	audience, day string
	out           string // what was withdrawn
}

// NewPools remembers the given number of pools.
func NewPools(most int) (*Pools, error) {
	known, err := lru.New[poolKey, *Pool](most)
	if err != nil {
		return nil, fmt.Errorf("remember %d pools: %w", most, err)
	}
	return &Pools{known, newHints()}, nil
}

// of returns the pool of a quiz, made when it is not known. The rules must not change
// any more.
func (p *Pools) of(o *Offer, audience, day string) *Pool {
	if p == nil {
		return newPool(o.Bank, o.Rules, audience, day, o.Withdrawn)
	}
	key := poolKey{o.Bank.Digest, o.Rules, audience, day, o.Withdrawn.key()}
	if one, ok := p.known.Get(key); ok {
		return one
	}
	one := newPool(o.Bank, o.Rules, audience, day, o.Withdrawn)
	p.known.Add(key, one)
	return one
}
