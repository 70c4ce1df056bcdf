package audit_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

var start = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)

// record is the n-th act of a test, an hour after the one before.
func record(n int) audit.Record {
	return audit.Record{
		At: start.Add(time.Duration(n) * time.Hour), Actor: fmt.Sprintf("op%d", n%3), Login: "wang", Addr: netip.MustParseAddr("2001:db8::1"),
		Action: "tree.edit", Campaign: "spring", Object: fmt.Sprintf("unit:%d", n),
		Before: json.RawMessage(`{"roster":1}`), After: json.RawMessage(`{"roster":2}`), Reason: "核对名册",
	}
}

func filled(t *testing.T, db *sqldb.DB, n int) *audit.Log {
	t.Helper()
	err := db.WithTx(t.Context(), func(tx *sql.Tx) error {
		for i := range n {
			if err := audit.AppendTx(t.Context(), tx, record(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return audit.New(db)
}

func verify(t *testing.T, log *audit.Log, heads ...audit.Head) audit.Report {
	t.Helper()
	r, err := log.Verify(t.Context(), heads...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWholeLogVerifies(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if r := verify(t, audit.New(db)); r.Broken != nil || r.Entries != 0 {
			t.Errorf("an empty log: %+v", r)
		}
		log := filled(t, db, 1203) // more than two pages
		r := verify(t, log)
		if r.Broken != nil || r.Entries != 1203 || r.First != 1 || r.Head.Seq != 1203 {
			t.Errorf("%+v", r)
		}
		if again := verify(t, log, r.Head); again.Broken != nil || len(again.Unknown) != 0 {
			t.Errorf("with its own head: %+v", again)
		}
		h, err := audit.ParseHead(r.Head.String())
		if err != nil || h != r.Head {
			t.Errorf("the head does not survive being written down: %v %v", h, err)
		}
	})
}

// TestTamperingIsNamed changes the log behind its back in every way, and wants the
// first entry that is not what it was.
func TestTamperingIsNamed(t *testing.T) {
	t.Parallel()
	const last = 12
	row := `SELECT %s, at, actor, login, addr, action, campaign, object, before, after, reason, hash FROM audit WHERE seq = 5`
	cases := map[string]struct {
		do    []string
		first int64
		heads bool // found only by who has written the head down
	}{
		"changed actor":           {do: []string{`UPDATE audit SET actor = 'x' WHERE seq = 5`}, first: 5},
		"changed login":           {do: []string{`UPDATE audit SET login = 'x' WHERE seq = 5`}, first: 5},
		"changed action":          {do: []string{`UPDATE audit SET action = 'x' WHERE seq = 5`}, first: 5},
		"changed campaign":        {do: []string{`UPDATE audit SET campaign = '' WHERE seq = 5`}, first: 5},
		"changed object":          {do: []string{`UPDATE audit SET object = 'unit:9' WHERE seq = 5`}, first: 5},
		"changed time":            {do: []string{`UPDATE audit SET at = at + 1 WHERE seq = 5`}, first: 5},
		"changed before":          {do: []string{`UPDATE audit SET before = '' WHERE seq = 5`}, first: 5},
		"changed after":           {do: []string{`UPDATE audit SET after = '{"roster": 2}' WHERE seq = 5`}, first: 5},
		"changed reason":          {do: []string{`UPDATE audit SET reason = '' WHERE seq = 5`}, first: 5},
		"address in other words":  {do: []string{`UPDATE audit SET addr = '2001:db8:0::1' WHERE seq = 5`}, first: 5},
		"address that is none":    {do: []string{`UPDATE audit SET addr = 'x' WHERE seq = 5`}, first: 5},
		"words moved to the next": {do: []string{`UPDATE audit SET action = 'tree.', campaign = 'editspring' WHERE seq = 5`}, first: 5},
		"changed hash":            {do: []string{`UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 6) WHERE seq = 5`}, first: 5},
		"missing":                 {do: []string{`DELETE FROM audit WHERE seq = 5`}, first: 5},
		"first missing":           {do: []string{`DELETE FROM audit WHERE seq = 1`}, first: 1},
		"last missing":            {do: []string{`DELETE FROM audit WHERE seq = 12`}, first: 12},
		"all missing":             {do: []string{`DELETE FROM audit`}, first: 1},
		"missing and moved up":    {do: []string{`DELETE FROM audit WHERE seq = 5`, `UPDATE audit SET seq = -seq WHERE seq > 5`, `UPDATE audit SET seq = -seq - 1 WHERE seq < 0`}, first: 5},
		"put in":                  {do: []string{`UPDATE audit SET seq = -seq WHERE seq > 5`, `UPDATE audit SET seq = 1 - seq WHERE seq < 0`, `INSERT INTO audit ` + fmt.Sprintf(row, "6")}, first: 6},
		"put behind":              {do: []string{`INSERT INTO audit ` + fmt.Sprintf(row, "13")}, first: 13},
		"exchanged":               {do: []string{`UPDATE audit SET seq = -5 WHERE seq = 5`, `UPDATE audit SET seq = 5 WHERE seq = 6`, `UPDATE audit SET seq = 6 WHERE seq = -5`}, first: 5},
		"end told wrongly":        {do: []string{`UPDATE audit_end SET seq = 11`}, first: 12},
		"tail cut, end moved": {do: []string{
			`DELETE FROM audit WHERE seq > 9`, `UPDATE audit_end SET seq = 9, hash = (SELECT hash FROM audit WHERE seq = 9)`,
		}, first: 10, heads: true},
		"cut in front, anchor made up": {do: []string{
			`INSERT INTO audit_anchor (id, seq, hash) SELECT 1, seq, hash FROM audit WHERE seq = 4`, `DELETE FROM audit WHERE seq <= 4`,
		}, first: 4},
	}
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		log := filled(t, db, last)
		head := verify(t, log).Head
		keep(t, db)
		for name, c := range cases {
			for _, q := range c.do {
				if _, err := db.ExecContext(t.Context(), q); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if r := verify(t, log); c.heads && r.Broken != nil {
				t.Errorf("%s: found without the head: %+v", name, r.Broken)
			} else if !c.heads && (r.Broken == nil || r.Broken.Seq != c.first) {
				t.Errorf("%s: %+v, want entry %d", name, r.Broken, c.first)
			}
			if r := verify(t, log, head); r.Broken == nil || r.Broken.Seq != c.first {
				t.Errorf("%s, with the head: %+v, want entry %d", name, r.Broken, c.first)
			}
			restore(t, db)
			if r := verify(t, log, head); r.Broken != nil {
				t.Fatalf("after %s was put right: %+v", name, r.Broken)
			}
		}
	})
}

// keep copies the log aside, and restore puts it back.
func keep(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for _, table := range []string{"audit", "audit_end"} {
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE kept_"+table+" AS SELECT * FROM "+table); err != nil {
			t.Fatal(err)
		}
	}
}

func restore(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for _, q := range []string{
		`DELETE FROM audit`, `DELETE FROM audit_end`, `DELETE FROM audit_anchor`,
		`INSERT INTO audit SELECT * FROM kept_audit`, `INSERT INTO audit_end SELECT * FROM kept_audit_end`,
	} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAppendersDoNotForkTheChain has many append at once, from two servers.
func TestAppendersDoNotForkTheChain(t *testing.T) {
	t.Parallel()
	sqltest.EachTarget(t, func(t *testing.T, target string) {
		logs := []*audit.Log{audit.New(sqltest.Open(t, target)), audit.New(sqltest.Open(t, target))}
		const each = 25
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range each {
					if err := logs[w%2].Append(t.Context(), record(i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if r := verify(t, logs[0]); r.Broken != nil || r.Entries != 8*each {
			t.Errorf("%+v", r)
		}
	})
}

func TestOnlyAnOldBeginningIsCut(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		log := filled(t, db, 10)
		old, young := verify(t, log).Head, record(4)
		who := record(0)
		who.At = start.Add(audit.Retention + 4*time.Hour) // entries 1 to 4 are older
		if _, err := log.Trim(t.Context(), who, young.At.Add(time.Millisecond)); !errors.Is(err, audit.ErrTooYoung) {
			t.Errorf("cutting what has to be kept: %v", err)
		}
		n, err := log.Trim(t.Context(), who, young.At)
		if err != nil || n != 4 {
			t.Fatalf("cut %d, %v", n, err)
		}
		if n, err := log.Trim(t.Context(), who, young.At); err != nil || n != 0 {
			t.Errorf("cut again: %d, %v", n, err)
		}
		r := verify(t, log, old)
		if r.Broken != nil || r.First != 5 || r.Entries != 7 || r.Head.Seq != 11 {
			t.Errorf("after the cut: %+v %+v", r, r.Broken)
		}
		if r := verify(t, log, audit.Head{Seq: 2}); r.Broken != nil || len(r.Unknown) != 1 {
			t.Errorf("a head of what was cut: %+v", r)
		}
		if err := log.Append(t.Context(), record(20)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), `DELETE FROM audit WHERE seq = 5`); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, log); r.Broken == nil || r.Broken.Seq != 5 {
			t.Errorf("one more taken away: %+v", r.Broken)
		}
		who.At = who.At.AddDate(1, 0, 0)
		if _, err := log.Trim(t.Context(), who, who.At.Add(-audit.Retention)); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("cutting a broken log: %v", err)
		}
	})
}

func TestReadingChoosesAndPages(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		log := filled(t, db, 1100)
		other := record(1100)
		other.Action, other.Campaign, other.Reason = "operator.grant", "", "a\x00b\xffc"
		if err := log.Read(t.Context(), other, 3, "under14"); err != nil {
			t.Fatal(err)
		}
		count := func(f audit.Filter, before int64) (n int, last audit.Entry) {
			err := log.Back(t.Context(), f, before, func(e audit.Entry) (bool, error) {
				n, last = n+1, e
				return true, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return n, last
		}
		for name, c := range map[string]struct {
			f      audit.Filter
			before int64
			want   int
		}{
			"all":       {want: 1101},
			"campaign":  {f: audit.Filter{Campaign: "spring"}, want: 1100},
			"actor":     {f: audit.Filter{Actor: "op1"}, want: 367},
			"action":    {f: audit.Filter{Action: "operator.grant"}, want: 1},
			"family":    {f: audit.Filter{Action: "operator."}, want: 1},
			"no family": {f: audit.Filter{Action: "operator"}, want: 0},
			"time":      {f: audit.Filter{From: record(10).At, Until: record(20).At}, want: 10},
			"before":    {before: 601, want: 600},
		} {
			if n, _ := count(c.f, c.before); n != c.want {
				t.Errorf("%s: %d, want %d", name, n, c.want)
			}
		}
		_, e := count(audit.Filter{Action: "operator."}, 0)
		if e.Reason != "a\ufffdb\ufffdc" || string(e.After) != `{"rows":3,"groups":["under14"]}` || e.Addr != record(0).Addr {
			t.Errorf("%+v", e)
		}
		if r := verify(t, log); r.Broken != nil {
			t.Errorf("%+v", r.Broken)
		}
	})
}

func TestEntriesSayWhoWhatAndWhen(t *testing.T) {
	t.Parallel()
	log := audit.New(sqltest.SQLite(t))
	for name, change := range map[string]func(*audit.Record){
		"who":    func(r *audit.Record) { r.Actor = "" },
		"what":   func(r *audit.Record) { r.Action = "" },
		"when":   func(r *audit.Record) { r.At = time.Time{} },
		"before": func(r *audit.Record) { r.Before = json.RawMessage(`{`) },
		"after":  func(r *audit.Record) { r.After = json.RawMessage(`x`) },
	} {
		r := record(1)
		change(&r)
		if err := log.Append(t.Context(), r); err == nil {
			t.Errorf("an entry without a good %s was taken", name)
		}
	}
	if r := verify(t, log); r.Entries != 0 {
		t.Errorf("%d entries", r.Entries)
	}
}

func TestHeadsAreReadStrictly(t *testing.T) {
	t.Parallel()
	good := "7:" + strings.Repeat("ab", 32)
	for _, s := range []string{"", "7", "7:", "x:" + good[2:], "0:" + good[2:], good + "0", good[:len(good)-1] + "g"} {
		if _, err := audit.ParseHead(s); err == nil {
			t.Errorf("%q was taken for a head", s)
		}
	}
	if h, err := audit.ParseHead(" " + good + "\n"); err != nil || h.Seq != 7 {
		t.Errorf("%v %v", h, err)
	}
}

// TestAnOutageIsSaidToBeOne: whoever asks is told to come again.
func TestAnOutageIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	log := filled(t, db, 1)
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for what, err := range map[string]error{
		"append": log.Append(ctx, record(1)),
		"read":   log.Back(ctx, audit.Filter{}, 0, func(audit.Entry) (bool, error) { return true, nil }),
		"do":     log.Do(ctx, record(1), func(*sql.Tx) error { return nil }),
	} {
		if fault.From(err).Kind != fault.Unavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
	failed := errors.New("no")
	if err := log.Do(t.Context(), record(1), func(*sql.Tx) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	if r := verify(t, log); r.Entries != 1 {
		t.Errorf("an act that failed is in the log: %d entries", r.Entries)
	}
}
