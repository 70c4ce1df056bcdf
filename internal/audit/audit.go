// Package audit keeps the log of what operators did: append-only, each entry
// chained to the one before by its hash, so that a changed or missing entry is
// found.
package audit

import (
	"encoding/json"
	"net/netip"
	"time"
)

// Record is what is to be remembered of one act. It holds no personal data of
// participants: Object names them by their opaque ids.
type Record struct {
	At time.Time
	// Actor is the operator's id and Login the name it was signed in with then.
	Actor, Login string
	Addr         netip.Addr
	// Action is that of package operator, or the name of a command.
	Action   string
	Campaign string // "" where none is concerned
	// Object is what was acted on: "unit:350", "operator:01H…".
	Object string
	// Before and After are JSON, nil where there is nothing to tell.
	Before, After json.RawMessage
	Reason        string
}

// Entry is a record in its place.
type Entry struct {
	Record

	Seq  int64 // from 1, gapless
	Hash [32]byte
}
