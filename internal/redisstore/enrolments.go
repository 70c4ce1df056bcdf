package redisstore

import (
	"context"
	"fmt"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/event"
)

var (
	enrolScript = script("enrol")
	bindScript  = script("bind")
)

// Enrolments implements campaign.Store.
type Enrolments struct {
	campaigns *Campaigns
	personal  sealed
}

var (
	_ campaign.Store   = (*Enrolments)(nil)
	_ campaign.Rosters = (*Campaigns)(nil)
)

// NewEnrolments seals personal data with box; digestKey (32 bytes) recognises
// that an enrolment's personal data changed without storing it.
func NewEnrolments(c *Campaigns, box Sealer, digestKey []byte) *Enrolments {
	return &Enrolments{campaigns: c, personal: newSealed(box, digestKey)}
}

// Enrol implements campaign.Store.
func (s *Enrolments) Enrol(ctx context.Context, id, participant string, e campaign.Enrolment, p campaign.Personal) (campaign.Enrolment, error) {
	fail := func(err error) (campaign.Enrolment, error) {
		return campaign.Enrolment{}, fmt.Errorf("enrol in %s: %w", id, err)
	}
	o, err := s.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	args, err := s.enrolArgs(o, participant, e, p)
	if err != nil {
		return fail(err)
	}
	k := o.keys(participant)
	r, err := run(ctx, s.campaigns.writes, enrolScript,
		[]string{k.meta(), k.participant(participant), k.facts(), k.personal(), k.bound()}, args...)
	if err != nil {
		return fail(err)
	}
	switch {
	case r.outcome == "ok" && len(r.args) == 4:
		kept, err := unpackEnrolment(r.args[0], r.args[1])
		kept.Unit, kept.Group = r.args[2], r.args[3]
		return kept, err
	case r.outcome == "fixed":
		return campaign.Enrolment{}, campaign.ErrUnitFixed
	case r.outcome == "bound":
		return campaign.Enrolment{}, campaign.ErrRosterUnit
	case r.outcome == "joined":
		return campaign.Enrolment{}, campaign.ErrJoined
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	default:
		return fail(r.unknown())
	}
}

// Bind remembers the unit whose roster a participant came by: they enrol in no other
// from then on. Who is enrolled elsewhere stays there. It may be repeated, and goes
// with Redis, as the sessions do: whoever signs in again is bound again.
func (c *Campaigns) Bind(ctx context.Context, id, participant, unit string) error {
	_, err := c.bind(ctx, id, participant, unit, nil)
	return err
}

// Rebind implements campaign.Rosters.
func (c *Campaigns) Rebind(ctx context.Context, id, participant, unit string, was []string) (bool, error) {
	if len(was) == 0 {
		return false, nil
	}
	return c.bind(ctx, id, participant, unit, was)
}

// bind binds a participant to a unit, where was is given only who is bound to one of
// those, and tells whether it did.
func (c *Campaigns) bind(ctx context.Context, id, participant, unit string, was []string) (bool, error) {
	fail := func(err error) (bool, error) { return false, fmt.Errorf("bind to a roster in %s: %w", id, err) }
	o, err := c.writable(id)
	if err != nil {
		return fail(err)
	}
	k := o.keys(participant)
	args := []any{o.epoch, participant, unit}
	for _, w := range was {
		args = append(args, w)
	}
	r, err := run(ctx, c.writes, bindScript, []string{k.meta(), k.bound()}, args...)
	switch {
	case err != nil:
		return fail(err)
	case r.outcome == "ok":
		return true, nil
	case r.outcome == "other" && len(was) > 0:
		return false, nil
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	default:
		return fail(r.unknown())
	}
}

func (s *Enrolments) enrolArgs(o *opened, participant string, e campaign.Enrolment, p campaign.Personal) ([]any, error) {
	digest, err := Digest(s.personal.digestKey, p)
	if err != nil {
		return nil, err
	}
	blob, _, err := s.personal.seal(o.campaign, participant,
		PersonalRecord{Personal: p, Publish: e.PublishName, Notice: e.NoticeVersion})
	if err != nil {
		return nil, err
	}
	body, err := event.EncodeBody(event.Enrolled{Notice: e.NoticeVersion, Guardian: e.Guardian})
	if err != nil {
		return nil, err
	}
	return []any{o.epoch, participant, e.Unit, e.Group, packEnrolment(e, digest), e.At.UnixMilli(), body, blob, moment(e.At)}, nil
}

// Enrolment implements campaign.Store.
func (s *Enrolments) Enrolment(ctx context.Context, id, participant string) (campaign.Enrolment, error) {
	o, err := s.campaigns.of(id)
	if err != nil {
		return campaign.Enrolment{}, err
	}
	f, err := s.campaigns.person(ctx, o, participant, "u", "g", "e", "t")
	if err != nil {
		return campaign.Enrolment{}, fmt.Errorf("enrolment in %s: %w", id, err)
	}
	if f[0] == "" {
		return campaign.Enrolment{}, campaign.ErrNotEnrolled
	}
	e, err := unpackEnrolment(f[2], f[3])
	e.Unit, e.Group = f[0], f[1]
	return e, err
}

// packEnrolment writes "publish|guardian|digest|notice|name". The name comes
// last because it is the one part a person typed.
func packEnrolment(e campaign.Enrolment, digest string) string {
	return strings.Join([]string{flag(e.PublishName), flag(e.Guardian), digest, e.NoticeVersion, e.DisplayName}, "|")
}

func unpackEnrolment(s, at string) (campaign.Enrolment, error) {
	p := strings.SplitN(s, "|", 5)
	d := decoder{}
	when := d.moment(at)
	if len(p) != 5 || d.err != nil {
		return campaign.Enrolment{}, fmt.Errorf("stored enrolment has %d parts, time %q", len(p), at)
	}
	e := campaign.Enrolment{
		PublishName: p[0] == "1", Guardian: p[1] == "1", NoticeVersion: p[3], DisplayName: p[4], At: when,
	}
	if e.DisplayName == "" { // it was erased
		e.DisplayName = campaign.MaskName("")
	}
	return e, nil
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
