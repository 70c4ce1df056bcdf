package roster_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"qingyuan/internal/roster"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestMerge moves rosters onto that of another unit: everybody is recognised there and
// nowhere else, by their own name, and keeps their way of signing in over a second merge.
func TestMerge(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c, r := newCampaign(t, 4), withKeys(t, db, "a")
		var rows [][]any
		for i := range 1100 { // more than a page for each of two units
			rows = append(rows, []any{fmt.Sprint("u", i%2), fmt.Sprint(i), nameOf(i), "staff"})
		}
		rows = append(rows, []any{"u2", "y", "李四", ""}, []any{"u3", "x", "王五", ""})
		if _, err := r.Import(t.Context(), c, table(t, sheet.CSV, rows...), roster.Mode{}, roster.Hands{May: everywhere, Write: db.WithTx}); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Unname(t.Context(), func(_ string, p roster.Person) bool { return p.Number == "5" }); n != 1 || err != nil {
			t.Fatalf("erased %d, %v", n, err)
		}
		merge := func(into string, units ...string) error {
			return db.WithTx(t.Context(), func(tx *sql.Tx) error { return r.Merge(t.Context(), tx, "c", units, into) })
		}
		sizes := func(want string) {
			t.Helper()
			all, err := r.Sizes(t.Context(), "c")
			if got := fmt.Sprint(all); err != nil || got != want {
				t.Errorf("sizes %s, %v, want %s", got, err, want)
			}
		}

		if err := merge("u0", "u1", "u2"); err != nil {
			t.Fatal("number 1 stands on both that go:", err)
		}
		sizes("map[u0:1101 u3:1]")
		if err := merge("u3", "u0"); err != nil {
			t.Fatal(err)
		}
		sizes("map[u3:1102]")
		for number, at := range map[string][2]string{"0": {"u0", nameOf(0)}, "1099": {"u1", nameOf(1099)}, "x": {"u3", "王五"}} {
			door, name := at[0], at[1]
			p, err := r.Recognise(t.Context(), c, "u3", number, name)
			if err != nil || p.Door != door || p.Unit != "u3" {
				t.Errorf("%s: %+v, %v, want the door of %s", number, p, err, door)
			}
			if _, err := r.Recognise(t.Context(), c, "u3", number, "旁人"); !errors.Is(err, roster.ErrMismatch) {
				t.Errorf("%s by another name: %v", number, err)
			}
			if door == "u3" {
				continue
			}
			if _, err := r.Recognise(t.Context(), c, door, number, name); !errors.Is(err, roster.ErrMismatch) {
				t.Errorf("%s in the unit that is gone: %v", number, err)
			}
		}
		erased, seen := 0, map[string]string{}
		for p, err := range r.People(t.Context(), "c", "u3") {
			if err != nil {
				t.Fatal(err)
			}
			if p.Erased() {
				erased++
			}
			seen[p.Number] = p.Group
		}
		if erased != 1 || len(seen) != 1102 || seen["7"] != "staff" {
			t.Errorf("%d erased, %d others, group %q", erased, len(seen)-1, seen["7"])
		}

		// Who was erased comes with a later file: once, and by their own door.
		again := [][]any{{"u3", "5", nameOf(5), "staff"}, {"u3", "1100", "新来", "staff"}}
		for range 2 {
			if _, err := r.Import(t.Context(), c, table(t, sheet.CSV, again...), roster.Mode{}, roster.Hands{May: everywhere, Write: db.WithTx}); err != nil {
				t.Fatal(err)
			}
			sizes("map[u3:1103]")
		}
		if p, err := r.Recognise(t.Context(), c, "u3", "5", nameOf(5)); err != nil || p.Door != "u1" {
			t.Errorf("brought again: %+v, %v", p, err)
		}
	})
}

// nameOf is another name for each of some thousands.
func nameOf(i int) string { return "张" + string(rune('一'+i)) }

// TestMergeWithTheSameNumber leaves both rosters as they are.
func TestMergeWithTheSameNumber(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c, r := newCampaign(t, 2), withKeys(t, db, "a")
		rows := [][]any{{"u0", "1", "张三", ""}, {"u1", "1", "李四", ""}, {"u1", "2", "王五", ""}}
		if _, err := r.Import(t.Context(), c, table(t, sheet.CSV, rows...), roster.Mode{}, roster.Hands{May: everywhere, Write: db.WithTx}); err != nil {
			t.Fatal(err)
		}
		err := db.WithTx(t.Context(), func(tx *sql.Tx) error { return r.Merge(t.Context(), tx, "c", []string{"u1"}, "u0") })
		if !errors.Is(err, roster.ErrMerge) {
			t.Errorf("merged: %v", err)
		}
		for _, who := range [][3]string{{"u0", "1", "张三"}, {"u1", "1", "李四"}, {"u1", "2", "王五"}} {
			if _, err := r.Recognise(t.Context(), c, who[0], who[1], who[2]); err != nil {
				t.Errorf("%v: %v", who, err)
			}
		}
	})
}
