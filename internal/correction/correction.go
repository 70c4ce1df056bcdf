// Package correction takes acts out of a campaign's figures that should never have
// counted, and puts them back.
//
// A batch is a frozen list of acts that conditions have found in the ledger. Nothing
// happens until a second person has approved that very list. It is then worked off in
// small pieces, can be stopped at any moment, goes on after a crash, and is undone as
// one act: what it has taken out counts again at its own time and place, and nothing
// else is touched.
package correction

import (
	"encoding/json"
	"time"

	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// State is where a batch stands.
type State string

// The states of a batch.
const (
	Collecting State = "collecting" // the ledger is searched
	Failed     State = "failed"     // nothing was found, or too much
	Ready      State = "ready"      // the list is frozen and nothing has happened
	Discarded  State = "discarded"
	Running    State = "running"
	Stopped    State = "stopped" // midway: what was done stays done
	Done       State = "done"
	Undoing    State = "undoing"
	UndoHalted State = "undo_stopped" // midway: what was undone stays undone
	Undone     State = "undone"
)

// Outcome is what became of one act of a batch.
type Outcome string

// The outcomes.
const (
	Pending Outcome = ""        // nobody has come to it yet
	Out     Outcome = "out"     // this batch has taken it out
	Already Outcome = "already" // it counted nowhere before: somebody else's decision
	Gone    Outcome = "gone"    // it is not there any more
	Back    Outcome = "back"    // it was out and counts again
	Kept    Outcome = "kept"    // it was out, and somebody else keeps it out
)

// Item is one act of a batch, as it was when the list was frozen.
type Item struct {
	act.Act

	N     int64 // its place on the list, from 1
	Unit  string
	At    time.Time
	Score int           // of an attempt
	Used  time.Duration // of an attempt
	// Remark says how a batch that marks again does it; nil where the act is taken out.
	Remark *Remark
	// mark compares answers while the list is made.
	mark    string
	Outcome Outcome
}

// Remark is how one attempt is marked by everything else, and how by the ruling of its
// batch besides.
type Remark struct {
	From act.Marks `json:"from"`
	To   act.Marks `json:"to"`
	// Before and After are the rulings that the marks follow from.
	Before quiz.Rulings `json:"before,omitempty"`
	After  quiz.Rulings `json:"after"`
}

// Share is how many acts fall to a unit or a day.
type Share struct {
	Key   string `json:"key"`
	Count int64  `json:"count"`
}

// Summary describes a frozen list.
type Summary struct {
	Attempts     int64 `json:"attempts"`
	Signatures   int64 `json:"signatures"`
	Participants int64 `json:"participants"`
	// Units are those with most acts, of OfUnits in all; Days are local dates.
	Units   []Share `json:"units"`
	OfUnits int     `json:"of_units"`
	Days    []Share `json:"days"`
	// Sample are places on the list, spread over it.
	Sample []int64 `json:"sample"`
	// Effect is what marking again comes to; nil where acts are taken out.
	Effect *Effect `json:"effect,omitempty"`
}

// Effect is what marking again comes to, by the facts that a list was made from.
type Effect struct {
	// Had are the accepted attempts that had the question, whether or not they count,
	// and Persons those whose attempts they are.
	Had     int64 `json:"had"`
	Persons int64 `json:"persons"`
	// Open are papers with the question that nobody has handed in yet. Nothing is marked
	// again while there are any.
	Open int64 `json:"open"`
	// Raised, Lowered and Same are the attempts on the list by their score.
	Raised  int64 `json:"raised"`
	Lowered int64 `json:"lowered"`
	Same    int64 `json:"same"`
	// Passing, failing: persons whose best attempt passes only then, and only until then.
	PassesGained int64 `json:"passes_gained"`
	PassesLost   int64 `json:"passes_lost"`
	// Moved are the persons on the list whose place on the main board changes.
	Moved int64 `json:"moved"`
	// TopBefore and TopAfter are the first places of the main board.
	TopBefore []Placed `json:"top_before"`
	TopAfter  []Placed `json:"top_after"`
	// AsOf is when the ledger was read.
	AsOf time.Time `json:"as_of"`
}

// Placed is one place on the main board.
type Placed struct {
	Rank        int64  `json:"rank"`
	Participant string `json:"participant"`
	Unit        string `json:"unit"`
	Score       int    `json:"score"`
}

// Counts says how many acts of a batch came to each outcome.
type Counts map[Outcome]int64

// Batch is a correction of many acts.
type Batch struct {
	ID, Campaign string
	// Node is the part of the tree that the batch reaches, and whoever may correct
	// there sees it; "" is everything.
	Node       string
	State      State
	Conditions Conditions
	// Challenge names the contested question for which the batch marks attempts again; ""
	// where it takes acts out. Checked says that the list was found to be whole when the
	// work on it began.
	Challenge string
	Checked   bool
	// Reason is told to the participants: Chinese, ready to be shown.
	Reason           string
	Creator, Login   string // id and login of the operator
	CreatedAt        time.Time
	RanAt, ReturnsAt time.Time // when it was last begun, and its undo; zero before
	// Approval is that with which the work began, Undoing that of its undo; "" before.
	Approval, Undoing string
	// Items is the length of the list and Hash the digest of it: what a second
	// person approves.
	Items   int64
	Hash    string
	Summary Summary
	// Next is how far on the list the work has come, and Back how far its undo.
	Next, Back int64
	// Job is the piece of work that is under way or was last, and Turn how often one
	// was begun.
	Job  string
	Turn int
	// Counts are set where the work ended.
	Counts Counts
	// Code and Text say why a batch failed or stopped by itself.
	Code, Text string
}

// Errors of corrections.
var (
	ErrNotFound = fault.New(fault.NotFound, "correction.not_found", "没有这批更正")
	ErrState    = fault.New(fault.Conflict, "correction.state", "这批更正当前的状态不允许此操作")
	ErrEmpty    = fault.New(fault.Invalid, "correction.empty", "没有符合条件的答卷或签署")
	ErrTooMany  = fault.New(fault.Invalid, "correction.too_many", "符合条件的记录过多，请缩小范围后分批处理")
	ErrChanged  = fault.New(fault.Conflict, "correction.changed", "审批的名单与当前名单不一致，请重新提交审批")
)

// backwards tells whether the acts of the batch are being given back.
func (b *Batch) backwards() bool { return b.State == Undoing || b.State == UndoHalted }

// Progress is how many acts of the list have been worked on, forwards or backwards.
func (b *Batch) Progress() int64 {
	if b.backwards() || b.State == Undone {
		return b.Back
	}
	return b.Next
}

// lead says which states an operation leads from, and to which.
type lead struct {
	from []State
	to   State
}

// The operations on a batch. A list that was approved once may be gone on with after
// a stop.
//
//nolint:gochecknoglobals // Constants in everything but the language.
var (
	leadReady   = lead{[]State{Collecting}, Ready}
	leadFailed  = lead{[]State{Collecting}, Failed}
	leadDiscard = lead{[]State{Collecting, Failed, Ready}, Discarded}
	leadRun     = lead{[]State{Ready}, Running}
	leadRunOn   = lead{[]State{Stopped}, Running}
	leadUndo    = lead{[]State{Stopped, Done}, Undoing}
	leadUndoOn  = lead{[]State{UndoHalted}, Undoing}
)

// ending is how work on a batch ends: at the end of the list, or before.
func ending(from State, whole bool) lead {
	switch {
	case from == Undoing && whole:
		return lead{[]State{Undoing}, Undone}
	case from == Undoing:
		return lead{[]State{Undoing}, UndoHalted}
	case whole:
		return lead{[]State{Running}, Done}
	default:
		return lead{[]State{Running}, Stopped}
	}
}

// summaryOf reads what was stored; "" is none.
func summaryOf(text string) (s Summary, err error) {
	if text == "" {
		return s, nil
	}
	return s, json.Unmarshal([]byte(text), &s)
}
