package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"qingyuan/campaign"
)

// stubPersons keeps a name of everybody until it is erased.
type stubPersons struct{ erased, withdrawn []string }

func (p *stubPersons) Kept(_ context.Context, participant string) ([]Kept, error) {
	return []Kept{{
		Campaign: "spring",
		Personal: []KeptPersonal{{Kind: "enrolment.1", At: noon(), Name: "王芳" + participant, Notice: "1"}},
		Facts:    []KeptFact{{Kind: "enrolled.1", At: noon(), Unit: "no1", Group: "public", Says: map[string]string{"notice": "1"}}},
	}}, nil
}

func (p *stubPersons) Erase(_ context.Context, participant string) error {
	p.erased = append(p.erased, participant)
	return nil
}

func (p *stubPersons) Withdraw(_ context.Context, campaignID, participant string) error {
	p.withdrawn = append(p.withdrawn, campaignID+" "+participant)
	return nil
}

func TestPersons(t *testing.T) {
	t.Parallel()
	kept := &stubPersons{}
	b := newBench(t, func(b *bench) { b.Persons = kept })
	got := b.do(t, request(http.MethodGet, "/api/v1/participants/me", "p:ann", ""))
	if got.status != http.StatusOK || !strings.Contains(got.body, "王芳ann") || strings.Contains(got.body, "phone") {
		t.Errorf("kept = %d %s", got.status, got.body)
	}
	if got := b.do(t, request(http.MethodDelete, "/api/v1/participants/me", "p:ann", "")); got.status != http.StatusAccepted {
		t.Errorf("erase = %d %s", got.status, got.body)
	}
	if len(kept.erased) != 1 || kept.erased[0] != "ann" {
		t.Errorf("erased %q", kept.erased)
	}
	const withdrawal = "/api/v1/campaigns/spring/consent/withdrawal"
	b.enrolments.enrolment = func(string, string) (campaign.Enrolment, error) { return campaign.Enrolment{}, campaign.ErrNotEnrolled }
	if got := b.do(t, request(http.MethodPost, withdrawal, "p:ann", "")); got.status != http.StatusNotFound || len(kept.withdrawn) != 0 {
		t.Errorf("withdrawal of who is not enrolled = %d %s, %q", got.status, got.body, kept.withdrawn)
	}
	b.enrolments.enrolment = func(string, string) (campaign.Enrolment, error) { return campaign.Enrolment{Unit: "no1"}, nil }
	if got := b.do(t, request(http.MethodPost, withdrawal, "p:ann", "")); got.status != http.StatusNoContent || len(kept.withdrawn) != 1 {
		t.Errorf("withdrawal = %d %s, %q", got.status, got.body, kept.withdrawn)
	}
	for _, r := range []*http.Request{
		request(http.MethodGet, "/api/v1/participants/me", "", ""), request(http.MethodDelete, "/api/v1/participants/me", "", ""),
		request(http.MethodPost, withdrawal, "", ""),
	} {
		if got := b.do(t, r); got.status != http.StatusUnauthorized {
			t.Errorf("%s %s of nobody = %d", r.Method, r.URL, got.status)
		}
	}
}
