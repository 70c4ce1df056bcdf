package ledger

import (
	"context"

	"qingyuan/internal/event"
)

// Source is where an Archiver takes entries from: the streams of Redis, and what
// else Redis must tell before a stream may be trimmed.
type Source interface {
	// Entries returns at most limit entries of a stream that follow the position,
	// in order and without a gap, or an error.
	Entries(ctx context.Context, campaign string, shard int, s event.Stream, after event.Position, limit int) ([]event.Entry, error)
	// Last returns the position of the newest entry that a stream ever had, or the
	// zero position.
	Last(ctx context.Context, campaign string, shard int, s event.Stream) (event.Position, error)
	// Confirm returns nil when as many replicas as are asked for hold what Entries
	// returned, so that no failover takes back what the ledger is about to hold.
	Confirm(ctx context.Context, campaign string, shard int) error
	// Trim removes the entries of a stream at or before a position.
	Trim(ctx context.Context, campaign string, shard int, s event.Stream, upTo event.Position) error
	// FoldCursor returns how far the fold of a shard has come.
	FoldCursor(ctx context.Context, campaign string, shard int) (event.Position, error)
	// Bank returns a version of a question bank, packed; nil where it is unknown.
	Bank(ctx context.Context, digest string) ([]byte, error)
}
