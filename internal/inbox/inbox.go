// Package inbox keeps what participants write to the office (投诉建议) and what they are
// answered. Texts and contacts are sealed under the id of their message, and go when the
// participant is erased; that there was a message stays.
package inbox

import (
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
)

// Kind is what a message is meant as.
type Kind string

// The kinds.
const (
	Complaint  Kind = "complaint"
	Suggestion Kind = "suggestion"
	Question   Kind = "question"
)

// Known tells whether there is such a kind.
func (k Kind) Known() bool { return k == Complaint || k == Suggestion || k == Question }

// State is how far a message has come.
type State string

// The states: received becomes in_review, and either becomes answered or closed, which
// are final. Closed is without an answer that the participant asked for: a repeat of what
// was answered, or nothing that can be answered.
const (
	Received State = "received"
	InReview State = "in_review"
	Answered State = "answered"
	Closed   State = "closed"
)

// Known tells whether there is such a state.
func (s State) Known() bool {
	return s == Received || s == InReview || s == Answered || s == Closed
}

// Message is what a participant wrote.
type Message struct {
	ID, Campaign, Participant string
	// Unit and Group are those of the participant's enrolment when they wrote, "" before
	// they had one.
	Unit, Group string
	Kind        Kind
	// Text, Contact and Answer are "" once they were erased, the last two also where there
	// is none. Answer is told to the participant once the state is final.
	Text, Contact, Answer string
	State                 State
	CreatedAt, DecidedAt  time.Time
	Login                 string // of who led it to its state
}

// Decided tells whether the office is done with the message.
func (m *Message) Decided() bool { return m.State == Answered || m.State == Closed }

// Service keeps the messages of a database. Set the fields before the first use.
type Service struct {
	DB  *sqldb.DB
	Box *seal.Box
	// Key marks texts, so that a repeat is known and nobody can guess what was written.
	Key [32]byte
	// Campaign looks a campaign up, or returns campaign.ErrNotFound.
	Campaign func(id string) (*campaign.Campaign, error)
	Now      func() time.Time
}

// PerDay is how many messages one participant may write in one campaign and local day.
const PerDay = 5

// The bounds of texts, in characters.
const (
	maxText    = 2000
	maxContact = 100
	maxAnswer  = 2000
)

// Errors of messages.
var (
	// ErrNotFound is a message that is not there, or not for this operator.
	ErrNotFound = fault.New(fault.NotFound, "feedback.not_found", "没有这条投诉建议")
	// ErrState is a change of a message that was answered or closed, or that somebody else
	// has changed meanwhile.
	ErrState = fault.New(fault.Conflict, "feedback.state", "这条投诉建议已经办结或已被他人处理，请刷新后查看")
	// ErrTooMany is one message more than PerDay.
	ErrTooMany = fault.New(fault.Limited, "feedback.too_many", "每天最多提交 5 条，请明天再来")
)

// check cleans a message that comes in.
func (m *Message) check() (err error) {
	if !m.Kind.Known() {
		return fault.InvalidField("kind", "应为 complaint、suggestion 或 question")
	}
	if m.Text, err = campaign.Prose("text", m.Text, 1, maxText); err != nil || m.Contact == "" {
		return err
	}
	m.Contact, err = campaign.Prose("contact", m.Contact, 1, maxContact)
	return err
}
