package httpapi

import (
	"context"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/pledge"
	"qingyuan/prize"
	"qingyuan/quiz"
)

// Appeals are what participants say against corrections. *correction.Service keeps
// them.
type Appeals interface {
	// Told returns what the participants of a batch are told.
	Told(ctx context.Context, batch string) (string, error)
	Appeal(ctx context.Context, a correction.Appeal) (kept *correction.Appeal, fresh bool, err error)
	OwnAppeals(ctx context.Context, campaignID, participant string) ([]*correction.Appeal, error)
	Appeals(ctx context.Context, who operator.Actor, campaignID string, state correction.AppealState, before string, limit int) ([]*correction.Appeal, error)
	FindAppeal(ctx context.Context, who operator.Actor, campaignID, id string) (*correction.Appeal, error)
	Review(ctx context.Context, who operator.Actor, a *correction.Appeal) error
	Refuse(ctx context.Context, who operator.Actor, a *correction.Appeal, answer string) error
	AskUphold(ctx context.Context, who operator.Actor, a *correction.Appeal, answer string) (string, error)
}

// appealRoutes are how participants speak up and how an office answers.
func (s *Server) appealRoutes() []route {
	const own, all = "/api/v1/campaigns/:campaign/appeals", officePath + "/campaigns/:campaign/appeals"
	mine := func(r route) route { return admin(r, operator.CorrectResults) }
	return []route{
		post(own, person, s.appeal),
		get(own, person, s.listOwnAppeals),
		mine(get(all, staff, s.listAppeals)),
		mine(get(all+"/:appeal", staff, s.showAppeal)),
		mine(post(all+"/:appeal/review", staff, s.reviewAppeal)),
		mine(post(all+"/:appeal/refuse", staff, s.refuseAppeal)),
		mine(post(all+"/:appeal/uphold", staff, s.upholdAppeal)),
	}
}

type invalidatedT struct {
	Reason string `json:"reason"`
}

// noReason is told where an act was taken out by itself, or the database is away.
const noReason = "经核实，本记录不予计入"

// invalidatedOf says why an act counts nowhere; nil where it does. Whoever only looks
// does not wait for the database to come back.
func (s *Server) invalidatedOf(ctx context.Context, invalid bool, batch string) *invalidatedT {
	if !invalid {
		return nil
	}
	out := &invalidatedT{noReason}
	if batch == "" || s.Appeals == nil {
		return out
	}
	if told, err := s.Appeals.Told(ctx, batch); err == nil {
		out.Reason = told
	}
	return out
}

type appealT struct {
	ID        string  `json:"id"`
	Object    string  `json:"object"`
	State     string  `json:"state"`
	Text      *string `json:"text"`
	Answer    *string `json:"answer"`
	CreatedAt string  `json:"created_at"`
	DecidedAt *string `json:"decided_at"`
}

// signatureObject is what a signature is called where an act is named, and prizeObject
// begins what a prize is called.
const (
	signatureObject = "signature"
	prizeObject     = "prize:"
)

// ownAppealOf writes an appeal for its participant. The answer is theirs once there is
// a decision.
func ownAppealOf(c *campaign.Campaign, a *correction.Appeal, object string) appealT {
	out := appealT{
		ID: a.ID, Object: object, State: string(a.State), Text: textOrNull(a.Text),
		CreatedAt: stamp(a.CreatedAt, c.Zone), DecidedAt: stampOrNull(a.DecidedAt, c.Zone),
	}
	if !a.DecidedAt.IsZero() {
		out.Answer = textOrNull(a.Answer)
	}
	return out
}

