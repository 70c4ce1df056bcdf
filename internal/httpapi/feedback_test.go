package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"qingyuan/campaign"
	"qingyuan/internal/inbox"
	"qingyuan/internal/operator"
)

// openInbox gives a bench with operators the inbox itself.
func openInbox(t *testing.T, b *bench) {
	t.Helper()
	b.Inbox = &inbox.Service{DB: b.office.db, Box: testBox(t), Key: [32]byte{1}, Campaign: b.catalog.Campaign, Now: b.Now}
}

// feedbackArea is what somebody of unit no1 wrote.
func feedbackArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/feedback"
	one := func(body string) subject {
		return subject{body: body, object: func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			m, _, err := b.Inbox.Receive(t.Context(), inbox.Message{
				Campaign: "spring", Participant: "p" + sequence(), Unit: "no1", Kind: inbox.Question, Text: "几时开始？",
			})
			if err != nil {
				t.Fatal(err)
			}
			return map[string]string{"feedback": m.ID}
		}}
	}
	return area{open: openInbox, subjects: map[string]subject{
		"GET " + all:                        {},
		"GET " + all + "/:feedback":         one(""),
		"POST " + all + "/:feedback/review": one(""),
		"POST " + all + "/:feedback/answer": one(`{"answer":"明天"}`),
		"POST " + all + "/:feedback/close":  one(`{"answer":"重复"}`),
	}}
}

// TestFeedback goes from what a child writes to the answer: the list tells nothing of it,
// the reading is remembered, and the log holds no word of either.
func TestFeedback(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openInbox(t, b) })
	b.enrolments.enrolment = func(_, who string) (campaign.Enrolment, error) {
		if who == "bob" {
			return campaign.Enrolment{}, campaign.ErrNotEnrolled
		}
		return campaign.Enrolment{Unit: "no1", Group: "under14"}, nil
	}
	const own, office = "/api/v1/campaigns/spring/feedback", "/api/v1/admin/campaigns/spring/feedback"
	const text = `{"kind":"complaint","text":"题目有误","contact":"王芳"}`
	first := decoded[feedbackT](t, b.ask(t, "p:ann", http.MethodPost, own, text, http.StatusCreated))
	again := decoded[feedbackT](t, b.ask(t, "p:ann", http.MethodPost, own, text, http.StatusOK))
	if again.ID != first.ID || first.State != "received" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	for _, wrong := range []string{`{"kind":"praise","text":"好"}`, `{"kind":"question","text":" "}`, `{"kind":"question"}`} {
		b.ask(t, "p:ann", http.MethodPost, own, wrong, http.StatusBadRequest)
	}
	b.ask(t, "", http.MethodPost, own, text, http.StatusUnauthorized)
	b.ask(t, "p:bob", http.MethodPost, own, `{"kind":"question","text":"无法报名"}`, http.StatusCreated)

	unit := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"})
	whole := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring"})
	seen := b.ask(t, unit, http.MethodGet, office+"?state=received", "", http.StatusOK)
	if lines := decoded[list[officeFeedbackT]](t, seen); len(lines.Items) != 1 || strings.Contains(seen.body, "题目") {
		t.Errorf("the unit lists %s", seen.body)
	}
	page := decoded[list[officeFeedbackT]](t, b.ask(t, whole, http.MethodGet, office+"?limit=1", "", http.StatusOK))
	if len(page.Items) != 1 || page.NextCursor == nil || page.Items[0].Unit != "" {
		t.Fatalf("the first page is %+v", page)
	}
	rest := decoded[list[officeFeedbackT]](t, b.ask(t, whole, http.MethodGet, office+"?cursor="+*page.NextCursor, "", http.StatusOK))
	if len(rest.Items) != 1 || rest.Items[0].ID != first.ID || rest.NextCursor != nil {
		t.Errorf("the second page is %+v", rest)
	}
	b.ask(t, unit, http.MethodGet, office+"/"+page.Items[0].ID, "", http.StatusNotFound)
	b.ask(t, unit, http.MethodGet, office+"?state=lost", "", http.StatusBadRequest)

	one := office + "/" + first.ID
	if m := decoded[openFeedbackT](t, b.ask(t, unit, http.MethodGet, one, "", http.StatusOK)); *m.Text != "题目有误" || *m.Contact != "王芳" || m.Answer != nil {
		t.Errorf("the unit reads %+v", m)
	}
	b.ask(t, unit, http.MethodPost, one+"/review", "", http.StatusOK)
	b.ask(t, unit, http.MethodPost, one+"/answer", `{"answer":"已更正"}`, http.StatusOK)
	b.ask(t, unit, http.MethodPost, one+"/close", `{"answer":"重复"}`, http.StatusConflict)
	mine := decoded[list[feedbackT]](t, b.ask(t, "p:ann", http.MethodGet, own, "", http.StatusOK))
	if len(mine.Items) != 1 || mine.Items[0].State != "answered" || *mine.Items[0].Answer != "已更正" || mine.Items[0].DecidedAt == nil {
		t.Errorf("the participant sees %+v", mine)
	}
	read := false
	for _, e := range b.entries(t) {
		all := string(e.Before) + string(e.After) + e.Reason
		read = read || e.Object == "feedback:"+first.ID && strings.Contains(all, "under14")
		for _, secret := range []string{"题目有误", "王芳", "已更正"} {
			if strings.Contains(all, secret) {
				t.Errorf("the log says %s", all)
			}
		}
	}
	if !read {
		t.Error("that it was read is not in the log")
	}
	for i := range inbox.PerDay - 1 {
		b.ask(t, "p:ann", http.MethodPost, own, `{"kind":"question","text":"第`+strings.Repeat("又", i+1)+`问"}`, http.StatusCreated)
	}
	full := b.ask(t, "p:ann", http.MethodPost, own, `{"kind":"question","text":"还有"}`, http.StatusTooManyRequests)
	if p := full.problem(t); p.Code != "feedback.too_many" || p.RetryAfterMS <= 0 {
		t.Errorf("one too many is told %+v", p)
	}
}
