package redisstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"qingyuan/quiz"
)

// packer writes what only this package reads: whole numbers in as many bytes as
// they need, and lists of numbers in as few bits each as the largest needs.
type packer []byte

// newPacker has room for a usual attempt.
func newPacker() packer { return make(packer, 0, 128) }

func (p *packer) uint(v uint64) { *p = binary.AppendUvarint(*p, v) }

func (p *packer) int(v int64) { *p = binary.AppendVarint(*p, v) }

func (p *packer) bool(v bool) {
	if v {
		p.uint(1)
	} else {
		p.uint(0)
	}
}

func (p *packer) text(s string) {
	p.uint(uint64(len(s)))
	*p = append(*p, s...)
}

// numbers writes how many there are, the width of each, and their bits.
func (p *packer) numbers(list []uint64) {
	p.uint(uint64(len(list)))
	var all uint64
	for _, v := range list {
		all |= v
	}
	width := bits.Len64(all)
	p.uint(uint64(width)) //nolint:gosec // At most 64.
	var acc uint64
	held := 0
	for _, v := range list {
		for left := width; left > 0; {
			n := min(left, byteBits)
			acc |= (v & (1<<n - 1)) << held
			v, left, held = v>>n, left-n, held+n
			if held >= byteBits {
				*p = append(*p, byte(acc)) //nolint:gosec // The lower eight bits.
				acc, held = acc>>byteBits, held-byteBits
			}
		}
	}
	if held > 0 {
		*p = append(*p, byte(acc)) //nolint:gosec // Fewer than eight bits are held.
	}
}

const byteBits = 8

// usualPaper is how many questions fit without asking for memory.
const usualPaper = 64

// paper writes bank, seed and items, the points of these in runs of equals.
func (p *packer) paper(of *quiz.Paper) {
	p.text(shortName(of.Bank))
	*p = binary.BigEndian.AppendUint64(*p, of.Seed)
	var room [usualPaper]uint64
	questions := room[:0]
	for _, item := range of.Items {
		questions = append(questions, uint64(item.Question)) //nolint:gosec // A place in a list.
	}
	p.numbers(questions)
	for from := 0; from < len(of.Items); {
		to := from
		for to < len(of.Items) && of.Items[to].Points == of.Items[from].Points {
			to++
		}
		p.uint(uint64(to - from))
		p.int(int64(of.Items[from].Points))
		from = to
	}
}

func (p *packer) choices(c quiz.Choices) {
	var room [usualPaper]uint64
	list := room[:0]
	for _, v := range c {
		list = append(list, uint64(v))
	}
	p.numbers(list)
}

// unpacker is the inverse of packer. It keeps the first error, after which
// everything is zero.
type unpacker struct {
	rest string
	err  error
}

var errTruncated = errors.New("ends too early, or is damaged")

func (u *unpacker) fail(err error) {
	if u.err == nil {
		u.err = err
	}
	u.rest = ""
}

// took takes n bytes off, as told by package binary.
func (u *unpacker) took(n int) bool {
	if n <= 0 || u.err != nil {
		u.fail(errTruncated)
		return false
	}
	u.rest = u.rest[n:]
	return true
}

// longest is how many bytes a packed number has at most.
const longest = binary.MaxVarintLen64

func (u *unpacker) uint() uint64 {
	v, n := binary.Uvarint([]byte(u.rest[:min(len(u.rest), longest)]))
	if !u.took(n) {
		return 0
	}
	return v
}

func (u *unpacker) int() int64 {
	v, n := binary.Varint([]byte(u.rest[:min(len(u.rest), longest)]))
	if !u.took(n) {
		return 0
	}
	return v
}

func (u *unpacker) bool() bool { return u.uint() == 1 }

// longestSpan keeps a damaged length of time from running over.
const longestSpan = int64(1) << 42

func (u *unpacker) duration() time.Duration {
	ms := u.int()
	if ms > longestSpan || ms < -longestSpan {
		u.fail(errTruncated)
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

func (u *unpacker) bytes(n uint64) string {
	if u.err != nil || n > uint64(len(u.rest)) {
		u.fail(errTruncated)
		return ""
	}
	s := u.rest[:n]
	u.rest = u.rest[n:]
	return s
}

// mostNumbers bounds a list, so that a damaged one fills no memory.
const mostNumbers = 1 << 12

func (u *unpacker) numbers() []uint64 {
	n, width := u.uint(), u.uint()
	if n > mostNumbers || width > 64 {
		u.fail(errTruncated)
		return nil
	}
	raw := u.bytes((n*width + byteBits - 1) / byteBits)
	if u.err != nil || n == 0 {
		return nil
	}
	out := make([]uint64, n)
	for i := range n * width {
		bit := uint64(raw[i/byteBits]) >> (i % byteBits) & 1
		out[i/width] |= bit << (i % width)
	}
	return out
}

func (u *unpacker) paper() quiz.Paper {
	p := quiz.Paper{Bank: u.bytes(u.uint())}
	if seed := u.bytes(8); u.err == nil {
		p.Seed = binary.BigEndian.Uint64([]byte(seed))
	}
	questions := u.numbers()
	if questions != nil {
		p.Items = make([]quiz.Item, len(questions))
	}
	for i := 0; i < len(questions) && u.err == nil; {
		run, points := u.uint(), u.int()
		if run == 0 || run > uint64(len(questions)-i) {
			u.fail(fmt.Errorf("%d questions in a row of %d", run, len(questions)))
			break
		}
		for range run {
			p.Items[i] = quiz.Item{Question: int(questions[i]), Points: int(points)} //nolint:gosec // A place in a list.
			i++
		}
	}
	return p
}

func (u *unpacker) choices() quiz.Choices {
	list := u.numbers()
	if list == nil {
		return nil
	}
	out := make(quiz.Choices, len(list))
	for i, v := range list {
		if out[i] = quiz.Choice(v); uint64(out[i]) != v { //nolint:gosec // Compared.
			u.fail(fmt.Errorf("choice %d is out of range", i))
			return nil
		}
	}
	return out
}

// end fails unless everything was read.
func (u *unpacker) end() error {
	if u.err == nil && u.rest != "" {
		return fmt.Errorf("%d bytes too many", len(u.rest))
	}
	return u.err
}

// oneOf reads the number of a word.
func oneOf[T any](u *unpacker, words []T) T {
	i := u.uint()
	if i >= uint64(len(words)) {
		u.fail(errTruncated)
		i = 0
	}
	return words[i]
}
