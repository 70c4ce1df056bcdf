package report

import (
	"context"
	"time"

	"qingyuan/internal/event"
)

// Consent is a notice that somebody has agreed to (个人信息保护法 arts. 14 and 31): which
// version, when, and with a guardian's consent or without.
type Consent struct {
	At       time.Time
	Notice   string
	Guardian bool
}

// consentsOf lists the consents of a history, oldest first.
func consentsOf(facts []event.Fact) []Consent {
	var out []Consent
	for i := range facts {
		if body, ok := facts[i].Body.(event.Enrolled); ok {
			out = append(out, Consent{At: facts[i].At, Notice: body.Notice, Guardian: body.Guardian})
		}
	}
	return out
}

// consents writes a row for each consent of a person. It outlives their name: that they
// agreed, and took it back, has to be shown for longer.
func (s *Source) consents(ctx context.Context, p *Person, put put) error {
	var withdrawn any
	if s.Withdrawn != nil {
		at, err := s.Withdrawn(ctx, s.Campaign.ID, p.ID)
		if err != nil {
			return err
		}
		if !at.IsZero() {
			withdrawn = at.In(s.Campaign.Zone)
		}
	}
	for _, c := range p.Consents {
		if !s.had(c.At) {
			continue
		}
		if err := put(append(s.who(p), c.Notice, c.At.In(s.Campaign.Zone), c.Guardian, p.PublishName, withdrawn, p.Name == "")...); err != nil {
			return err
		}
	}
	return nil
}
