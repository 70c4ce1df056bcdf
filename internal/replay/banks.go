package replay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"qingyuan/internal/replay/state"
	"qingyuan/quiz"
)

// errNoBank is a version that the ledger does not hold.
var errNoBank = errors.New("the ledger does not hold the bank version")

// banks remembers the bank versions of the ledger, and which of them papers were
// drawn from.
type banks struct {
	ledger Record

	mu    sync.Mutex
	known map[string]bankVersion
}

type bankVersion struct {
	bank *quiz.Bank
	err  error
}

func newBanks(l Record) *banks { return &banks{ledger: l, known: map[string]bankVersion{}} }

// get returns a version. The ledger is asked once for each.
func (b *banks) get(ctx context.Context, digest string) (*quiz.Bank, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.known[digest]
	if !ok {
		v.bank, v.err = b.read(ctx, digest)
		b.known[digest] = v
	}
	return v.bank, v.err
}

func (b *banks) read(ctx context.Context, digest string) (*quiz.Bank, error) {
	packed, ok, err := b.ledger.Bank(ctx, digest)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNoBank
	}
	return quiz.UnpackBank(digest, packed)
}

// digests lists the versions that papers were drawn from.
func (n *namedBanks) digests() []string { return slices.Sorted(maps.Keys(n.seen)) }

// namedBanks collects the versions that papers were drawn from.
type namedBanks struct{ seen map[string]bool }

func (n *namedBanks) add(p *state.Person) {
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	if p.Open != nil {
		n.seen[p.Open.Paper.Bank] = true
	}
	for i := range p.Finished {
		n.seen[p.Finished[i].Paper.Bank] = true
	}
}

// compareBanks looks at the copy in Redis of every version that a paper was drawn
// from: without it the paper cannot be shown.
func (x *verification) compareBanks(ctx context.Context) error {
	for _, digest := range x.named.digests() {
		x.report.Banks++
		cell := "bank " + digest
		if _, err := x.banks.get(ctx, digest); err != nil {
			x.differ(Difference{Cell: cell, Field: "copy in the ledger", Want: "one that can be read", Got: err.Error()})
		}
		packed, ok, err := x.Live.Bank(ctx, digest)
		if err != nil {
			return err
		}
		if !ok {
			x.differ(Difference{Cell: cell, Field: "copy", Want: "one", Got: "none"})
			continue
		}
		if _, err := quiz.UnpackBank(digest, packed); err != nil {
			x.differ(Difference{Cell: cell, Field: "copy", Want: "one that can be read", Got: "another"})
		}
	}
	return nil
}
