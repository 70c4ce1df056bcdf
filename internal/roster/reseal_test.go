package roster_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"qingyuan/internal/roster"
	"qingyuan/internal/seal"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// withKeys returns rosters whose box has some keys, the first of which is current.
func withKeys(t *testing.T, db *sqldb.DB, ids ...string) *roster.Rosters {
	t.Helper()
	keys := seal.Keys{Current: ids[0], Secrets: map[string][]byte{}}
	for _, id := range ids {
		keys.Secrets[id] = bytes.Repeat([]byte(id), 32)
	}
	box, err := seal.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	return roster.New(db, roster.Keys{Hash: [32]byte{1}, Box: box}, func() time.Time { return time.UnixMilli(1) })
}

// readable counts the persons of two units, and fails where one cannot be read.
func readable(t *testing.T, r *roster.Rosters) int {
	t.Helper()
	n := 0
	for _, unit := range []string{"u0", "u1"} {
		for p, err := range r.People(t.Context(), "c", unit) {
			if err != nil || p.Name != "张三" {
				t.Fatalf("%+v, %v", p, err)
			}
			n++
		}
	}
	return n
}

// TestReseal takes an old key out: everybody is still to be read, without it, and
// whoever no key opens is told of and left as they are.
func TestReseal(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		const people = 1201 // some pages
		var rows [][]any
		for i := range people {
			rows = append(rows, []any{fmt.Sprint("u", i%2), fmt.Sprint(i), "张三", ""})
		}
		hands := roster.Hands{May: everywhere, Write: db.WithTx}
		_, err := withKeys(t, db, "a").Import(t.Context(), newCampaign(t, 2), table(t, sheet.CSV, rows...), roster.Mode{}, hands)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			keys []string
			want roster.Resealed
		}{
			{[]string{"b"}, roster.Resealed{Seen: people, Closed: people}},
			{[]string{"b", "a"}, roster.Resealed{Seen: people, Changed: people}},
			{[]string{"b", "a"}, roster.Resealed{Seen: people}},
		} {
			got, err := withKeys(t, db, step.keys...).Reseal(t.Context())
			if err != nil || got != step.want {
				t.Errorf("keys %v: %+v, %v, want %+v", step.keys, got, err, step.want)
			}
		}
		if n := readable(t, withKeys(t, db, "b")); n != people {
			t.Errorf("%d persons can be read, want %d", n, people)
		}
	})
}
