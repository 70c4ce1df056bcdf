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

// errNoBank is a version that nobody holds.
var errNoBank = errors.New("nobody holds the bank version")

// bankCopies is where copies of bank versions lie.
type bankCopies interface {
	Bank(ctx context.Context, digest string) ([]byte, bool, error)
}

// banks remembers bank versions. A copy is as good as another, because its digest
// is looked at: one that the ledger does not hold yet comes from Redis.
type banks struct {
	copies []bankCopies

	mu    sync.Mutex
	known map[string]*quiz.Bank
}

func newBanks(copies ...bankCopies) *banks {
	return &banks{copies: copies, known: map[string]*quiz.Bank{}}
}

// get returns a version.
func (b *banks) get(ctx context.Context, digest string) (*quiz.Bank, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.known[digest]; ok {
		return v, nil
	}
	err := errNoBank
	for _, c := range b.copies {
		packed, ok, errRead := c.Bank(ctx, digest)
		if errRead != nil || !ok {
			err = errors.Join(err, errRead)
			continue
		}
		v, errUnpack := quiz.UnpackBank(digest, packed)
		if errUnpack == nil {
			b.known[digest] = v
			return v, nil
		}
		err = errors.Join(err, errUnpack)
	}
	return nil, err
}

// digests collects the versions that papers were drawn from, and the texts that
// were signed.
type digests struct{ banks, texts map[string]bool }

func newDigests() digests { return digests{map[string]bool{}, map[string]bool{}} }

func (d *digests) add(p *state.Person) {
	if p.Open != nil {
		d.banks[p.Open.Paper.Bank] = true
	}
	for i := range p.Finished {
		d.banks[p.Finished[i].Paper.Bank] = true
	}
	if p.Signature != nil {
		d.texts[p.Signature.TextSHA256] = true
	}
}

// compareBanks looks at both copies of every version that a paper was drawn from:
// without the one in Redis it cannot be shown, and without the one in the ledger
// not after a rebuild.
func (x *verification) compareBanks(ctx context.Context) error {
	for _, digest := range slices.Sorted(maps.Keys(x.named.banks)) {
		x.report.Banks++
		if err := x.compareBank(ctx, digest, "copy in the ledger", x.Ledger); err != nil {
			return err
		}
		if err := x.compareBank(ctx, digest, "copy", x.Live); err != nil {
			return err
		}
		if err := x.compareName(ctx, "bank "+digest, digest); err != nil {
			return err
		}
	}
	for _, digest := range slices.Sorted(maps.Keys(x.named.texts)) {
		if err := x.compareName(ctx, "text "+digest, digest); err != nil {
			return err
		}
	}
	return nil
}

// compareName looks whether what stands for a digest can be read.
func (x *verification) compareName(ctx context.Context, cell, digest string) error {
	known, err := x.Live.Knows(ctx, x.report.Campaign, digest)
	if err == nil && !known {
		x.differ(Difference{Cell: cell, Field: "short name", Want: "known", Got: "unknown"})
	}
	return err
}

func (x *verification) compareBank(ctx context.Context, digest, field string, copies bankCopies) error {
	packed, ok, err := copies.Bank(ctx, digest)
	if err != nil {
		return err
	}
	d := Difference{Cell: "bank " + digest, Field: field, Want: "one", Got: "none"}
	if ok {
		_, err = quiz.UnpackBank(digest, packed)
		d.Want, d.Got = "one that can be read", "another"
	}
	if !ok || err != nil {
		x.differ(d)
	}
	return nil
}
