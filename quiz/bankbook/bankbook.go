// Package bankbook holds the rules by which an office keeps its questions: every
// question in versions, each version from its draft to the signature of somebody who
// did not write it, and which of them a campaign may draw from.
//
// A version's content never changes: whoever edits makes the next one. The one that
// was signed stays in force until a newer one is signed or it is withdrawn, so that
// an edit takes no question away in silence.
package bankbook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// State is how far a version has come.
type State string

// The states. A version that was signed and is replaced by a newer signed one stays
// Reviewed: only the newest of those is in force.
const (
	Draft     State = "draft"     // nobody has looked at it, or it was sent back
	Submitted State = "submitted" // waits for a reviewer
	Reviewed  State = "reviewed"  // signed off
	Withdrawn State = "withdrawn" // signed off once, and not to be drawn any more
)

// States are all of them, in their order.
func States() []State { return []State{Draft, Submitted, Reviewed, Withdrawn} }

// Person is who acts.
type Person struct {
	// ID tells persons apart: whoever wrote a version does not sign it.
	ID string
	// Login is how the person is called in lists.
	Login string
}

// Version is one version of a question of a bank.
type Version struct {
	// Number counts the versions of the question from 1.
	Number   int64
	Question quiz.Question
	// Digest names the content, without the id.
	Digest string
	State  State
	// Editor made the version at EditedAt; Origin says from what: a file and its line,
	// or "" where it was written by hand.
	Editor   Person
	EditedAt time.Time
	Origin   string
	// Reviewer signed it off, sent it back or withdrew it at DecidedAt; before that both
	// are zero. Reason is why it was sent back or withdrawn.
	Reviewer  Person
	DecidedAt time.Time
	Reason    string
}

// Errors of keeping questions. Fields says of which question, and what is missing.
var (
	// ErrIncomplete is a question without what belongs to the form: the legal basis,
	// the dates, the explanation.
	ErrIncomplete = fault.New(fault.Invalid, "bank.incomplete", "题目内容不完整，补全后才能送审")
	// ErrState is a move that the state of the version does not allow.
	ErrState = fault.New(fault.Conflict, "bank.state", "题目当前的状态不能进行此操作")
	// ErrOwnWork means that the reviewer has written the version.
	ErrOwnWork = fault.New(fault.Forbidden, "bank.own_work", "不能审核自己编写或修改的题目")
	// ErrVersion means that somebody else has changed the question meanwhile.
	ErrVersion = fault.New(fault.Conflict, "bank.version_conflict", "题目已被他人修改，请刷新后重试")
	// ErrQuestion is a question that the bank does not have.
	ErrQuestion = fault.New(fault.NotFound, "bank.question_not_found", "题库中没有这道题")
	// ErrUnreviewed is a bank with questions that no reviewer of the office has signed.
	ErrUnreviewed = fault.New(fault.Conflict, "bank.unreviewed", "题库中有未经本单位审核的题目，不能用于活动")
	// ErrEmpty is a bank of which no question may be drawn.
	ErrEmpty = fault.New(fault.Conflict, "bank.empty", "题库中没有审核通过且在有效期内的题目")
)

// New makes the first version of a question, or the next one after a former.
func New(q quiz.Question, number int64, by Person, at time.Time, origin string) (Version, error) {
	digest, err := Digest(q)
	if err != nil {
		return Version{}, err
	}
	return Version{Number: number, Question: q, Digest: digest, State: Draft, Editor: by, EditedAt: at, Origin: origin}, nil
}

// Digest names the content of a question: two questions with one digest say the same,
// whatever they are called.
func Digest(q quiz.Question) (string, error) {
	q.ID = ""
	raw, err := json.Marshal(q)
	if err != nil {
		return "", fmt.Errorf("digest of a question: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16]), nil
}
