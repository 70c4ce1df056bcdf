// Package transfer keeps who asked to belong to another unit, and lets the office of the
// receiving unit decide. A request that is granted becomes one fact, by which everything
// of the participant's that counts goes with them; the request's id is in it, so that it
// is granted once. What people write is sealed and goes when they are erased.
package transfer

import (
	"context"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
)

// State is how far a request has come.
type State string

// The states. What is pending may be withdrawn by its participant. What is being granted
// is decided: it is granted as soon as the counts have followed.
const (
	Pending   State = "pending"
	Granting  State = "granting"
	Granted   State = "granted"
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
)

// Known tells whether there is such a state.
func (s State) Known() bool {
	return s == Pending || s == Granting || s == Granted || s == Refused || s == Withdrawn
}

// Request is what a participant asked for.
type Request struct {
	ID, Campaign, Participant string
	// Group is the participant's when they asked; it stays theirs.
	Group string
	// From is the unit that they belonged to when they asked, and To the one they want.
	From, To string
	// Why and Answer are "" where nothing was said, and once they were erased. Answer is
	// told to the participant.
	Why, Answer          string
	State                State
	CreatedAt, DecidedAt time.Time
	Login                string // of who decided
	by                   string // their account
}

// Mover moves participants. *redisstore.Corrections is one.
type Mover interface {
	// Transfer returns act.ErrElsewhere for somebody who is counted as another participant.
	Transfer(ctx context.Context, campaignID string, t act.Transfer) (moved bool, err error)
	Membership(ctx context.Context, campaignID, participant string) (act.Membership, error)
}

// Service keeps the requests of a database. Set the fields before the first use.
type Service struct {
	DB  *sqldb.DB
	Box *seal.Box
	// Campaign looks a campaign up, or returns campaign.ErrNotFound.
	Campaign func(id string) (*campaign.Campaign, error)
	// Enrolment returns a participant's, or campaign.ErrNotEnrolled.
	Enrolment func(ctx context.Context, campaignID, participant string) (campaign.Enrolment, error)
	// Bound tells whether a participant came by the roster of the unit.
	Bound func(ctx context.Context, campaignID, unit, participant string) (bool, error)
	Mover Mover
	Now   func() time.Time
	// Failed is told of a request that was decided and whose counts could not follow
	// yet; it is tried again.
	Failed func(error)
}

// PerDay is how many requests one participant may make in one campaign and local day.
const PerDay = 5

// maxText bounds texts, in characters.
const maxText = 200

// Errors of requests.
var (
	// ErrNotFound is a request that is not there, or not for this person.
	ErrNotFound = fault.New(fault.NotFound, "transfer.not_found", "没有这条转单位申请")
	// ErrState is a change of a request that was decided or withdrawn.
	ErrState = fault.New(fault.Conflict, "transfer.state", "这条申请已经处理或撤回，请刷新后查看")
	// ErrPending is a second request beside one that waits.
	ErrPending = fault.New(fault.Conflict, "transfer.pending", "您已有一条转单位申请正在等待处理，撤回后才能另行申请")
	// ErrSameUnit is a request for where the participant is.
	ErrSameUnit = fault.New(fault.Conflict, "transfer.same_unit", "您已经在这个单位")
	// ErrRosterBound is a request of somebody who came by the roster of their unit. The
	// roster says where they belong, and its office keeps it.
	ErrRosterBound = fault.New(fault.Conflict, "transfer.roster_bound", "您是按单位名册参加的，单位以名册为准，请联系本单位管理员更正名册")
	// ErrJoined is a request of somebody who is counted as another participant: no count would
	// follow it (record 38).
	ErrJoined = fault.New(fault.Conflict, "transfer.joined", "这次报名已并入本人的另一次报名，转单位不会改变人数；请用计入的那次报名申请，或再次答题、签署后再申请")
	// ErrTooMany is one request more than PerDay.
	ErrTooMany = fault.New(fault.Limited, "transfer.too_many", "每天最多申请 5 次，请明天再来")
)

// receiving returns a unit that may take somebody in.
func receiving(c *campaign.Campaign, unit string) error {
	if n, ok := c.Tree.Node(unit); !ok || n.Kind != campaign.Unit || n.Retired {
		return campaign.ErrUnitUnknown
	}
	return nil
}

// inTime refuses what comes before the opening or after the close. A pause does not
// concern it: who belongs where is no act.
func inTime(c *campaign.Campaign, now time.Time) error {
	if err := c.CheckOpen(now); err != nil && c.StateAt(now) != campaign.Paused {
		return err
	}
	return nil
}

// aad binds what is sealed to its request.
func aad(id string) []byte { return []byte("transfer|" + id) }
