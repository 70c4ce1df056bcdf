package leaderboard

import (
	"context"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
)

// Entry is one place on a board.
type Entry struct {
	Participant string
	Packed      uint64
}

// Standing is one participant's place.
type Standing struct {
	Entry
	// Above is how many stand strictly above, Below strictly below, Of how many
	// stand on the board, the participant included.
	Above, Below, Of int64
	// Around are the neighbours, best first, the participant among them.
	Around []Entry
	// Passed says that the participant's best attempt of all passed.
	Passed bool
}

// Ranked is a participant's entry and how many stand strictly above it.
type Ranked struct {
	Entry
	Above int64
}

// Person is what may be shown of a participant on a board.
type Person struct {
	Name        string // masked, or full where the person agreed
	Unit, Group string
	// Stays are where they belonged before each transfer, oldest first.
	Stays []event.Stay
	// Hidden people stand on no public board.
	Hidden bool
}

// unitOn is the unit beside the name on a board: the one of the freeze on a board that
// stands still; frozen is nil for any other.
func (p *Person) unitOn(frozen *campaign.Freeze) string {
	if frozen == nil {
		return p.Unit
	}
	rec := Record{Unit: p.Unit, Group: p.Group, Stays: p.Stays}
	unit, _ := rec.frozenIn(*frozen)
	return unit
}

// View says with whose eyes a board is read.
type View uint8

// The views. Before a freeze Frozen and Now are the same, and without hidden
// people Now and Everybody.
const (
	// Frozen is what the public sees before and while the boards stand still: acts
	// since the freeze are not there.
	Frozen View = iota
	// Now has every act of everybody who is not hidden.
	Now
	// Everybody is Now with the hidden people in their places: what the operators
	// see.
	Everybody
)

// Tallies are a campaign's sums over all shards at one moment.
type Tallies struct {
	// Public are the sums as the public sees them while the boards stand still, and
	// Late what has to be added to them for those who see on.
	Public, Late Figures
	// Minutes hold the last two hours.
	Minutes map[BucketCell]int64
	// Recent are the newest acts, newest first.
	Recent []Act
	// Lag is how many facts the fold has still to apply.
	Lag int64
}

// All returns the sums of everything that was accepted.
func (t *Tallies) All() Figures { return t.Public.Plus(t.Late) }

// Store reads and folds boards and tallies. A shard that does not answer is an
// error, never a partial sum.
type Store interface {
	// Layout returns the board layout the campaign was opened with.
	Layout(ctx context.Context, campaign string) (Layout, error)
	// Shards returns how many shards the campaign has.
	Shards(ctx context.Context, campaign string) (int, error)
	// Cursor returns how far the fold of a shard has come.
	Cursor(ctx context.Context, campaign string, shard int) (event.Position, error)
	// Apply applies the batch and moves the cursor in one step. It returns false
	// and changes nothing when the cursor is not at b.From: somebody else was
	// first.
	Apply(ctx context.Context, campaign string, shard int, b Batch) (bool, error)

	Tallies(ctx context.Context, campaign string) (Tallies, error)
	// Hours returns the cells of the hours from first to last (Unix time / 3600),
	// both included.
	Hours(ctx context.Context, campaign string, first, last int64) (map[BucketCell]int64, error)
	// Top returns places offset to offset+limit-1 of a board and how many stand
	// on it. scope "" is the main board.
	Top(ctx context.Context, campaign, scope string, v View, offset, limit int64) ([]Entry, int64, error)
	// Above returns how many stand strictly above packed on a board.
	Above(ctx context.Context, campaign, scope string, v View, packed uint64) (int64, error)
	// Standing returns the participant's place on a board, or ok false where they have
	// none, with their neighbours: at least the window lines that have them in the middle,
	// or at either end of the board the nearest to that, one before and one behind these,
	// and at most window on either side. In the views Now
	// and Everybody the participant's own entry is what they have reached now (on a
	// day's or phase's board, within it), also where the fold has not caught up.
	// Whether the participant belongs on the board is the caller's question.
	Standing(ctx context.Context, campaign, scope string, v View, participant string, window int64) (s Standing, ok bool, err error)
	// Ranks looks many participants up: their entries and how many stand strictly
	// above each. Those who are not on the board are left out.
	Ranks(ctx context.Context, campaign, scope string, v View, participants []string) (map[string]Ranked, error)
	// Hide takes a participant off every public board, or puts them back where
	// they would be. Repeating it changes nothing. It answers a participant who is
	// not enrolled with campaign.ErrRequired.
	Hide(ctx context.Context, campaign, participant string, hidden bool) error
	// Thaw puts at most limit entries of a shard that were kept beside the boards
	// since the freeze where they belong, and the late tallies with them. It is
	// called once the freeze is over, changes nothing in the views Now and
	// Everybody, and tells whether anything is left.
	Thaw(ctx context.Context, campaign string, shard, limit int) (left bool, err error)
	// People looks up what may be shown of participants. Unknown ids are left
	// out.
	People(ctx context.Context, campaign string, ids []string) (map[string]Person, error)
}

// Facts reads a shard's facts in order.
type Facts interface {
	// After returns at most limit facts after the position.
	After(ctx context.Context, campaign string, shard int, after event.Position, limit int) ([]event.Fact, error)
}

// hourOf and minuteOf return the bucket of a moment.
func hourOf(at time.Time) int64   { return at.Unix() / 3600 }
func minuteOf(at time.Time) int64 { return at.Unix() / 60 }
