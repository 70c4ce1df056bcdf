package sqldb_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// TestSQLiteIsDurable reads the settings on every connection of the pool.
func TestSQLiteIsDurable(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	for i := range db.Stats().MaxOpenConnections {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		for name, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "foreign_keys": "1", "busy_timeout": "1000",
		} {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != want {
				t.Errorf("connection %d: %s = %s, %v; want %s", i, name, got, err, want)
			}
		}
	}
}

func TestSQLiteThatIsNotDurable(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	if err := db.CheckPragma(t.Context(), "journal_mode", "delete"); !errors.Is(err, sqldb.ErrNotDurable) {
		t.Errorf("a journal that was not asked for = %v, want %v", err, sqldb.ErrNotDurable)
	}
}

// TestOnlyTheOwnerReads looks at the file and at what SQLite lays beside it.
func TestOnlyTheOwnerReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "qingyuan.db")
	sqltest.Open(t, path)
	for _, end := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", info.Name(), info.Mode().Perm())
		}
	}
}

// TestOddPaths has names that mean something in an address.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "a?mode=memory.db", "50%25.db", "a#b.db", "台账.db", "file:a.db", ":memory:"} {
		path := filepath.Join(t.TempDir(), name)
		sqltest.Open(t, path)
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%q: %v, want a database there", name, err)
		}
	}
}

// TestErasedIsGone looks for erased content in the bytes of the files.
func TestErasedIsGone(t *testing.T) {
	t.Parallel()
	const canary = "canary-13800000000"
	dir := t.TempDir()
	db := sqltest.Open(t, filepath.Join(dir, "qingyuan.db"))
	for i := range 50 {
		mustExec(t, db, "INSERT INTO banks (digest, packed) VALUES ($1, $2)", fmt.Sprint(i), bytes.Repeat([]byte(canary), 100))
	}
	scrub(t, db)
	if !holds(t, dir, canary) {
		t.Fatal("the canary never reached the files: the test proves nothing")
	}
	mustExec(t, db, "DELETE FROM banks")
	scrub(t, db)
	if holds(t, dir, canary) {
		t.Error("what was erased can still be read in the files")
	}
}

// TestScrub shows that nobody is told that old content is gone while it is not,
// and that PostgreSQL has its way to say so too.
func TestScrub(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		scrub(t, db)
		if db.Dialect == sqldb.PostgreSQL {
			if err := db.Scrub(t.Context(), "nowhere"); err == nil {
				t.Error("a table that is not there was scrubbed")
			}
			return
		}
		err := db.Snapshot(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), "SELECT digest FROM banks"); err != nil {
				return err
			}
			mustExec(t, db, "INSERT INTO banks (digest, packed) VALUES ('a', $1)", []byte{1})
			if err := db.Scrub(t.Context()); err == nil {
				t.Error("the log was folded below a reader who needs it")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		scrub(t, db)
	})
}

func scrub(t *testing.T, db *sqldb.DB) {
	t.Helper()
	if err := db.Scrub(t.Context(), "banks", "facts"); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(dir, name))
		found = found || bytes.Contains(raw, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAnotherProcessWrites holds the right to write in a second pool, as another
// process would: who gets no turn within the deadline is told so, and who waits
// longer than SQLite does gets it.
func TestAnotherProcessWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "qingyuan.db")
	ours, other := sqltest.Open(t, path), sqltest.Open(t, path)
	nothing := func(*sql.Tx) error { return nil }
	patient := make(chan error, 1)
	err := other.WithTx(t.Context(), func(*sql.Tx) error {
		if err := ours.WithTx(soon(t), nothing); !sqldb.IsUnavailable(err) || sqldb.IsData(err) {
			t.Errorf("writing beside another = %v, want unavailable", err)
		}
		go func() { patient <- ours.WithTx(t.Context(), nothing) }()
		// Once more as long as SQLite waits: the patient one has asked twice.
		_, err := ours.ExecContext(t.Context(), "DELETE FROM banks")
		if !sqldb.IsUnavailable(err) {
			t.Errorf("a statement beside another = %v, want unavailable", err)
		}
		return nil
	})
	if err := errors.Join(err, <-patient); err != nil {
		t.Error(err)
	}
}

// TestMappedReadsTheSame: what is written through one is read through the other,
// also where the file has grown since it was mapped.
func TestMappedReadsTheSame(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "ledger.db")
	db := sqltest.Open(t, target)
	m, err := sqldb.OpenMapped(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	var size int64
	if err := m.QueryRowContext(t.Context(), "PRAGMA mmap_size").Scan(&size); err != nil || size == 0 {
		t.Fatalf("%d bytes may be mapped, %v", size, err)
	}
	for n := range 3 {
		mustExec(t, db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "+
			"INSERT INTO banks (digest, packed) SELECT i || '-"+strconv.Itoa(n)+"', zeroblob(5000) FROM n")
		mustExec(t, m, "PRAGMA wal_checkpoint")
		if got, want := number(t, m, "SELECT SUM(LENGTH(packed)) FROM banks"), (n+1)*200*5000; got != want {
			t.Errorf("%d bytes are read, want %d", got, want)
		}
	}
}
