package quiz

import (
	"context"
	"time"
)

// Person is one participant in one campaign.
type Person struct {
	Campaign, Participant string
}

// Standing is what the store knows of a participant's quiz.
type Standing struct {
	// Group is the group the participant enrolled in.
	Group string
	// Last is the number of the newest attempt; 0 before the first.
	Last int
	// Day is the local date of the newest start and OnDay how many attempts
	// were started on it.
	Day   string
	OnDay int
	// Given is how many attempts were given back to them, and Extra how many of those
	// they have started: they are in Last and in no OnDay.
	Given, Extra int
	// Open is the open attempt, or nil. It may be overdue.
	Open *Attempt
	// Best is nil before the first accepted submission.
	Best *Best
}

// Limits are what a start must respect.
type Limits struct {
	Day          string // the local date now
	PerDay, All  int    // 0: no bound
	Grace        time.Duration
	WantedNumber int    // 0: whichever is next
	Group        string // that the paper was drawn for; "": any
}

// StartOutcome tells what a start led to.
type StartOutcome string

// The outcomes of a start. With Started, AlreadyOpen, Overdue and Used comes the
// attempt; the others change nothing.
const (
	Started     StartOutcome = "started"
	AlreadyOpen StartOutcome = "open"    // the attempt that is still open
	Overdue     StartOutcome = "overdue" // the open attempt must be handed in first
	Used        StartOutcome = "used"    // the wanted number is a finished attempt
	DayLimit    StartOutcome = "day_limit"
	AllLimit    StartOutcome = "all_limit"
	WrongNumber StartOutcome = "number" // the wanted number is beyond the next
	OtherGroup  StartOutcome = "group"  // the participant is of another group than Limits.Group
)

// Submitted is what a receipt is made of, as it was at one moment.
type Submitted struct {
	// Attempt is the finished attempt as it was first accepted.
	Attempt Attempt
	// Fresh is true for the call that was accepted, false for a repeat and for
	// a different submission of a finished attempt.
	Fresh bool
	// Standing is where the participant stands; after a submission Group and Open are
	// not set.
	Standing Standing
	// Above is how many participants stand strictly above them on the main board by
	// everything that was accepted; -1 when the store was not asked to rank, and for who
	// has no place there or is hidden.
	Above int64
}

// Store keeps attempts. Each method is one atomic step, honours ctx, and may be
// repeated after an unknown outcome. Standing, Start and Stands without an attempt answer
// a participant who is not enrolled with campaign.ErrRequired; the others find no attempt
// of theirs.
type Store interface {
	// Standing reads where the participant stands.
	Standing(ctx context.Context, p Person) (Standing, error)
	// Stands reads the same together with attempt number, of whatever state (0 for no
	// attempt, ErrAttemptNotFound where there is none of that number), and, if it is to
	// rank, with who stands above them.
	Stands(ctx context.Context, p Person, number int, rank bool) (Submitted, error)
	// Attempt reads one attempt, or fails with ErrAttemptNotFound.
	Attempt(ctx context.Context, p Person, number int) (Attempt, error)
	// Attempts reads attempts number from down to 1, at most limit of them.
	Attempts(ctx context.Context, p Person, from, limit int) ([]Attempt, error)
	// Start opens a as the next attempt and appends the fact, or tells why not.
	// The standing has Last, Day and OnDay after it; with OtherGroup it has the group.
	Start(ctx context.Context, p Person, a Attempt, l Limits) (Attempt, Standing, StartOutcome, error)
	// Save keeps s in the open attempt if its revision is higher than the one
	// kept, and returns what is kept. An attempt that is not open is
	// ErrSubmitted.
	Save(ctx context.Context, p Person, number int, s Saved) (Saved, error)
	// Submit stores the finished attempt a, moves the participant on the main
	// board by the campaign's policy, and appends one fact; or, when the attempt is
	// finished already, changes nothing and returns it. Without an open attempt
	// of that number, window and paper it fails with ErrAttemptNotFound.
	Submit(ctx context.Context, p Person, a Attempt, rank bool) (Submitted, error)
	// Expire stores the expired attempt a and appends one fact, at the time of
	// a.Result. It changes nothing when a is closed already or something else than
	// a.Saved was kept meanwhile. Like Submit it fails with fault.ErrUnavailable where
	// the campaign's clocks are others by then than a.Clocks.
	Expire(ctx context.Context, p Person, a Attempt) error
	// Correct lets an accepted attempt count nowhere any more (StateInvalidated,
	// StateWithdrawn) or again (StateSubmitted), in every figure, and appends one
	// fact. It changes nothing where the attempt is in that state. An attempt that was
	// not accepted is ErrAttemptNotFound.
	Correct(ctx context.Context, p Person, number int, to State) error
	// OverdueAttempts returns at most limit participants whose open attempt's
	// deadline lies before the given time.
	OverdueAttempts(ctx context.Context, campaign string, before time.Time, limit int) ([]Person, error)
}
