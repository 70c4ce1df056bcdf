package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/operator"
	"qingyuan/internal/transfer"
)

// Transfers are the wishes of participants to belong to another unit. *transfer.Service
// is one.
type Transfers interface {
	Ask(ctx context.Context, campaignID, participant, unit, why string) (kept *transfer.Request, fresh bool, err error)
	Own(ctx context.Context, campaignID, participant string) ([]*transfer.Request, error)
	Withdraw(ctx context.Context, campaignID, participant, id string) error
	List(ctx context.Context, who operator.Actor, campaignID string, state transfer.State, before string, limit int) ([]*transfer.Request, error)
	Find(ctx context.Context, who operator.Actor, campaignID, id string) (*transfer.Request, error)
	Grant(ctx context.Context, who operator.Actor, r *transfer.Request, reason string) error
	Refuse(ctx context.Context, who operator.Actor, r *transfer.Request, reason string) error
}

// transferRoutes are how participants ask for another unit and how its office decides.
func (s *Server) transferRoutes() []route {
	const own, all = "/api/v1/campaigns/:campaign/transfers", officePath + "/campaigns/:campaign/transfers"
	mine := func(r route) route { return admin(r, operator.MoveParticipants) }
	return []route{
		post(own, person, s.askTransfer),
		get(own+"/me", person, s.listOwnTransfers),
		del(own+"/:transfer", person, s.withdrawTransfer),
		mine(get(all, staff, s.listTransfers)),
		mine(get(all+"/:transfer", staff, s.showTransfer)),
		mine(post(all+"/:transfer/grant", staff, s.grantTransfer)),
		mine(post(all+"/:transfer/refuse", staff, s.refuseTransfer)),
	}
}

type transferT struct {
	ID           string  `json:"id"`
	State        string  `json:"state"`
	FromUnit     string  `json:"from_unit"`
	FromUnitName string  `json:"from_unit_name"`
	ToUnit       string  `json:"to_unit"`
	ToUnitName   string  `json:"to_unit_name"`
	Reason       *string `json:"reason"`
	Answer       *string `json:"answer"`
	CreatedAt    string  `json:"created_at"`
	DecidedAt    *string `json:"decided_at"`
}

func transferOf(c *campaign.Campaign, r *transfer.Request, lang string) transferT {
	return transferT{
		ID: r.ID, State: string(r.State), FromUnit: r.From, FromUnitName: nameWithin(c, r.From, lang), ToUnit: r.To,
		ToUnitName: nameWithin(c, r.To, lang), Reason: textOrNull(r.Why), Answer: textOrNull(r.Answer),
		CreatedAt: stamp(r.CreatedAt, c.Zone), DecidedAt: stampOrNull(r.DecidedAt, c.Zone),
	}
}

// askTransfer handles POST /api/v1/campaigns/{campaign}/transfers.
func (s *Server) askTransfer(k *call) error {
	var in struct {
		Unit   string `json:"unit"`
		Reason string `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	kept, fresh, err := s.Transfers.Ask(k.ctx, c.ID, k.participant, in.Unit, in.Reason)
	if err != nil {
		return err
	}
	return k.send(created(fresh), transferOf(c, kept, k.lang()))
}

// listOwnTransfers handles GET /api/v1/campaigns/{campaign}/transfers/me.
func (s *Server) listOwnTransfers(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	all, err := s.Transfers.Own(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	return sendStretch(k, all, func(r *transfer.Request) transferT { return transferOf(c, r, k.lang()) })
}

// withdrawTransfer handles DELETE /api/v1/campaigns/{campaign}/transfers/{transfer}.
func (s *Server) withdrawTransfer(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if err := s.Transfers.Withdraw(k.ctx, c.ID, k.participant, k.Params("transfer")); err != nil {
		return err
	}
	return k.SendStatus(fiber.StatusNoContent)
}

// officeTransferT is a line of the list: who and where, and nothing of what was written.
type officeTransferT struct {
	ID           string  `json:"id"`
	Participant  string  `json:"participant"`
	State        string  `json:"state"`
	FromUnit     string  `json:"from_unit"`
	FromUnitName string  `json:"from_unit_name"`
	ToUnit       string  `json:"to_unit"`
	ToUnitName   string  `json:"to_unit_name"`
	Login        string  `json:"login"`
	CreatedAt    string  `json:"created_at"`
	DecidedAt    *string `json:"decided_at"`
}

// openTransferT is a request as whoever decides on it reads it. The name is the one that
// participants are shown by.
type openTransferT struct {
	officeTransferT

	Name   string  `json:"name"`
	Reason *string `json:"reason"`
	Answer *string `json:"answer"`
}

func officeTransferOf(c *campaign.Campaign, r *transfer.Request, lang string) officeTransferT {
	return officeTransferT{
		ID: r.ID, Participant: r.Participant, State: string(r.State), FromUnit: r.From, FromUnitName: nameWithin(c, r.From, lang),
		ToUnit: r.To, ToUnitName: nameWithin(c, r.To, lang), Login: r.Login,
		CreatedAt: stamp(r.CreatedAt, c.Zone), DecidedAt: stampOrNull(r.DecidedAt, c.Zone),
	}
}

// listTransfers handles GET /api/v1/admin/campaigns/{campaign}/transfers. The cursor is
// the last id.
func (s *Server) listTransfers(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	of, err := stateAsked[transfer.State](k)
	if err != nil {
		return err
	}
	return sendBehind(k, func(last string, limit int) ([]*transfer.Request, error) {
		return s.Transfers.List(k.ctx, k.actor, c.ID, of, last, limit)
	}, func(r *transfer.Request) string { return r.ID }, func(r *transfer.Request) officeTransferT { return officeTransferOf(c, r, k.lang()) })
}

// transferNamed finds the request that the path names, and its campaign.
func (s *Server) transferNamed(k *call) (*campaign.Campaign, *transfer.Request, error) {
	return found(s, k, "transfer", s.Transfers.Find)
}

// showTransfer handles GET …/transfers/{transfer}. That it was read is remembered first.
func (s *Server) showTransfer(k *call) error {
	c, r, err := s.transferNamed(k)
	if err != nil {
		return err
	}
	e, err := s.Enrolments.Enrolment(k.ctx, c.ID, r.Participant)
	if err != nil {
		return err
	}
	if err := s.Journal.Read(k.ctx, s.record(k, operator.MoveParticipants, c.ID, "transfer:"+r.ID), 1, r.Group); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, openTransferT{officeTransferOf(c, r, k.lang()), e.DisplayName, textOrNull(r.Why), textOrNull(r.Answer)})
}

// grantTransfer handles POST …/transfers/{transfer}/grant.
func (s *Server) grantTransfer(k *call) error {
	return s.decideTransfer(k, func(r *transfer.Request, reason string) error { return s.Transfers.Grant(k.ctx, k.actor, r, reason) })
}

// refuseTransfer handles POST …/transfers/{transfer}/refuse.
func (s *Server) refuseTransfer(k *call) error {
	return s.decideTransfer(k, func(r *transfer.Request, reason string) error { return s.Transfers.Refuse(k.ctx, k.actor, r, reason) })
}

// decideTransfer decides on a request and answers with its line.
func (s *Server) decideTransfer(k *call, decide func(*transfer.Request, string) error) error {
	reason, err := k.reason()
	if err != nil {
		return err
	}
	c, r, err := s.transferNamed(k)
	if err != nil {
		return err
	}
	if err := decide(r, reason); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, officeTransferOf(c, r, k.lang()))
}
