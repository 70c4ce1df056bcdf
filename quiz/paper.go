package quiz

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
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

// Original is the option's position in the bank, for whoever has made its text ready
// there. It tells nothing of the key, and has no business on a phone.
func (o SheetOption) Original() int { return o.original }

// Sheet lays the paper out for the participant. It is deterministic: asking
// again shows the same ids in the same order.
func (p *Paper) Sheet(b *Bank) (Sheet, error) {
	n, err := p.countOptions(b)
	if err != nil {
		return Sheet{}, fmt.Errorf("lay out paper: %w", err)
	}
	s := Sheet{Questions: make([]SheetQuestion, len(p.Items))}
	// One piece of memory for all options and one for all ids: a paper of twenty
	// questions has a hundred of each.
	options, ids := make([]SheetOption, n), p.allIDs(b, n+len(p.Items))
	shuffle := newShuffle(p.Seed)
	for i, item := range p.Items {
		q := &b.Questions[item.Question]
		mine := len(q.Options)
		s.Questions[i] = SheetQuestion{
			ID: ids[:idLength], Kind: q.Kind, Stem: q.Stem, Media: q.Media, Options: options[:mine:mine],
		}
		q.layOut(options, ids[idLength:])
		shuffle.unpinned(i, q, options)
		options, ids = options[mine:], ids[(1+mine)*idLength:]
	}
	return s, nil
}

// countOptions returns how many options the questions of the paper have together,
// or an error where the bank is not that of the paper, or none that was checked.
func (p *Paper) countOptions(b *Bank) (int, error) {
	if b.Digest != p.Bank {
		return 0, fmt.Errorf("bank is %s, the paper was drawn from %s", b.Digest, p.Bank)
	}
	n := 0
	for _, item := range p.Items {
		if item.Question >= len(b.Questions) {
			return 0, fmt.Errorf("bank %s has no question %d", b.Digest, item.Question)
		}
		mine := len(b.Questions[item.Question].Options)
		if mine > MaxOptions {
			return 0, fmt.Errorf("question %d of bank %s has %d options, at most %d", item.Question, b.Digest, mine, MaxOptions)
		}
		n += mine
	}
	return n, nil
}

// layOut writes the options in the order of the bank, each with its id.
func (q *Question) layOut(to []SheetOption, ids string) {
	for o, opt := range q.Options {
		to[o] = SheetOption{ID: ids[o*idLength : (o+1)*idLength], Text: opt.Text, original: o}
	}
}

// shuffle puts the options of one question after another into an order of their own.
type shuffle struct {
	seed uint64
	from *rand.PCG
	rng  *rand.Rand
}

func newShuffle(seed uint64) shuffle {
	from := rand.NewPCG(seed, 0)
	return shuffle{seed, from, rand.New(from)} //nolint:gosec // As in Draw.
}

// unpinned moves the options of question i that are not pinned.
func (s shuffle) unpinned(i int, q *Question, options []SheetOption) {
	var room [MaxOptions]int
	free := room[:0]
	for o := range q.Options {
		if !q.Options[o].Pinned {
			free = append(free, o)
		}
	}
	s.from.Seed(s.seed, uint64(i)+1) //nolint:gosec // A position on the paper.
	s.rng.Shuffle(len(free), func(a, b int) {
		options[free[a]], options[free[b]] = options[free[b]], options[free[a]]
	})
}

var idEncoding = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// Ids are 40 bits each of SHA-256 over the secret seed and the place, so that they
// say nothing about places in the bank. One block names a question and its first
// options; each is written with idLength letters.
const (
	idBytes     = 5
	idLength    = 8 * idBytes / 5
	idsOfABlock = sha256.Size / idBytes
)

// idRoom is room for the ids of a question with as many options as there may be,
// to the end of their last block.
type idRoom [(MaxOptions/idsOfABlock + 1) * idsOfABlock * idLength]byte

// ids writes the ids of question i and of n-1 options, as they stand in the bank,
// into room, one behind the other.
func (p *Paper) ids(room *idRoom, i, n int) []byte {
	var msg [16]byte
	binary.BigEndian.PutUint64(msg[:], p.Seed)
	binary.BigEndian.PutUint32(msg[8:], uint32(i)) //nolint:gosec // A position on the paper.
	end := 0
	for block := uint32(0); end < n*idLength; block++ {
		binary.BigEndian.PutUint32(msg[12:], block)
		sum := sha256.Sum256(msg[:])
		idEncoding.Encode(room[end:], sum[:idsOfABlock*idBytes]) // whole ids, so that each begins anew
		end += idsOfABlock * idLength
	}
	return room[:n*idLength]
}

// allIDs is ids of every question of the paper, n in all.
func (p *Paper) allIDs(b *Bank, n int) string {
	var text strings.Builder
	text.Grow(n * idLength)
	var room idRoom
	for i, item := range p.Items {
		text.Write(p.ids(&room, i, 1+len(b.Questions[item.Question].Options)))
	}
	return text.String()
}
