package httpapi

import (
	"context"
	stdjson "encoding/json"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/approval"
	"qingyuan/internal/operator"
)

// Approvals are acts that wait for a second person. *approval.Service is one.
type Approvals interface {
	Ask(ctx context.Context, by operator.Actor, kind, campaignID string, params stdjson.RawMessage, reason string) (string, error)
	Approve(ctx context.Context, by operator.Actor, id, reason string) (approval.Approval, error)
	Refuse(ctx context.Context, by operator.Actor, id, reason string) (approval.Approval, error)
	Find(ctx context.Context, by operator.Actor, id string) (approval.Approval, error)
	List(ctx context.Context, by operator.Actor, f approval.Filter, limit int) ([]approval.Approval, error)
}

// approvalRoutes are how a second person decides. Which right that takes depends on
// what was asked, so that the service asks for it.
func (s *Server) approvalRoutes() []route {
	const all, one = officePath + "/approvals", officePath + "/approvals/:approval"
	return []route{
		admin(get(all, staff, s.listApprovals), ""),
		admin(get(one, staff, s.showApproval), ""),
		admin(post(one+"/approve", staff, s.approve), ""),
		admin(post(one+"/refuse", staff, s.refuse), ""),
	}
}

type approvalT struct {
	ID            string         `json:"id"`
	Kind          string         `json:"kind"`
	Campaign      string         `json:"campaign"`
	Params        jsontext.Value `json:"params"`
	Reason        string         `json:"reason"`
	AskedBy       string         `json:"asked_by"`
	AskedLogin    string         `json:"asked_login"`
	AskedAt       string         `json:"asked_at"`
	ExpiresAt     string         `json:"expires_at"`
	State         approval.State `json:"state"`
	DecidedBy     *string        `json:"decided_by"`
	DecidedLogin  *string        `json:"decided_login"`
	DecidedAt     *string        `json:"decided_at"`
	DecidedReason *string        `json:"decided_reason"`
	DoneAt        *string        `json:"done_at"`
	Result        jsontext.Value `json:"result"`
	Failure       *string        `json:"failure"`
}

func approvalOf(a approval.Approval) approvalT {
	return approvalT{
		ID: a.ID, Kind: a.Kind, Campaign: a.Campaign, Params: orNull(a.Params), Reason: a.Reason,
		AskedBy: a.AskedBy, AskedLogin: a.AskedLogin, AskedAt: stamp(a.AskedAt, nil), ExpiresAt: stamp(a.ExpiresAt, nil), State: a.State,
		DecidedBy: textOrNull(a.DecidedBy), DecidedLogin: textOrNull(a.DecidedLogin), DecidedAt: stampOrNull(a.DecidedAt, nil),
		DecidedReason: textOrNull(a.DecidedReason), DoneAt: stampOrNull(a.DoneAt, nil), Result: orNull(a.Result), Failure: textOrNull(a.Failure),
	}
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func orNull(raw []byte) jsontext.Value {
	if len(raw) == 0 {
		return jsontext.Value("null")
	}
	return raw
}

// listApprovals handles GET /api/v1/admin/approvals. The cursor is the last id.
func (s *Server) listApprovals(k *call) error {
	var f approval.Filter
	var err error
	if f.Campaign, err = k.text("campaign"); err != nil {
		return err
	}
	if f.State, err = stateAsked[approval.State](k); err != nil {
		return err
	}
	return sendBehind(k, func(last string, limit int) ([]approval.Approval, error) {
		f.Before = last
		return s.Approvals.List(k.ctx, k.actor, f, limit)
	}, func(a approval.Approval) string { return a.ID }, approvalOf)
}

// showApproval handles GET /api/v1/admin/approvals/{approval}.
func (s *Server) showApproval(k *call) error {
	return k.sendApproval(s.Approvals.Find(k.ctx, k.actor, k.Params("approval")))
}

func (k *call) sendApproval(a approval.Approval, err error) error {
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, approvalOf(a))
}

// approve handles POST /api/v1/admin/approvals/{approval}/approve.
func (s *Server) approve(k *call) error { return k.decide(s.Approvals.Approve, false) }

// refuse handles POST /api/v1/admin/approvals/{approval}/refuse.
func (s *Server) refuse(k *call) error { return k.decide(s.Approvals.Refuse, true) }

func (k *call) decide(as func(context.Context, operator.Actor, string, string) (approval.Approval, error), must bool) error {
	reason, err := k.why(must)
	if err != nil {
		return err
	}
	return k.sendApproval(as(k.ctx, k.actor, k.Params("approval"), reason))
}
