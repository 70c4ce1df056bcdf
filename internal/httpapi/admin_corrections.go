package httpapi

import (
	"bufio"
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
)

// Corrections takes acts out of the figures in batches and puts them back.
// *correction.Service is one.
type Corrections interface {
	Create(ctx context.Context, who operator.Actor, d correction.Draft) (*correction.Batch, error)
	Find(ctx context.Context, who operator.Actor, campaignID, id string) (*correction.Batch, error)
	List(ctx context.Context, who operator.Actor, campaignID string, offset, limit int64) ([]*correction.Batch, error)
	Items(ctx context.Context, b *correction.Batch, after, limit int64) ([]correction.Item, error)
	Sample(ctx context.Context, b *correction.Batch) ([]correction.Item, error)
	// Masked returns the masked names of participants. Unknown ids are left out.
	Masked(ctx context.Context, campaignID string, items []correction.Item) (map[string]string, error)
	AskRun(ctx context.Context, who operator.Actor, b *correction.Batch) (string, error)
	AskUndo(ctx context.Context, who operator.Actor, b *correction.Batch, why string) (string, error)
	GoOn(ctx context.Context, who operator.Actor, b *correction.Batch) error
	Cancel(ctx context.Context, who operator.Actor, b *correction.Batch) error
}

// correctionRoutes are how an office takes out what should never have counted.
func (s *Server) correctionRoutes() []route {
	const all = officePath + "/campaigns/:campaign/corrections"
	const one = all + "/:correction"
	mine := func(r route) route { return admin(r, operator.CorrectResults) }
	return []route{
		mine(get(all, staff, s.listCorrections)),
		upload(mine(post(all, staff, s.createCorrection))),
		mine(get(one, staff, s.showCorrection)),
		mine(get(one+"/items", staff, s.listCorrected)),
		slow(mine(get(one+"/items.csv", staff, s.exportCorrected))),
		mine(post(one+"/run", staff, s.askCorrection)),
		mine(post(one+"/undo", staff, s.askUndo)),
		mine(post(one+"/continue", staff, s.continueCorrection)),
		mine(post(one+"/cancel", staff, s.cancelCorrection)),
	}
}

