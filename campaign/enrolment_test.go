package campaign_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

func open(t *testing.T) *campaign.Campaign {
	t.Helper()
	c := window(t)
	c.Tree = jinzhong(t)
	c.Groups = []campaign.Group{{ID: "public"}, {ID: "under14", Guardian: true}}
	c.Consent = campaign.Consent{Version: "2026-1"}
	return c
}

// asks is a request that every campaign here accepts; changes make it another.
func asks(changes ...func(*campaign.Request)) campaign.Request {
	r := campaign.Request{Unit: "yc-1", Group: "public", Name: "张小三", NoticeVersion: "2026-1"}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request  campaign.Request
		want     campaign.Enrolment
		personal campaign.Personal
	}{
		"the usual": {
			asks(),
			campaign.Enrolment{Unit: "yc-1", Group: "public", DisplayName: "张**", NoticeVersion: "2026-1"},
			campaign.Personal{Name: "张小三"},
		},
		"agrees to be named": {
			asks(func(r *campaign.Request) { r.PublishName = true }),
			campaign.Enrolment{Unit: "yc-1", Group: "public", DisplayName: "张小三", PublishName: true, NoticeVersion: "2026-1"},
			campaign.Personal{Name: "张小三"},
		},
		"agrees to be named and has no name": {
			asks(func(r *campaign.Request) { r.PublishName, r.Name = true, "" }),
			campaign.Enrolment{Unit: "yc-1", Group: "public", DisplayName: "匿名", NoticeVersion: "2026-1"},
			campaign.Personal{},
		},
		"belongs to no unit": {
			asks(func(r *campaign.Request) { r.Unit = "" }),
			campaign.Enrolment{Unit: "unassigned", Group: "public", DisplayName: "张**", NoticeVersion: "2026-1"},
			campaign.Personal{Name: "张小三"},
		},
		"a name as it was typed": {
			asks(func(r *campaign.Request) { r.Name, r.PublishName = "  买买提•艾山 ", true }),
			campaign.Enrolment{Unit: "yc-1", Group: "public", DisplayName: "买买提·艾山", PublishName: true, NoticeVersion: "2026-1"},
			campaign.Personal{Name: "买买提·艾山"},
		},
		"with a phone": {
			asks(func(r *campaign.Request) { r.Phone = "13912345678" }),
			campaign.Enrolment{Unit: "yc-1", Group: "public", DisplayName: "张**", NoticeVersion: "2026-1"},
			campaign.Personal{Name: "张小三", Phone: "13912345678"},
		},
		"a child, its guardian consents": {
			asks(func(r *campaign.Request) { r.Group, r.Guardian = "under14", "张大山" }),
			campaign.Enrolment{Unit: "yc-1", Group: "under14", DisplayName: "张**", NoticeVersion: "2026-1", Guardian: true},
			campaign.Personal{Name: "张小三", Guardian: "张大山"},
		},
		"a child is never named": {
			asks(func(r *campaign.Request) { r.Group, r.Guardian, r.PublishName = "under14", "张大山", true }),
			campaign.Enrolment{Unit: "yc-1", Group: "under14", DisplayName: "张**", NoticeVersion: "2026-1", Guardian: true},
			campaign.Personal{Name: "张小三", Guardian: "张大山"},
		},
	} {
		e, p, err := open(t).Decide(tc.request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, e); diff != "" {
			t.Errorf("%s: enrolment (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tc.personal, p); diff != "" {
			t.Errorf("%s: personal (-want +got):\n%s", name, diff)
		}
	}
}

func TestDecideRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*campaign.Request)
		fields []campaign.Field
		want   *fault.Error
		field  string
	}{
		"an unknown group":         {change: func(r *campaign.Request) { r.Group = "aliens" }, want: fault.ErrInvalid, field: "group"},
		"no group":                 {change: func(r *campaign.Request) { r.Group = "" }, want: fault.ErrInvalid, field: "group"},
		"an older notice":          {change: func(r *campaign.Request) { r.NoticeVersion = "2025-9" }, want: campaign.ErrConsentRequired},
		"no notice":                {change: func(r *campaign.Request) { r.NoticeVersion = "" }, want: campaign.ErrConsentRequired},
		"a child alone":            {change: func(r *campaign.Request) { r.Group = "under14" }, want: campaign.ErrGuardianRequired},
		"an unknown unit":          {change: func(r *campaign.Request) { r.Unit = "yc-9" }, want: campaign.ErrUnitUnknown},
		"a region":                 {change: func(r *campaign.Request) { r.Unit = "yc" }, want: campaign.ErrUnitUnknown},
		"the leaf of the rest":     {change: func(r *campaign.Request) { r.Unit = "unassigned" }, want: campaign.ErrUnitUnknown},
		"no unit where one needs":  {change: func(r *campaign.Request) { r.Unit = "" }, fields: required("unit"), want: campaign.ErrUnitUnknown},
		"no name where one needs":  {change: func(r *campaign.Request) { r.Name = "" }, fields: required("name"), want: fault.ErrInvalid, field: "name"},
		"no phone where one needs": {change: func(*campaign.Request) {}, fields: required("phone"), want: fault.ErrInvalid, field: "phone"},
		"a name with an emoji":     {change: func(r *campaign.Request) { r.Name = "张😀" }, want: fault.ErrInvalid, field: "name"},
		"a blank name":             {change: func(r *campaign.Request) { r.Name = "  " }, want: fault.ErrInvalid, field: "name"},
		"a guardian with a digit": {
			change: func(r *campaign.Request) { r.Group, r.Guardian = "under14", "张1" },
			want:   fault.ErrInvalid, field: "guardian.name",
		},
		"a short phone":     {change: func(r *campaign.Request) { r.Phone = "1391234567" }, want: fault.ErrInvalid, field: "phone"},
		"a landline":        {change: func(r *campaign.Request) { r.Phone = "03541234567" }, want: fault.ErrInvalid, field: "phone"},
		"a service number":  {change: func(r *campaign.Request) { r.Phone = "12012345678" }, want: fault.ErrInvalid, field: "phone"},
		"letters in phone":  {change: func(r *campaign.Request) { r.Phone = "1391234567a" }, want: fault.ErrInvalid, field: "phone"},
		"full-width digits": {change: func(r *campaign.Request) { r.Phone = "１３９" + "12" }, want: fault.ErrInvalid, field: "phone"},
	} {
		c := open(t)
		c.Fields = tc.fields
		_, _, err := c.Decide(asks(tc.change))
		f := fault.From(err)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: Decide = %v, want %v", name, err, tc.want)
			continue
		}
		if tc.field != "" && (len(f.Fields) != 1 || f.Fields[0].Name != tc.field) {
			t.Errorf("%s: names the fields %v, want %s", name, f.Fields, tc.field)
		}
	}
}

