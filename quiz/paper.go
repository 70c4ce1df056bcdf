package quiz

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Item is one question on a paper: its position in the bank and its points.
type Item struct {
	Question int
	Points   int
}

// Paper is what was drawn for one attempt. It never changes: not when the
// bank does, and not when the attempt is asked for again.
type Paper struct {
	// Bank is the digest of the bank version that Items refer to.
	Bank  string
	Seed  uint64 // decides ids and the order of options
	Items []Item
}

// Sheet is a paper as the participant sees it: no key, no weight, no
// explanation, and ids that mean nothing outside this attempt.
type Sheet struct {
	Questions []SheetQuestion
}

// SheetQuestion is one question on a sheet.
type SheetQuestion struct {
	ID      string
	Kind    Kind
	Stem    string
	Media   []Media
	Options []SheetOption
}

// SheetOption is one option on a sheet.
type SheetOption struct {
	ID   string
	Text string
	// original is the option's position in the bank.
	original int
}

// Sheet lays the paper out for the participant. It is deterministic: asking
// again shows the same ids in the same order.
func (p *Paper) Sheet(b *Bank) (Sheet, error) {
	if b.Digest != p.Bank {
		return Sheet{}, fmt.Errorf("lay out paper: bank is %s, the paper was drawn from %s", b.Digest, p.Bank)
	}
	s := Sheet{Questions: make([]SheetQuestion, len(p.Items))}
	for i, item := range p.Items {
		if item.Question >= len(b.Questions) {
			return Sheet{}, fmt.Errorf("lay out paper: bank %s has no question %d", b.Digest, item.Question)
		}
		q := &b.Questions[item.Question]
		ids := p.ids(i, 1+len(q.Options))
		s.Questions[i] = SheetQuestion{
			ID: ids[0], Kind: q.Kind, Stem: q.Stem, Media: q.Media, Options: p.options(i, q, ids[1:]),
		}
	}
	return s, nil
}

// options shuffles the options that are not pinned.
func (p *Paper) options(i int, q *Question, ids []string) []SheetOption {
	out := make([]SheetOption, len(q.Options))
	var free []int
	for o, opt := range q.Options {
		out[o] = SheetOption{ID: ids[o], Text: opt.Text, original: o}
		if !opt.Pinned {
			free = append(free, o)
		}
	}
	rng := rand.New(rand.NewPCG(p.Seed, uint64(i)+1)) //nolint:gosec // As in Draw; i is a position.
	rng.Shuffle(len(free), func(a, b int) {
		out[free[a]], out[free[b]] = out[free[b]], out[free[a]]
	})
	return out
}

var idEncoding = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// ids names question i and its options for this attempt only: 40 bits each of
// SHA-256 over the secret seed and the place, six names a block, so that ids say
// nothing about places in the bank.
func (p *Paper) ids(i, n int) []string {
	var msg [16]byte
	binary.BigEndian.PutUint64(msg[:], p.Seed)
	binary.BigEndian.PutUint32(msg[8:], uint32(i)) //nolint:gosec // A position on the paper.
	const length = 8 * idBytes / 5
	var room [12 * length]byte // a question has seldom more options
	text := room[:0]
	for block := uint32(0); len(text) < n*length; block++ {
		binary.BigEndian.PutUint32(msg[12:], block)
		sum := sha256.Sum256(msg[:])
		for at := 0; at+idBytes <= len(sum) && len(text) < n*length; at += idBytes {
			text = idEncoding.AppendEncode(text, sum[at:at+idBytes])
		}
	}
	out, all := make([]string, n), string(text) // one for all ids
	for i := range out {
		out[i] = all[i*length : (i+1)*length]
	}
	return out
}

// idBytes is how long an id is before it is encoded.
const idBytes = 5
