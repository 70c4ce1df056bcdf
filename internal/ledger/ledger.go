// Package ledger keeps the facts in SQL: the durable, complete record of what
// happened, append-only, by position. Personal records lie beside them in tables
// of their own, from which they can be erased.
//
// It knows SQL and nothing of Redis: whoever reads the streams hands over
// entries, and the ledger moves its cursor in the transaction of the rows.
package ledger

import (
	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// Ledger is the record. It is safe for concurrent use, also by several
// processes on one database.
type Ledger struct{ db *sqldb.DB }

// New returns the ledger in db.
func New(db *sqldb.DB) *Ledger { return &Ledger{db: db} }

// DoorsCampaign is the name under which the streams of the doors are kept. It
// is no campaign: none can have this id.
const DoorsCampaign = "~doors"

// Shard is one shard of a campaign.
type Shard struct {
	Campaign string
	Number   int
}

// Condition is whether a campaign's Redis may be written to.
type Condition string

// A campaign is open, or it is being rebuilt and refuses everything.
const (
	Open       Condition = "open"
	Rebuilding Condition = "rebuilding"
)

// Opened is how a campaign was opened in Redis. Everything but the epoch and
// the condition is written once.
type Opened struct {
	Campaign string
	Shards   int
	// Base (Unix seconds) and Bits are the layout of the boards.
	Base int64
	Bits uint
	// Epoch counts the rebuilds; 1 at first.
	Epoch     uint64
	Condition Condition
}

// Heads are positions on the two streams of a shard.
type Heads struct {
	Facts, Personal event.Position
}

// History is everything the ledger holds of one participant in one shard, in
// order.
type History struct {
	Participant string
	Facts       []event.Fact
	Records     []event.Record
}

// Batch is a run of entries that follow From without a gap.
type Batch struct {
	Shard

	Stream  event.Stream
	From    event.Position
	Entries []event.Entry
	// Banks are versions of question banks, packed, by digest, that these facts
	// are the first to name; they are stored in the same transaction.
	Banks map[string][]byte
}

// Appended is what became of a batch.
type Appended struct {
	// Moved is true when the cursor was not at From: somebody else was first,
	// and nothing was changed.
	Moved bool
	// Dead counts the entries that could not be stored and went to the dead
	// letters.
	Dead int
}

// DeadLetter is an entry that could not be stored.
type DeadLetter struct {
	Shard

	Stream event.Stream
	event.Position

	Reason string
	Entry  event.Entry
}
