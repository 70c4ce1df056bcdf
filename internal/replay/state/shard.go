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
	// Public is by what happened before the freeze, and Late what came since.
	Public, Late leaderboard.Figures
	Hours        map[leaderboard.BucketCell]int64
	// Minutes have cells without a unit.
	Minutes map[leaderboard.BucketCell]int64
	// Boards says how many entries each scoped board has, Main how many the main
	// one, and Open how many have an attempt open.
	Boards map[string]Cards
	Main   Cards
	Open   int64
	// Recent are the newest acts, newest first.
	Recent []leaderboard.Act
	// Prizes counts what was won of each prize, and Wins how many wins there are.
	Prizes map[string]int64
	Wins   int64
}

// Thaw lets the late figures be public: the freeze is over.
func (s *Sums) Thaw() { s.Public, s.Late = s.Public.Plus(s.Late), leaderboard.NewFigures() }

// Layers are the parts of a board: the board itself, which stands still during the
// freeze; the places that people have by what they did since; and the entries that
// those have on the board.
type Layers[T any] struct{ Board, Late, Kept T }

// Entries are the parts of a board in public, and those in which hidden people are
// kept beside it.
type Entries[T any] struct{ Shown, Hidden Layers[T] }

// Cards say how many entries the parts of a board have.
type Cards struct {
	Entries[int64]

	// Stuck says that there are late entries which nobody will thaw: the list of
	// boards that have any lacks this one.
	Stuck bool
}

// Of returns the parts in which somebody belongs.
func (e *Entries[T]) Of(hidden bool) *Layers[T] {
	if hidden {
		return &e.Hidden
	}
	return &e.Shown
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
	// Main and Open are the entries on the main board and among the open
	// attempts, "" for none.
	Main Entries[string]
	Open string
	// Scoped are the entries on the boards that were asked for.
	Scoped map[string]Entries[string]
	// Chances are the fields of their chances, and Wins what lies there of the wins that
	// were asked for.
	Chances, Wins map[string]string
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
