//go:build chaos

package chaos

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// move is one thing that a person asks for, on any of their devices.
type move struct {
	kind    string // one of the kinds of act, or a reading
	number  int    // of the attempt; 0 asks for whichever is next
	variant int    // which of some ways to answer
	unit    string
}

// The readings.
const (
	readHome      = "read home"
	readSignature = "read signature"
	readUnit      = "read unit"
)

// seen is what came back: the code of a refusal, or what was said.
type seen struct {
	unknown bool // nobody knows what became of it
	code    string

	number, variant int
	fresh, yes      bool // yes: an attempt is open, a signature is there
	unit            string
}

// mostAttempts is how many attempts the model can hold.
const mostAttempts = 4

// standing is one participant as the rules have it.
type standing struct {
	unit    string
	last    int
	open    bool
	variant [mostAttempts + 1]int // by which each attempt was handed in
	signed  bool
}

func (s standing) acted() bool {
	for _, v := range s.variant {
		if v > 0 {
			return true
		}
	}
	return s.signed
}

// after is what one move after the other leads to, with so many attempts at
// most: the whole of what is promised about limits and double submissions.
func (s standing) after(m move, limit int) (standing, seen) {
	if s.unit == "" && (m.kind == actStart || m.kind == actSign) {
		return s, seen{code: "enrolment.required"}
	}
	switch m.kind {
	case actEnrol:
		return s.enrol(m.unit)
	case actStart:
		return s.start(m.number, limit)
	case actSubmit:
		return s.submit(m.number, m.variant)
	case actSign:
		fresh := !s.signed
		s.signed = true
		return s, seen{fresh: fresh}
	case readHome:
		return s, seen{number: s.last, yes: s.open}
	case readSignature:
		return s, seen{yes: s.signed}
	default:
		return s, seen{unit: s.unit}
	}
}

func (s standing) enrol(unit string) (standing, seen) {
	if s.unit != unit && s.acted() {
		return s, seen{code: "enrolment.unit_fixed"}
	}
	s.unit = unit
	return s, seen{unit: unit}
}

func (s standing) start(wanted, limit int) (standing, seen) {
	switch {
	case s.open && (wanted == 0 || wanted == s.last || wanted == s.last+1):
		return s, seen{number: s.last}
	case wanted > 0 && wanted <= s.last:
		return s, seen{number: wanted}
	case wanted > s.last+1:
		return s, seen{code: "request.invalid"}
	case s.last >= limit:
		return s, seen{code: "quiz.limit_reached"}
	}
	s.last, s.open = s.last+1, true
	return s, seen{number: s.last, fresh: true}
}

func (s standing) submit(number, variant int) (standing, seen) {
	switch {
	case s.open && number == s.last:
		s.open, s.variant[number] = false, variant
	case s.variant[number] != variant:
		return s, seen{code: "quiz.submitted"}
	}
	return s, seen{number: number, variant: variant}
}

// rules is the model for porcupine. What became of an unknown outcome is for
// porcupine to find out: it may have happened or not, then or later.
func rules(limit int) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{standing{}} },
		Step: func(state, input, output any) []any {
			before, m, out := state.(standing), input.(move), output.(seen)
			after, want := before.after(m, limit)
			switch {
			case out.unknown:
				return []any{before, after}
			case out == want:
				return []any{after}
			default:
				return nil
			}
		},
	}
	return m.ToModel()
}

// never is the end of an operation without a known outcome.
const never = math.MaxInt64

// TestTheRulesNoticeWhatMustNotBe is the test of the test: histories with one
// thing in them that must not be are rejected, and the same histories without it
// are not.
func TestTheRulesNoticeWhatMustNotBe(t *testing.T) {
	t.Parallel()
	op := func(client int, call, end int64, m move, out seen) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Call: call, Return: end, Input: m, Output: out}
	}
	enrol := op(0, 0, 1, move{kind: actEnrol, unit: "u"}, seen{unit: "u"})
	start := op(0, 2, 3, move{kind: actStart}, seen{number: 1, fresh: true})
	hand := func(client int, call, end int64, variant int, out seen) porcupine.Operation {
		return op(client, call, end, move{kind: actSubmit, number: 1, variant: variant}, out)
	}
	accepted := func(variant int) seen { return seen{number: 1, variant: variant} }
	refused := seen{code: "quiz.submitted"}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		ok      bool
	}{
		"one of two is accepted":    {[]porcupine.Operation{enrol, start, hand(0, 4, 9, 1, accepted(1)), hand(1, 4, 9, 2, refused)}, true},
		"two are accepted":          {[]porcupine.Operation{enrol, start, hand(0, 4, 9, 1, accepted(1)), hand(1, 4, 9, 2, accepted(2))}, false},
		"a repeat is accepted":      {[]porcupine.Operation{enrol, start, hand(0, 4, 9, 1, accepted(1)), hand(1, 10, 11, 1, accepted(1))}, true},
		"a repeat is refused":       {[]porcupine.Operation{enrol, start, hand(0, 4, 9, 1, accepted(1)), hand(1, 10, 11, 1, refused)}, false},
		"the answer to one is lost": {[]porcupine.Operation{enrol, start, hand(0, 4, never, 1, seen{unknown: true}), hand(1, 4, 9, 2, refused)}, true},
		"nobody is accepted":        {[]porcupine.Operation{enrol, start, hand(0, 4, 9, 1, refused), hand(1, 4, 9, 2, refused)}, false},
		"both are first to sign": {[]porcupine.Operation{
			enrol, op(0, 4, 9, move{kind: actSign}, seen{fresh: true}), op(1, 4, 9, move{kind: actSign}, seen{fresh: true}),
		}, false},
		"two new attempts at once": {[]porcupine.Operation{enrol, start, op(1, 2, 3, move{kind: actStart}, seen{number: 2, fresh: true})}, false},
		"more than the limit": {[]porcupine.Operation{
			enrol, start, hand(0, 4, 5, 1, accepted(1)), op(1, 6, 7, move{kind: actStart}, seen{number: 2, fresh: true}),
		}, false},
		"a home page of before": {[]porcupine.Operation{enrol, start, op(1, 4, 5, move{kind: readHome}, seen{})}, false},
		"moved after the act": {[]porcupine.Operation{
			enrol, start, hand(0, 4, 5, 1, accepted(1)), op(1, 6, 7, move{kind: actEnrol, unit: "v"}, seen{unit: "v"}),
		}, false},
	} {
		if got := porcupine.CheckOperations(rules(1), c.history); got != c.ok {
			t.Errorf("%s: linearizable %t, want %t", name, got, c.ok)
		}
	}
}