func required(names ...string) []campaign.Field {
	var out []campaign.Field
	for _, n := range names {
		out = append(out, campaign.Field{Name: n, Required: true})
	}
	return out
}

func TestAnOptionalFieldMayBeLeftOut(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.Fields = []campaign.Field{{Name: "name"}, {Name: "phone"}, {Name: "unit"}}
	e, _, err := c.Decide(campaign.Request{Group: "public", NoticeVersion: "2026-1"})
	if err != nil || e.Unit != campaign.Unassigned || e.DisplayName != "匿名" {
		t.Errorf("Decide = %+v, %v", e, err)
	}
}

// oneEnrolment is a store of one participant's enrolment, nil for none.
type oneEnrolment struct{ kept *campaign.Enrolment }

func (o *oneEnrolment) Enrol(_ context.Context, _, _ string, e campaign.Enrolment, _ campaign.Personal) (campaign.Enrolment, error) {
	o.kept = &e
	return e, nil
}

func (o *oneEnrolment) Enrolment(context.Context, string, string) (campaign.Enrolment, error) {
	if o.kept == nil {
		return campaign.Enrolment{}, campaign.ErrNotEnrolled
	}
	return *o.kept, nil
}

type catalog map[string]*campaign.Campaign

func (c catalog) Campaign(id string) (*campaign.Campaign, error) {
	if v, ok := c[id]; ok {
		return v, nil
	}
	return nil, campaign.ErrNotFound
}

func TestServiceEnrolsOnlyWhileOpen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		campaign, at string
		paused       bool
		request      campaign.Request
		want         error
	}{
		"open":     {campaign: "antidrug", at: "2026-06-10 12:00:00", request: asks()},
		"unknown":  {campaign: "other", at: "2026-06-10 12:00:00", request: asks(), want: campaign.ErrNotFound},
		"too soon": {campaign: "antidrug", at: "2026-06-01 08:59:59", request: asks(), want: campaign.ErrNotOpen},
		"too late": {campaign: "antidrug", at: "2026-06-27 00:00:00", request: asks(), want: campaign.ErrClosed},
		"paused":   {campaign: "antidrug", at: "2026-06-10 12:00:00", paused: true, request: asks(), want: campaign.ErrPaused},
		"invalid":  {campaign: "antidrug", at: "2026-06-10 12:00:00", want: fault.ErrInvalid},
	} {
		c, now, store := open(t), clock(t, tc.at), &oneEnrolment{}
		c.Paused = tc.paused
		s := campaign.Service{Catalog: catalog{"antidrug": c}, Now: func() time.Time { return now }, Store: store}
		e, err := s.Enrol(t.Context(), tc.campaign, "p1", tc.request)
		if !errors.Is(err, tc.want) || (store.kept != nil) != (tc.want == nil) {
			t.Errorf("%s: Enrol = %v and kept %v, want %v", name, err, store.kept, tc.want)
		}
		if tc.want == nil && !e.At.Equal(now) {
			t.Errorf("%s: enrolled at %s, want %s", name, e.At, now)
		}
	}
}

// TestInvariant2ARepeatComesBeforeTheWindow enrols, and sends the same again
// after the close, as a phone does that never saw the answer.
func TestInvariant2ARepeatComesBeforeTheWindow(t *testing.T) {
	t.Parallel()
	now := clock(t, "2026-06-10 12:00:00")
	s := campaign.Service{Catalog: catalog{"antidrug": open(t)}, Now: func() time.Time { return now }, Store: &oneEnrolment{}}
	first, err := s.Enrol(t.Context(), "antidrug", "p1", asks())
	if err != nil {
		t.Fatal(err)
	}
	now = clock(t, "2026-06-27 00:00:01")
	if again, err := s.Enrol(t.Context(), "antidrug", "p1", asks()); err != nil || again != first {
		t.Errorf("the repeat after the close = %+v, %v; want %+v", again, err, first)
	}
	other := asks()
	other.PublishName = !other.PublishName
	if _, err := s.Enrol(t.Context(), "antidrug", "p1", other); !errors.Is(err, campaign.ErrClosed) {
		t.Errorf("a change after the close = %v, want %v", err, campaign.ErrClosed)
	}
}

func TestEnrolmentOfAnUnknownCampaign(t *testing.T) {
	t.Parallel()
	s := campaign.Service{Catalog: catalog{}}
	if _, err := s.Enrolment(t.Context(), "other", "p1"); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("Enrolment = %v", err)
	}
}
