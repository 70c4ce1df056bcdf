package state

import "qingyuan/prize"

// Lot is what Redis must hold of one participant's prizes, in the shard that the
// prizes of their campaign lie in.
type Lot struct {
	prize.Standing

	// Chances are those that were spent, by number, and Wins what was won, by draws as
	// well, in the order in which it was.
	Chances []prize.Chance
	Wins    []prize.Win
}
