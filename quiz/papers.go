package quiz

import (
	"fmt"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// PapersKept is how many papers a server remembers of those it lately showed.
// Full of papers of twenty questions they take about 42 MiB; see BenchmarkPapers.
const PapersKept = 1 << 16

// Papers remembers the papers of open attempts that this server lately showed to
// their participants, so that one of them can be marked without asking the store
// for it first. They are what the store would say: a paper never changes. Whether
// the attempt is still open, and still this one, the store alone knows; Store.Submit
// takes no other. Nothing of a key is kept, and nothing is ever written anywhere.
type Papers struct {
	shown *lru.Cache[paperKey, shownPaper]
}

type paperKey struct {
	Person
	number int
}

type shownPaper struct {
	Window
	Paper
}

// NewPapers remembers the given number of papers; the one not shown for the longest
// goes first.
func NewPapers(most int) (*Papers, error) {
	shown, err := lru.New[paperKey, shownPaper](most)
	if err != nil {
		return nil, fmt.Errorf("remember %d papers: %w", most, err)
	}
	return &Papers{shown}, nil
}

// keep remembers the paper of an open attempt. Its texts are copied, because those
// of a request do not outlive it.
func (p *Papers) keep(of Person, a *Attempt) {
	if p == nil {
		return
	}
	of = Person{strings.Clone(of.Campaign), strings.Clone(of.Participant)}
	p.shown.Add(paperKey{of, a.Number}, shownPaper{a.Window, a.Paper})
}

// open returns the attempt as it was shown, without what was kept of it since.
func (p *Papers) open(of Person, number int) (Attempt, bool) {
	if p == nil {
		return Attempt{}, false
	}
	s, ok := p.shown.Peek(paperKey{of, number})
	return Attempt{Number: number, Window: s.Window, Paper: s.Paper, State: StateOpen}, ok
}

func (p *Papers) forget(of Person, number int) { p.shown.Remove(paperKey{of, number}) }
