package sqldb_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestPostgreSQLThatIsNotDurable changes the settings of a server and wants
// every new connection to refuse it, also that of a program which runs.
func TestPostgreSQLThatIsNotDurable(t *testing.T) {
	t.Parallel()
	srv := sqltest.StartPostgreSQL(t)
	db := sqltest.Open(t, srv.URL())
	db.SetMaxIdleConns(-1) // every statement has a connection of its own
	for word, tt := range map[string]struct{ lose, keep string }{
		"synchronous_commit": {
			"ALTER DATABASE qingyuan SET synchronous_commit = off",
			"ALTER DATABASE qingyuan RESET synchronous_commit",
		},
		"fsync": {"ALTER SYSTEM SET fsync = off", "ALTER SYSTEM RESET fsync"},
	} {
		setting(t, srv, tt.lose)
		if err := db.PingContext(t.Context()); !errors.Is(err, sqldb.ErrNotDurable) || !strings.Contains(err.Error(), word) {
			t.Errorf("a new connection = %v, want %v for %s", err, sqldb.ErrNotDurable, word)
		}
		if _, err := sqldb.Open(t.Context(), srv.URL()); !errors.Is(err, sqldb.ErrNotDurable) {
			t.Errorf("Open = %v, want %v for %s", err, sqldb.ErrNotDurable, word)
		}
		setting(t, srv, tt.keep)
		if err := db.PingContext(t.Context()); err != nil {
			t.Errorf("with %s in order again: %v", word, err)
		}
	}
}

// setting changes the server behind the back of the program, and restarts it.
func setting(t *testing.T, srv *sqltest.Server, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	srv.Stop(t)
	srv.Start(t)
}

func TestPostgreSQLInAnotherEncoding(t *testing.T) {
	t.Parallel()
	db := sqltest.PostgreSQL(t)
	name := texts(t, db, "SELECT current_database() || '_latin'")
	mustExec(t, db, "CREATE DATABASE "+name+" ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
	target := texts(t, db, `SELECT format('postgres://qingyuan@/%s?host=%s&port=%s', $1::text,
		current_setting('unix_socket_directories'), current_setting('port'))`, name)
	if _, err := sqldb.Open(t.Context(), target); !errors.Is(err, sqldb.ErrNotDurable) {
		t.Errorf("Open = %v, want %v", err, sqldb.ErrNotDurable)
	}
}

// TestPostgreSQLAway takes the server away in each way and brings it back: the
// same DB says that it is an outage, and then goes on.
func TestPostgreSQLAway(t *testing.T) {
	t.Parallel()
	srv := sqltest.StartPostgreSQL(t)
	db := sqltest.Open(t, strings.Replace(srv.URL(), "@", ":hunter2@", 1)) // it asks for none
	if got, want := db.String(), "postgres://"+srv.Addr()+"/qingyuan"; got != want {
		t.Errorf("the name for logs is %s, want %s", got, want)
	}
	db.SetMaxIdleConns(-1) // a connection that was cut tells only when it is used
	mustExec(t, db, "CREATE TABLE n (n INTEGER)")
	for name, away := range map[string]func(testing.TB){"stopped": srv.Stop, "killed": srv.Kill} {
		err := db.WithTx(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO n VALUES (1)"); err != nil {
				return err
			}
			away(t)
			return nil
		})
		if !sqldb.IsUnavailable(err) || sqldb.IsData(err) {
			t.Errorf("%s in a transaction: %v, want unavailable", name, err)
		}
		if err := db.PingContext(t.Context()); !sqldb.IsUnavailable(err) {
			t.Errorf("%s: Ping = %v, want unavailable", name, err)
		}
		if _, err := sqldb.Open(t.Context(), srv.URL()); !sqldb.IsUnavailable(err) {
			t.Errorf("%s: Open = %v, want unavailable", name, err)
		}
		srv.Start(t)
		if n := number(t, db, "SELECT COUNT(*) FROM n"); n != 0 {
			t.Errorf("%s: %d rows are back, want none that was not committed", name, n)
		}
	}
}
