package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/internal/sqldb"
)

// Named lists at most limit participants of a shard, in order of id and behind after, of
// whom personal records are kept.
func (l *Ledger) Named(ctx context.Context, s Shard, after string, limit int) ([]string, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return nil, err
	}
	rows, err := l.db.QueryContext(ctx, `SELECT DISTINCT participant FROM personal
		WHERE shard = $1 AND participant > $2 AND sealed IS NOT NULL ORDER BY participant LIMIT $3`, id, after, limit)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (p string, err error) { return p, r.Scan(&p) })
	if err != nil {
		return nil, fmt.Errorf("list of whom %s keeps personal records: %w", s, err)
	}
	return all, nil
}

// CountNamed counts them.
func (l *Ledger) CountNamed(ctx context.Context, s Shard) (n int64, err error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return 0, err
	}
	err = l.db.QueryRowContext(ctx, "SELECT COUNT(DISTINCT participant) FROM personal WHERE shard = $1 AND sealed IS NOT NULL", id).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count of whom %s keeps personal records: %w", s, err)
	}
	return n, nil
}
