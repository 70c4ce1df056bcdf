// Package hiding takes people off the public boards and puts them back, where an office
// has a reason: a score that is being looked into, a name that must not stand there.
// Nothing stops counting by it, and nobody's own figures change: the places close up, and
// open again to the byte. Who did it, when and why is kept.
package hiding

import (
	"context"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

// Hiding is that somebody was taken off the public boards of a campaign.
type Hiding struct {
	ID, Campaign, Participant string
	// Name and Unit are what boards show of the participant; "" of somebody who was
	// erased.
	Name, Unit string
	// Reason is for the office: the participant is only told that they are not shown.
	Reason string
	// Login hid them.
	Login string
	At    time.Time
	// ShownAt is zero while they are hidden. ShownLogin put them back, for ShownReason.
	ShownAt                 time.Time
	ShownLogin, ShownReason string
}

// The refusals.
var (
	ErrNotFound = fault.New(fault.NotFound, "hiding.not_found", "没有这条隐藏记录，或者不在您的管理范围内")
	// ErrNobody is a participant who is not enrolled, or not within the operator's part.
	ErrNobody = fault.New(fault.NotFound, "hiding.nobody", "没有这位参与者，或者不在您的管理范围内")
	// ErrConsent is that somebody took their consent back: no operator shows them again.
	ErrConsent = fault.New(fault.Conflict, "hiding.consent_withdrawn", "本人已撤回同意，不能恢复公开")
)

// longestReason is how long a reason may be, in characters.
const longestReason = 500

// Boards are the boards of participants. *redisstore.Boards is one.
type Boards interface {
	// Hide takes a participant off every public board, or puts them back where they
	// would be. Repeating it changes nothing. It answers a participant who is not
	// enrolled with campaign.ErrRequired.
	Hide(ctx context.Context, campaignID, participant string, hidden bool) error
}

// Known is what boards show of a participant.
type Known struct{ Name, Unit string }

// Service hides and shows. Set the fields before the first use.
type Service struct {
	DB       *sqldb.DB
	Boards   Boards
	Campaign func(id string) (*campaign.Campaign, error)
	// Writable fails where a campaign only stands to be read.
	Writable func(campaignID string) error
	// People looks up what boards show of participants. Who is not enrolled is left out.
	People func(ctx context.Context, campaignID string, ids []string) (map[string]Known, error)
	// Withdrawn tells whether a participant ever took their consent in a campaign back.
	Withdrawn func(ctx context.Context, campaignID, participant string) (bool, error)
	Now       func() time.Time
}
