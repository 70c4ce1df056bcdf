// Package grant gives attempts back to those whose sitting was hit by something that
// was not theirs: a failure, or a bad evening.
//
// A grant is a frozen list of participants, found in the ledger by when their attempts
// were open and how they ended. Nothing happens until it is run; it is then worked off
// in small pieces, can be stopped, and goes on after a crash. However often a piece is
// repeated, everybody gets one attempt from one grant.
package grant

import (
	"time"

	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
)

// State is where a grant stands.
type State string

// The states.
const (
	Collecting State = "collecting" // the ledger is searched
	Failed     State = "failed"     // nothing was found
	Ready      State = "ready"      // the list is frozen, and nothing has happened
	Discarded  State = "discarded"
	Running    State = "running"
	Stopped    State = "stopped" // midway: what was given stays given
	Done       State = "done"
)

// How tells what became of an attempt that was hit.
type How string

// The ways.
const (
	Open     How = "open"     // it ran when the list was made
	Expired  How = "expired"  // its deadline came, and nothing was kept
	Deadline How = "deadline" // the deadline handed in what was kept
)

// Gone is the outcome of an attempt that is not there any more. The others are those of
// act.Giving; "" is nobody has come to it yet.
const Gone act.Giving = "gone"

// Item is one participant of a grant, with the newest attempt of theirs that was hit.
type Item struct {
	act.Act

	N       int64 // its place on the list, from 1
	Unit    string
	How     How
	At      time.Time // when the attempt ended, or began where it is open
	Outcome act.Giving
}

// Summary counts a list by how the attempts ended, and says which of it to show.
type Summary struct {
	Open     int64 `json:"open"`
	Expired  int64 `json:"expired"`
	Deadline int64 `json:"deadline"`
}

// Grant is one act that gives attempts back.
type Grant struct {
	ID, Campaign string
	// Node is the part of the tree that it reaches; "" is everything.
	Node string
	// From and To are when attempts were hit: [From, To).
	From, To          time.Time
	State             State
	Reason            string
	Operator, Login   string
	CreatedAt, RanAt  time.Time // RanAt is zero before it is run
	Items             int64
	Summary           Summary
	Next              int64 // how far on the list the work has come
	Turn              int
	Job               string
	Code, Text        string // why it failed or stopped
	Given, Kept, Lost int64  // outcomes: given, finished by themselves, gone
}

// Errors of grants.
var (
	ErrNotFound = fault.New(fault.NotFound, "grant.not_found", "没有这次补发")
	ErrState    = fault.New(fault.Conflict, "grant.state", "这次补发当前的状态不允许此操作")
	ErrEmpty    = fault.New(fault.Invalid, "grant.empty", "没有符合条件的答卷")
)
