package httpapi

import (
	"net/http"
	"testing"

	"qingyuan/internal/offline"
	"qingyuan/internal/operator"
)

func openOffline(_ *testing.T, b *bench) {
	b.Offline = &offline.Service{DB: b.office.db, Campaign: b.catalog.Campaign, Now: b.Now}
}

// offlineArea is the paper of unit no1.
func offlineArea() area {
	const unit = "/api/v1/admin/campaigns/:campaign/units/:unit/paper"
	no1 := func(*testing.T, *bench) map[string]string { return map[string]string{"unit": "no1"} }
	batch := func(t *testing.T, b *bench) map[string]string {
		t.Helper()
		kept, _, err := b.Offline.Record(t.Context(), operator.Console("test"), offline.Batch{
			Campaign: "spring", Unit: "no1", Persons: 3, Held: "2026-01-01", Proof: "盒" + sequence(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"unit": "no1", "batch": kept.ID}
	}
	return area{open: openOffline, subjects: map[string]subject{
		"GET /api/v1/admin/campaigns/:campaign/paper": {placed: true, query: "parent=no1"},
		"GET " + unit:                       {object: no1},
		"POST " + unit:                      {object: no1, body: `{"persons":2,"date":"2026-01-01","proof":"柜%d"}`, ok: http.StatusCreated},
		"POST " + unit + "/:batch/withdraw": {object: batch, body: `{"reason":"数错"}`},
	}}
}

// TestPaper enters, corrects and sums up what was signed on paper.
func TestPaper(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openOffline(t, b) })
	clerk := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"})
	head := b.operator(t, operator.Grant{Role: operator.OfficeViewer, Campaign: "spring"})
	const campaign = "/api/v1/admin/campaigns/spring"
	const unit = campaign + "/units/no1/paper"
	first := decoded[paperBatchT](t, b.ask(t, clerk, http.MethodPost, unit, `{"persons":42,"date":"2026-06-01","proof":"档案柜 3 号盒"}`, http.StatusCreated))
	b.ask(t, clerk, http.MethodPost, unit, `{"persons":42,"date":"2026-06-01","proof":"档案柜 3 号盒"}`, http.StatusOK)
	if p := b.ask(t, clerk, http.MethodPost, unit, `{"persons":24,"date":"2026-06-01","proof":"档案柜 3 号盒"}`, http.StatusConflict).problem(t); p.Code != "paper.exists" {
		t.Errorf("another number is told %+v", p)
	}
	for _, wrong := range []string{
		`{"persons":0,"date":"2026-06-01","proof":"盒"}`, `{"persons":1,"date":"2999-01-01","proof":"盒"}`, `{"persons":1,"date":"昨天","proof":"盒"}`,
		`{"persons":1,"date":"2026-06-01","proof":" "}`, `{"persons":1,"date":"2026-06-01","proof":"盒","hash":"abc"}`,
	} {
		b.ask(t, clerk, http.MethodPost, unit, wrong, http.StatusBadRequest)
	}
	b.ask(t, clerk, http.MethodPost, campaign+"/units/no2/paper", `{"persons":1,"date":"2026-06-01","proof":"盒"}`, http.StatusNotFound)
	b.ask(t, head, http.MethodPost, unit, `{"persons":1,"date":"2026-06-01","proof":"盒"}`, http.StatusForbidden)
	second := decoded[paperBatchT](t, b.ask(t, clerk, http.MethodPost, unit, `{"persons":8,"date":"2026-06-02","proof":"档案柜 3 号盒"}`, http.StatusCreated))
	if second.ID == first.ID {
		t.Error("another day is the same batch")
	}
	wantPaper(t, b, head, "", 50)
	wantPaper(t, b, head, "yuci", 50)
	wantPaper(t, b, clerk, "no1", 50)
	b.ask(t, head, http.MethodGet, campaign+"/paper?parent=nowhere", "", http.StatusNotFound)

	b.ask(t, clerk, http.MethodPost, unit+"/"+first.ID+"/withdraw", `{"reason":""}`, http.StatusBadRequest)
	gone := decoded[paperBatchT](t, b.ask(t, clerk, http.MethodPost, unit+"/"+first.ID+"/withdraw", `{"reason":"数错"}`, http.StatusOK))
	if gone.WithdrawnAt == nil || gone.Reason != "数错" {
		t.Errorf("withdrawn %+v", gone)
	}
	b.ask(t, clerk, http.MethodPost, unit+"/"+first.ID+"/withdraw", `{"reason":"数错"}`, http.StatusOK)
	b.ask(t, clerk, http.MethodPost, unit+"/"+first.ID+"/withdraw", `{"reason":"别的"}`, http.StatusConflict)
	wantPaper(t, b, head, "", 8)
	b.ask(t, clerk, http.MethodPost, unit, `{"persons":24,"date":"2026-06-01","proof":"档案柜 3 号盒"}`, http.StatusCreated)
	wantPaper(t, b, head, "", 32)
	all := decoded[list[paperBatchT]](t, b.ask(t, clerk, http.MethodGet, unit+"?limit=2", "", http.StatusOK))
	if len(all.Items) != 2 || all.NextCursor == nil {
		t.Fatalf("the first page is %+v", all)
	}
	all = decoded[list[paperBatchT]](t, b.ask(t, clerk, http.MethodGet, unit+"?limit=2&cursor="+*all.NextCursor, "", http.StatusOK))
	if len(all.Items) != 1 || all.Items[0].ID != first.ID {
		t.Errorf("the second page is %+v", all)
	}
}

// wantPaper wants a node's figure, and its children to add up to it.
func wantPaper(t *testing.T, b *bench, as, parent string, want int64) {
	t.Helper()
	got := decoded[paperTableT](t, b.ask(t, as, http.MethodGet, "/api/v1/admin/campaigns/spring/paper?parent="+parent, "", http.StatusOK))
	sum := int64(0)
	for _, r := range got.Items {
		sum += r.PaperSignatures
	}
	if got.PaperSignatures != want || len(got.Items) > 0 && sum != want {
		t.Errorf("below %q: %+v, want %d", parent, got, want)
	}
}
