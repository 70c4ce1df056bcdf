package roster_test

import (
	"errors"
	"fmt"
	"testing"

	"qingyuan/internal/roster"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestUnname takes one name off a roster: the line stays, nobody signs in by it, and a
// roster that comes again brings the name back onto the same line.
func TestUnname(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c, r := newCampaign(t, 2), withKeys(t, db, "a")
		var rows [][]any
		for i := range 700 { // more than a page
			rows = append(rows, []any{fmt.Sprint("u", i%2), fmt.Sprint(i), "张三", ""})
		}
		hands := roster.Hands{May: everywhere, Write: db.WithTx}
		bring := func() {
			t.Helper()
			if _, err := r.Import(t.Context(), c, table(t, sheet.CSV, rows...), roster.Mode{}, hands); err != nil {
				t.Fatal(err)
			}
		}
		bring()
		theirs := func(campaignID string, p roster.Person) bool {
			return campaignID == "c" && p.Unit == "u1" && p.Number == "601"
		}
		for _, want := range []int{1, 0} {
			if n, err := r.Unname(t.Context(), theirs); n != want || err != nil {
				t.Fatalf("unnamed %d, %v, want %d", n, err, want)
			}
		}
		sizes := func() string {
			t.Helper()
			all, err := r.Sizes(t.Context(), "c")
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(all)
		}
		if got := sizes(); got != "map[u0:350 u1:350]" {
			t.Errorf("sizes %s", got)
		}
		erased := 0
		for p, err := range r.People(t.Context(), "c", "u1") {
			if err != nil {
				t.Fatal(err)
			}
			if p.Erased() {
				erased++
			}
			if p.Erased() && p.Name != "" || p.Number == "601" {
				t.Errorf("still there: %+v", p)
			}
		}
		if erased != 1 {
			t.Errorf("%d lines without a name", erased)
		}
		if _, err := r.Recognise(t.Context(), c, "u1", "601", "张三"); !errors.Is(err, roster.ErrMismatch) {
			t.Errorf("recognised: %v", err)
		}
		bring()
		if _, err := r.Recognise(t.Context(), c, "u1", "601", "张三"); err != nil || sizes() != "map[u0:350 u1:350]" {
			t.Errorf("brought again: %v, %s", err, sizes())
		}
	})
}

// TestHolder forgets all rosters of a campaign, in steps.
func TestHolder(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := withKeys(t, db, "a")
		rows := [][]any{{"u0", "1", "张三", ""}, {"u0", "2", "李四", ""}, {"u1", "1", "王五", ""}}
		hands := roster.Hands{May: everywhere, Write: db.WithTx}
		if _, err := r.Import(t.Context(), newCampaign(t, 2), table(t, sheet.CSV, rows...), roster.Mode{}, hands); err != nil {
			t.Fatal(err)
		}
		h := r.Holder()
		if n, err := h.Left(t.Context(), "another"); n != 0 || err != nil {
			t.Errorf("of another campaign %d, %v", n, err)
		}
		for _, want := range []int64{2, 1, 0} {
			if n, err := h.Forget(t.Context(), "c", 2); n != want || err != nil {
				t.Errorf("forgot %d, %v, want %d", n, err, want)
			}
		}
	})
}
