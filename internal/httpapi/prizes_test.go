package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/seal"
	"qingyuan/prize"
)

// promising is a catalog in which the campaigns of a bench have prizes: one of goods that
// every chance wins, and a draw.
type promising struct{ *stubCatalog }

// Prizes implements prize.Catalog.
func (p promising) Prizes(id string) (prize.Offer, error) {
	c, err := p.Campaign(id)
	if err != nil {
		return prize.Offer{}, err
	}
	untaxed := prize.Tax{PaidBy: prize.Winner}
	name := func(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }
	return prize.Offer{Campaign: c, Plan: &prize.Plan{
		Rules: prize.Rules{Version: "1", Text: name("规则")}, Chances: prize.Chances{PerDay: 2, InAll: 3, Wins: 1}, ClaimDays: 30, Qualify: prize.Qualify{Attempts: prize.DaysAttempts},
		Instant: []prize.Prize{
			{ID: "bag", Kind: prize.Goods, Name: name("背包"), Stock: 5, Value: 10_000, Tax: untaxed, Odds: prize.Million},
		},
		Draws: []prize.Draw{{
			ID: "final", Name: name("抽奖"), EntrantsAt: c.ClosesAt.Add(-time.Hour), Reserves: 2, Source: "双色球第 2026077 期",
			Prizes: []prize.Prize{{ID: "tea", Kind: prize.Voucher, Name: name("茶"), Stock: 1, Value: 500, Tax: untaxed}},
		}},
	}}, nil
}

// bare is a catalog without any prizes.
type bare struct{}

// Prizes implements prize.Catalog.
func (bare) Prizes(string) (prize.Offer, error) { return prize.Offer{}, prize.ErrNone }

// oneWin is a store in which somebody of unit no1 has won item 1 of everything.
type oneWin struct{ prize.Store }

// Win implements prize.Store.
func (oneWin) Win(_ context.Context, _ string, id prize.WinID) (prize.Win, error) {
	if id.Item != 1 {
		return prize.Win{}, prize.ErrNoWin
	}
	return prize.Win{WinID: id, Participant: "p", Unit: "no1", Group: "public", State: prize.Won, At: noon(), Since: noon()}, nil
}

// Wins implements prize.Store.
func (s oneWin) Wins(ctx context.Context, campaignID string) ([]prize.Win, error) {
	w, err := s.Win(ctx, campaignID, prize.WinID{Prize: "bag", Item: 1})
	return []prize.Win{w}, err
}

// OwnWins implements prize.Store.
func (s oneWin) OwnWins(ctx context.Context, p prize.Person) ([]prize.Win, error) {
	return s.Wins(ctx, p.Campaign)
}

// Granted implements prize.Store.
func (oneWin) Granted(context.Context, string) (map[string]int, error) {
	return map[string]int{"bag": 1}, nil
}

// noPlans is for a desk whose codes and barred people nobody follows.
func noPlans() []prize.Offer { return nil }

