// Package ledger keeps the facts in SQL: the durable, complete record of what
// happened, append-only, by position. Personal records lie beside them in a
// table of their own, from which they can be erased.
//
// It knows SQL and nothing of Redis: whoever reads the streams hands over
// entries, and the ledger moves its cursor in the transaction of the rows.
package ledger

import (
	"errors"
	"sync"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// ErrGap is a position that is missing where one must follow the other: a batch
// that does not continue its cursor, or facts that the ledger does not hold.
var ErrGap = errors.New("entries are missing")

// Ledger is the record. It is safe for concurrent use, also by several
// processes on one database.
type Ledger struct {
	db   *sqldb.DB
	into inserter
	// ids remembers the number of each Shard, and banks the digests that are
	// stored. Neither is ever taken back.
	ids, banks sync.Map
}

// New returns the ledger in db.
func New(db *sqldb.DB) *Ledger { return &Ledger{db: db, into: newInserter(db)} }

// DoorsCampaign is the name under which the streams of the doors are kept. It
// is no campaign: none can have this id.
const DoorsCampaign = "~doors"

// Heads are positions on the two streams of a shard.
type Heads struct {
	Facts, Personal event.Position
}

// of returns the position on one stream.
func (h *Heads) of(s event.Stream) *event.Position {
	if s == event.Personal {
		return &h.Personal
	}
	return &h.Facts
}
