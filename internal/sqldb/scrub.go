package sqldb

import (
	"context"
	"errors"
	"fmt"
)

// errStillRead means that somebody reads an old state of the file.
var errStillRead = errors.New("somebody still reads what was there before")

// Scrub removes what erased or changed rows of tables left behind on the disk.
// SQLite overwrites rows in place but keeps them in its log until that is folded
// into the file, which this does for all tables; it fails while a Snapshot is
// open. PostgreSQL keeps old rows until they are vacuumed, and what its own log
// and its backups hold is its operator's to age out.
func (d *DB) Scrub(ctx context.Context, tables ...string) error {
	if d.Dialect == SQLite {
		return d.foldLog(ctx)
	}
	for _, table := range tables {
		if _, err := d.ExecContext(ctx, "VACUUM "+table); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, err)
		}
	}
	return nil
}

func (d *DB) foldLog(ctx context.Context) error {
	var busy, pages, folded int
	err := d.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &folded)
	if err == nil && busy != 0 {
		err = errStillRead
	}
	if err != nil {
		return fmt.Errorf("fold the log of %s into it: %w", d, err)
	}
	return nil
}
