// Package prizes is the office's side of prizes, in SQL: the codes of vouchers, what
// winners told to get their prizes, how those are sent, and which are not given.
//
// Who won what lies with the facts, behind prize.Store; here lies what may not lie
// there, sealed. It knows neither Redis nor HTTP.
package prizes

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// Service keeps what the office needs. Set the fields before the first use.
type Service struct {
	DB  *sqldb.DB
	Box *seal.Box
	// Marks recognise codes and insiders.
	Marks   Marks
	Catalog prize.Catalog
	Store   prize.Store
	// Keys make the tickets and secrets of draws.
	Keys prize.Keys
	// Staff are the people who run campaigns; nil where nobody is known.
	Staff *Staff
	// Phones tells all numbers that somebody has enrolled with; nil knows none.
	Phones func(ctx context.Context, campaignID, participant string) ([]string, error)
	// Entrants tells what everybody in a campaign had done by a moment, and their phone
	// numbers where phones are asked for. It fails while that cannot be told yet.
	Entrants func(ctx context.Context, c *campaign.Campaign, by time.Time, phones bool, each func(Candidate)) error
	// AtLine tells who came by the door of a roster's line, "" for nobody yet.
	AtLine func(ctx context.Context, mark string) (participant string, err error)
	// Risk asks how risky WeChat holds somebody who is here now; told is false where it will
	// not tell, and an error means later. Nil asks nothing. Agreed is the version of the
	// notice that somebody has agreed to.
	Risk   func(ctx context.Context, participant string, from netip.Addr) (rank int, told bool, err error)
	Agreed func(ctx context.Context, campaignID, participant string) (version string, err error)
	// Flagged tells by which rules acts of participants are noticed that nobody has
	// dismissed yet; nil notices nothing.
	Flagged func(ctx context.Context, campaignID string) (map[string][]string, error)
	// Payer pays red packets; nil where the office pays them by hand.
	Payer Payer
	// Jobs makes the lists that the office asks for.
	Jobs *jobs.Queue
	// Plans lists the campaigns that have prizes.
	Plans func() []prize.Offer
	// Every is how often Run looks for what has fallen due; a minute when zero.
	Every time.Duration
	Now   func() time.Time
	// Failed is told of what Run could not do, for the log.
	Failed func(err error)

	mu    sync.RWMutex
	codes map[string]int // campaign|prize to how many there are
	// barred are those who may win nothing.
	barred map[prize.Person]bool
}

// Candidate is somebody as they were at a moment.
type Candidate struct {
	Participant string
	Acts        *prize.Acts
	// Phones are all that they enrolled with, where phones were asked for.
	Phones []string
}

// millisecond is the grain of moments in facts.
const millisecond = time.Millisecond

// Archived is how long after the close of a campaign everything about its prizes is kept
// (规范促销行为暂行规定: two years). No retention takes it away earlier.
const Archived = 2 * 366 * 24 * time.Hour

// Errors of the office.
var (
	// ErrKind is an act that a prize of this kind does not know.
	ErrKind = fault.New(fault.Conflict, "prize.kind", "这种奖品不支持此操作")
	// ErrLate is a claim after its time.
	ErrLate = fault.New(fault.Conflict, "prize.expired", "领奖期限已过")
	// ErrConsent is a claim without a consent of its own.
	ErrConsent = fault.New(fault.Invalid, "prize.consent_required", "请阅读活动规则，并单独同意为领奖提供个人信息")
	// ErrReview is a prize that is not given before somebody has looked at its winner's
	// flags.
	ErrReview = fault.New(fault.Conflict, "prize.under_review", "中奖者有待核实的异常提示，请先处理提示")
	// ErrInsider is a prize of one of the people who run the campaign: it is not given.
	ErrInsider = fault.New(fault.Conflict, "prize.insider", "中奖者在主办方人员排除名单上，不能发放")
	// ErrNothing is an appeal about a prize that nobody withholds.
	ErrNothing = fault.New(fault.Conflict, "appeal.nothing", "这份记录没有被作废，无需申诉")
	// ErrRefused is a claim of a prize that is not given.
	ErrRefused = fault.New(fault.Conflict, "prize.refused", "该奖品经核实不予发放，可提出申诉")
)

// aad binds what is sealed to its place.
func aad(what, campaignID string, id prize.WinID) []byte {
	return fmt.Appendf(nil, "%s|%s|%s", what, campaignID, id)
}

// plan finds a prize of a campaign.
func (s *Service) plan(campaignID, id string) (prize.Offer, *prize.Prize, error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return o, nil, err
	}
	p, ok := o.Plan.Prize(id)
	if !ok {
		return o, nil, prize.ErrNoWin
	}
	return o, p, nil
}
