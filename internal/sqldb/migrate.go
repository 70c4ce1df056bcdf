package sqldb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// ErrSchemaAhead means that a newer program has changed the database, and this
// one does not know how to read it.
var ErrSchemaAhead = errors.New("the database was made by a newer version of this program")

//go:embed migrations
var steps embed.FS

// words are what the templates in migrations call by the same names: the places
// where the dialects differ. migrations/README.md explains them.
type words struct {
	Int, Text, Bytes, Keyed, Heaped string
	SQLite, PostgreSQL              bool
}

func (d Dialect) words() words {
	if d == PostgreSQL {
		return words{Int: "BIGINT", Text: `TEXT COLLATE "C"`, Bytes: "BYTEA", PostgreSQL: true}
	}
	return words{
		Int: "INTEGER", Text: "TEXT", Bytes: "BLOB",
		Keyed: "STRICT, WITHOUT ROWID", Heaped: "STRICT", SQLite: true,
	}
}

// migrate brings the schema up to date. The caller has locked it.
func (d *DB) migrate(ctx context.Context) error {
	p, err := d.provider()
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	have, know, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the schema of %s: %w", d, err)
	}
	if have > know {
		return fmt.Errorf("%w: its schema is at version %d, and this one ends at %d", ErrSchemaAhead, have, know)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema of %s from version %d to %d: %w", d, have, know, err)
	}
	return nil
}

func (d *DB) provider() (*goose.Provider, error) {
	files, err := fs.Sub(steps, "migrations")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if d.Dialect == PostgreSQL {
		dialect = goose.DialectPostgres
	}
	return goose.NewProvider(dialect, d.DB, rendered{files, d.Dialect.words()},
		goose.WithTableName("schema_version"), goose.WithDisableGlobalRegistry(true))
}