// testBox is a box with one key.
func testBox(t *testing.T) *seal.Box {
	t.Helper()
	box, err := seal.New(seal.Keys{Current: "1", Secrets: map[string][]byte{"1": make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// openPrizes gives a bench with operators somebody who hands prizes out.
func openPrizes(t *testing.T, b *bench) {
	t.Helper()
	catalog := promising{b.catalog}
	desk := &prizes.Service{DB: b.office.db, Box: testBox(t), Catalog: catalog, Store: oneWin{}, Jobs: &jobs.Queue{DB: b.office.db, Now: b.Now}, Plans: noPlans, Now: b.Now}
	for _, k := range desk.Kinds() {
		b.office.approvals.Register(k)
	}
	b.Prizes, b.PrizeDesk = &prize.Service{Catalog: catalog, Store: oneWin{}, Now: b.Now}, desk
	b.PrizeStaff = staffOf(b)
}

// staffOf knows the accounts of a bench with operators. There is one line on a roster.
func staffOf(b *bench) *prizes.Staff {
	return &prizes.Staff{
		DB: b.office.db, Now: b.Now, Accounts: b.office.accounts.In,
		Marks: prizes.Marks{Door: func(_ context.Context, campaignID, unit, number string) (string, error) {
			if campaignID+unit+number != "springno10017" {
				return "", nil
			}
			return "door", nil
		}},
	}
}

// prizeArea is a win of unit no1.
func prizeArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/prizes"
	win := func(*testing.T, *bench) map[string]string { return map[string]string{"win": "bag.1"} }
	final := func(*testing.T, *bench) map[string]string { return map[string]string{"draw": "final"} }
	tea := func(*testing.T, *bench) map[string]string { return map[string]string{"prize": "tea"} }
	return area{open: openPrizes, subjects: map[string]subject{
		"GET " + all + "/excluded":             {whole: true},
		"POST " + all + "/excluded":            {whole: true, body: `{"participants":["p%d"],"reason":"工作人员"}`},
		"POST " + all + "/draws/:draw/result":  {whole: true, object: final, ok: http.StatusConflict, body: `{"value":"1 2 3","reason":"核对"}`},
		"POST " + all + "/draws/:draw/redraws": {whole: true, object: final, ok: http.StatusConflict, body: `{"place":1,"reason":"逾期"}`},
		"GET " + all:                           {},
		"POST " + all + "/:prize/codes":        {whole: true, object: tea, body: "CODE%d\n"},
		"GET " + all + "/wins":                 {},
		"POST " + all + "/exports":             {placed: true, ok: http.StatusAccepted, body: `{"scope":"no1","format":"csv"}`},
		"GET " + all + "/exports/:job/file":    {object: madePrizeExport},
		"POST " + all + "/fulfilment":          {body: "中奖编号,发放凭据\n"},
		"POST " + all + "/wins/:win/refuse":    {object: win, ok: http.StatusAccepted, body: `{"told":"同一设备重复参与","reason":"核实"}`},
		"POST " + all + "/wins/:win/clear":     {object: win, ok: http.StatusNoContent, body: `{"reason":"已核实"}`},
		"POST " + all + "/wins/:win/reopen":    {object: win, ok: http.StatusAccepted, body: `{"reason":"申诉成立"}`},
	}}
}

// madePrizeExport is a list of winners of unit no1 that is done.
func madePrizeExport(t *testing.T, b *bench) map[string]string {
	t.Helper()
	o := prizes.Order{Campaign: "spring", Scope: "no1", Format: "csv"}
	r := jobs.Request{Action: string(operator.ReadParticipants), Actor: "somebody", Login: "somebody"}
	id, err := b.PrizeDesk.AskExport(t.Context(), o, r, audit.Record{At: b.Now(), Actor: "somebody", Action: "export"})
	if err != nil {
		t.Fatal(err)
	}
	b.workOn(t, id, b.PrizeDesk.(*prizes.Service).Register) //nolint:forcetypeassert // What openPrizes put there.
	return map[string]string{"job": id}
}

// newPrizeBench is a bench on the real store, with prizes.
func newPrizeBench(t *testing.T) *bench {
	t.Helper()
	b := newOfficeBench(t, func(b *bench) {
		live := newRealBench(t)
		b.Enrolments, b.redis = live.Enrolments, live.redis
		campaigns := redisstore.NewCampaigns(b.redis)
		if err := campaigns.Open(t.Context(), b.catalog.campaigns[0], redisstore.Known{}, b.Now()); err != nil {
			t.Fatal(err)
		}
		catalog, store := promising{b.catalog}, redisstore.NewPrizes(campaigns, b.catalog.Campaign)
		desk := &prizes.Service{
			DB: b.office.db, Box: testBox(t), Catalog: catalog, Store: store, Jobs: &jobs.Queue{DB: b.office.db, Now: b.Now}, Plans: noPlans, Now: b.Now,
		}
		b.Prizes, b.PrizeDesk = &prize.Service{Catalog: catalog, Store: store, Codes: desk.Codes, Now: b.Now}, desk
	})
	return b
}

// TestAPrizeFromTheChanceToTheDoor: everything is public before, a chance is spent once,
// the winner claims, others see nothing of it, and the office sends it.
func TestAPrizeFromTheChanceToTheDoor(t *testing.T) {
	t.Parallel()
	b := newPrizeBench(t)
	const c = "/api/v1/campaigns/spring"
	ok := func(method, path, as, body string, want int) answer {
		t.Helper()
		a := b.do(t, request(method, c+path, as, body))
		if a.status != want {
			t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, want)
		}
		return a
	}
	if d := decoded[campaignDetail](t, ok("GET", "", "", "", 200)); !d.Prizes {
		t.Error("the campaign does not say that there are prizes")
	}
	promised := decoded[prizesT](t, ok("GET", "/prizes", "", "", 200))
	if promised.Instant == nil || len(promised.Instant.SecretHash) != 64 || promised.Instant.Secret != nil ||
		*promised.Instant.Prizes[0].Odds != prize.Million || promised.Draws[0].Source != "双色球第 2026077 期" || !strings.Contains(promised.Statement, "指定") {
		t.Errorf("promised %+v", promised)
	}
	if d := decoded[shownDrawT](t, ok("GET", "/prizes/draws/final", "", "", 200)); d.State != "announced" || d.Announced != promised.Draws[0].Announced || d.Root != nil {
		t.Errorf("draw %+v", d)
	}
	ok("GET", "/prizes/draws/final/file", "", "", 409)
	ok("GET", "/prizes/draws/other", "", "", 404)
	ok("POST", "/prizes/chances", ann, `{"number":1}`, 409) // nobody yet
	ok("PUT", "/enrolment", ann, `{"unit":"no1","name":"安妮","group":"public","consent":{"notice_version":"n1","publish_name":true}}`, 200)
	ok("PUT", "/enrolment", bob, `{"unit":"no1","name":"鲍勃","group":"public","consent":{"notice_version":"n1"}}`, 200)
	first := ok("POST", "/prizes/chances", ann, `{"number":1}`, 200)
	if again := ok("POST", "/prizes/chances", ann, `{"number":1}`, 200); again.body != first.body {
		t.Errorf("twice:\n%s\n%s", first.body, again.body)
	}
	if x := decoded[chanceT](t, first); !x.Won || *x.Win != "bag.1" {
		t.Errorf("chance %s", first.body)
	}
	if x := decoded[chanceT](t, ok("POST", "/prizes/chances", ann, `{"number":2}`, 200)); x.Won || *x.Why != "had" {
		t.Errorf("a second win: %+v", x)
	}
	if a := ok("POST", "/prizes/chances", ann, `{"number":3}`, 409); a.problem(t).Code != "prize.limit_reached" || a.problem(t).NextAttemptAt == "" {
		t.Errorf("beyond the day: %s", a.body)
	}
	if list := decoded[list[chanceT]](t, ok("GET", "/prizes/chances", ann, "", 200)); len(list.Items) != 2 || list.Items[1].Number != 1 {
		t.Errorf("chances %+v", list)
	}

	const whole = `{"consent":{"rules_version":"1","personal":true},"contact":{"name":"安妮","phone":"13800000000","address":"迎宾街一号"}}`
	for body, code := range map[string]string{
		`{"consent":{"rules_version":"0","personal":true},"contact":{"name":"安妮","phone":"13800000000","address":"迎宾街一号"}}`:               "prize.consent_required",
		`{"consent":{"rules_version":"1"},"contact":{"name":"安妮","phone":"13800000000","address":"迎宾街一号"}}`:                               "prize.consent_required",
		`{"consent":{"rules_version":"1","personal":true},"contact":{"name":"安妮"}}`:                                                       "request.invalid",
		`{"consent":{"rules_version":"1","personal":true},"contact":{"name":"安妮","phone":"13800000000","address":"迎宾街","id_number":"1"}}`: "request.invalid",
	} {
		if a := ok("POST", "/prizes/wins/bag.1/claim", ann, body, 400); a.problem(t).Code != code {
			t.Errorf("claim with %s: %s, want %s", body, a.body, code)
		}
	}
	ok("POST", "/prizes/wins/bag.1/claim", bob, whole, 404)
	for range 2 {
		if w := decoded[winT](t, ok("POST", "/prizes/wins/bag.1/claim", ann, whole, 200)); w.State != "claimed" {
			t.Errorf("claimed: %+v", w)
		}
	}
	if own := decoded[ownPrizesT](t, ok("GET", "/prizes/me", bob, "", 200)); len(own.Wins) != 0 || own.Next != 1 {
		t.Errorf("Bob sees %+v", own)
	}
	ok("POST", "/prizes/chances", bob, `{"number":1}`, 200)
	winners := ok("GET", "/prizes/winners", "", "", 200)
	if w := decoded[list[winnerT]](t, winners); len(w.Items) != 2 || w.Items[0].Name+w.Items[1].Name != "安*鲍*" || strings.Contains(winners.body, "安妮") {
		t.Errorf("winners %s", winners.body)
	}

	as := b.hire(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring"}).token
	const office = "/api/v1/admin/campaigns/spring/prizes"
	const desk = office + "/fulfilment"
	asked := b.do(t, request("POST", office+"/exports", as, `{"state":"claimed","format":"csv"}`))
	if asked.status != http.StatusAccepted {
		t.Fatalf("export: %d %s", asked.status, asked.body)
	}
	job := decoded[orderedT](t, asked).Job
	if a := b.do(t, request("GET", office+"/exports/"+job+"/file", as, "")); a.problem(t).Code != "prize.export_not_made" {
		t.Errorf("taken before it was made: %d %s", a.status, a.body)
	}
	b.workOn(t, job, b.PrizeDesk.(*prizes.Service).Register) //nolint:forcetypeassert // What newPrizeBench put there.
	sheet := b.do(t, request("GET", office+"/exports/"+job+"/file", as, ""))
	if sheet.status != 200 || !strings.Contains(sheet.body, "bag.1") || !strings.Contains(sheet.body, "迎宾街一号") || strings.Contains(sheet.body, "bag.2") {
		t.Fatalf("export: %d %s", sheet.status, sheet.body)
	}
	sum, remembered := sha256.Sum256([]byte(sheet.body)), 0
	for _, e := range b.entries(t) {
		if e.Object == "prize:export:"+job {
			remembered++
		}
		if strings.Contains(string(e.After), hex.EncodeToString(sum[:])) && !strings.Contains(string(e.After), `"rows":1`) {
			t.Errorf("what was made is remembered as %s", e.After)
		}
	}
	if remembered != 3 { // asked for, made, taken
		t.Errorf("the audit log tells %d times of the export", remembered)
	}
	for _, want := range []string{`"sent":1,"same":0`, `"sent":0,"same":1`} {
		if a := b.do(t, request("POST", desk, as, "中奖编号,发放凭据\nbag.1,SF123\nbag.9,SF1\n")); !strings.Contains(a.body, want) || !strings.Contains(a.body, "rows.3") {
			t.Errorf("import: %d %s, want %s", a.status, a.body, want)
		}
	}
	if own := decoded[ownPrizesT](t, ok("GET", "/prizes/me", ann, "", 200)); own.Wins[0].State != "sent" {
		t.Errorf("Ann sees %+v", own.Wins)
	}
	for _, e := range b.entries(t) {
		if strings.Contains(string(e.After), "迎宾街") {
			t.Error("the audit log holds an address")
		}
	}
}
