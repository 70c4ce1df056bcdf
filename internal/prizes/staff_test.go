package prizes_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// staffed is a drawn rig with two accounts, wang and li, and a roster of one line.
func staffed(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	r := drawn(t, db)
	r.Marks.Door = func(_ context.Context, campaignID, unit, number string) (string, error) {
		if campaignID != "c" || unit != "u1" || number != "1" {
			return "", nil
		}
		return "door", nil
	}
	r.AtLine = func(context.Context, string) (string, error) { return "p1", nil }
	var accounts []operator.Account
	for _, login := range []string{"wang", "li"} {
		accounts = append(accounts, operator.Account{ID: login, Login: login})
		if _, err := db.ExecContext(t.Context(), `INSERT INTO operators (id, login, name, campaign, scope, password, password_at, must_change, disabled_at, created_at,
			secret, secret_at, code_step, reset_by, reset_until) VALUES ($1, $1, $1, '', '', '', 0, 0, 0, 0, $2, 0, 0, '', 0)`, login, []byte{}); err != nil {
			t.Fatal(err)
		}
	}
	r.Staff = &prizes.Staff{
		DB: db, Marks: r.Marks, Now: r.Now, Accounts: func(context.Context, string) ([]operator.Account, error) { return slices.Clone(accounts), nil },
	}
	return r
}

// unknown lists who is not known in a campaign with some fields.
func (r *rig) unknown(campaignID string, fields ...campaign.Field) string {
	r.Helper()
	all, err := r.Staff.Unknown(r.Context(), &campaign.Campaign{ID: campaignID, Fields: fields})
	if err != nil {
		r.Fatal(err)
	}
	out := ""
	for _, a := range all {
		out += a.Login + " "
	}
	return out
}

// TestWhoHasAnAccountWinsNothing: what an account says of its holder keeps them out of
// draws and from what they win, in every campaign, without being on any list.
func TestWhoHasAnAccountWinsNothing(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := staffed(t, db)
		ctx := t.Context()
		phone := campaign.Field{Name: "phone"}
		if got := r.unknown("c", phone); got != "wang li " {
			t.Errorf("not known at first: %s", got)
		}
		wang := prizes.Known{Phones: []string{"13800000003"}, People: []prizes.RosterLine{{Campaign: "c", Line: prizes.Line{Unit: "u1", Number: "1"}}}}
		for range 2 {
			if told, err := r.Staff.Mark(ctx, console(), "wang", wang, ""); err != nil || told != (prizes.Told{Phones: 1, People: 1}) {
				t.Errorf("known by %+v, %v", told, err)
			}
		}
		for name, got := range map[string]string{"here": r.unknown("c"), "where phones are asked for": r.unknown("d", phone)} {
			if got != "li " {
				t.Errorf("not known %s: %s", name, got)
			}
		}
		if got := r.unknown("d"); got != "wang li " {
			t.Errorf("not known where there is neither line nor phone: %s", got)
		}
		if _, err := r.Staff.Mark(ctx, console(), "li", prizes.Known{People: wang.People}, ""); err != nil {
			t.Fatal(err)
		}
		if here, there := r.unknown("c"), r.unknown("d", phone); here != "" || there != "li " {
			t.Errorf("not known: %s, where the roster is another: %s", here, there)
		}

		r.at = r.plan.Draws[0].EntrantsAt.Add(2 * time.Minute)
		if err := r.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		if f, err := r.Draw(ctx, "c", "final"); err != nil || f.Count != 28 || f.ExcludedCount != 2 { // of thirty who passed
			t.Errorf("%d entrants and %d excluded: %v", f.Count, f.ExcludedCount, err)
		}
		if err := r.Refresh(ctx); err != nil || !r.Barred("c", "p1") || !r.Barred("c", "p3") || r.Barred("c", "p2") {
			t.Errorf("the wrong people are barred: %v", err)
		}
		if err := r.GoesOnAs(ctx, "p3", "anew"); err != nil || r.Refresh(ctx) != nil || !r.Barred("c", "anew") {
			t.Errorf("who goes on as somebody else is not barred: %v", err)
		}
		x, err := r.Exclusion(ctx, "c")
		if err != nil || x.Participants != 3 || x.Lines != 0 || x.Phones != 0 || len(x.Unknown) != 0 {
			t.Errorf("on the list: %+v, %v", x, err)
		}

		// A voucher is claimed with no number: the one of the enrolment tells.
		r.Phones = func(_ context.Context, _, participant string) ([]string, error) {
			return map[string][]string{"guest": {"13900000000"}, "wang-again": {"13900000001", "13800000003"}}[participant], nil
		}
		if _, err := r.AddCodes(ctx, console(), "c", "tea", []byte("AAA\nBBB\n"), false); err != nil {
			t.Fatal(err)
		}
		for who, code := range map[string]bool{"guest": true, "wang-again": false} {
			id := r.win(who, "u1", "tea", 2)
			w, err := r.Claim(ctx, "c", who, id, prizes.Claim{Consent: "1"})
			if err != nil || (w.Code != "") != code || w.UnderReview == code {
				t.Errorf("%s: %+v, %v", who, w, err)
			}
		}
	})
}

// TestMarksThatAreNone: what cannot be a mark is refused as a whole, nobody is known by
// more than a person has, and nothing of it lies open.
func TestMarksThatAreNone(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := staffed(t, db)
		ctx := t.Context()
		good, many := "13800000003", prizes.Known{}
		for i := range 10 {
			many.Phones = append(many.Phones, fmt.Sprint(13900000000+i))
		}
		for name, k := range map[string]prizes.Known{
			"nothing":      {},
			"no number":    {Phones: []string{good, "0351-110"}},
			"no line":      {Phones: []string{good}, People: []prizes.RosterLine{{Campaign: "c", Line: prizes.Line{Unit: "u1", Number: "2"}}}},
			"far too many": {Phones: append(slices.Clone(many.Phones), good)},
		} {
			if told, err := r.Staff.Mark(ctx, console(), "wang", k, ""); err == nil {
				t.Errorf("%s: known by %+v", name, told)
			}
		}
		if told, err := r.Staff.Told(ctx, "wang"); err != nil || told != (prizes.Told{}) {
			t.Errorf("known by %+v, %v", told, err)
		}
		if told, err := r.Staff.Mark(ctx, console(), "wang", many, ""); err != nil || told.Phones != 10 {
			t.Errorf("known by %+v, %v", told, err)
		}
		if told, err := r.Staff.Mark(ctx, console(), "wang", prizes.Known{Phones: []string{good}}, ""); err == nil {
			t.Errorf("one too many: %+v", told)
		}
		var open int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM prize_staff WHERE mark LIKE '%1390000000%'`).Scan(&open); err != nil || open != 0 {
			t.Errorf("%d numbers lie open, %v", open, err)
		}
		var said, told int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN CAST(after AS TEXT) LIKE '%1390%' THEN 1 ELSE 0 END), 0) FROM audit WHERE action = 'operator.mark'`).Scan(&said, &told); err != nil || said != 1 || told != 0 {
			t.Errorf("%d entries in the audit log, %d of them with numbers, %v", said, told, err)
		}
	})
}
