package catalog

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/quiz"
)

// wide is a campaign whose bank may lose a question, and lean one that may not.
func wide(t *testing.T) configs.Definition {
	t.Helper()
	d := load(t, town)
	second := d.Bank.Questions[0]
	second.ID, second.Stem = "q-2", "又"
	var err error
	if d.Bank, err = quiz.NewBank(d.Bank.ID, append([]quiz.Question{}, d.Bank.Questions[0], second)); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestWithdrawal takes a question out of drawing: every server that follows draws without
// it, also of a campaign that lies elsewhere, and goes on with it when it is readmitted.
func TestWithdrawal(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d, def := newDesk(t, db), wide(t)
		servers := []*Keeper{
			open(t, Options{Store: d.Store, Fixed: []configs.Definition{def}}),
			open(t, Options{Store: d.Store, Fixed: []configs.Definition{def}}),
		}
		w := Withdrawal{Campaign: def.Campaign.ID, Fingerprint: def.Bank.Questions[1].Fingerprint(), Question: "q-2", Challenge: "c1", At: d.at}
		within := func(fn func(tx *sql.Tx) error) {
			t.Helper()
			if err := db.WithTx(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		wants := func(what string, out bool) {
			t.Helper()
			for i, k := range servers {
				again(t, k)
				offer, err := k.Quiz(def.Campaign.ID)
				if err != nil || offer.Withdrawn.Has(1) != out || offer.Withdrawn.Has(0) {
					t.Errorf("%s: server %d draws without %+v, %v", what, i, offer.Withdrawn, err)
				}
			}
		}
		wants("before", false)
		for range 2 {
			within(func(tx *sql.Tx) error { return d.Withdraw(t.Context(), tx, w) })
			wants("withdrawn", true)
		}
		if all, err := d.Withdrawn(t.Context(), def.Campaign.ID); err != nil || len(all) != 1 || all[w.Fingerprint] != "c1" {
			t.Errorf("withdrawn are %v, %v", all, err)
		}
		other := w
		other.Challenge = "c2"
		for _, one := range []struct {
			Withdrawal

			was bool
		}{{other, false}, {w, true}, {w, false}} {
			within(func(tx *sql.Tx) error {
				was, err := d.Readmit(t.Context(), tx, one.Withdrawal)
				if was != one.was {
					t.Errorf("readmitted by %s: %v", one.Challenge, was)
				}
				return err
			})
		}
		wants("readmitted", false)

		// What a reviewer has withdrawn comes back when a reviewer of that bank signs it.
		w.Challenge = byBank("law")
		within(func(tx *sql.Tx) error { return d.Withdraw(t.Context(), tx, w) })
		wants("withdrawn by a reviewer", true)
		for _, one := range []struct {
			bank, fingerprint string
			out               bool
		}{{"harm", w.Fingerprint, true}, {"law", "another", true}, {"law", w.Fingerprint, false}} {
			within(func(tx *sql.Tx) error {
				return errors.Join(d.HoldDrawing(t.Context(), tx), d.ResumeDrawing(t.Context(), tx, one.bank, []string{one.fingerprint}))
			})
			wants("signed in "+one.bank, one.out)
		}
	})
}

// TestSupply refuses what leaves somebody without a paper.
func TestSupply(t *testing.T) {
	t.Parallel()
	d := wide(t)
	one := map[string]bool{d.Bank.Questions[0].Fingerprint(): true}
	both := map[string]bool{d.Bank.Questions[0].Fingerprint(): true, d.Bank.Questions[1].Fingerprint(): true}
	for name, tc := range map[string]struct {
		out   map[string]bool
		now   time.Time
		short bool
	}{
		"none":            {nil, during(), false},
		"one":             {one, during(), false},
		"both, before":    {both, before(), true},
		"both, open":      {both, during(), true},
		"both, once over": {both, d.Campaign.ClosesAt, false},
	} {
		err := Supply(d, tc.out, tc.now)
		if (err != nil) != tc.short {
			t.Errorf("%s: %v", name, err)
		}
		if tc.short {
			want(t, name, err, ErrSupply, "quiz.strata.0")
		}
	}
	always := d
	c := *d.Campaign
	c.AlwaysOpen = true
	always.Campaign = &c
	want(t, "a campaign that never closes", Supply(always, both, during()), ErrSupply, "quiz.strata.0")
}

// TestGateSupplied refuses a version of a campaign that would draw from a bank of which
// too little is left.
func TestGateSupplied(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	d := newDesk(t, db)
	d.Gates = []Gate{d.Supplied}
	def := load(t, town)
	w := Withdrawal{Campaign: def.Campaign.ID, Fingerprint: def.Bank.Questions[0].Fingerprint(), Question: "q-1", Challenge: "c1", At: d.at}
	if err := db.WithTx(t.Context(), func(tx *sql.Tx) error { return d.Withdraw(t.Context(), tx, w) }); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ApplyBundle(t.Context(), by("放入"), bundleOf(t, town), true); err == nil || !strings.Contains(err.Error(), ErrSupply.Code) && !strings.Contains(err.Error(), ErrSupply.Text) {
		t.Errorf("a campaign without a question left is published: %v", err)
	}
}
