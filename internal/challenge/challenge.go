// Package challenge deals with questions that are contested (题目争议): participants report
// them, an office decides, and the attempts that had one are marked again by a rule.
//
// A question that is decided on leaves drawing at once; papers that have it stay. Which
// attempts are marked again, and how, is a frozen list of package correction: a second
// person approves that very list, it is worked off in the background, and it can be
// undone as one act. The marks follow from the ledger and the rulings alone.
package challenge

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/correction"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
)

// State is how far the office has come with a question.
type State string

// The states of a challenge. What is done to attempts after a decision is told by the
// batch.
const (
	Open      State = "open"      // taken up: nothing has happened
	Dismissed State = "dismissed" // the question stands
	Decided   State = "decided"   // out of drawing
)

// Decision is what became of a question.
type Decision string

// The decisions. Either takes the question as it was out of drawing.
const (
	Withdraw Decision = "withdraw" // nothing is right any more
	Correct  Decision = "correct"  // another key is right
)

// Known tells whether there is such a decision.
func (d Decision) Known() bool { return d == Withdraw || d == Correct }

// Challenge is a question that an office has taken up.
type Challenge struct {
	ID, Campaign string
	// Question is its id in the bank, Fingerprint names it by what it says, and Bank is
	// the digest of the version that was looked at.
	Question, Fingerprint, Bank string
	State                       State
	Decision                    Decision
	// Rule says how attempts are marked again, "" where they are left as they are.
	Rule quiz.Rule
	// Key is what is right by now; 0 where nothing is.
	Key quiz.Choice
	// Version is that of the question with its new key in the bank of its office; 0 where
	// there is none.
	Version int64
	// Why it was taken up, for the office; Reason is told to the participants.
	Why, Reason          string
	Login, Decider       string
	CreatedAt, DecidedAt time.Time
	// Correction is the batch that marks again, "" where none was made.
	Correction string
}

// Ruling is what the challenge comes to for the attempts that had the question.
func (c *Challenge) Ruling() quiz.Ruling {
	return quiz.Ruling{Challenge: c.ID, Question: c.Question, Rule: c.Rule, Key: c.Key}
}

// Errors of challenges.
var (
	// ErrNotFound is a challenge that is not there, or not for this operator.
	ErrNotFound = fault.New(fault.NotFound, "challenge.not_found", "没有这项题目争议")
	// ErrState is something that the state of the challenge does not allow.
	ErrState = fault.New(fault.Conflict, "challenge.state", "这项题目争议当前的状态不允许此操作")
	// ErrExists is a question that was taken up already.
	ErrExists = fault.New(fault.Conflict, "challenge.exists", "这道题已有未了结的争议")
	// ErrQuestion is a question that the campaign does not have.
	ErrQuestion = fault.New(fault.NotFound, "challenge.question_not_found", "活动题库中没有这道题")
	// ErrBusy is a campaign in which another challenge is worked on.
	ErrBusy = fault.New(fault.Conflict, "challenge.busy", "本活动另有重新评分尚未完成，请先完成或撤销")
	// ErrLater is an undo that others are built upon.
	ErrLater = fault.New(fault.Conflict, "challenge.later", "之后另有重新评分，请先撤销较晚的")
)

// Catalog finds campaigns, and keeps what is drawn.
type Catalog interface {
	Withdraw(ctx context.Context, tx *sql.Tx, w catalog.Withdrawal) error
	Readmit(ctx context.Context, tx *sql.Tx, w catalog.Withdrawal) (bool, error)
	Withdrawn(ctx context.Context, campaignID string) (map[string]string, error)
	Rule(ctx context.Context, tx *sql.Tx, r catalog.Ruling) error
	Overrule(ctx context.Context, tx *sql.Tx, campaignID, challenge string) error
	Rulings(ctx context.Context, campaignID string) ([]catalog.Ruling, error)
	BankRef(ctx context.Context, campaignID string) (string, error)
}

// Corrections works off the lists. *correction.Service is one.
type Corrections interface {
	BeginRemark(ctx context.Context, tx *sql.Tx, who operator.Actor, campaignID, challenge, reason string) (*correction.Batch, error)
	Batch(ctx context.Context, id string) (*correction.Batch, error)
	AskRun(ctx context.Context, who operator.Actor, b *correction.Batch) (string, error)
	AskUndo(ctx context.Context, who operator.Actor, b *correction.Batch, why string) (string, error)
	GoOn(ctx context.Context, who operator.Actor, b *correction.Batch) error
	Cancel(ctx context.Context, who operator.Actor, b *correction.Batch) error
}

