// Package approval lets a second person decide on what one operator has asked for:
// changes of results, and rights that lead to them. What was approved is run once,
// whatever crashes meanwhile.
//
// It knows what was asked and by whom, and nothing of what it means: whoever can do
// something registers a Kind.
package approval

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// State is how far an approval has come.
type State string

// The states: asked becomes approved, refused or expired; approved becomes running,
// and that done or failed.
const (
	Asked    State = "asked"
	Approved State = "approved"
	Refused  State = "refused"
	Expired  State = "expired"
	Running  State = "running"
	Done     State = "done"
	Failed   State = "failed"
)

// Known tells whether there is such a state.
func (s State) Known() bool {
	return slices.Contains([]State{Asked, Approved, Refused, Expired, Running, Done, Failed}, s)
}

// Life is how long somebody may take to decide.
const Life = 72 * time.Hour

// Approval is an act that was asked for.
type Approval struct {
	// ID is a ULID. Whatever runs the act tells repeats by it.
	ID       string
	Kind     string
	Campaign string // "" where none is concerned
	// Params say what exactly is to be done, as the kind understands them.
	Params json.RawMessage
	Reason string

	AskedBy, AskedLogin string
	AskedAt, ExpiresAt  time.Time

	State State
	// DecidedBy approved or refused it at DecidedAt; "" while nobody has.
	DecidedBy, DecidedLogin string
	DecidedAt               time.Time
	DecidedReason           string

	// DoneAt is when it was run, or failed for good.
	DoneAt time.Time
	// Result is what running it gave back, Failure what kept it, ready to be shown.
	Result  json.RawMessage
	Failure string
}

// Reach tells whether an actor may do the action to all that the params are about, and
// refuses params that make no sense. The campaign is nil where none is concerned.
// What lies outside the actor's part is fault.ErrNotFound.
type Reach func(ctx context.Context, by operator.Actor, a operator.Action, c *campaign.Campaign, params json.RawMessage) error

// Kind is something that needs a second person.
type Kind struct {
	// Name is kept in the database: "correction.run".
	Name string
	// Asks is the right to ask for it, Approves that of the second person;
	// operator.CorrectResults and operator.ApproveResults when empty. Both are had with
	// a second factor only.
	Asks, Approves operator.Action
	// Reach asks how far the params reach; nil is the campaign as a whole.
	Reach Reach
	// Clash refuses a request while another one waits that would come to the same; nil
	// refuses none. One with the same params never gets here: it is the one that waits.
	Clash func(waiting, asked json.RawMessage) error
	// Run does it. It may be called again with the same approval, after a crash or an
	// outage: it must then find what it has done by the ID, and do the rest. An error
	// that mends itself (fault.Unavailable) is tried again; any other is final.
	Run func(ctx context.Context, a Approval) (json.RawMessage, error)
}

// Nodes makes a Reach of how to find the nodes of the campaign's tree that the params
// are about; "" is the campaign as a whole.
func Nodes(find func(c *campaign.Campaign, params json.RawMessage) ([]string, error)) Reach {
	return func(_ context.Context, by operator.Actor, a operator.Action, c *campaign.Campaign, params json.RawMessage) error {
		if c == nil {
			return campaign.ErrNotFound
		}
		nodes, err := find(c, params)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if !by.Within(a, c, n) {
				return fault.ErrNotFound
			}
		}
		return nil
	}
}

// whole is the Reach of a kind that says nothing: the whole campaign.
func whole(*campaign.Campaign, json.RawMessage) ([]string, error) { return []string{""}, nil }

// Options are what a Service is made of; all are required.
type Options struct {
	DB *sqldb.DB
	// Campaign finds a campaign; campaign.ErrNotFound for an unknown one.
	Campaign func(id string) (*campaign.Campaign, error)
	Now      func() time.Time
	// Failed is told of what kept an approved act from being run, for the log.
	Failed func(a Approval, err error)
}

// Service keeps approvals in SQL. Every server of a deployment has one; they agree
// through the database.
type Service struct {
	o     Options
	kinds map[string]Kind
	wake  chan struct{}
}

// New returns a service that knows no kind yet.
func New(o Options) *Service {
	return &Service{o: o, kinds: map[string]Kind{}, wake: make(chan struct{}, 1)}
}

// Register makes a kind known. Call it before anything else.
func (s *Service) Register(k Kind) {
	if k.Asks == "" {
		k.Asks = operator.CorrectResults
	}
	if k.Approves == "" {
		k.Approves = operator.ApproveResults
	}
	if k.Reach == nil {
		k.Reach = Nodes(whole)
	}
	if _, twice := s.kinds[k.Name]; twice || k.Name == "" || k.Run == nil {
		panic(fmt.Sprintf("approval: kind %q is registered twice, or cannot be run", k.Name))
	}
	s.kinds[k.Name] = k
}

// Errors of approvals.
var (
	ErrNotFound = fault.New(fault.NotFound, "approval.not_found", "没有这项申请")
	// ErrOwn is somebody who would approve what they have asked for.
	ErrOwn = fault.New(fault.Conflict, "approval.own", "不能批准自己提出的申请")
	// ErrDecided is an approval that somebody has decided on otherwise.
	ErrDecided = fault.New(fault.Conflict, "approval.decided", "这项申请已有结论")
	// ErrExpired is one that nobody has decided on in time.
	ErrExpired = fault.New(fault.Conflict, "approval.expired", "这项申请已过期，请重新提出")
)
