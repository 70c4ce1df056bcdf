// Package replay works out from the ledger what Redis must hold: every
// participant's state, every place on a board and every tally. With that it
// verifies a Redis that serves, and rebuilds one that was lost.
package replay
