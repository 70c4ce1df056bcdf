// Package act has the words in which a batch of corrections speaks of what it
// corrects. Package correction decides, and the store of Redis does it; neither knows
// the other.
package act

import (
	"errors"

	"qingyuan/internal/event"
)

// Signature is the number of the signature, where attempts count from 1.
const Signature = 0

// Act is something that was accepted of a participant: an attempt or the signature.
type Act struct {
	Participant string
	Number      int // of the attempt, or Signature
}

// Turn is one run over the acts of a batch. A later one has a higher number, and
// bars the earlier: a server that was held up cannot take out what an undo has given
// back.
type Turn struct {
	Batch  string
	Number int
}

// Fate is what became of an act.
type Fate struct {
	// Counts says that it counts in the figures.
	Counts bool
	// Batch is the one that invalidated it, or "".
	Batch string
}

// Giving tells what came of giving somebody an attempt back that was hit.
type Giving string

// What may come of it.
const (
	Given    Giving = "given"    // they have one more
	Had      Giving = "had"      // this act has given them one before
	Finished Giving = "finished" // they have handed the attempt in themselves
)

// Membership is how a participant is counted in a campaign, beside their acts.
type Membership struct {
	// Enrolled is false for whoever is not there at all: then nothing else is set.
	Enrolled bool
	// Counts says that an act of theirs does, Sits that an attempt of theirs is open.
	Counts, Sits bool
	// Into is who they are counted as, "" for themselves. Returns says that their next act
	// parts the two.
	Into    string
	Returns bool
}

// Joining tells what came of counting a participant as another one.
type Joining string

// What may come of it: where it is not Joined or Nobody, it may be so later.
const (
	Joined   Joining = "joined"   // their enrolment counts no more
	Nobody   Joining = "nobody"   // they are not enrolled
	Counting Joining = "counting" // an act of theirs counts
	Sitting  Joining = "sitting"  // an attempt of theirs is open
	Alone    Joining = "alone"    // who they would be counted as is not enrolled
)

// Marks are what marking gave an attempt. Passed is decided by whoever marks.
type Marks struct {
	// Score is at least 0 and at most MaxScore; both are whole points.
	Score, MaxScore int
	Correct         int // faultless answers
	Passed          bool
}

// Remark gives an attempt other marks, whether or not it counts. It is done once: an
// attempt that has the marks To already stays as it is, and one that has neither From
// nor To is ErrMarks, because somebody else has marked it meanwhile. Taking a re-mark
// back is the same with From and To exchanged, in a later turn.
type Remark struct {
	Act

	From, To Marks
	// Rulings are all that To follows from. They are written down with it.
	Rulings []event.Ruling
}

// Place is where somebody belongs.
type Place struct{ Unit, Group string }

// Transfer moves a participant to another place, and everything that counts with
// them. It is done once for each Request.
type Transfer struct {
	Participant, Request string
	To                   Place
}

var (
	// ErrMarks is an attempt that has other marks than whoever wants to change them
	// knows.
	ErrMarks = errors.New("the attempt has other marks")
	// ErrTurn is a correction by somebody whose turn at the batch is over, or was
	// forgotten with a Redis that was rebuilt.
	ErrTurn = errors.New("it is another turn at the batch")
	// ErrElsewhere is a transfer of somebody who is counted as another participant: no count
	// would follow it.
	ErrElsewhere = errors.New("the participant is counted as another one")
	// ErrNone is an act that was never accepted.
	ErrNone = errors.New("there is no such act")
)
