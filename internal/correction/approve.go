package correction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
)

// Kinds of approval.
const (
	ApproveRun  = "correction.run"
	ApproveUndo = "correction.undo"
)

// Approvals asks a second person. *approval.Service is one.
type Approvals interface {
	Ask(ctx context.Context, by operator.Actor, kind, campaignID string, params json.RawMessage, reason string) (string, error)
}

// asked is what somebody approves: that very list.
type asked struct {
	Batch string `json:"batch"`
	Hash  string `json:"hash"`
	Items int64  `json:"items"`
}

// AskRun asks a second person to let a batch be worked on, and returns the id of the
// approval.
func (s *Service) AskRun(ctx context.Context, who operator.Actor, b *Batch) (string, error) {
	if b.State != Ready {
		return "", ErrState
	}
	return s.ask(ctx, who, b, ApproveRun, b.Reason)
}

// AskUndo asks a second person to let everything count again that a batch has taken
// out. The reason is for the office.
func (s *Service) AskUndo(ctx context.Context, who operator.Actor, b *Batch, why string) (string, error) {
	if b.State != Done && b.State != Stopped {
		return "", ErrState
	}
	why, err := campaign.Prose("reason", why, 1, longestReason)
	if err != nil {
		return "", err
	}
	return s.ask(ctx, who, b, ApproveUndo, why)
}

func (s *Service) ask(ctx context.Context, who operator.Actor, b *Batch, kind, why string) (string, error) {
	params, err := json.Marshal(asked{b.ID, b.Hash, b.Items})
	if err != nil {
		return "", fmt.Errorf("encode the approval of batch %s: %w", b.ID, err)
	}
	return s.Approvals.Ask(ctx, who, kind, b.Campaign, params, why)
}

// Kinds are what second persons approve here. Register them before asking.
func (s *Service) Kinds() []approval.Kind {
	return []approval.Kind{
		{Name: ApproveRun, Reach: s.reaches, Clash: sameList, Run: func(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
			return s.approved(ctx, a, func(b *Batch) string { return b.Approval }, move{what: "run", lead: leadRun, set: ", approval = $5"})
		}},
		{Name: ApproveUndo, Reach: s.reaches, Run: func(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
			return s.approved(ctx, a, func(b *Batch) string { return b.Undoing }, move{what: "undo", lead: leadUndo, set: ", undoing = $5"})
		}},
		{Name: ApproveAppeal, Reach: s.reachesAppeal, Run: s.uphold},
	}
}

// reaches is an approval.Reach: a batch reaches what its node is.
func (s *Service) reaches(ctx context.Context, by operator.Actor, a operator.Action, c *campaign.Campaign, raw json.RawMessage) error {
	var of asked
	if err := json.Unmarshal(raw, &of); err != nil {
		return fault.ErrInvalid.Because(err)
	}
	b, err := batch(ctx, s.DB, of.Batch)
	if errors.Is(err, ErrNotFound) {
		return fault.ErrNotFound
	}
	if err != nil {
		return err
	}
	if c == nil || b.Campaign != c.ID || !by.Within(a, c, b.Node) {
		return fault.ErrNotFound
	}
	return nil
}

// sameList is the approval.Kind's Clash of a batch: another one with the very same list
// waits, and once that is done there would be nothing left to do.
func sameList(waiting, raw json.RawMessage) error {
	var first, second asked
	if err := errors.Join(json.Unmarshal(waiting, &first), json.Unmarshal(raw, &second)); err != nil {
		return fmt.Errorf("compare what is to be corrected: %w", err)
	}
	if first.Hash != second.Hash {
		return nil
	}
	return ErrState.WithFields(fault.Field{Name: "batch", Reason: "更正 " + first.Batch + " 的名单与此相同，正在等待审批或执行"})
}

// approved begins what a second person has approved, unless that was done already.
func (s *Service) approved(ctx context.Context, a approval.Approval, with func(*Batch) string, m move) (json.RawMessage, error) {
	var of asked
	if err := json.Unmarshal(a.Params, &of); err != nil {
		return nil, fmt.Errorf("parameters of approval %s: %w", a.ID, err)
	}
	b, err := batch(ctx, s.DB, of.Batch)
	if err != nil {
		return nil, err
	}
	if b.Hash != of.Hash {
		return nil, ErrChanged
	}
	if with(b) != a.ID {
		m.approval = a.ID
		if b, err = s.change(ctx, operator.Actor{ID: a.AskedBy, Login: a.AskedLogin}, b.ID, m); err != nil {
			return nil, err
		}
	}
	return json.Marshal(map[string]string{"batch": b.ID, "job": b.Job})
}
