package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"qingyuan/campaign"
	words "qingyuan/internal/correction/act"
	"qingyuan/internal/operator"
	"qingyuan/internal/transfer"
)

// moves are what a store of moves was asked for.
type moves struct{ all []words.Transfer }

func (m *moves) Transfer(_ context.Context, _ string, t words.Transfer) (bool, error) {
	m.all = append(m.all, t)
	return true, nil
}

func (m *moves) Membership(_ context.Context, _, participant string) (words.Membership, error) {
	if participant == "joined" {
		return words.Membership{Enrolled: true, Into: "another"}, nil
	}
	return words.Membership{Enrolled: true}, nil
}

// openTransfers gives a bench with operators the requests themselves. Everybody who asks
// belongs to tg1.
func openTransfers(t *testing.T, b *bench) *moves {
	t.Helper()
	m := &moves{}
	b.Transfers = &transfer.Service{
		DB: b.office.db, Box: testBox(t), Campaign: b.catalog.Campaign, Now: b.Now, Mover: m,
		Enrolment: func(context.Context, string, string) (campaign.Enrolment, error) {
			return campaign.Enrolment{Unit: "tg1", Group: "under14", DisplayName: "王*"}, nil
		},
		Bound: func(_ context.Context, _, _, participant string) (bool, error) { return participant == "bob", nil },
	}
	return m
}

// transferArea is what somebody asks of unit no1.
func transferArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/transfers"
	one := func(body string) subject {
		return subject{body: body, object: func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			r, _, err := b.Transfers.Ask(t.Context(), "spring", "p"+sequence(), "no1", "")
			if err != nil {
				t.Fatal(err)
			}
			return map[string]string{"transfer": r.ID}
		}}
	}
	return area{open: func(t *testing.T, b *bench) {
		t.Helper()
		openTransfers(t, b)
		b.enrolments.enrolment = func(_, _ string) (campaign.Enrolment, error) {
			return campaign.Enrolment{Unit: "tg1", Group: "under14", DisplayName: "王*"}, nil
		}
	}, subjects: map[string]subject{
		"GET " + all:                        {},
		"GET " + all + "/:transfer":         one(""),
		"POST " + all + "/:transfer/grant":  one(`{}`),
		"POST " + all + "/:transfer/refuse": one(`{"reason":"不在名册"}`),
	}}
}

