package quiz

import (
	"slices"
	"strconv"
	"strings"
)

// Withdrawn are questions of one bank version that are drawn no more. Papers that have
// them stay as they are. It never changes; nil has none.
type Withdrawn struct {
	places map[int]bool
	text   string
}

// NewWithdrawn finds the questions of a bank that have one of the fingerprints, and
// returns nil where none has.
func NewWithdrawn(b *Bank, fingerprints map[string]bool) *Withdrawn {
	if b == nil || len(fingerprints) == 0 {
		return nil
	}
	out := &Withdrawn{places: map[int]bool{}}
	var text []string
	for i := range b.Questions {
		if fingerprints[b.Questions[i].Fingerprint()] {
			out.places[i] = true
			text = append(text, strconv.Itoa(i))
		}
	}
	if text == nil {
		return nil
	}
	out.text = strings.Join(text, ".")
	return out
}

// Has tells whether the question at a place of the bank was withdrawn.
func (w *Withdrawn) Has(place int) bool { return w != nil && w.places[place] }

// key tells sets of one bank apart.
func (w *Withdrawn) key() string {
	if w == nil {
		return ""
	}
	return w.text
}

// Left returns the bank without what was withdrawn, to see whether it still serves. It
// has no digest: nothing is drawn from it.
func (w *Withdrawn) Left(b *Bank) *Bank {
	if w == nil {
		return b
	}
	out := &Bank{ID: b.ID, Questions: slices.Clone(b.Questions)}
	n := 0
	for i := range b.Questions {
		if !w.places[i] {
			out.Questions[n] = b.Questions[i]
			n++
		}
	}
	out.Questions = out.Questions[:n]
	return out
}
