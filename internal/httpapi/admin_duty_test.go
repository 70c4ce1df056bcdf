package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"qingyuan/campaign"
	"qingyuan/internal/duty"
	"qingyuan/internal/operator"
)

// meteredDuty judges what the metrics of the bench say. In each campaign of leaking a
// question is suspected.
type meteredDuty struct {
	meter   *duty.Meter
	leaking []*campaign.Campaign
}

func (d meteredDuty) Report(_ context.Context, sees func(*campaign.Campaign) bool) duty.Report {
	r := duty.Readings{At: noon(), Activity: d.meter.Activity(), Warnings: []string{"campaign x: 1 dead letters"}}
	for _, c := range d.leaking {
		if sees(c) {
			r.Leaks = append(r.Leaks, duty.Leaks{Campaign: c.ID, Title: c.ID, Questions: []duty.Leak{{
				Question: "law-017", Since: noon().In(c.Zone), Before: 1.0 / 3, After: 0.93, PaceBefore: 11800 * time.Millisecond, PaceAfter: 4200 * time.Millisecond,
			}}})
		}
	}
	return duty.Judge(r)
}

func openDuty(_ *testing.T, b *bench) { b.Duty = meteredDuty{meter: b.metered()} }

// metered lets the metrics of the bench be read.
func (b *bench) metered() *duty.Meter {
	registry := prometheus.NewRegistry()
	b.Registerer, b.Gatherer = registry, registry
	return &duty.Meter{Gatherer: registry, Now: b.Now}
}

// dutyArea concerns the server and nobody's unit.
func dutyArea() area {
	return area{open: openDuty, subjects: map[string]subject{"GET /api/v1/admin/duty": {}}}
}

// TestDutyTellsWhatHappened refuses some and fails to sign some in, and finds that in the
// view of whoever is on duty.
func TestDutyTellsWhatHappened(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openDuty(t, b) })
	for range 3 {
		b.ask(t, "", http.MethodGet, "/api/v1/campaigns/spring/me", "", http.StatusUnauthorized)
	}
	b.ask(t, "", http.MethodPost, "/api/v1/admin/sessions", `{"login":"nobody","password":"wrong"}`, http.StatusUnauthorized)
	b.ask(t, "", http.MethodGet, "/api/v1/campaigns/spring/counts", "", http.StatusOK)
	as := b.operator(t, operator.Grant{Role: operator.System})
	got := decoded[dutyT](t, b.ask(t, as, http.MethodGet, "/api/v1/admin/duty", "", http.StatusOK))
	if got.Level != "act" || !got.Ready || len(got.Warnings) != 1 { // Redis and SQL were asked by nobody here
		t.Errorf("the view is %+v", got)
	}
	if len(got.Refusals) == 0 || got.Refusals[0] != (dutyRefusalsT{"auth.missing", "请先登录", 3, 3}) {
		t.Errorf("refusals %+v", got.Refusals)
	}
	for _, f := range got.Figures {
		if (f.Level == "ok") != (f.Hint == "") {
			t.Errorf("%s is %s and says %q", f.ID, f.Level, f.Hint)
		}
		if f.ID == "desk.failures" && *f.Value != 1 {
			t.Errorf("%v operators failed to sign in", *f.Value)
		}
	}
	for _, r := range got.Routes {
		if strings.HasSuffix(r.Route, "/counts") && r.Requests != 1 {
			t.Errorf("%+v", r)
		}
	}
}

// TestDutyShowsLeaksOfOnesOwn: how questions are answered is told to who may read the
// figures of the whole campaign, in the list and in the warnings alike.
func TestDutyShowsLeaksOfOnesOwn(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) {
		autumn := newCampaign(t)
		autumn.ID = "autumn"
		b.catalog.campaigns = append(b.catalog.campaigns, autumn)
		b.Duty = meteredDuty{b.metered(), b.catalog.campaigns}
	})
	runs := func(campaignID, scope string) operator.Grant {
		return operator.Grant{Role: operator.CampaignOperator, Campaign: campaignID, Scope: scope}
	}
	for name, c := range map[string]struct {
		grants []operator.Grant
		want   []string
	}{
		"everywhere":             {[]operator.Grant{runs("", "")}, []string{"spring", "autumn"}},
		"spring":                 {[]operator.Grant{runs("spring", "")}, []string{"spring"}},
		"autumn":                 {[]operator.Grant{runs("autumn", "")}, []string{"autumn"}},
		"a district":             {[]operator.Grant{runs("spring", "yuci")}, nil},
		"a district of all":      {[]operator.Grant{runs("", "140702")}, nil},
		"whoever keeps accounts": {[]operator.Grant{{Role: operator.System}}, nil},
		"a viewer on duty of a district": {
			[]operator.Grant{runs("autumn", "yuci"), {Role: operator.OfficeViewer, Campaign: "spring"}}, []string{"spring"},
		},
	} {
		got := decoded[dutyT](t, b.ask(t, b.operator(t, c.grants...), http.MethodGet, "/api/v1/admin/duty", "", http.StatusOK))
		var seen []string
		for _, l := range got.Leaks {
			seen = append(seen, l.Campaign)
		}
		if !slices.Equal(seen, c.want) || len(got.Warnings) != 1+len(c.want) {
			t.Errorf("%s: %q, want %q; warnings %q", name, seen, c.want, got.Warnings)
		}
		if len(c.want) == 0 {
			continue
		}
		want := []dutyLeakT{{"law-017", stamp(noon(), zone()), 0.333333, 0.93, 11800, 4200}}
		if !slices.Equal(got.Leaks[0].Questions, want) {
			t.Errorf("%s: %+v", name, got.Leaks[0])
		}
	}
}

// TestRefusalsHaveWords shows that whoever is on duty reads no bare code: each that a
// server may answer with has Chinese words in the view.
func TestRefusalsHaveWords(t *testing.T) {
	t.Parallel()
	var r duty.Report
	for _, row := range errorCodes() {
		r.Refusals = append(r.Refusals, duty.Refusals{Code: row.Code, Minute: 1, FiveMinutes: 1})
	}
	got := dutyOf(r).Refusals
	if len(got) < 100 {
		t.Fatalf("only %d codes", len(got))
	}
	for _, x := range got {
		if !strings.ContainsFunc(x.Message, func(c rune) bool { return unicode.Is(unicode.Han, c) }) {
			t.Errorf("%s is said as %q", x.Code, x.Message)
		}
	}
}

// TestDutyKnowsItsRoutes holds the names of package duty against the map of routes: one
// that was renamed would be counted no more.
func TestDutyKnowsItsRoutes(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openDuty(t, b) })
	known := map[string]bool{}
	for _, r := range b.routes() {
		known[r.method+" "+r.path] = true
	}
	for _, r := range b.Duty.Report(t.Context(), func(*campaign.Campaign) bool { return true }).Routes {
		if !known[r.Method+" "+r.Pattern] {
			t.Errorf("no route is %s %s", r.Method, r.Pattern)
		}
	}
	if !known["POST /api/v1/admin/sessions"] || !known["POST /api/v1/sessions/wechat"] {
		t.Error("the doors have other names")
	}
}
