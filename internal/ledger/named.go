package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// Named lists of whom a shard keeps personal records, by the next limit of these behind a
// position, and tells the position of the last. Nobody is listed where none is left. Who
// has more of them behind it is listed again.
func (l *Ledger) Named(ctx context.Context, s Shard, after event.Position, limit int) (people []string, last event.Position, err error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return nil, after, err
	}
	rows, err := l.db.QueryContext(ctx, `SELECT epoch, seq, participant FROM personal
		WHERE shard = $1 AND (epoch, seq) > ($2, $3) AND sealed IS NOT NULL ORDER BY epoch, seq LIMIT $4`,
		id, after.Epoch, after.Seq, limit)
	people, last, err = peopleBehind(rows, err, after)
	if err != nil {
		return nil, after, fmt.Errorf("list of whom %s keeps personal records after %s: %w", s, after, err)
	}
	return people, last, nil
}

// Whose lists whose the next limit facts of a shard behind a position are, and tells the
// position of the last. Nobody is listed where there is none.
func (l *Ledger) Whose(ctx context.Context, s Shard, after event.Position, limit int) (people []string, last event.Position, err error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return nil, after, err
	}
	rows, err := l.db.QueryContext(ctx, "SELECT epoch, seq, participant FROM facts WHERE shard = $1 AND (epoch, seq) > ($2, $3) ORDER BY epoch, seq LIMIT $4",
		id, after.Epoch, after.Seq, limit)
	people, last, err = peopleBehind(rows, err, after)
	if err != nil {
		return nil, after, fmt.Errorf("list whose the facts of %s after %s are: %w", s, after, err)
	}
	return people, last, nil
}

// peopleBehind reads positions and participants, and returns each participant once and the
// last of the positions.
func peopleBehind(rows *sql.Rows, err error, after event.Position) (people []string, last event.Position, _ error) {
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (k key, err error) {
		return k, r.Scan(&k.Epoch, &k.Seq, &k.participant)
	})
	last = after
	for _, k := range all {
		people, last = append(people, k.participant), k.Position
	}
	slices.Sort(people)
	return slices.Compact(people), last, err
}

// CountNamed counts of how many participants a shard keeps personal records.
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
