package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/offline"
	"qingyuan/internal/operator"
)

// Offline counts the pledges that were signed on paper. *offline.Service is one.
type Offline interface {
	Record(ctx context.Context, who operator.Actor, b offline.Batch) (kept offline.Batch, fresh bool, err error)
	Withdraw(ctx context.Context, who operator.Actor, campaignID, unit, id, reason string) (offline.Batch, error)
	Batches(ctx context.Context, campaignID, unit, before string, limit int) ([]offline.Batch, error)
	Below(ctx context.Context, campaignID, parent string) (offline.Table, error)
}

// offlineRoutes enter paper and show what was signed on it, apart from everything else.
func (s *Server) offlineRoutes() []route {
	const all, unit = officePath + "/campaigns/:campaign/paper", officePath + "/campaigns/:campaign/units/:unit/paper"
	return []route{
		admin(get(all, staff, s.showPaper), operator.ReadFigures),
		admin(get(unit, staff, s.listPaper), operator.RecordPaper),
		admin(post(unit, staff, s.recordPaper), operator.RecordPaper),
		admin(post(unit+"/:batch/withdraw", staff, s.withdrawPaper), operator.RecordPaper),
	}
}

type paperRowT struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	Kind            string `json:"kind"`
	PaperSignatures int64  `json:"paper_signatures"`
}

type paperTableT struct {
	Parent          *string     `json:"parent"`
	PaperSignatures int64       `json:"paper_signatures"`
	Items           []paperRowT `json:"items"`
}

// showPaper handles GET /api/v1/admin/campaigns/{campaign}/paper.
func (s *Server) showPaper(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	parent, err := k.text("parent")
	if err != nil {
		return err
	}
	if err := k.within(operator.ReadFigures, c, parent); err != nil {
		return err
	}
	t, err := s.Offline.Below(k.ctx, c.ID, parent)
	if err != nil {
		return err
	}
	out := paperTableT{Parent: textOrNull(t.Parent), PaperSignatures: t.Persons, Items: []paperRowT{}}
	for _, r := range t.Rows {
		out.Items = append(out.Items, paperRowOf(c, r, k.lang()))
	}
	return k.send(fiber.StatusOK, out)
}

func paperRowOf(c *campaign.Campaign, r offline.Row, lang string) paperRowT {
	out := paperRowT{ID: r.Node, Name: unitName(c, r.Node, lang), Kind: "unit", PaperSignatures: r.Persons}
	if n, ok := c.Tree.Node(r.Node); ok && n.Kind == campaign.Region {
		out.Kind = "region"
	}
	return out
}

type paperBatchT struct {
	ID          string  `json:"id"`
	Unit        string  `json:"unit"`
	Persons     int64   `json:"persons"`
	Date        string  `json:"date"`
	Proof       string  `json:"proof"`
	Hash        string  `json:"hash"`
	Login       string  `json:"login"`
	CreatedAt   string  `json:"created_at"`
	WithdrawnAt *string `json:"withdrawn_at"`
	WithdrawnBy string  `json:"withdrawn_by"`
	Reason      string  `json:"reason"`
}

func paperBatchOf(c *campaign.Campaign, b offline.Batch) paperBatchT {
	return paperBatchT{
		ID: b.ID, Unit: b.Unit, Persons: b.Persons, Date: b.Held, Proof: b.Proof, Hash: b.Hash, Login: b.Login,
		CreatedAt: stamp(b.CreatedAt, c.Zone), WithdrawnAt: stampOrNull(b.WithdrawnAt, c.Zone), WithdrawnBy: b.WithdrawnBy, Reason: b.Reason,
	}
}

// paperUnit finds the unit that the path names, within the operator's part.
func (s *Server) paperUnit(k *call) (*campaign.Campaign, string, error) {
	c, err := s.campaign(k)
	if err != nil {
		return nil, "", err
	}
	unit := k.Params("unit")
	return c, unit, k.within(operator.RecordPaper, c, unit)
}

// listPaper handles GET …/units/{unit}/paper. The cursor is the last id.
func (s *Server) listPaper(k *call) error {
	c, unit, err := s.paperUnit(k)
	if err != nil {
		return err
	}
	return sendBehind(k, func(last string, limit int) ([]offline.Batch, error) {
		return s.Offline.Batches(k.ctx, c.ID, unit, last, limit)
	}, func(b offline.Batch) string { return b.ID }, func(b offline.Batch) paperBatchT { return paperBatchOf(c, b) })
}

// recordPaper handles POST …/units/{unit}/paper.
func (s *Server) recordPaper(k *call) error {
	var in struct {
		Persons int64  `json:"persons"`
		Date    string `json:"date"`
		Proof   string `json:"proof"`
		Hash    string `json:"hash"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, unit, err := s.paperUnit(k)
	if err != nil {
		return err
	}
	b, fresh, err := s.Offline.Record(k.ctx, k.actor, offline.Batch{
		Campaign: c.ID, Unit: unit, Persons: in.Persons, Held: in.Date, Proof: in.Proof, Hash: in.Hash,
	})
	if err != nil {
		return err
	}
	return k.send(created(fresh), paperBatchOf(c, b))
}

// withdrawPaper handles POST …/units/{unit}/paper/{batch}/withdraw.
func (s *Server) withdrawPaper(k *call) error {
	reason, err := k.why(true)
	if err != nil {
		return err
	}
	c, unit, err := s.paperUnit(k)
	if err != nil {
		return err
	}
	b, err := s.Offline.Withdraw(k.ctx, k.actor, c.ID, unit, k.Params("batch"), reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, paperBatchOf(c, b))
}
