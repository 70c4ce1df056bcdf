package simulate

import (
	"errors"
	"math/rand/v2"
	"sync"
)

// outcome is what is known of one act.
type outcome int

const (
	none outcome = iota
	acknowledged
	unknown
)

// afterError tells what an error leaves known of the act that met it.
func afterError(err error) outcome {
	if refused, ok := errors.AsType[*refusedError](err); ok && !refused.doubt {
		return none
	}
	return unknown
}

// acts are what one participant did that counts.
type acts struct {
	enrolment, attempt, signature outcome
	passed                        bool
}

// tally adds up what was acknowledged, and what might have happened besides.
type tally struct {
	mu                    sync.Mutex
	acknowledged, unknown figures
}

func (t *tally) add(a acts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	book(a.enrolment, &t.acknowledged.Enrolled, &t.unknown.Enrolled)
	book(a.attempt, &t.acknowledged.Attempts, &t.unknown.Attempts)
	book(a.signature, &t.acknowledged.Signatures, &t.unknown.Signatures)
	book(either(a.attempt, a.signature), &t.acknowledged.Participants, &t.unknown.Participants)
	if a.passed {
		t.acknowledged.Passed++
	}
	if a.attempt == unknown {
		t.unknown.Passed++
	}
}

func book(o outcome, yes, maybe *int64) {
	switch o {
	case acknowledged:
		*yes++
	case unknown:
		*maybe++
	case none:
	}
}

// either is acknowledged if one of the two is, else unknown if one is.
func either(a, b outcome) outcome {
	switch {
	case a == acknowledged || b == acknowledged:
		return acknowledged
	case a == unknown || b == unknown:
		return unknown
	default:
		return none
	}
}

// read returns what was added so far.
func (t *tally) read() (acknowledged, unknown figures) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.acknowledged, t.unknown
}

// keepsake is what one participant was given, to be read again in the end.
type keepsake struct {
	Number    int
	Token     string
	Receipt   *fixed
	Signature *signature
}

// sample keeps at most so many keepsakes, each offered one as likely as any
// other, so that a run of millions stays within memory.
type sample struct {
	mu      sync.Mutex
	most    int
	offered int
	kept    []keepsake
}

func (s *sample) offer(k keepsake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered++
	if len(s.kept) < s.most {
		s.kept = append(s.kept, k)
		return
	}
	if at := rand.IntN(s.offered); at < len(s.kept) {
		s.kept[at] = k
	}
}
