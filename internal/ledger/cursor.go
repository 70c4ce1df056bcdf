package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// Cursor returns the position of the last entry of a stream that the ledger
// holds, or the zero position.
func (l *Ledger) Cursor(ctx context.Context, s Shard, stream event.Stream) (event.Position, error) {
	id, err := l.shardID(ctx, s)
	if err != nil || id == noShard {
		return event.Position{}, err
	}
	var p event.Position
	err = l.db.QueryRowContext(ctx, "SELECT epoch, seq FROM cursors WHERE shard = $1 AND stream = $2", id, string(stream)).
		Scan(&p.Epoch, &p.Seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return event.Position{}, fmt.Errorf("cursor of the %s of %s: %w", stream, s, err)
	}
	return p, nil
}

// Cursors returns how far each shard is in the ledger.
func (l *Ledger) Cursors(ctx context.Context) (map[Shard]Heads, error) {
	type cursor struct {
		Shard
		event.Position

		stream event.Stream
	}
	rows, err := l.db.QueryContext(ctx,
		"SELECT s.campaign, s.number, c.stream, c.epoch, c.seq FROM cursors c JOIN shards s ON s.id = c.shard")
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (c cursor, err error) {
		return c, r.Scan(&c.Campaign, &c.Number, &c.stream, &c.Epoch, &c.Seq)
	})
	if err != nil {
		return nil, fmt.Errorf("read the cursors: %w", err)
	}
	heads := make(map[Shard]Heads, len(all))
	for _, c := range all {
		h := heads[c.Shard]
		*h.of(c.stream) = c.Position
		heads[c.Shard] = h
	}
	return heads, nil
}

// errMoved ends a transaction whose cursor is not where it was expected.
var errMoved = errors.New("the cursor has moved")

// moveCursor is the compare-and-set that lets every entry in once.
func moveCursor(ctx context.Context, tx *sql.Tx, shard int64, stream event.Stream, from, to event.Position) error {
	query, args := `UPDATE cursors SET epoch = $3, seq = $4 WHERE shard = $1 AND stream = $2 AND epoch = $5 AND seq = $6`,
		[]any{shard, string(stream), to.Epoch, to.Seq, from.Epoch, from.Seq}
	if from == (event.Position{}) {
		query, args = `INSERT INTO cursors (shard, stream, epoch, seq) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, args[:4]
	}
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("move the cursor to %s: %w", to, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return errMoved
	}
	return err
}
