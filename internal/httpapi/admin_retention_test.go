package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
	"qingyuan/internal/retention"
)

// stubRetention keeps one thing of everybody.
type stubRetention struct{ begun []string }

func (*stubRetention) Plan(context.Context, string) ([]retention.Line, error) {
	return []retention.Line{{Name: "feedback", Kind: campaign.KeptMessages, At: noon(), Due: true, Left: 3}, {Name: "roster", Kind: campaign.KeptRosters}}, nil
}

func (r *stubRetention) Begin(_ context.Context, id string, by audit.Record) (string, error) {
	r.begun = append(r.begun, id+" "+by.Login)
	return "01JOB", nil
}

// retentionArea is what offices may do about what is kept of people.
func retentionArea() area {
	return area{
		open: func(_ *testing.T, b *bench) { b.Retention = &stubRetention{} },
		subjects: map[string]subject{
			"GET /api/v1/admin/campaigns/:campaign/retention":  {whole: true},
			"POST /api/v1/admin/campaigns/:campaign/retention": {whole: true, body: `{"reason":"到期"}`, ok: http.StatusAccepted},
		},
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	desk := &stubRetention{}
	b := newOfficeBench(t, func(b *bench) { b.Retention = desk })
	who := b.hire(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring"}).token
	got := b.call(t, http.StatusOK, "GET", "/campaigns/spring/retention", who, "")
	if !strings.Contains(got.body, `"left":3`) || !strings.Contains(got.body, `"at":null`) {
		t.Errorf("kept: %s", got.body)
	}
	for _, reason := range []string{"", "  ", "换\\n行", strings.Repeat("长", 501)} {
		b.call(t, http.StatusBadRequest, "POST", "/campaigns/spring/retention", who, `{"reason":"`+reason+`"}`)
	}
	if len(desk.begun) > 0 {
		t.Errorf("begun without a reason that can be kept: %q", desk.begun)
	}
	got = b.call(t, http.StatusAccepted, "POST", "/campaigns/spring/retention", who, `{"reason":"到期"}`)
	if !strings.Contains(got.body, "01JOB") || len(desk.begun) != 1 {
		t.Errorf("begun: %s, %q", got.body, desk.begun)
	}
}
