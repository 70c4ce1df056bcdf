package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestPlans: whoever looks for a participant, or reads in the order of participants, does it
// by the index, and sorts no campaign. An erasure that looked at every record of a shard
// would not end for a million people at the end of a campaign. SQLite has to find the way
// without statistics, which nobody makes there.
func TestPlans(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fill(t, db, 40_000) // fewer are read faster one after the other
		if db.Dialect == sqldb.SQLite {
			plans(t, db)
		}
		if _, err := db.ExecContext(t.Context(), "ANALYZE"); err != nil {
			t.Fatal(err)
		}
		plans(t, db)
	})
}

func plans(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for name, q := range map[string]struct {
		query, index string
		args         []any
		sorts        bool // the few rows that are found
	}{
		"a page of facts":   {pageQuery(factList, "facts", historyPage), "facts_by_block", []any{1, 1, 0, "p1", 0}, false},
		"a page of records": {pageQuery(recordList, "personal", leastOfBlock), "personal_by_block", []any{1, 1, 0, "p1", 0}, false},
		"signatures": {
			recordsQuery, "personal_by_block", recordsArgs(1, block{1, 0}, event.RecordSignature, []string{"p1", "p2", "p3"}), false,
		},
		"one's facts":   {personQuery(factList, "facts"), "facts_by_block", []any{1, 1, 3, "p1"}, true},
		"one's records": {personQuery(recordList, "personal"), "personal_by_block", []any{1, 1, 3, "p1"}, true},
		"an erasure":    {eraseQuery, "personal_by_block", []any{1, 1, 3, "p1", 0, 9}, true},
	} {
		plan := explain(t, db, q.query, q.args...)
		if !strings.Contains(plan, q.index) || !q.sorts && (strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP B-TREE")) {
			t.Errorf("%s: %s is read by\n%s", name, q.query, plan)
		}
		if strings.Contains(plan, "SCAN facts") || strings.Contains(plan, "SCAN personal") || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s: %s reads everything:\n%s", name, q.query, plan)
		}
		if part := "(shard=? AND epoch=? AND <expr>=? AND "; db.Dialect == sqldb.SQLite &&
			!strings.Contains(plan, part+"participant=?") && !strings.Contains(plan, part+"(participant,seq)>") {
			t.Errorf("%s: %s reads more than one participant:\n%s", name, q.query, plan)
		}
	}
	for _, table := range []string{"facts", "personal"} {
		plan := explain(t, db, reachQuery(table), 1, 9)
		if strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("how far %s goes is read by\n%s", table, plan)
		}
	}
}

// fill writes so many rows for a planner to think about, in two shards.
func fill(t *testing.T, db *sqldb.DB, rows int) {
	t.Helper()
	numbers := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", rows)
	for _, s := range []string{
		numbers + `INSERT INTO facts (shard, epoch, seq, kind, participant, unit, grp, at, first, best, body) SELECT i % 2 + 1, 1, i, 'expired.1', 'p' || (i / 4), 'u', 'g', 0, 0, '', '{}' FROM n`,
		numbers + `INSERT INTO personal SELECT i % 2 + 1, 1, i, 'enrolment.1', 'p' || (i / 4), 0, '', NULL, NULL FROM n`,
	} {
		if db.Dialect == sqldb.PostgreSQL {
			s = strings.ReplaceAll(s, "'{}'", "'{}'::bytea")
			s = strings.ReplaceAll(s, "NULL, NULL", "NULL::bytea, NULL::bigint")
		} else {
			s = strings.ReplaceAll(s, "'{}'", "x'7b7d'")
		}
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func explain(t *testing.T, db *sqldb.DB, query string, args ...any) string {
	t.Helper()
	prefix := "EXPLAIN QUERY PLAN "
	if db.Dialect == sqldb.PostgreSQL {
		prefix = "EXPLAIN "
	}
	rows, err := db.QueryContext(t.Context(), prefix+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		line := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range line {
			into[i] = &line[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, line...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// TestPauses: an archiver is patient with an outage and in no hurry when there
// is nothing to do.
func TestPauses(t *testing.T) {
	t.Parallel()
	a := &Archiver{}
	var last time.Duration
	for i, step := range []struct {
		full, failed bool
		want         time.Duration
	}{
		{want: 400 * time.Millisecond},
		{full: true, want: 0},
		{failed: true, want: 400 * time.Millisecond},
		{failed: true, want: 800 * time.Millisecond},
		{full: true, failed: true, want: 1600 * time.Millisecond},
		{failed: true, want: 3200 * time.Millisecond},
		{failed: true, want: 5 * time.Second},
		{failed: true, want: 5 * time.Second},
		{want: 400 * time.Millisecond},
		{failed: true, want: 800 * time.Millisecond},
	} {
		if last = a.pause(last, step.full, step.failed); last != step.want {
			t.Errorf("pause %d = %v, want %v", i, last, step.want)
		}
	}
}
