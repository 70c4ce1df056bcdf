package httpapi

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/inbox"
	"qingyuan/internal/operator"
)

// Inbox is what participants write to the office. *inbox.Service is one.
type Inbox interface {
	Receive(ctx context.Context, m inbox.Message) (kept *inbox.Message, fresh bool, err error)
	Own(ctx context.Context, campaignID, participant string) ([]*inbox.Message, error)
	List(ctx context.Context, who operator.Actor, campaignID string, state inbox.State, before string, limit int) ([]*inbox.Message, error)
	Find(ctx context.Context, who operator.Actor, campaignID, id string) (*inbox.Message, error)
	Review(ctx context.Context, who operator.Actor, m *inbox.Message) error
	Answer(ctx context.Context, who operator.Actor, m *inbox.Message, answer string) error
	Close(ctx context.Context, who operator.Actor, m *inbox.Message, why string) error
}

// feedbackRoutes are how participants write and how an office answers.
func (s *Server) feedbackRoutes() []route {
	const own, all = "/api/v1/campaigns/:campaign/feedback", officePath + "/campaigns/:campaign/feedback"
	mine := func(r route) route { return admin(r, operator.HandleFeedback) }
	return []route{
		post(own, person, s.giveFeedback),
		get(own, person, s.listOwnFeedback),
		mine(get(all, staff, s.listFeedback)),
		mine(get(all+"/:feedback", staff, s.showFeedback)),
		mine(post(all+"/:feedback/review", staff, s.reviewFeedback)),
		mine(post(all+"/:feedback/answer", staff, s.answerFeedback)),
		mine(post(all+"/:feedback/close", staff, s.closeFeedback)),
	}
}

type feedbackT struct {
	ID        string  `json:"id"`
	Kind      string  `json:"kind"`
	State     string  `json:"state"`
	Text      *string `json:"text"`
	Answer    *string `json:"answer"`
	CreatedAt string  `json:"created_at"`
	DecidedAt *string `json:"decided_at"`
}

func feedbackOf(c *campaign.Campaign, m *inbox.Message) feedbackT {
	return feedbackT{
		ID: m.ID, Kind: string(m.Kind), State: string(m.State), Text: textOrNull(m.Text), Answer: textOrNull(m.Answer),
		CreatedAt: stamp(m.CreatedAt, c.Zone), DecidedAt: stampOrNull(m.DecidedAt, c.Zone),
	}
}

// giveFeedback handles POST /api/v1/campaigns/{campaign}/feedback. Who has not enrolled
// may write as well: it may be just that they cannot.
func (s *Server) giveFeedback(k *call) error {
	var in struct {
		Kind    string `json:"kind"`
		Text    string `json:"text"`
		Contact string `json:"contact"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	m := inbox.Message{Campaign: c.ID, Participant: k.participant, Kind: inbox.Kind(in.Kind), Text: in.Text, Contact: in.Contact}
	e, err := s.Enrolments.Enrolment(k.ctx, c.ID, k.participant)
	if err != nil && !errors.Is(err, campaign.ErrNotEnrolled) {
		return err
	}
	m.Unit, m.Group = e.Unit, e.Group
	kept, fresh, err := s.Inbox.Receive(k.ctx, m)
	if err != nil {
		return err
	}
	return k.send(created(fresh), feedbackOf(c, kept))
}

// listOwnFeedback handles GET /api/v1/campaigns/{campaign}/feedback.
func (s *Server) listOwnFeedback(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	all, err := s.Inbox.Own(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	return sendStretch(k, all, func(m *inbox.Message) feedbackT { return feedbackOf(c, m) })
}

// officeFeedbackT is a line of the inbox: who and where, and nothing of what was written.
type officeFeedbackT struct {
	ID          string  `json:"id"`
	Participant string  `json:"participant"`
	Unit        string  `json:"unit"`
	UnitName    string  `json:"unit_name"`
	Kind        string  `json:"kind"`
	State       string  `json:"state"`
	Login       string  `json:"login"`
	CreatedAt   string  `json:"created_at"`
	DecidedAt   *string `json:"decided_at"`
}

// openFeedbackT is a message as whoever handles it reads it.
type openFeedbackT struct {
	officeFeedbackT

	Text    *string `json:"text"`
	Contact *string `json:"contact"`
	Answer  *string `json:"answer"`
}

func officeFeedbackOf(c *campaign.Campaign, m *inbox.Message, lang string) officeFeedbackT {
	return officeFeedbackT{
		ID: m.ID, Participant: m.Participant, Unit: m.Unit, UnitName: nameWithin(c, m.Unit, lang), Kind: string(m.Kind), State: string(m.State),
		Login: m.Login, CreatedAt: stamp(m.CreatedAt, c.Zone), DecidedAt: stampOrNull(m.DecidedAt, c.Zone),
	}
}

// listFeedback handles GET /api/v1/admin/campaigns/{campaign}/feedback. The cursor is the
// last id.
func (s *Server) listFeedback(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	of, err := stateAsked[inbox.State](k)
	if err != nil {
		return err
	}
	return sendBehind(k, func(last string, limit int) ([]*inbox.Message, error) {
		return s.Inbox.List(k.ctx, k.actor, c.ID, of, last, limit)
	}, func(m *inbox.Message) string { return m.ID }, func(m *inbox.Message) officeFeedbackT { return officeFeedbackOf(c, m, k.lang()) })
}

// feedbackNamed finds the message that the path names, and its campaign.
func (s *Server) feedbackNamed(k *call) (*campaign.Campaign, *inbox.Message, error) {
	return found(s, k, "feedback", s.Inbox.Find)
}

// showFeedback handles GET …/feedback/{feedback}. That it was read is remembered first.
func (s *Server) showFeedback(k *call) error {
	c, m, err := s.feedbackNamed(k)
	if err != nil {
		return err
	}
	var groups []string
	if m.Group != "" {
		groups = append(groups, m.Group)
	}
	if err := s.Journal.Read(k.ctx, s.record(k, operator.HandleFeedback, c.ID, "feedback:"+m.ID), 1, groups...); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, openFeedbackT{
		officeFeedbackOf(c, m, k.lang()), textOrNull(m.Text), textOrNull(m.Contact), textOrNull(m.Answer),
	})
}

// reviewFeedback handles POST …/feedback/{feedback}/review.
func (s *Server) reviewFeedback(k *call) error {
	return s.lead(k, func(m *inbox.Message) error { return s.Inbox.Review(k.ctx, k.actor, m) })
}

// answerFeedback handles POST …/feedback/{feedback}/answer.
func (s *Server) answerFeedback(k *call) error {
	answer, err := k.answer()
	if err != nil {
		return err
	}
	return s.lead(k, func(m *inbox.Message) error { return s.Inbox.Answer(k.ctx, k.actor, m, answer) })
}

// closeFeedback handles POST …/feedback/{feedback}/close.
func (s *Server) closeFeedback(k *call) error {
	why, err := k.answer()
	if err != nil {
		return err
	}
	return s.lead(k, func(m *inbox.Message) error { return s.Inbox.Close(k.ctx, k.actor, m, why) })
}

// lead does something to a message and answers with its line.
func (s *Server) lead(k *call, do func(*inbox.Message) error) error {
	c, m, err := s.feedbackNamed(k)
	if err != nil {
		return err
	}
	if err := do(m); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, officeFeedbackOf(c, m, k.lang()))
}
