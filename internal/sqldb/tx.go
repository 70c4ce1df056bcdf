package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// WithTx runs fn in a transaction and commits it, or rolls it back where fn
// fails or panics; the error of fn is returned as it is. Where the commit itself
// fails, nobody can tell whether it took place: what fn does must bear to be done
// again. Use the Tx only: on SQLite another write would wait for this one.
func (d *DB) WithTx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	if d.writing != nil {
		// In a queue, and not by turns of SQLite's own waiting, which polls with
		// growing pauses.
		select {
		case d.writing <- struct{}{}:
			defer func() { <-d.writing }()
		case <-ctx.Done():
			return fmt.Errorf("wait to write to the database: %w", ctx.Err())
		}
	}
	return d.transact(ctx, nil, fn)
}

// Snapshot runs fn in a transaction that only reads, and sees the database as it
// was at the first statement, whatever is written meanwhile.
func (d *DB) Snapshot(ctx context.Context, fn func(tx *sql.Tx) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if d.Dialect == PostgreSQL {
		o.Isolation = sql.LevelRepeatableRead // SQLite knows no less
	}
	return d.transact(ctx, o, fn)
}

func (d *DB) transact(ctx context.Context, o *sql.TxOptions, fn func(tx *sql.Tx) error) (err error) {
	tx, err := d.begin(ctx, o)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	done := false
	defer func() {
		if !done { // fn failed or panicked; a rollback that fails closes the connection
			_ = tx.Rollback()
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", errors.Join(err, ctx.Err()))
	}
	return nil
}

// begin asks again where another process writes. SQLite's own waiting looks at
// no context.
func (d *DB) begin(ctx context.Context, o *sql.TxOptions) (tx *sql.Tx, err error) {
	for range sqliteTurns {
		tx, err = d.BeginTx(ctx, o)
		if !isBusy(err) || ctx.Err() != nil {
			break
		}
	}
	return tx, err
}