// Shelf keeps the banks of offices. *banks.Service is one.
type Shelf interface {
	// Rekey makes the next version of a question, with another key, and sends it to the
	// reviewers. It returns the version, 0 where the bank has no such question.
	Rekey(ctx context.Context, tx *sql.Tx, by operator.Actor, ref string, q quiz.Question, reason string) (int64, error)
}

// Ledger is what this package reads of *ledger.Ledger.
type Ledger interface {
	Campaign(ctx context.Context, id string) (ledger.Opened, bool, error)
	Bank(ctx context.Context, digest string) ([]byte, bool, error)
	Cursors(ctx context.Context) (map[ledger.Shard]ledger.Heads, error)
}

// Service is what offices do with contested questions. Set the fields before the first
// use.
type Service struct {
	DB  *sqldb.DB
	Box *seal.Box
	Now func() time.Time
	// Definition finds a campaign as it is served.
	Definition  func(id string) (configs.Definition, bool)
	Catalog     Catalog
	Corrections Corrections
	Shelf       Shelf
	Ledger      Ledger
	// Head is the newest fact of a shard: a list is made only once the ledger has it.
	Head func(ctx context.Context, campaignID string, shard int) (event.Position, error)
	// Patience is how long the ledger may lag behind; 2 minutes when zero.
	Patience time.Duration
}

func (s *Service) campaign(id string) (*campaign.Campaign, error) {
	d, ok := s.Definition(id)
	if !ok {
		return nil, campaign.ErrNotFound
	}
	return d.Campaign, nil
}

const longestReason = 200 // characters

// find returns the question of a campaign that an id means: of the bank that papers are
// drawn from now, or of the version in which participants have reported it.
func (s *Service) find(ctx context.Context, campaignID, id, fingerprint string) (bank string, q *quiz.Question, err error) {
	d, ok := s.Definition(campaignID)
	if !ok || d.Bank == nil {
		return "", nil, ErrQuestion
	}
	if q := within(d.Bank, id, fingerprint); q != nil {
		return d.Bank.Digest, q, nil
	}
	if fingerprint == "" {
		return "", nil, ErrQuestion
	}
	all, err := s.reports(ctx, `campaign = $1 AND fingerprint = $2 ORDER BY id DESC LIMIT 1`, campaignID, fingerprint)
	if err != nil {
		return "", nil, err
	}
	if len(all) == 0 {
		return "", nil, ErrQuestion
	}
	q, err = s.question(ctx, all[0].Bank, fingerprint)
	return all[0].Bank, q, err
}

// within finds a question of a bank by its id, and where a fingerprint is given by that as
// well.
func within(b *quiz.Bank, id, fingerprint string) *quiz.Question {
	for i := range b.Questions {
		q := &b.Questions[i]
		if (id == "" || q.ID == id) && (fingerprint == "" || q.Fingerprint() == fingerprint) {
			return q
		}
	}
	return nil
}

// bank reads a version of a bank.
func (s *Service) bank(ctx context.Context, digest string) (*quiz.Bank, error) {
	packed, ok, err := s.Ledger.Bank(ctx, digest)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrQuestion
	}
	return quiz.UnpackBank(digest, packed)
}

// question reads a question out of a version of its bank.
func (s *Service) question(ctx context.Context, bank, fingerprint string) (*quiz.Question, error) {
	b, err := s.bank(ctx, bank)
	if err != nil {
		return nil, err
	}
	if q := within(b, "", fingerprint); q != nil {
		return q, nil
	}
	return nil, ErrQuestion
}

// Question returns what a challenge is about.
func (s *Service) Question(ctx context.Context, c *Challenge) (*quiz.Question, error) {
	if d, ok := s.Definition(c.Campaign); ok && d.Bank != nil && d.Bank.Digest == c.Bank {
		if q := within(d.Bank, "", c.Fingerprint); q != nil {
			return q, nil
		}
	}
	return s.question(ctx, c.Bank, c.Fingerprint)
}

// after is what the audit log is told of a challenge. The key stays here.
func after(c *Challenge, more map[string]any) (json.RawMessage, error) {
	out := map[string]any{"question": c.Question, "state": c.State}
	maps.Copy(out, more)
	return json.Marshal(out)
}
