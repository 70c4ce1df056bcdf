package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Hold forbids everybody to trim a stream until a time, so that a backup of SQL
// and one of Redis, taken one after the other, have no gap between them. Holding
// again under the same name moves the time. It bounds itself: a backup that died
// stops no trimming for good.
func (l *Ledger) Hold(ctx context.Context, name string, until time.Time) error {
	err := l.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx,
			"INSERT INTO holds (name, until) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET until = excluded.until",
			name, until.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("hold the streams for %s: %w", name, err)
	}
	return nil
}

// Release ends a hold. Releasing what is not held changes nothing.
func (l *Ledger) Release(ctx context.Context, name string) error {
	err := l.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM holds WHERE name = $1", name)
		return err
	})
	if err != nil {
		return fmt.Errorf("release the streams held for %s: %w", name, err)
	}
	return nil
}

// Held tells whether any hold is in force.
func (l *Ledger) Held(ctx context.Context, now time.Time) (bool, error) {
	var n int
	err := l.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM holds WHERE until > $1", now.UnixMilli()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for holds: %w", err)
	}
	return n > 0, nil
}
