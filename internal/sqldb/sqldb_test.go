package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// openEnv makes the test binary open the database that it names, and nothing
// else: for tests with several processes.
const openEnv = "QINGYUAN_TEST_OPEN"

func TestMain(m *testing.M) {
	if target := os.Getenv(openEnv); target != "" {
		openAndExit(target)
	}
	goleak.VerifyTestMain(m)
}

func openAndExit(target string) {
	db, err := sqldb.Open(context.Background(), target)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestReopen shows that what was committed is there for the next who opens.
func TestReopen(t *testing.T) {
	t.Parallel()
	sqltest.EachTarget(t, func(t *testing.T, target string) {
		db := sqltest.Open(t, target)
		mustExec(t, db, "CREATE TABLE kept (n INTEGER)")
		mustExec(t, db, "INSERT INTO kept VALUES ($1)", 7)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if n := number(t, sqltest.Open(t, target), "SELECT n FROM kept"); n != 7 {
			t.Errorf("n = %d, want 7", n)
		}
	})
}

// TestPlaceholders shows that one way of writing them means the same to both:
// by number, in any order, more than once.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mustExec(t, db, "CREATE TABLE p (a BIGINT, b BIGINT, c BIGINT)")
		mustExec(t, db, "INSERT INTO p (a, b, c) VALUES ($2, $1, $2)", 1, 2)
		if n := number(t, db, "SELECT a * 100 + b * 10 + c FROM p WHERE b = $2 AND a = $1 AND c = $1", 2, 1); n != 212 {
			t.Errorf("the row is %d, want 212", n)
		}
	})
}

// TestTextIsOrderedByBytes holds the schema to the order that Go has: a history
// is merged from rows that come in it.
func TestTextIsOrderedByBytes(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, digest := range []string{"中", "b", "a", "B", "É", "_", "-a"} {
			mustExec(t, db, "INSERT INTO banks (digest, packed) VALUES ($1, $2)", digest, []byte{1})
		}
		got := texts(t, db, "SELECT digest FROM banks ORDER BY digest")
		if want := "-a B _ a b É 中"; got != want {
			t.Errorf("order is %s, want %s", got, want)
		}
	})
}

// TestSchemasAreTheSame compares the columns of both, by name and order.
func TestSchemasAreTheSame(t *testing.T) {
	t.Parallel()
	lite, pg := sqltest.SQLite(t), sqltest.PostgreSQL(t)
	a := texts(t, lite, `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT IN ('schema_version', 'sqlite_sequence') ORDER BY m.name, c.cid`)
	b := texts(t, pg, `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name <> 'schema_version'
		ORDER BY table_name COLLATE "C", ordinal_position`)
	if a != b || !strings.Contains(a, "facts.seq") {
		t.Errorf("SQLite:     %s\nPostgreSQL: %s", a, b)
	}
}

// TestManyOpenAtOnce has processes start together on a database that is empty.
func TestManyOpenAtOnce(t *testing.T) {
	t.Parallel()
	sqltest.EachTarget(t, func(t *testing.T, target string) {
		var g errgroup.Group
		for range 6 {
			g.Go(func() error {
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), openEnv+"="+target)
				if out, err := cmd.CombinedOutput(); err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		db := sqltest.Open(t, target)
		if n := number(t, db, "SELECT COUNT(*) - COUNT(DISTINCT version_id) FROM schema_version"); n != 0 {
			t.Errorf("%d migrations ran more than once", n)
		}
	})
}

func TestSchemaAhead(t *testing.T) {
	t.Parallel()
	sqltest.EachTarget(t, func(t *testing.T, target string) {
		db := sqltest.Open(t, target)
		applied := "1"
		if db.Dialect == sqldb.PostgreSQL {
			applied = "TRUE"
		}
		mustExec(t, db, "INSERT INTO schema_version (version_id, is_applied) VALUES (9999, "+applied+")")
		_, err := sqldb.Open(t.Context(), target)
		if !errors.Is(err, sqldb.ErrSchemaAhead) || !strings.Contains(err.Error(), "9999") {
			t.Errorf("Open = %v, want %v with the version", err, sqldb.ErrSchemaAhead)
		}
	})
}

func TestOpenWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]string{
		"folder":  filepath.Join(t.TempDir(), "none", "qingyuan.db"),
		"server":  "postgres://someone:hunter2@127.0.0.1:1/qingyuan",
		"address": "postgres://someone:hunter2@127.0.0.1:port/qingyuan",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := sqldb.Open(t.Context(), target)
			if err == nil {
				_ = db.Close()
				t.Fatal("it was opened")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func mustExec(t *testing.T, db *sqldb.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// number returns the one number that a query answers.
func number(t *testing.T, db *sqldb.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// texts returns the texts that a query answers, in one line.
func texts(t *testing.T, db *sqldb.DB, query string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}
