package httpapi

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"qingyuan/campaign"
	"qingyuan/internal/hiding"
	"qingyuan/internal/operator"
)

// curtain are boards that keep who is hidden.
type curtain struct {
	mu     sync.Mutex
	hidden map[string]bool
}

func (c *curtain) Hide(_ context.Context, _, participant string, hidden bool) error {
	if participant == "unknown" {
		return campaign.ErrRequired
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hidden[participant] = hidden
	return nil
}

// openHidings gives a bench with operators the hidings themselves. Everybody but a stranger
// belongs to no1.
func openHidings(t *testing.T, b *bench) *curtain {
	t.Helper()
	c := &curtain{hidden: map[string]bool{}}
	b.Hidings = &hiding.Service{
		DB: b.office.db, Boards: c, Campaign: b.catalog.Campaign, Now: b.Now, Writable: func(string) error { return nil },
		People: func(_ context.Context, _ string, ids []string) (map[string]hiding.Known, error) {
			out := map[string]hiding.Known{}
			for _, id := range ids {
				if id != "stranger" {
					out[id] = hiding.Known{Name: "王*", Unit: "no1"}
				}
			}
			return out, nil
		},
		Withdrawn: func(_ context.Context, _, participant string) (bool, error) { return participant == "gone", nil },
	}
	return c
}

// hidingArea hides people of unit no1.
func hidingArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/hidings"
	return area{
		open: func(t *testing.T, b *bench) {
			t.Helper()
			openHidings(t, b)
		},
		subjects: map[string]subject{
			"GET " + all:  {},
			"POST " + all: {placed: true, body: `{"participant":"p%d","reason":"核查"}`, ok: http.StatusCreated},
			"POST " + all + "/:hiding/show": {body: `{"reason":"无误"}`, object: func(t *testing.T, b *bench) map[string]string {
				t.Helper()
				h, _, err := b.Hidings.Hide(t.Context(), operator.Console("test"), "spring", "p"+sequence(), "核查")
				if err != nil {
					t.Fatal(err)
				}
				return map[string]string{"hiding": h.ID}
			}},
		},
	}
}

// TestHidings hides and shows as the office of the participant's unit; others find nobody.
func TestHidings(t *testing.T) {
	t.Parallel()
	var boards *curtain
	b := newOfficeBench(t, func(b *bench) { boards = openHidings(t, b) })
	own := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"})
	other := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "tg1"})
	const all = "/api/v1/admin/campaigns/spring/hidings"
	const ann = `{"participant":"ann","reason":"成绩正在核查"}`
	for body, status := range map[string]int{
		`{}`: http.StatusBadRequest, `{"participant":"ann"}`: http.StatusBadRequest,
		`{"participant":"ann","reason":"` + strings.Repeat("长", 501) + `"}`: http.StatusBadRequest,
		`{"participant":"stranger","reason":"x"}`:                           http.StatusNotFound,
		`{"participant":"unknown","reason":"x"}`:                            http.StatusNotFound,
	} {
		b.ask(t, own, http.MethodPost, all, body, status)
	}
	b.ask(t, other, http.MethodPost, all, ann, http.StatusNotFound)
	first := decoded[hidingT](t, b.ask(t, own, http.MethodPost, all, ann, http.StatusCreated))
	again := decoded[hidingT](t, b.ask(t, own, http.MethodPost, all, `{"participant":"ann","reason":"又一次"}`, http.StatusOK))
	if first.ID != again.ID || again.Reason != "成绩正在核查" || first.Name != "王*" || first.Unit != "no1" || first.ShownAt != nil || !boards.hidden["ann"] {
		t.Errorf("first %+v, again %+v, boards %v", first, again, boards.hidden)
	}
	listed := func(as, query string) []hidingT {
		return decoded[list[hidingT]](t, b.ask(t, as, http.MethodGet, all+query, "", http.StatusOK)).Items
	}
	if now := listed(own, ""); len(now) != 2 || now[1].ID != first.ID && now[0].ID != first.ID { // "unknown" was decided, too
		t.Errorf("its office lists %+v", now)
	}
	if seen := listed(other, "?state=all"); len(seen) != 0 {
		t.Errorf("another office lists %+v", seen)
	}
	b.ask(t, own, http.MethodGet, all+"?state=some", "", http.StatusBadRequest)
	show := all + "/" + first.ID + "/show"
	b.ask(t, other, http.MethodPost, show, `{"reason":"无误"}`, http.StatusNotFound)
	b.ask(t, own, http.MethodPost, show, `{}`, http.StatusBadRequest)
	for range 2 {
		shown := decoded[hidingT](t, b.ask(t, own, http.MethodPost, show, `{"reason":"核查无误"}`, http.StatusOK))
		if shown.ShownAt == nil || *shown.ShownReason != "核查无误" || boards.hidden["ann"] {
			t.Errorf("shown %+v, boards %v", shown, boards.hidden)
		}
	}
	if ended := listed(own, "?state=all"); len(ended) != 2 {
		t.Errorf("its office lists %+v", ended)
	}
	gone := decoded[hidingT](t, b.ask(t, own, http.MethodPost, all, `{"participant":"gone","reason":"x"}`, http.StatusCreated))
	if p := b.ask(t, own, http.MethodPost, all+"/"+gone.ID+"/show", `{"reason":"x"}`, http.StatusConflict).problem(t); p.Code != "hiding.consent_withdrawn" {
		t.Errorf("who took their consent back: %+v", p)
	}
}