// TestTransfers goes from a child's wish to the decision of the receiving unit, which
// alone decides; the log holds the reason, and not a word of the child's.
func TestTransfers(t *testing.T) {
	t.Parallel()
	var moved *moves
	b := newOfficeBench(t, func(b *bench) { moved = openTransfers(t, b) })
	b.enrolments.enrolment = func(_, _ string) (campaign.Enrolment, error) {
		return campaign.Enrolment{Unit: "tg1", Group: "under14", DisplayName: "王*"}, nil
	}
	const own, office = "/api/v1/campaigns/spring/transfers", "/api/v1/admin/campaigns/spring/transfers"
	const wish = `{"unit":"no1","reason":"随父母搬家"}`
	first := decoded[transferT](t, b.ask(t, "p:ann", http.MethodPost, own, wish, http.StatusCreated))
	again := decoded[transferT](t, b.ask(t, "p:ann", http.MethodPost, own, wish, http.StatusOK))
	if again.ID != first.ID || first.State != "pending" || first.FromUnit != "tg1" || first.ToUnit != "no1" || *first.Reason != "随父母搬家" {
		t.Errorf("first %+v, again %+v", first, again)
	}
	for body, status := range map[string]int{
		`{"unit":"city"}`: http.StatusBadRequest, `{"unit":"tg1"}`: http.StatusConflict, `{}`: http.StatusBadRequest,
		`{"unit":"no1","reason":"` + strings.Repeat("长", 201) + `"}`: http.StatusBadRequest,
	} {
		b.ask(t, "p:eve", http.MethodPost, own, body, status)
	}
	if p := b.ask(t, "p:bob", http.MethodPost, own, wish, http.StatusConflict).problem(t); p.Code != "transfer.roster_bound" {
		t.Errorf("somebody of a roster is told %+v", p)
	}
	if p := b.ask(t, "p:joined", http.MethodPost, own, wish, http.StatusConflict).problem(t); p.Code != "transfer.joined" {
		t.Errorf("somebody who is counted as another one is told %+v", p)
	}
	b.ask(t, "", http.MethodPost, own, wish, http.StatusUnauthorized)

	leaves := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "tg1"})
	takes := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"})
	one := office + "/" + first.ID
	for _, path := range []string{one + "/grant", one + "/refuse"} {
		b.ask(t, leaves, http.MethodPost, path, `{"reason":"好"}`, http.StatusNotFound)
	}
	if lines := decoded[list[officeTransferT]](t, b.ask(t, leaves, http.MethodGet, office, "", http.StatusOK)); len(lines.Items) != 0 {
		t.Errorf("the unit that is left lists %+v", lines.Items)
	}
	seen := b.ask(t, takes, http.MethodGet, office+"?state=pending", "", http.StatusOK)
	if lines := decoded[list[officeTransferT]](t, seen); len(lines.Items) != 1 || strings.Contains(seen.body, "搬家") {
		t.Errorf("the receiving unit lists %s", seen.body)
	}
	b.ask(t, takes, http.MethodGet, office+"?state=lost", "", http.StatusBadRequest)
	if r := decoded[openTransferT](t, b.ask(t, takes, http.MethodGet, one, "", http.StatusOK)); *r.Reason != "随父母搬家" || r.Name != "王*" {
		t.Errorf("the receiving unit reads %+v", r)
	}
	b.ask(t, takes, http.MethodPost, one+"/refuse", `{"reason":" "}`, http.StatusBadRequest)
	granted := decoded[officeTransferT](t, b.ask(t, takes, http.MethodPost, one+"/grant", `{"reason":"已核实"}`, http.StatusOK))
	b.ask(t, takes, http.MethodPost, one+"/grant", `{}`, http.StatusOK)
	b.ask(t, takes, http.MethodPost, one+"/refuse", `{"reason":"迟了"}`, http.StatusConflict)
	want := words.Transfer{Participant: "ann", Request: first.ID, To: words.Place{Unit: "no1", Group: "under14"}}
	if granted.State != "granted" || len(moved.all) != 1 || moved.all[0] != want {
		t.Errorf("granted %+v, moved %+v", granted, moved.all)
	}
	b.ask(t, "p:ann", http.MethodDelete, own+"/"+first.ID, "", http.StatusConflict)
	mine := decoded[list[transferT]](t, b.ask(t, "p:ann", http.MethodGet, own+"/me", "", http.StatusOK))
	if len(mine.Items) != 1 || mine.Items[0].State != "granted" || *mine.Items[0].Answer != "已核实" || mine.Items[0].DecidedAt == nil {
		t.Errorf("the participant sees %+v", mine.Items)
	}
	other := decoded[transferT](t, b.ask(t, "p:eve", http.MethodPost, own, wish, http.StatusCreated))
	b.ask(t, "p:ann", http.MethodDelete, own+"/"+other.ID, "", http.StatusNotFound)
	b.ask(t, "p:eve", http.MethodDelete, own+"/"+other.ID, "", http.StatusNoContent)
	b.ask(t, "p:eve", http.MethodDelete, own+"/"+other.ID, "", http.StatusNoContent)

	decided, read := false, false
	for _, e := range b.entries(t) {
		all := string(e.Before) + string(e.After) + e.Reason
		if e.Object == "transfer:"+first.ID {
			decided = decided || e.Reason == "已核实" && strings.Contains(string(e.After), `"to_unit":"no1"`)
			read = read || strings.Contains(all, "under14")
		}
		if strings.Contains(all, "搬家") {
			t.Errorf("the log says %s", all)
		}
	}
	if !decided || !read {
		t.Errorf("in the log: the decision %t, the reading %t", decided, read)
	}
}
