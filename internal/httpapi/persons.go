package httpapi

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/retention"
)

// Persons gives participants what is kept of them and takes it away (个人信息保护法 arts.
// 15, 45 and 47).
type Persons interface {
	// Kept tells what is kept of a participant, campaign by campaign. What was done
	// within the last second may be missing.
	Kept(ctx context.Context, participant string) ([]Kept, error)
	// Erase orders that their personal data be taken away everywhere. What they did
	// stays counted, of nobody.
	Erase(ctx context.Context, participant string) error
	// Withdraw takes their consent back in one campaign: their personal data there is
	// erased, and they stand on no public board. It may be repeated.
	Withdraw(ctx context.Context, campaignID, participant string) error
}

// Kept is what one campaign holds of a participant.
type Kept struct {
	Campaign string
	Facts    []KeptFact
	Personal []KeptPersonal
	// Told is what they wrote to the office and were answered, and which rules have
	// noticed something about their acts.
	Told []retention.Told
	// Withdrawn is when they took their consent back last; zero where they never did.
	Withdrawn time.Time
}

// KeptFact is something that happened.
type KeptFact struct {
	Kind        string
	At          time.Time
	Unit, Group string
	// Says is the body of the fact.
	Says any
}

// KeptPersonal is what was told, with the consent under which it was.
type KeptPersonal struct {
	Kind                           string
	At                             time.Time
	Name, Phone, Guardian, Strokes string
	Notice                         string
	PublishName                    bool
}

// personRoutes are what participants may ask about themselves.
func (s *Server) personRoutes() []route {
	if s.Persons == nil {
		return nil
	}
	return []route{
		get("/api/v1/participants/me", person, s.showKept),
		del("/api/v1/participants/me", person, s.erasePerson),
		post("/api/v1/campaigns/:campaign/consent/withdrawal", person, s.withdrawConsent),
	}
}

type keptAnswer struct {
	Participant participantT    `json:"participant"`
	AsOf        string          `json:"as_of"`
	Campaigns   []keptCampaignT `json:"campaigns"`
}

type keptCampaignT struct {
	Campaign string          `json:"campaign"`
	Personal []keptPersonalT `json:"personal"`
	Facts    []keptFactT     `json:"facts"`
	// What was written, and flags, beside the facts.
	Records     []keptToldT `json:"records"`
	WithdrawnAt *string     `json:"consent_withdrawn_at"`
}

type keptToldT struct {
	Kind   string `json:"kind"`
	At     string `json:"at"`
	State  string `json:"state,omitempty"`
	Text   string `json:"text,omitempty"`
	Answer string `json:"answer,omitempty"`
}

type keptPersonalT struct {
	Kind        string `json:"kind"`
	At          string `json:"at"`
	Name        string `json:"name,omitempty"`
	Phone       string `json:"phone,omitempty"`
	Guardian    string `json:"guardian,omitempty"`
	Strokes     string `json:"strokes,omitempty"`
	Notice      string `json:"notice,omitempty"`
	PublishName bool   `json:"publish_name"`
}

type keptFactT struct {
	Kind  string `json:"kind"`
	At    string `json:"at"`
	Unit  string `json:"unit"`
	Group string `json:"group"`
	Says  any    `json:"says"`
}

// showKept handles GET /api/v1/participants/me.
func (s *Server) showKept(k *call) error {
	all, err := s.Persons.Kept(k.ctx, k.participant)
	if err != nil {
		return err
	}
	out := keptAnswer{Participant: participantT{k.participant}, AsOf: stamp(s.Now(), nil), Campaigns: []keptCampaignT{}}
	for _, c := range all {
		out.Campaigns = append(out.Campaigns, s.keptOf(c))
	}
	return k.send(fiber.StatusOK, out)
}

func (s *Server) keptOf(c Kept) keptCampaignT {
	var zone *time.Location
	if def, err := s.Catalog.Campaign(c.Campaign); err == nil {
		zone = def.Zone
	}
	out := keptCampaignT{
		Campaign: c.Campaign, Personal: []keptPersonalT{}, Facts: []keptFactT{}, Records: []keptToldT{},
		WithdrawnAt: stampOrNull(c.Withdrawn, zone),
	}
	for _, p := range c.Personal {
		out.Personal = append(out.Personal, keptPersonalT{
			p.Kind, stamp(p.At, zone), p.Name, p.Phone, p.Guardian, p.Strokes, p.Notice, p.PublishName,
		})
	}
	for _, f := range c.Facts {
		out.Facts = append(out.Facts, keptFactT{f.Kind, stamp(f.At, zone), f.Unit, f.Group, f.Says})
	}
	for _, t := range c.Told {
		out.Records = append(out.Records, keptToldT{t.Kind, stamp(t.At, zone), t.State, t.Text, t.Answer})
	}
	return out
}

type erasingAnswer struct {
	State string `json:"state"`
}

// erasePerson handles DELETE /api/v1/participants/me.
func (s *Server) erasePerson(k *call) error {
	if err := s.Persons.Erase(k.ctx, k.participant); err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, erasingAnswer{"erasing"})
}

// withdrawConsent handles POST /api/v1/campaigns/{campaign}/consent/withdrawal.
func (s *Server) withdrawConsent(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if _, err := s.Enrolments.Enrolment(k.ctx, c.ID, k.participant); err != nil {
		return err
	}
	if err := s.Persons.Withdraw(k.ctx, c.ID, k.participant); err != nil {
		return err
	}
	return k.SendStatus(fiber.StatusNoContent)
}
