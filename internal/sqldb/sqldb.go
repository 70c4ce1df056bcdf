// Package sqldb opens the SQL database: SQLite beside the data of one machine,
// or PostgreSQL. It brings the schema up to date and is the one place that knows
// where the two differ.
//
// Statements are written once for both: placeholders are $1, $2, …, and a
// statement has at most 32766 of them. An open DB is durable: what a committed
// transaction wrote survives a loss of power, or Open fails.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Dialect tells the two kinds of database apart.
type Dialect string

// The databases that are supported.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
)

// ErrNotDurable means that the database is set up such that it may lose what it
// has committed, or keep less than it was given. Open refuses it.
var ErrNotDurable = errors.New("the database does not keep what it commits")

// DB is an open database with an up-to-date schema. It is safe for concurrent
// use. Write through WithTx, and read what must belong together through Snapshot.
type DB struct {
	*sql.DB

	Dialect Dialect

	name    string        // fit to be shown
	path    string        // of the file; SQLite only
	writing chan struct{} // holds one token while a transaction writes; SQLite only
	lives   *lives        // PostgreSQL only
}

// Open opens the database and migrates its schema. target is a postgres:// URL,
// or the path of an SQLite file, which is created where it is missing, for the
// owner's eyes only. It fails with ErrNotDurable, and with ErrSchemaAhead.
func Open(ctx context.Context, target string) (*DB, error) { return open(ctx, target) }

// OpenMapped is Open for a command that reads all of the database, in the order of
// an index: it maps an SQLite file into memory, which spares a call of the system and
// a copy for nearly every row. The price is that a page which the disk cannot read
// ends the program instead of being an error. A server must not pay it.
func OpenMapped(ctx context.Context, target string) (*DB, error) { return open(ctx, target, mapped) }

func open(ctx context.Context, target string, more ...pragma) (*DB, error) {
	connect := func(target string) (*DB, error) { return connectSQLite(target, more...) }
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		connect = connectPostgreSQL
	}
	d, err := connect(target)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(ctx); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// prepare checks what the database promises and brings its schema up to date,
// one process at a time: two that start at once would run a migration twice.
func (d *DB) prepare(ctx context.Context) (err error) {
	release, err := d.lockSchema(ctx)
	if err != nil {
		return fmt.Errorf("reach the database %s: %w", d, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	if d.Dialect == SQLite {
		if err := d.checkPragmas(ctx, pragmas); err != nil {
			return err
		}
	}
	return d.migrate(ctx)
}

// Close closes the database. It waits a few seconds for connections that are still
// being closed because somebody gave up in the middle.
func (d *DB) Close() error {
	err := d.DB.Close()
	if d.lives != nil {
		d.lives.end(lastWords)
	}
	return err
}

// String names the database without the secrets that may be in its address.
func (d *DB) String() string { return d.name }
