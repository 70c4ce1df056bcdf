package sqldb

import (
	"context"
	"database/sql"
	"io/fs"
)

// CheckPragma reads one setting of SQLite back, as Open does with all of its own.
func (d *DB) CheckPragma(ctx context.Context, name, reads string) error {
	return d.checkPragmas(ctx, []pragma{{name, reads, reads}})
}

// Rendered returns the migrations of folder in the words of a dialect.
func Rendered(folder fs.FS, d Dialect) fs.FS { return rendered{folder, d.words()} }

// Unqueued is WithTx without the queue of SQLite's writers.
func (d *DB) Unqueued(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return d.transact(ctx, nil, fn)
}
