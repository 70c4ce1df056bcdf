package sqldb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestFaultsOfData has rows that no repetition will store.
func TestFaultsOfData(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mustExec(t, db, "INSERT INTO banks (digest, packed) VALUES ('a', $1)", []byte{1})
		for name, query := range map[string]string{
			"twice":     "INSERT INTO banks (digest, packed) VALUES ('a', $1)",
			"nothing":   "INSERT INTO banks (digest, packed) VALUES (NULL, $1)",
			"check":     "INSERT INTO campaigns VALUES ('c', 1, 0, 11, 1, CAST($1 AS TEXT))",
			"no parent": "INSERT INTO cursors VALUES (99, 'facts', 1, LENGTH(CAST($1 AS TEXT)))",
		} {
			_, err := db.ExecContext(t.Context(), query, []byte("x"))
			wantFault(t, name, err, false, true)
		}
	})
}

// TestFaultsOfDataInOneDialect has what only one of them refuses.
func TestFaultsOfDataInOneDialect(t *testing.T) {
	t.Parallel()
	lite, pg := sqltest.SQLite(t), sqltest.PostgreSQL(t)
	for name, tt := range map[string]struct {
		db    *sqldb.DB
		query string
		arg   any
	}{
		"type":       {lite, "INSERT INTO banks (digest, packed) VALUES ('b', $1)", "text"},
		"too big":    {lite, "INSERT INTO banks (digest, packed) VALUES ('c', zeroblob($1))", 2_000_000_000},
		"NUL":        {pg, "INSERT INTO banks (digest, packed) VALUES ($1, '')", "a\x00b"},
		"not UTF-8":  {pg, "INSERT INTO banks (digest, packed) VALUES ($1, '')", "a\xffb"},
		"key length": {pg, "INSERT INTO banks (digest, packed) VALUES ($1, '')", noise(20_000)},
		"range":      {pg, "INSERT INTO banks (digest, packed) VALUES (CAST($1 AS TEXT)::int2::text, '')", "70000"},
	} {
		_, err := tt.db.ExecContext(t.Context(), tt.query, tt.arg)
		wantFault(t, name, err, false, true)
	}
}

// noise returns text that does not compress.
func noise(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		fmt.Fprintf(&b, "%x", x)
	}
	return b.String()
}

// TestFullDisk bounds the file: it is an outage, and space heals it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	db.SetMaxOpenConns(1) // the bound belongs to the connection
	mustExec(t, db, fmt.Sprintf("PRAGMA max_page_count = %d", number(t, db, "PRAGMA page_count")))
	big := make([]byte, 1<<20)
	_, err := db.ExecContext(t.Context(), "INSERT INTO banks (digest, packed) VALUES ('a', $1)", big)
	wantFault(t, "full", err, true, false)
	mustExec(t, db, "PRAGMA max_page_count = 100000")
	mustExec(t, db, "INSERT INTO banks (digest, packed) VALUES ('a', $1)", big)
}

func TestFaultsOfPrograms(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		_, err := db.ExecContext(t.Context(), "INSERT INTO nowhere VALUES (1)")
		wantFault(t, "no such table", err, false, false)
	})
}

func TestFaultsByKind(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return fmt.Errorf("x: %w", &pgconn.PgError{Code: code}) }
	for name, tt := range map[string]struct {
		err               error
		unavailable, data bool
	}{
		"none":                {nil, false, false},
		"ours":                {errors.New("x"), false, false},
		"cancelled":           {context.Canceled, false, false},
		"deadline":            {fmt.Errorf("x: %w", context.DeadlineExceeded), true, false},
		"bad connection":      {driver.ErrBadConn, true, false},
		"cut":                 {io.ErrUnexpectedEOF, true, false},
		"network":             {&net.OpError{Op: "dial", Err: errors.New("x")}, true, false},
		"connection failure":  {pg("08006"), true, false},
		"password":            {pg("28P01"), true, false},
		"serialisation":       {pg("40001"), true, false},
		"disk full":           {pg("53100"), true, false},
		"too many":            {pg("53300"), true, false},
		"starting up":         {pg("57P03"), true, false},
		"input, output":       {pg("58030"), true, false},
		"read only":           {pg("25006"), true, false},
		"damaged":             {pg("XX001"), false, false},
		"syntax":              {pg("42601"), false, false},
		"unique":              {pg("23505"), false, true},
		"out of range":        {pg("22003"), false, true},
		"row too big":         {pg("54000"), false, true},
		"cancelled statement": {errors.Join(pg("57014"), context.Canceled), false, false},
		"an empty code":       {pg(""), false, false},
	} {
		wantFault(t, name, tt.err, tt.unavailable, tt.data)
	}
}

func wantFault(t *testing.T, name string, err error, unavailable, data bool) {
	t.Helper()
	if sqldb.IsUnavailable(err) != unavailable || sqldb.IsData(err) != data {
		t.Errorf("%s: %v is unavailable %v, data %v; want %v, %v",
			name, err, sqldb.IsUnavailable(err), sqldb.IsData(err), unavailable, data)
	}
}
