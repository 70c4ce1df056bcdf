package campaign

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"qingyuan/internal/fault"
)

// Enrolment is one participant's membership in a campaign as others may see it.
// The person's full name and phone are not in it: they are sealed away.
type Enrolment struct {
	Unit  string
	Group string
	// DisplayName is masked, or full where PublishName.
	DisplayName   string
	PublishName   bool
	NoticeVersion string
	// Guardian is true where a guardian consented.
	Guardian bool
	At       time.Time
}

// Personal is what must be erasable: it travels sealed and apart from facts.
type Personal struct {
	Name     string `json:"name,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Guardian string `json:"guardian,omitempty"`
	// Strokes are a drawn signature's points, as they came.
	Strokes string `json:"strokes,omitempty"`
}

// Request is what a participant says when they enrol.
type Request struct {
	Unit          string
	Group         string
	Name          string
	Phone         string
	NoticeVersion string
	PublishName   bool
	// Guardian is the consenting guardian's name, "" for none.
	Guardian string
}

// Store keeps enrolments. Each method is one atomic step.
type Store interface {
	// Enrol stores e for the participant and appends the fact that tells of
	// it; personal data goes to the erasable stream. The same enrolment again
	// changes nothing and appends nothing. A different unit is ErrUnitFixed
	// once any act of the participant was accepted, and one that is not that of the
	// roster they came by is ErrRosterUnit. Whoever is counted as another participant is
	// ErrJoined, unless they sign in as this one: then they are counted as themselves again.
	Enrol(ctx context.Context, campaign, participant string, e Enrolment, p Personal) (Enrolment, error)
	// Enrolment returns ErrNotEnrolled where there is none.
	Enrolment(ctx context.Context, campaign, participant string) (Enrolment, error)
}

// Catalog finds campaigns by id.
type Catalog interface {
	// Campaign returns ErrNotFound for an unknown id.
	Campaign(id string) (*Campaign, error)
}

// Rosters keep participants to the units by whose rosters they came.
type Rosters interface {
	// Rebind keeps a participant who came by the roster of one of the units was to the
	// unit that these have gone into, and tells whether they came by one of them. It may
	// be repeated.
	Rebind(ctx context.Context, campaign, participant, unit string, was []string) (bool, error)
}

// Service enrols participants.
type Service struct {
	Catalog Catalog
	Store   Store
	// Rosters is nil where nobody comes by one.
	Rosters Rosters
	Now     func() time.Time
}

// Enrol checks r against the campaign's rules and stores the enrolment. It may
// be repeated at any time. New and changed enrolments are accepted while the
// campaign is open.
func (s *Service) Enrol(ctx context.Context, campaignID, participant string, r Request) (Enrolment, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return Enrolment{}, err
	}
	now := s.Now()
	e, p, err := c.Decide(r)
	if err != nil {
		return Enrolment{}, err
	}
	if err := c.CheckOpen(now); err != nil {
		return s.repeat(ctx, campaignID, participant, e, err)
	}
	e.At = now
	kept, err := s.Store.Enrol(ctx, campaignID, participant, e, p)
	if s.Rosters == nil || !errors.Is(err, ErrRosterUnit) {
		return kept, err
	}
	n, known := c.Tree.Node(e.Unit)
	if !known {
		return kept, err
	}
	merged, errRebind := s.Rosters.Rebind(ctx, campaignID, participant, e.Unit, n.Was)
	if errRebind != nil || !merged {
		return kept, cmp.Or(errRebind, err)
	}
	return s.Store.Enrol(ctx, campaignID, participant, e, p)
}

// repeat returns the enrolment kept if e is the same one again: a repeat comes
// before the window. Otherwise it returns why.
func (s *Service) repeat(ctx context.Context, campaignID, participant string, e Enrolment, why error) (Enrolment, error) {
	kept, err := s.Store.Enrolment(ctx, campaignID, participant)
	if err != nil {
		return Enrolment{}, why
	}
	if e.At = kept.At; e != kept {
		return Enrolment{}, why
	}
	return kept, nil
}

// Enrolment returns the participant's own, or ErrNotEnrolled.
func (s *Service) Enrolment(ctx context.Context, campaignID, participant string) (Enrolment, error) {
	if _, err := s.Catalog.Campaign(campaignID); err != nil {
		return Enrolment{}, err
	}
	return s.Store.Enrolment(ctx, campaignID, participant)
}

// Decide turns a request into the enrolment it asks for, or into the fault to
// answer. It depends on its arguments alone.
func (c *Campaign) Decide(r Request) (Enrolment, Personal, error) {
	g, ok := c.Group(r.Group)
	if !ok {
		return Enrolment{}, Personal{}, fault.InvalidField("group", "没有这个参与群体")
	}
	if err := c.checkConsent(r, g); err != nil {
		return Enrolment{}, Personal{}, err
	}
	unit, err := c.checkUnit(r.Unit)
	if err != nil {
		return Enrolment{}, Personal{}, err
	}
	p, err := c.checkPersonal(r)
	if err != nil {
		return Enrolment{}, Personal{}, err
	}
	e := Enrolment{
		Unit: unit, Group: g.ID, DisplayName: MaskName(p.Name), NoticeVersion: r.NoticeVersion,
		// A child's name is never published, whatever was ticked.
		PublishName: r.PublishName && p.Name != "" && !g.Guardian,
		Guardian:    p.Guardian != "",
	}
	if e.PublishName {
		e.DisplayName = p.Name
	}
	return e, p, nil
}

func (c *Campaign) checkConsent(r Request, g Group) error {
	if r.NoticeVersion != c.Consent.Version {
		return ErrConsentRequired
	}
	if g.Guardian && r.Guardian == "" {
		return ErrGuardianRequired
	}
	return nil
}

func (c *Campaign) checkUnit(id string) (string, error) {
	if id == "" && !c.requires("unit") {
		return Unassigned, nil
	}
	if n, ok := c.Tree.Node(id); !ok || n.Kind != Unit || n.Retired {
		return "", ErrUnitUnknown
	}
	return id, nil
}

func (c *Campaign) checkPersonal(r Request) (Personal, error) {
	var p Personal
	var ok bool
	if r.Name != "" {
		if p.Name, ok = CleanName(r.Name); !ok {
			return p, fault.InvalidField("name", "姓名只能包含文字和间隔号，最多50个字")
		}
	}
	if r.Guardian != "" {
		if p.Guardian, ok = CleanName(r.Guardian); !ok {
			return p, fault.InvalidField("guardian.name", "监护人姓名只能包含文字和间隔号，最多50个字")
		}
	}
	if r.Phone != "" && !validPhone(r.Phone) {
		return p, fault.InvalidField("phone", "手机号码应为11位数字")
	}
	p.Phone = r.Phone
	if p.Name == "" && c.requires("name") {
		return p, fault.InvalidField("name", "请填写姓名")
	}
	if p.Phone == "" && c.requires("phone") {
		return p, fault.InvalidField("phone", "请填写手机号码")
	}
	return p, nil
}

// Asks tells whether people are asked for the named enrolment field.
func (c *Campaign) Asks(field string) bool {
	return slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Name == field })
}

// requires tells whether the named enrolment field must be filled.
func (c *Campaign) requires(field string) bool {
	return slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Name == field && f.Required })
}

// validPhone accepts mainland mobile numbers: eleven digits, the first 1 and
// the second 3 to 9.
func validPhone(s string) bool {
	if len(s) != 11 || s[0] != '1' || s[1] < '3' {
		return false
	}
	for _, b := range []byte(s) {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// Errors of enrolling.
var (
	ErrNotEnrolled      = fault.New(fault.NotFound, "enrolment.not_found", "您还没有报名")
	ErrRequired         = fault.New(fault.Conflict, "enrolment.required", "请先报名再参加")
	ErrUnitUnknown      = fault.New(fault.Invalid, "enrolment.unit_unknown", "没有这个单位，请重新选择")
	ErrRosterUnit       = fault.New(fault.Conflict, "enrolment.roster_unit", "您在单位名册上，请按名册所在单位报名")
	ErrUnitFixed        = fault.New(fault.Conflict, "enrolment.unit_fixed", "已有答题或签署记录，不能直接更改单位，请提交转单位申请")
	ErrJoined           = fault.New(fault.Conflict, "enrolment.joined", "您已用另一种登录方式参加本活动，请用那种方式重新登录")
	ErrConsentRequired  = fault.New(fault.Invalid, "enrolment.consent_required", "请阅读并同意最新的个人信息告知")
	ErrGuardianRequired = fault.New(fault.Invalid, "enrolment.guardian_required", "不满十四周岁须由监护人同意")
)
