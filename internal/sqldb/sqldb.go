// Package sqldb opens the SQL database: SQLite beside the data of one machine,
// or PostgreSQL. It brings the schema up to date and is the one place that knows
// where the two differ.
package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"
)

// Dialect tells the two kinds of database apart.
type Dialect string

// The databases that are supported.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
)

// DB is an open database with an up-to-date schema.
type DB struct {
	*sql.DB

	Dialect Dialect

	path string // of the file; SQLite only
}

// Open opens the database and migrates its schema. target is a postgres:// URL,
// or the path of an SQLite file, which is created where it is missing.
func Open(ctx context.Context, target string) (*DB, error) {
	d, err := connect(target)
	if err != nil {
		return nil, err
	}
	if err := d.PingContext(ctx); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("reach the %s database: %w", d.Dialect, err)
	}
	if err := d.migrate(ctx); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

func connect(target string) (*DB, error) {
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		db, err := sql.Open("pgx", target)
		if err != nil {
			return nil, fmt.Errorf("open the PostgreSQL database: %w", err)
		}
		return &DB{DB: db, Dialect: PostgreSQL}, nil
	}
	path, err := filepath.Abs(target)
	if err != nil {
		return nil, fmt.Errorf("find the database %s: %w", target, err)
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "secure_delete(ON)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open the SQLite database %s: %w", path, err)
	}
	return &DB{DB: db, Dialect: SQLite, path: path}, nil
}
