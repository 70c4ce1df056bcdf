package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"qingyuan/internal/duty"
	"qingyuan/internal/operator"
)

// meteredDuty judges what the metrics of the bench say.
type meteredDuty struct{ meter *duty.Meter }

func (d meteredDuty) Report(context.Context) duty.Report {
	return duty.Judge(duty.Readings{At: noon(), Activity: d.meter.Activity(), Warnings: []string{"campaign x: 1 dead letters"}})
}

func openDuty(_ *testing.T, b *bench) {
	registry := prometheus.NewRegistry()
	b.Registerer, b.Gatherer = registry, registry
	b.Duty = meteredDuty{&duty.Meter{Gatherer: registry, Now: b.Now}}
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
	for _, r := range b.Duty.Report(t.Context()).Routes {
		if !known[r.Method+" "+r.Pattern] {
			t.Errorf("no route is %s %s", r.Method, r.Pattern)
		}
	}
	if !known["POST /api/v1/admin/sessions"] || !known["POST /api/v1/sessions/wechat"] {
		t.Error("the doors have other names")
	}
}
