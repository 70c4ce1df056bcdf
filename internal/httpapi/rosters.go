package httpapi

import (
	"context"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
)

// Rosters signs people in by what their unit knows of them.
type Rosters interface {
	// Try counts a try of a person, over all instances, and returns
	// session.ErrRateLimited where there were too many.
	Try(ctx context.Context, campaignID, unit, number string) error
	// SignIn returns roster.ErrMismatch for whoever is not on the unit's roster as they
	// say.
	SignIn(ctx context.Context, campaignID, unit, number, name string) (session.Pair, error)
	// Link joins a person of a roster with the participant who is signed in; see
	// session.Service.Link.
	Link(ctx context.Context, participant, campaignID, unit, number, name string) (session.Pair, error)
}

// rosterRequest is what people on a roster say of themselves.
type rosterRequest struct {
	Campaign string `json:"campaign"`
	Unit     string `json:"unit"`
	Number   string `json:"number"`
	Name     string `json:"name"`
	// Ticket is what the waiting room gave.
	Ticket string `json:"ticket"`
}

// maxRosterText bounds each of the texts, in bytes.
const maxRosterText = 200

func (r *rosterRequest) check() error {
	var wrong []fault.Field
	for _, f := range []struct{ name, value, reason string }{
		{"campaign", r.Campaign, "请选择活动"},
		{"unit", r.Unit, "请选择单位"},
		{"number", r.Number, "请填写编号"},
		{"name", r.Name, "请填写姓名"},
	} {
		if f.value == "" || len(f.value) > maxRosterText {
			wrong = append(wrong, fault.Field{Name: f.name, Reason: f.reason})
		}
	}
	if len(wrong) > 0 {
		return fault.ErrInvalid.WithFields(wrong...)
	}
	return nil
}

// readRoster reads the request, and counts the try against the person it names.
func (s *Server) readRoster(k *call) (rosterRequest, error) {
	var in rosterRequest
	if err := k.decode(&in); err != nil {
		return in, err
	}
	if err := in.check(); err != nil {
		return in, err
	}
	err := s.Rosters.Try(k.ctx, in.Campaign, in.Unit, in.Number)
	if err != nil && fault.From(err).Kind == fault.Limited {
		s.state.metrics.limited.WithLabelValues(byRoster).Inc()
	}
	return in, err
}

// signInRoster handles POST /api/v1/sessions/roster.
func (s *Server) signInRoster(k *call) error {
	in, err := s.readRoster(k)
	if err != nil {
		return err
	}
	if err := s.enter(k, in.Ticket, "roster", in.Campaign, in.Unit, in.Number, in.Name); err != nil {
		return err
	}
	pair, err := s.Rosters.SignIn(k.ctx, in.Campaign, in.Unit, in.Number, in.Name)
	return s.welcome(k, pair, err)
}

// linkRoster handles POST /api/v1/sessions/link.
func (s *Server) linkRoster(k *call) error {
	in, err := s.readRoster(k)
	if err != nil {
		return err
	}
	return k.sendPair(s.Rosters.Link(k.ctx, k.participant, in.Campaign, in.Unit, in.Number, in.Name))
}