// appeal handles POST /api/v1/campaigns/{campaign}/appeals. A repeat gives the first
// appeal back.
func (s *Server) appeal(k *call) error {
	var in struct {
		Object string `json:"object"`
		Text   string `json:"text"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	a := correction.Appeal{Campaign: c.ID, Text: in.Text}
	a.Participant = k.participant
	if err := s.appealed(k, c, in.Object, &a); err != nil {
		return err
	}
	kept, fresh, err := s.Appeals.Appeal(k.ctx, a)
	if err != nil {
		return err
	}
	return k.send(created(fresh), ownAppealOf(c, kept, in.Object))
}

// appealed finds the act that somebody speaks up for, which must be their own and out.
func (s *Server) appealed(k *call, c *campaign.Campaign, object string, a *correction.Appeal) error {
	e, err := s.Enrolments.Enrolment(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	a.Unit = e.Unit
	if object == signatureObject {
		sig, err := s.Pledges.Signature(k.ctx, c.ID, k.participant)
		if err != nil {
			return err
		}
		if sig.State != pledge.Invalidated {
			return correction.ErrCounts
		}
		a.Batch = sig.Batch
		return nil
	}
	if win, ok := strings.CutPrefix(object, prizeObject); ok && s.PrizeDesk != nil {
		return s.disputed(k, c, win, a)
	}
	id, ok := strings.CutPrefix(object, "attempt:")
	if !ok {
		return fault.InvalidField("object", "应为 signature、attempt: 加答卷编号，或 prize: 加中奖编号")
	}
	r, err := s.Quizzes.Attempt(k.ctx, c.ID, k.participant, id)
	if err != nil {
		return err
	}
	if r.Attempt.State != quiz.StateInvalidated {
		return correction.ErrCounts
	}
	a.Number, a.Batch = r.Attempt.Number, r.Attempt.Batch
	return nil
}

// disputed finds the win that somebody speaks up for, which must be their own and not given.
func (s *Server) disputed(k *call, c *campaign.Campaign, win string, a *correction.Appeal) error {
	id, err := prize.ParseWinID(win)
	if err != nil {
		return err
	}
	w, err := s.PrizeDesk.Disputed(k.ctx, c.ID, k.participant, id)
	if err != nil {
		return err
	}
	a.Unit, a.Batch = w.Unit, correction.PrizeDispute(win, w.Since)
	return nil
}

// listOwnAppeals handles GET /api/v1/campaigns/{campaign}/appeals.
func (s *Server) listOwnAppeals(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	all, err := s.Appeals.OwnAppeals(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	names, err := s.attemptNames(k, c, all)
	if err != nil {
		return err
	}
	out := make([]appealT, len(all))
	for i, a := range all {
		object := names[a.Number]
		if win := a.Win(); win != "" {
			object = prizeObject + win
		}
		out[i] = ownAppealOf(c, a, object)
	}
	return k.send(fiber.StatusOK, stretch(out, p))
}

// attemptNames are what the acts of appeals are called by their participant.
func (s *Server) attemptNames(k *call, c *campaign.Campaign, all []*correction.Appeal) (map[int]string, error) {
	names := map[int]string{0: signatureObject}
	for _, a := range all {
		if names[a.Number] != "" {
			continue
		}
		views, _, err := s.Quizzes.Attempts(k.ctx, c.ID, k.participant, a.Number, 1)
		if err != nil && !errors.Is(err, campaign.ErrRequired) {
			return nil, err
		}
		if len(views) == 1 && views[0].Attempt.Number == a.Number {
			names[a.Number] = "attempt:" + views[0].ID
		}
	}
	return names, nil
}

type officeAppealT struct {
	ID          string `json:"id"`
	Participant string `json:"participant"`
	Kind        string `json:"kind"`
	Number      int    `json:"number"`
	Unit        string `json:"unit"`
	UnitName    string `json:"unit_name"`
	Correction  string `json:"correction"`
	// Win is the prize that it is about.
	Win       *string `json:"win"`
	State     string  `json:"state"`
	Text      *string `json:"text"`
	Answer    *string `json:"answer"`
	Login     string  `json:"login"`
	CreatedAt string  `json:"created_at"`
	DecidedAt *string `json:"decided_at"`
}

func officeAppealOf(c *campaign.Campaign, a *correction.Appeal, lang string) officeAppealT {
	out := officeAppealT{
		ID: a.ID, Participant: a.Participant, Kind: "attempt", Number: a.Number, Unit: a.Unit, UnitName: nameWithin(c, a.Unit, lang),
		Correction: a.Batch, State: string(a.State), Text: textOrNull(a.Text), Answer: textOrNull(a.Answer), Login: a.Login,
		CreatedAt: stamp(a.CreatedAt, c.Zone), DecidedAt: stampOrNull(a.DecidedAt, c.Zone),
	}
	if a.Number == 0 {
		out.Kind = signatureObject
	}
	if win := a.Win(); win != "" {
		out.Kind, out.Win, out.Correction = "prize", &win, ""
	}
	return out
}

// listAppeals handles GET /api/v1/admin/campaigns/{campaign}/appeals. The cursor is the
// last id.
func (s *Server) listAppeals(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	of, err := stateAsked[correction.AppealState](k)
	if err != nil {
		return err
	}
	return sendBehind(k, func(last string, limit int) ([]*correction.Appeal, error) {
		return s.Appeals.Appeals(k.ctx, k.actor, c.ID, of, last, limit)
	}, func(a *correction.Appeal) string { return a.ID }, func(a *correction.Appeal) officeAppealT { return officeAppealOf(c, a, k.lang()) })
}

// appealOf finds the appeal that the path names, and its campaign.
func (s *Server) appealOf(k *call) (*campaign.Campaign, *correction.Appeal, error) {
	return found(s, k, "appeal", s.Appeals.FindAppeal)
}

// showAppeal handles GET /api/v1/admin/campaigns/{campaign}/appeals/{appeal}.
func (s *Server) showAppeal(k *call) error {
	c, a, err := s.appealOf(k)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, officeAppealOf(c, a, k.lang()))
}

// reviewAppeal handles POST …/appeals/{appeal}/review.
func (s *Server) reviewAppeal(k *call) error {
	c, a, err := s.appealOf(k)
	if err != nil {
		return err
	}
	if err := s.Appeals.Review(k.ctx, k.actor, a); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, officeAppealOf(c, a, k.lang()))
}

// refuseAppeal handles POST …/appeals/{appeal}/refuse.
func (s *Server) refuseAppeal(k *call) error {
	answer, err := k.answer()
	if err != nil {
		return err
	}
	c, a, err := s.appealOf(k)
	if err != nil {
		return err
	}
	if err := s.Appeals.Refuse(k.ctx, k.actor, a, answer); err != nil {
		return err
	}
	if a, err = s.Appeals.FindAppeal(k.ctx, k.actor, c.ID, a.ID); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, officeAppealOf(c, a, k.lang()))
}

// answer reads what an appeal is answered.
func (k *call) answer() (string, error) {
	var in struct {
		Answer string `json:"answer"`
	}
	err := k.decode(&in)
	return in.Answer, err
}

// upholdAppeal handles POST …/appeals/{appeal}/uphold: a second person is asked.
func (s *Server) upholdAppeal(k *call) error {
	answer, err := k.answer()
	if err != nil {
		return err
	}
	_, a, err := s.appealOf(k)
	if err != nil {
		return err
	}
	id, err := s.Appeals.AskUphold(k.ctx, k.actor, a, answer)
	return k.sendAsked(id, err)
}
