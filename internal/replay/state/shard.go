package state

import (
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// Opening is how a campaign's record in Redis says that it was opened.
type Opening struct {
	Campaign string
	Shards   int
	// Base (Unix seconds) and Bits are the layout of the boards.
	Base int64
	Bits uint
	// Epoch counts the rebuilds, from 1.
	Epoch uint64
	// Condition is "opening", "open" or "rebuilding".
	Condition string
}

// Ends are the positions of the newest entries that the two streams of a shard
// ever had.
type Ends struct {
	Facts, Personal event.Position
}

// Head is where a shard stands.
type Head struct {
	Ends

	// Epoch is the shard's own; "" where it has none.
	Epoch string
	// Fold is how far the fold has come, and FoldVersion the one that folded; "" in
	// a shard where nothing was folded yet.
	Fold        event.Position
	FoldVersion string
}

// Sums are what the participants of a shard add up to.
type Sums struct {
	Tally map[leaderboard.Cell]int64
	Hours map[leaderboard.BucketCell]int64
	// Minutes have cells without a unit.
	Minutes map[leaderboard.BucketCell]int64
	// Boards says how many stand on each scoped board, Board how many on the main
	// one, and Open how many have an attempt open.
	Boards      map[string]int64
	Board, Open int64
	// Recent are the newest acts, newest first.
	Recent []leaderboard.Act
}

// Names are what a shard holds beside its participants and what every shard has.
type Names struct {
	// Hours and Scopes have keys of their own.
	Hours  []int64
	Scopes []string
	// Others are keys that nobody should have made.
	Others []string
}

// Image is what lies in Redis of one participant.
type Image struct {
	// Fields are those of the participant's hash, as they are packed.
	Fields map[string]string
	// Board and Open are the entries on the main board and among the open
	// attempts, "" for none.
	Board, Open string
	// Scoped are the entries on the boards that were asked for, "" for none.
	Scoped map[string]string
}

// Mismatch is one field in which Redis holds something else than it must. Names
// of people are never in it.
type Mismatch struct {
	Field, Want, Got string
}

// Ticket is the right to rebuild a campaign. Whoever comes later with another
// token takes it away.
type Ticket struct {
	Campaign string
	Shards   int
	Token    string
}

// Door is where a way of signing in leads.
type Door struct {
	Hash, Participant string
	// Sealed is what WeChat told, encrypted; nil where it was erased.
	Sealed []byte
}
