package proof

import (
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// Act names what a participant did in a campaign, among all that they did.
type Act string

// SignatureAct is their signature.
const SignatureAct Act = "s"

// AttemptAct is the attempt of a number.
func AttemptAct(number int) Act { return Act("a" + strconv.Itoa(number)) }

// Signed is a checkpoint with the note that says it.
type Signed struct {
	Checkpoint

	Note string
}

// Place is where an act lies in a log, and what shows it.
type Place struct {
	Index int64
	Leaf  tlog.Hash
	// Path leads from the leaf to the root of the tree, which was signed.
	Path []tlog.Hash
	tlog.Tree
}
