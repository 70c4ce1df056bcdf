package sqltest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"qingyuan/internal/sqldb"
)

// template is an empty database with the current schema: copying one takes a fraction of
// the time of all the migrations. Each kind has one for the test binary.
type template struct {
	once sync.Once
	file []byte // SQLite's
	name string // PostgreSQL's
	err  error
}

var templates = map[sqldb.Dialect]*template{sqldb.SQLite: {}, sqldb.PostgreSQL: {}}

// copyOf returns the target of an empty database with the current schema.
func copyOf(t testing.TB, d sqldb.Dialect) string {
	t.Helper()
	if d == sqldb.PostgreSQL {
		programs(t) // a test for which they are missing must not spoil it for the others
	}
	x := templates[d]
	x.once.Do(func() { x.make(t, d) })
	if x.err != nil {
		t.Fatalf("make a database to copy: %v", x.err)
	}
	if d == sqldb.PostgreSQL {
		return postgresTarget(t, x.name)
	}
	target := Target(t, d)
	if err := os.WriteFile(target, x.file, 0o600); err != nil {
		t.Fatalf("copy a database: %v", err)
	}
	return target
}

// make opens a database once, as the program does. Nobody has it open afterwards.
func (x *template) make(t testing.TB, d sqldb.Dialect) {
	t.Helper()
	x.err = errors.New("it could not be made for another test") // where this one ends in the middle
	if d == sqldb.PostgreSQL {
		x.name = postgresDatabase(t, empty)
		x.err = migrated(t.Context(), common.server.url(x.name))
		return
	}
	file := Target(t, d)
	if x.err = migrated(t.Context(), file); x.err == nil {
		x.file, x.err = whole(file)
	}
}

func migrated(ctx context.Context, target string) error {
	db, err := sqldb.Open(ctx, target)
	if err != nil {
		return err
	}
	return db.Close()
}

// whole reads an SQLite database that nobody has open any more.
func whole(file string) ([]byte, error) {
	left, err := filepath.Glob(file + "-*")
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, &fs.PathError{Op: "copy", Path: left[0], Err: errors.New("a part of the database lies beside it")}
	}
	return os.ReadFile(file)
}
