package prizes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/seal"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/waittest"
	"qingyuan/prize"
)

var opens = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)

// rig is the prizes of one campaign on a real Redis and a database.
type rig struct {
	*testing.T
	*prizes.Service

	c    *campaign.Campaign
	plan *prize.Plan
	db   *sqldb.DB
	at   time.Time
}

// Prizes implements prize.Catalog.
func (r *rig) Prizes(id string) (prize.Offer, error) {
	if id != r.c.ID {
		return prize.Offer{}, campaign.ErrNotFound
	}
	return prize.Offer{Campaign: r.c, Plan: r.plan}, nil
}

func box(t *testing.T, current string) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Keys{Current: current, Secrets: map[string][]byte{"1": bytes.Repeat([]byte{7}, 32), "2": bytes.Repeat([]byte{8}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newRig(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "r", Kind: campaign.Region, Name: campaign.Text{"zh-CN": "区"}},
		{ID: "u1", Parent: "r", Kind: campaign.Unit, Name: campaign.Text{"zh-CN": "一"}},
		{ID: "u2", Parent: "r", Kind: campaign.Unit, Name: campaign.Text{"zh-CN": "二"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := func(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }
	r := &rig{T: t, db: db, at: opens.Add(time.Hour)}
	r.c = &campaign.Campaign{ID: "c", Tree: tree, Zone: time.FixedZone("CST", 8*3600), OpensAt: opens, ClosesAt: opens.AddDate(0, 1, 0), Shards: 1}
	r.plan = &prize.Plan{
		Rules: prize.Rules{Version: "1", Text: name("规则")}, ClaimDays: 10, Chances: prize.Chances{InAll: 9},
		Instant: []prize.Prize{
			{ID: "tea", Kind: prize.Voucher, Name: name("茶"), Stock: 5, Value: 1500, Odds: 1},
			{ID: "bag", Kind: prize.Goods, Name: name("包"), Stock: 5, Value: 100_000, Odds: 1, Tax: prize.Tax{Percent: 20, PaidBy: prize.Winner}},
		},
	}
	campaigns := redisstore.NewCampaigns(redistest.Start(t).Client(t))
	if err := campaigns.Open(t.Context(), r.c, redisstore.Known{}, r.at); err != nil {
		t.Fatal(err)
	}
	r.Service = &prizes.Service{
		DB: db, Box: box(t, "1"), Catalog: r, Store: redisstore.NewPrizes(campaigns, func(string) (*campaign.Campaign, error) { return r.c, nil }),
		Plans: func() []prize.Offer { return []prize.Offer{{Campaign: r.c, Plan: r.plan}} }, Now: func() time.Time { return r.at },
		Failed: func(err error) { t.Error(err) },
		Jobs:   &jobs.Queue{DB: db, Now: func() time.Time { return r.at }, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond},
	}
	r.Register(r.Jobs)
	return r
}

// win lets somebody of a unit win by their first chance.
func (r *rig) win(who, unit, id string, limit int) prize.WinID {
	r.Helper()
	c, outcome, err := r.Store.Spend(r.Context(), prize.Person{Campaign: "c", Participant: who}, prize.Try{
		Number: 1, At: r.at, Day: r.c.Day(r.at), Chances: r.plan.Chances, Unit: unit, Group: "public", Rolled: id, Limit: limit,
	})
	if err != nil || outcome != prize.Spent || c.Item == 0 {
		r.Fatalf("%s does not win %s: %+v, %s, %v", who, id, c, outcome, err)
	}
	return prize.WinID{Prize: id, Item: c.Item}
}

func console() operator.Actor { return operator.Console("console") }

// TestCodesAreHandedOutOnce: codes are numbered without a gap, a repeat adds none, and
// each winner sees the one of their own item.
func TestCodesAreHandedOutOnce(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		for _, step := range []struct {
			file         string
			added, total int
		}{{"兑换码\nAAA\nBBB\n\nAAA\n", 2, 2}, {"AAA\nBBB\n", 0, 2}, {"BBB\nCCC\n", 1, 3}} {
			before := r.Codes("c", "tea")
			dry, err := r.AddCodes(ctx, console(), "c", "tea", []byte(step.file), true)
			if err != nil || r.Refresh(ctx) != nil || r.Codes("c", "tea") != before {
				t.Errorf("%q: a dry run leaves %d codes of %d, %v", step.file, r.Codes("c", "tea"), before, err)
			}
			got, err := r.AddCodes(ctx, console(), "c", "tea", []byte(step.file), false)
			if err != nil || got != dry || got.Added != step.added || got.Codes != step.total || r.Codes("c", "tea") != step.total {
				t.Errorf("%q: %+v, %+v dry, %d known, %v", step.file, got, dry, r.Codes("c", "tea"), err)
			}
		}
		if _, err := r.AddCodes(ctx, console(), "c", "tea", []byte("DDD\nE E\n"), false); err == nil || r.Codes("c", "tea") != 3 {
			t.Errorf("a faulty list: %v, %d codes", err, r.Codes("c", "tea"))
		}
		if _, err := r.AddCodes(ctx, console(), "c", "bag", []byte("DDD\n"), false); !errors.Is(err, prizes.ErrKind) {
			t.Errorf("codes of goods: %v", err)
		}
		var got []string
		for i := range 3 {
			who := fmt.Sprint("p", i)
			id := r.win(who, "u1", "tea", r.Codes("c", "tea"))
			w, err := r.Claim(ctx, "c", who, id, prizes.Claim{Consent: "1"})
			if err != nil || w.State != prize.Sent {
				t.Fatalf("claim by %s: %+v, %v", who, w, err)
			}
			if again, err := r.Claim(ctx, "c", who, id, prizes.Claim{}); err != nil || again.Code != w.Code {
				t.Errorf("again: %q, %v", again.Code, err)
			}
			if _, err := r.Claim(ctx, "c", "stranger", id, prizes.Claim{Consent: "1"}); !errors.Is(err, prize.ErrNoWin) {
				t.Errorf("a stranger: %v", err)
			}
			got = append(got, w.Code)
		}
		if !slices.Equal(got, []string{"AAA", "BBB", "CCC"}) {
			t.Errorf("codes %q", got)
		}
		var legible int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM prize_codes WHERE CAST(sealed AS TEXT) LIKE '%AAA%' OR mark LIKE '%AAA%'`).Scan(&legible); db.Dialect == sqldb.SQLite && (err != nil || legible != 0) {
			t.Errorf("%d codes lie open, %v", legible, err)
		}
	})
}

var contact = prizes.Contact{Name: "王芳", Phone: "13800000000", Address: "迎宾街一号", IDNumber: "11010519491231002X"}

// TestAWinEnds: it expires where nobody claims it, is refused and given after all by two
// persons, and what its winner told is kept for two years and then gone.
func TestAWinEnds(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		late, kept := r.win("late", "u1", "bag", 5), r.win("kept", "u2", "bag", 5)
		wrong := contact
		wrong.IDNumber = "110105194912310021"
		if _, err := r.Claim(ctx, "c", "kept", kept, prizes.Claim{Contact: wrong, Consent: "1"}); err == nil || !strings.Contains(fmt.Sprintf("%+v", err), "request.invalid") {
			t.Errorf("a wrong number: %v", err)
		}
		decide := func(kind string) error {
			t.Helper()
			params, err := json.Marshal(prizes.Decision{Win: kept.String(), Told: "同一设备"})
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range r.Kinds() {
				if k.Name != kind {
					continue
				}
				for range 2 { // a repeat changes nothing
					if _, err := k.Run(ctx, approval.Approval{Campaign: "c", Params: params}); err != nil {
						return err
					}
				}
				return nil
			}
			return errors.New("no such kind")
		}
		if err := decide(prizes.KindRefuse); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Claim(ctx, "c", "kept", kept, prizes.Claim{Contact: contact, Consent: "1"}); !errors.Is(err, prizes.ErrRefused) {
			t.Errorf("claimed although refused: %v", err)
		}
		if own, err := r.Own(ctx, "c", "kept"); err != nil || len(own) != 1 || own[0].Told != "同一设备" {
			t.Errorf("told %+v, %v", own, err)
		}
		r.at = r.at.AddDate(0, 0, 9)
		if err := decide(prizes.KindReopen); err != nil {
			t.Fatal(err)
		}
		r.at = r.at.AddDate(0, 0, 2)
		if err := r.Expire(ctx); err != nil {
			t.Fatal(err)
		}
		if w, err := r.Store.Win(ctx, "c", late); err != nil || w.State != prize.Expired {
			t.Errorf("late: %+v, %v", w, err)
		}
		if _, err := r.Claim(ctx, "c", "late", late, prizes.Claim{Contact: contact, Consent: "1"}); !errors.Is(err, prizes.ErrLate) {
			t.Errorf("claimed too late: %v", err)
		}
		if _, err := r.Claim(ctx, "c", "kept", kept, prizes.Claim{Contact: contact, Consent: "1"}); err != nil {
			t.Fatalf("after it was reopened: %v", err)
		}
		if table := r.export(); !strings.Contains(table, "迎宾街一号") || !strings.Contains(table, "1000.00,200.00,800.00") {
			t.Errorf("export:\n%s", table)
		}

		if err := r.ErasePersonal(ctx, "kept"); err != nil {
			t.Fatal(err)
		}
		if table := r.export(); strings.Contains(table, "迎宾街一号") || !strings.Contains(table, kept.String()) {
			t.Errorf("export after an erasure:\n%s", table)
		}
		r.Box = box(t, "2")
		if n, err := r.Reseal(ctx); err != nil || n != 1 {
			t.Errorf("sealed anew: %d, %v", n, err)
		}
		sealed := func() (n int) {
			if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM prize_claims WHERE sealed IS NOT NULL`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, step := range []struct {
			at   time.Time
			left int
		}{{r.c.ClosesAt.AddDate(2, 0, 0), 1}, {r.c.ClosesAt.Add(prizes.Archived), 0}} {
			r.at = step.at
			if err := r.Expire(ctx); err != nil || sealed() != step.left {
				t.Errorf("at %s: %d left, want %d, %v", step.at.Format(time.DateOnly), sealed(), step.left, err)
			}
		}
	})
}

// refuse has two persons agree that a prize is not given.
func (r *rig) refuse(id prize.WinID) error {
	r.Helper()
	params, err := json.Marshal(prizes.Decision{Win: id.String(), Told: "核实不符"})
	if err != nil {
		r.Fatal(err)
	}
	for _, k := range r.Kinds() {
		if k.Name == prizes.KindRefuse {
			_, err = k.Run(r.Context(), approval.Approval{Campaign: "c", Params: params})
		}
	}
	return err
}

// export has everything written as CSV by a job, and returns the file.
func (r *rig) export() string {
	r.Helper()
	id, err := r.AskExport(r.Context(), prizes.Order{Campaign: "c", Format: sheet.CSV}, jobs.Request{Action: string(operator.ReadParticipants), Actor: "a", Login: "a"}, console().Record(r.at, operator.ReadParticipants, "c", ""))
	if err != nil {
		r.Fatal(err)
	}
	ctx, stop := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() { r.Jobs.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	var raw []byte
	waittest.Until(r.T, "the list", func() bool {
		j, _, file, err := r.Exported(r.Context(), id)
		if err == nil {
			if raw, err = io.ReadAll(file); err != nil {
				r.Fatal(err)
			}
			return true
		}
		if !errors.Is(err, prizes.ErrNotMade) || j.State.Final() {
			r.Fatalf("export %s: %s, %v", j.State, j.Error, err)
		}
		return false
	})
	return string(raw)
}

// TestNothingIsGivenBeforeAReview: while flags of a winner wait, or were confirmed, no
// code is shown and nothing is sent; once they are dismissed, all goes on.
func TestNothingIsGivenBeforeAReview(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t))
	ctx := t.Context()
	flags := map[string][]string{"odd": {"same_device"}}
	r.Flagged = func(context.Context, string) (map[string][]string, error) { return flags, nil }
	if _, err := r.AddCodes(ctx, console(), "c", "tea", []byte("AAA\n"), false); err != nil {
		t.Fatal(err)
	}
	tea, bag := r.win("odd", "u1", "tea", 1), prize.WinID{Prize: "bag", Item: 1}
	if c, _, err := r.Store.Spend(ctx, prize.Person{Campaign: "c", Participant: "odd"}, prize.Try{
		Number: 2, At: r.at, Day: r.c.Day(r.at), Chances: r.plan.Chances, Unit: "u1", Group: "public", Rolled: "bag", Limit: 1,
	}); err != nil || c.Item != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := r.Claim(ctx, "c", "odd", bag, prizes.Claim{Contact: contact, Consent: "1"}); err != nil {
		t.Fatal(err)
	}
	step := func(code string, sent int) {
		t.Helper()
		w, err := r.Claim(ctx, "c", "odd", tea, prizes.Claim{Consent: "1"})
		if err != nil || w.Code != code {
			t.Errorf("the voucher: %+v, %v, want the code %q", w, err, code)
		}
		done, err := r.Fulfil(ctx, console(), "c", []byte("中奖编号,发放凭据\nbag.1,SF1\n"))
		if err != nil || done.Sent != sent || len(done.Refused) != 1-sent {
			t.Errorf("fulfilled: %+v, %v, want %d sent", done, err, sent)
		}
		wait, err := r.Wins(ctx, console(), "c", "", true)
		if err != nil || len(wait) != 2*(1-sent) {
			t.Errorf("to be reviewed: %+v, %v", wait, err)
		}
	}
	step("", 0)
	flags = nil
	step("AAA", 1)
}

// TestWhoRunsTheCampaignWinsNothing: people are known by their line on a roster, whenever
// they come by it, and by the number that they enrol or claim with.
func TestWhoRunsTheCampaignWinsNothing(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := drawn(t, db)
		ctx := t.Context()
		came := map[string]string{"door-1": "p1"}
		r.Marks.Door = func(_ context.Context, _, unit, number string) (string, error) {
			if unit != "u1" || number == "9" {
				return "", nil
			}
			return "door-" + number, nil
		}
		r.AtLine = func(_ context.Context, mark string) (string, error) { return came[mark], nil }
		in := prizes.Insiders{Lines: []prizes.Line{{Unit: "u1", Number: "1"}, {Unit: "u1", Number: "2"}}, Phones: []string{"13800000003"}}
		for _, want := range []int{3, 0} {
			if added, err := r.Exclude(ctx, console(), "c", in, "工作人员"); err != nil || added != want {
				t.Errorf("%d are new, want %d: %v", added, want, err)
			}
		}
		for _, bad := range []prizes.Insiders{
			{}, {Lines: []prizes.Line{{Unit: "u1", Number: "9"}}}, {Lines: []prizes.Line{{Unit: "u2", Number: "1"}}}, {Phones: []string{"0351-110"}},
		} {
			if _, err := r.Exclude(ctx, console(), "c", bad, "工作人员"); err == nil {
				t.Errorf("%+v was taken", bad)
			}
		}
		if !r.Barred("c", "p1") || r.Barred("c", "p2") {
			t.Error("who came by a line is not barred, or somebody else is")
		}
		came["door-2"] = "p2"
		r.at = r.plan.Draws[0].EntrantsAt.Add(2 * time.Minute)
		if err := r.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		frozen, err := r.Draw(ctx, "c", "final")
		if err != nil || frozen.Count != 27 || frozen.ExcludedCount != 3 { // of thirty who passed
			t.Errorf("%d entrants and %d excluded: %v", frozen.Count, frozen.ExcludedCount, err)
		}
		if err := r.Refresh(ctx); err != nil || !r.Barred("c", "p2") || !r.Barred("c", "p3") {
			t.Errorf("who was found at the freeze is not barred: %v", err)
		}

		bag := r.win("p5", "u1", "bag", 5)
		told := contact
		told.Phone = "13800000003"
		if _, err := r.Claim(ctx, "c", "p5", bag, prizes.Claim{Contact: told, Consent: "1"}); err != nil {
			t.Fatal(err)
		}
		wins, err := r.Wins(ctx, console(), "c", "", true)
		if err != nil || len(wins) != 1 || !slices.Equal(wins[0].Flags, []string{prizes.FlagInsider}) {
			t.Errorf("to be reviewed: %+v, %v", wins, err)
		}
		if err := r.Clear(ctx, console(), "c", bag, "没关系"); !errors.Is(err, prizes.ErrInsider) {
			t.Errorf("an insider is cleared: %v", err)
		}
		if done, err := r.Fulfil(ctx, console(), "c", []byte("中奖编号,发放凭据\n"+bag.String()+",SF1\n")); err != nil || done.Sent != 0 {
			t.Errorf("an insider is sent something: %+v, %v", done, err)
		}
		var open int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM prize_insiders WHERE mark LIKE '%13800000003%'`).Scan(&open); err != nil || open != 0 {
			t.Errorf("%d phone numbers lie open, %v", open, err)
		}
	})
}
