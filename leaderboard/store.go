package leaderboard

import (
	"context"
	"time"

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
}

// Person is what may be shown of a participant on a board.
type Person struct {
	Name        string // masked, or full where the person agreed
	Unit, Group string
}

// Tallies are a campaign's sums over all shards at one moment.
type Tallies struct {
	Cells map[Cell]int64
	// Minutes hold the last two hours.
	Minutes map[BucketCell]int64
	// Recent are the newest acts, newest first.
	Recent []Act
	// Lag is how many facts the fold has still to apply.
	Lag int64
}

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
	Top(ctx context.Context, campaign, scope string, offset, limit int64) ([]Entry, int64, error)
	// Above returns how many stand strictly above packed on a board.
	Above(ctx context.Context, campaign, scope string, packed uint64) (int64, error)
	// Standing returns the participant's place on a board with at most window
	// neighbours on either side, or ok false where they have none. The
	// participant's own entry is their best attempt now (for a day's board their
	// best of that day), also where the fold has not caught up. Whether the
	// participant belongs on the board is the caller's question.
	Standing(ctx context.Context, campaign, scope, participant string, window int64) (s Standing, ok bool, err error)
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