type shareT struct {
	Unit  string `json:"unit"`
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

type dayT struct {
	Day   string `json:"day"`
	Count int64  `json:"count"`
}

type summaryT struct {
	Attempts     int64        `json:"attempts"`
	Signatures   int64        `json:"signatures"`
	Participants int64        `json:"participants"`
	Units        []shareT     `json:"units"`
	OfUnits      int          `json:"of_units"`
	Days         []dayT       `json:"days"`
	Sample       []correctedT `json:"sample,omitempty"`
}

type correctionT struct {
	ID         string                `json:"id"`
	State      correction.State      `json:"state"`
	Node       string                `json:"node"`
	Reason     string                `json:"reason"`
	Conditions correction.Conditions `json:"conditions"`
	Listed     int                   `json:"listed"`
	Login      string                `json:"login"`
	CreatedAt  string                `json:"created_at"`
	RanAt      *string               `json:"ran_at"`
	UndoneAt   *string               `json:"undone_at"`
	Items      int64                 `json:"items"`
	Hash       string                `json:"hash"`
	Summary    *summaryT             `json:"summary"`
	Done       int64                 `json:"done"`
	Counts     correction.Counts     `json:"counts"`
	Code       string                `json:"code,omitempty"`
	Error      string                `json:"error,omitempty"`
	Challenge  string                `json:"challenge,omitempty"`
}

func correctionOf(c *campaign.Campaign, b *correction.Batch, lang string) correctionT {
	out := correctionT{
		ID: b.ID, State: b.State, Node: b.Node, Reason: b.Reason, Conditions: b.Conditions,
		Listed: len(b.Conditions.Participants) + len(b.Conditions.Acts), Login: b.Login,
		CreatedAt: stamp(b.CreatedAt, c.Zone), RanAt: stampOrNull(b.RanAt, c.Zone), UndoneAt: stampOrNull(b.ReturnsAt, c.Zone),
		Items: b.Items, Hash: b.Hash, Done: b.Progress(), Counts: b.Counts, Code: b.Code, Error: b.Text, Challenge: b.Challenge,
	}
	out.Conditions.Participants, out.Conditions.Acts = nil, nil // they may be many thousands
	if b.Items > 0 {
		out.Summary = summaryOf(c, &b.Summary, lang)
	}
	if out.Counts == nil {
		out.Counts = correction.Counts{} //nolint:exhaustive // There are none yet.
	}
	return out
}

func summaryOf(c *campaign.Campaign, s *correction.Summary, lang string) *summaryT {
	out := &summaryT{
		Attempts: s.Attempts, Signatures: s.Signatures, Participants: s.Participants, OfUnits: s.OfUnits, Units: []shareT{}, Days: []dayT{},
	}
	for _, u := range s.Units {
		out.Units = append(out.Units, shareT{u.Key, nameWithin(c, u.Key, lang), u.Count})
	}
	for _, d := range s.Days {
		out.Days = append(out.Days, dayT{d.Key, d.Count})
	}
	return out
}

type correctedT struct {
	N           int64              `json:"n"`
	Participant string             `json:"participant"`
	Name        string             `json:"name"` // masked
	Kind        string             `json:"kind"`
	Number      int                `json:"number"`
	Unit        string             `json:"unit"`
	UnitName    string             `json:"unit_name"`
	At          string             `json:"at"`
	Score       int                `json:"score"`
	UsedMS      int64              `json:"used_ms"`
	Outcome     correction.Outcome `json:"outcome"`
}

// corrected writes acts of a batch, with the masked names of now: none is stored
// with the list.
func (s *Server) corrected(k *call, c *campaign.Campaign, items []correction.Item) ([]correctedT, error) {
	names, err := s.Corrections.Masked(k.ctx, c.ID, items)
	if err != nil {
		return nil, err
	}
	out := []correctedT{}
	for i := range items {
		it := &items[i]
		row := correctedT{
			N: it.N, Participant: it.Participant, Name: names[it.Participant], Kind: "attempt", Number: it.Number, Unit: it.Unit,
			UnitName: nameWithin(c, it.Unit, k.lang()), At: stamp(it.At, c.Zone), Score: it.Score, UsedMS: it.Used.Milliseconds(), Outcome: it.Outcome,
		}
		if it.Number == 0 {
			row.Kind = "signature"
		}
		out = append(out, row)
	}
	return out, nil
}

// listCorrections handles GET /api/v1/admin/campaigns/{campaign}/corrections.
func (s *Server) listCorrections(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	return sendPage(k, func(offset, limit int64) ([]*correction.Batch, error) {
		return s.Corrections.List(k.ctx, k.actor, c.ID, offset, limit)
	}, func(b *correction.Batch) correctionT { return correctionOf(c, b, k.lang()) })
}

// createCorrection handles POST /api/v1/admin/campaigns/{campaign}/corrections. It
// only looks: what it would reach is there once the state is ready.
func (s *Server) createCorrection(k *call) error {
	var in struct {
		Conditions correction.Conditions `json:"conditions"`
		Reason     string                `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	b, err := s.Corrections.Create(k.ctx, k.actor, correction.Draft{Campaign: c.ID, Conditions: in.Conditions, Reason: in.Reason})
	if err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, correctionOf(c, b, k.lang()))
}

// correction finds the batch that the path names, and its campaign.
func (s *Server) correction(k *call) (*campaign.Campaign, *correction.Batch, error) {
	return found(s, k, "correction", s.Corrections.Find)
}

// showCorrection handles GET /api/v1/admin/campaigns/{campaign}/corrections/{correction}.
func (s *Server) showCorrection(k *call) error {
	c, b, err := s.correction(k)
	if err != nil {
		return err
	}
	return s.sendCorrection(k, c, b)
}

func (s *Server) sendCorrection(k *call, c *campaign.Campaign, b *correction.Batch) error {
	out := correctionOf(c, b, k.lang())
	if out.Summary != nil {
		items, err := s.Corrections.Sample(k.ctx, b)
		if err != nil {
			return err
		}
		// A batch can be stopped while the store that knows its people is away.
		if out.Summary.Sample, err = s.corrected(k, c, items); err != nil && fault.From(err).Kind != fault.Unavailable {
			return err
		}
	}
	return k.send(fiber.StatusOK, out)
}

// listCorrected handles GET …/corrections/{correction}/items. The cursor is a place on
// the list.
func (s *Server) listCorrected(k *call) error {
	c, b, err := s.correction(k)
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	items, err := s.Corrections.Items(k.ctx, b, p.offset, p.limit+1)
	if err != nil {
		return err
	}
	out := list[correctedT]{}
	if int64(len(items)) > p.limit {
		items = items[:p.limit]
		out.NextCursor = cursor(items[p.limit-1].N)
	}
	if out.Items, err = s.corrected(k, c, items); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, out)
}

// exportPage is how many acts are read at a time for a file.
const exportPage = 1000

// exportCorrected handles GET …/corrections/{correction}/items.csv: the whole list, with
// no names.
func (s *Server) exportCorrected(k *call) error {
	c, b, err := s.correction(k)
	if err != nil {
		return err
	}
	lang, zone, id := k.lang(), c.Zone, b.ID
	return s.stream(k, "text/csv; charset=utf-8", "correction-"+id+".csv", func(ctx context.Context, w *bufio.Writer) error {
		out, err := sheet.New(w, sheet.CSV)
		if err != nil {
			return err
		}
		if err := out.Table("更正名单", sheet.Column{Title: "序号"}, sheet.Column{Title: "参与者编号"}, sheet.Column{Title: "类别"},
			sheet.Column{Title: "答卷序号"}, sheet.Column{Title: "单位编号"}, sheet.Column{Title: "单位"}, sheet.Column{Title: "时间"},
			sheet.Column{Title: "得分"}, sheet.Column{Title: "用时（毫秒）"}, sheet.Column{Title: "结果"}); err != nil {
			return err
		}
		for after := int64(0); ; {
			items, err := s.Corrections.Items(ctx, b, after, exportPage)
			if err != nil {
				return err
			}
			for i := range items {
				it := &items[i]
				after = it.N
				if err := out.Row(it.N, it.Participant, kindName(it.Number), it.Number, it.Unit, unitName(c, it.Unit, lang),
					stamp(it.At, zone), it.Score, it.Used.Milliseconds(), outcomeName(it.Outcome)); err != nil {
					return err
				}
			}
			if len(items) < exportPage {
				return out.Close()
			}
		}
	})
}

func kindName(number int) string {
	if number == 0 {
		return "签署"
	}
	return "答卷"
}

func outcomeName(o correction.Outcome) string {
	switch o {
	case correction.Out:
		return "已作废"
	case correction.Already:
		return "此前已不计"
	case correction.Gone:
		return "已不存在"
	case correction.Back:
		return "已恢复"
	case correction.Kept:
		return "由其他更正保持作废"
	case correction.Pending:
	}
	return "未处理"
}

type askedT struct {
	Approval string `json:"approval"`
}

// askCorrection handles POST …/corrections/{correction}/run: a second person is asked.
func (s *Server) askCorrection(k *call) error {
	_, b, err := s.correction(k)
	if err != nil {
		return err
	}
	id, err := s.Corrections.AskRun(k.ctx, k.actor, b)
	return k.sendAsked(id, err)
}

func (k *call) sendAsked(id string, err error) error {
	if err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, askedT{id})
}

// askUndo handles POST …/corrections/{correction}/undo: a second person is asked.
func (s *Server) askUndo(k *call) error {
	reason, err := k.reason()
	if err != nil {
		return err
	}
	_, b, err := s.correction(k)
	if err != nil {
		return err
	}
	id, err := s.Corrections.AskUndo(k.ctx, k.actor, b, reason)
	return k.sendAsked(id, err)
}

// continueCorrection handles POST …/corrections/{correction}/continue.
func (s *Server) continueCorrection(k *call) error { return s.changeCorrection(k, s.Corrections.GoOn) }

// cancelCorrection handles POST …/corrections/{correction}/cancel.
func (s *Server) cancelCorrection(k *call) error { return s.changeCorrection(k, s.Corrections.Cancel) }

// changeCorrection does something to a batch and answers with what it is then.
func (s *Server) changeCorrection(k *call, change func(context.Context, operator.Actor, *correction.Batch) error) error {
	c, b, err := s.correction(k)
	if err != nil {
		return err
	}
	if err := change(k.ctx, k.actor, b); err != nil {
		return err
	}
	if b, err = s.Corrections.Find(k.ctx, k.actor, c.ID, b.ID); err != nil {
		return err
	}
	return s.sendCorrection(k, c, b)
}
