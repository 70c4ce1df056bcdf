package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/operator"
)

// viewerArea gives tokens for screens of unit no1.
func viewerArea() area {
	const tokens = "/api/v1/admin/campaigns/:campaign/viewer-tokens"
	return area{subjects: map[string]subject{
		"GET " + tokens:  {},
		"POST " + tokens: {placed: true, ok: http.StatusCreated, body: `{"scope":"no1","hours":12,"reason":"大厅"}`},
	}}
}

// TestViewerTokens gives a token once, tells of it as long as it runs and to whom it
// concerns, and keeps it nowhere.
func TestViewerTokens(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t)
	const tokens = "/api/v1/admin/campaigns/spring/viewer-tokens"
	who := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring"})
	of := func(as string) []viewerT {
		t.Helper()
		return decoded[list[viewerT]](t, b.ask(t, as, http.MethodGet, tokens, "", http.StatusOK)).Items
	}
	if got := of(who); len(got) != 0 {
		t.Fatalf("before any was made there are %+v", got)
	}
	made := decoded[madeViewerT](t, b.ask(t, who, http.MethodPost, tokens, `{"scope":"yuci","hours":168,"reason":"区禁毒办大厅"}`, http.StatusCreated))
	if made.Token != "v:yuci" || *made.Scope != "yuci" || *made.ScopeName == "yuci" || made.ExpiresAt != stamp(b.Now().Add(7*24*time.Hour), b.catalog.campaigns[0].Zone) {
		t.Errorf("made %+v", made)
	}
	b.ask(t, who, http.MethodPost, tokens, `{"hours":1,"reason":"领导查看"}`, http.StatusCreated)

	all := b.ask(t, who, http.MethodGet, tokens, "", http.StatusOK)
	if strings.Contains(all.body, `"v:`) {
		t.Errorf("the list has a token: %s", all.body)
	}
	if got := of(who); len(got) != 2 || got[0].Scope != nil || got[1].Reason != "区禁毒办大厅" || got[1].Login == "" {
		t.Errorf("the list is %+v", got)
	}
	yuci := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "yuci"})
	if got := of(yuci); len(got) != 1 || *got[0].Scope != "yuci" {
		t.Errorf("the district sees %+v", got)
	}
	taigu := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "taigu"})
	if got := of(taigu); len(got) != 0 {
		t.Errorf("another district sees %+v", got)
	}
	auditor := b.operator(t, operator.Grant{Role: operator.Auditor})
	if log := b.ask(t, auditor, http.MethodGet, "/api/v1/admin/audit?action=figures.share", "", http.StatusOK); strings.Contains(log.body, "v:yuci") || strings.Count(log.body, `"action":"figures.share"`) != 2 {
		t.Errorf("the log says %s", log.body)
	}

	for body, field := range map[string]string{
		`{"hours":0,"reason":"x"}`:                   "hours",
		`{"hours":169,"reason":"x"}`:                 "hours",
		`{"hours":1,"reason":" "}`:                   "reason",
		`{"hours":1,"reason":"x","scope":"nowhere"}`: "scope",
	} {
		if a := b.ask(t, who, http.MethodPost, tokens, body, http.StatusBadRequest); !strings.Contains(a.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %s", body, a.body)
		}
	}

	later := b.Now().Add(2 * time.Hour)
	b.Now = func() time.Time { return later }
	if got := of(b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring"})); len(got) != 1 || *got[0].Scope != "yuci" {
		t.Errorf("two hours later there are %+v", got)
	}
}
