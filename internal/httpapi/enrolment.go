package httpapi

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

type enrolmentRequest struct {
	Unit    string `json:"unit"`
	Name    string `json:"name"`
	Phone   string `json:"phone"`
	Group   string `json:"group"`
	Consent *struct {
		NoticeVersion string `json:"notice_version"`
		PublishName   bool   `json:"publish_name"`
	} `json:"consent"`
	Guardian *struct {
		Name    string `json:"name"`
		Consent bool   `json:"consent"`
	} `json:"guardian"`
}

type enrolmentAnswer struct {
	Unit          string   `json:"unit"`
	UnitName      string   `json:"unit_name"`
	Path          []string `json:"path"`
	Group         string   `json:"group"`
	Name          string   `json:"name"`
	PublishName   bool     `json:"publish_name"`
	NoticeVersion string   `json:"notice_version"`
	EnrolledAt    string   `json:"enrolled_at"`
}

func enrolmentOf(c *campaign.Campaign, e campaign.Enrolment, lang string) enrolmentAnswer {
	return enrolmentAnswer{
		Unit: e.Unit, UnitName: unitName(c, e.Unit, lang), Path: c.Tree.Path(e.Unit, lang),
		Group: e.Group, Name: e.DisplayName, PublishName: e.PublishName,
		NoticeVersion: e.NoticeVersion, EnrolledAt: stamp(e.At, c.Zone),
	}
}

// enrol handles PUT /api/v1/campaigns/{campaign}/enrolment. Repeating it is
// safe.
func (s *Server) enrol(k *call) error {
	var in enrolmentRequest
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, err := in.request()
	if err != nil {
		return err
	}
	e, err := s.Enrolments.Enrol(k.ctx, c.ID, k.participant, r)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, enrolmentOf(c, e, k.lang()))
}

// request turns the wire into what the domain asks for. A guardian who does not
// consent is none.
func (in *enrolmentRequest) request() (campaign.Request, error) {
	if in.Group == "" {
		return campaign.Request{}, fault.InvalidField("group", "请选择参与群体")
	}
	if in.Consent == nil {
		return campaign.Request{}, campaign.ErrConsentRequired
	}
	r := campaign.Request{
		Unit: in.Unit, Group: in.Group, Name: in.Name, Phone: in.Phone,
		NoticeVersion: in.Consent.NoticeVersion, PublishName: in.Consent.PublishName,
	}
	if in.Guardian != nil {
		if !in.Guardian.Consent {
			return campaign.Request{}, campaign.ErrGuardianRequired
		}
		r.Guardian = in.Guardian.Name
	}
	return r, nil
}

type homeAnswer struct {
	Enrolment     *enrolmentAnswer `json:"enrolment"`
	Signature     *signatureAnswer `json:"signature"`
	OpenAttempt   *openAttempt     `json:"open_attempt"`
	AttemptsLeft  leftAnswer       `json:"attempts_left"`
	NextAttemptAt *string          `json:"next_attempt_at"`
	Best          *bestAnswer      `json:"best"`
	Rank          *int64           `json:"rank"`
	ServerTime    string           `json:"server_time"`
	Banner        *bannerAnswer    `json:"banner,omitempty"`
}

type openAttempt struct {
	Attempt  string `json:"attempt"`
	Deadline string `json:"deadline"`
	Stand    bool   `json:"clocks_stand,omitzero"`
}

type leftAnswer struct {
	Today *int `json:"today"`
	All   *int `json:"all"`
}

// showMe handles GET /api/v1/campaigns/{campaign}/me: all that a home page needs,
// because on a bad network one answer is better than four. Its parts are of one
// moment, and come in one reading.
func (s *Server) showMe(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	h, err := s.homeOf(k.ctx, c, k.participant, k.lang())
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, h)
}

func (s *Server) homeOf(ctx context.Context, c *campaign.Campaign, participant, lang string) (homeAnswer, error) {
	now := s.Now()
	h := homeAnswer{ServerTime: stamp(now, c.Zone), Banner: bannerOf(c, lang, now)}
	ctx = campaign.InOneReading(ctx)
	var err error
	if h.Enrolment, err = s.ownEnrolment(ctx, c, participant, lang); err != nil {
		return h, err
	}
	if h.Enrolment != nil {
		if h.Signature, err = s.ownSignature(ctx, c, participant, lang); err != nil {
			return h, err
		}
	}
	q, err := s.Quizzes.Home(ctx, c.ID, participant)
	if err != nil && !errors.Is(err, quiz.ErrNoQuiz) {
		return h, err
	}
	h.addQuiz(c, q)
	return h, nil
}

// ownEnrolment returns nil for who is not enrolled.
func (s *Server) ownEnrolment(ctx context.Context, c *campaign.Campaign, participant, lang string) (*enrolmentAnswer, error) {
	e, err := s.Enrolments.Enrolment(ctx, c.ID, participant)
	if errors.Is(err, campaign.ErrNotEnrolled) {
		return nil, nil //nolint:nilnil // The answer says null.
	}
	if err != nil {
		return nil, err
	}
	return new(enrolmentOf(c, e, lang)), nil
}

// ownSignature returns nil for who has not signed.
func (s *Server) ownSignature(ctx context.Context, c *campaign.Campaign, participant, lang string) (*signatureAnswer, error) {
	r, err := s.Pledges.Signature(ctx, c.ID, participant)
	if errors.Is(err, pledge.ErrNotSigned) || errors.Is(err, pledge.ErrNoPledge) {
		return nil, nil //nolint:nilnil // The answer says null.
	}
	if err != nil {
		return nil, err
	}
	return new(s.signatureOf(ctx, c, r, lang)), nil
}

// addQuiz adds nothing of a campaign without a quiz.
func (h *homeAnswer) addQuiz(c *campaign.Campaign, q quiz.Home) {
	if q.OpenID != "" {
		h.OpenAttempt = &openAttempt{q.OpenID, stamp(q.OpenDeadline, c.Zone), q.Standing}
	}
	h.AttemptsLeft = leftAnswer{q.Left.Today, q.Left.All}
	h.NextAttemptAt = stampOrNull(q.NextAttemptAt, c.Zone)
	h.Best, h.Rank = bestOf(q.Best), rankOf(q.Rank)
}
