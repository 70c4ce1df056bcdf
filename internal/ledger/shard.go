package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// Shard is one shard of a campaign.
type Shard struct {
	Campaign string
	Number   int
}

// String names the shard in errors and logs.
func (s Shard) String() string { return fmt.Sprintf("%s:%d", s.Campaign, s.Number) }

// noShard is what a shard is numbered that the ledger has never met. No row has
// this number.
const noShard = 0

// shardID returns the small number of a shard, or noShard.
func (l *Ledger) shardID(ctx context.Context, s Shard) (int64, error) {
	if id, ok := l.ids.Load(s); ok {
		return id.(int64), nil //nolint:forcetypeassert // Only int64 is stored below.
	}
	var id int64
	err := l.db.QueryRowContext(ctx, "SELECT id FROM shards WHERE campaign = $1 AND number = $2", s.Campaign, s.Number).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return noShard, nil
	}
	if err != nil {
		return noShard, fmt.Errorf("look up shard %s: %w", s, err)
	}
	l.ids.Store(s, id)
	return id, nil
}

// ensureShard returns the small number of a shard and gives it one where it has
// none. Two that come at once may choose the same number; one of them is told by
// the conflict and chooses again.
func (l *Ledger) ensureShard(ctx context.Context, s Shard) (int64, error) {
	for {
		id, err := l.shardID(ctx, s)
		if err != nil || id != noShard {
			return id, err
		}
		err = l.db.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO shards (id, campaign, number)
				SELECT COALESCE(MAX(id), 0) + 1, CAST($1 AS TEXT), CAST($2 AS BIGINT) FROM shards WHERE true
				ON CONFLICT DO NOTHING`, s.Campaign, s.Number)
			return err
		})
		if err != nil {
			return noShard, fmt.Errorf("number shard %s: %w", s, err)
		}
	}
}

// ShardsOf lists the shards that hold anything of a participant, erased or not, in
// order of campaign. Of each campaign the one in which they enrolled comes first; what
// else they have there, such as their prizes, may lie in another.
func (l *Ledger) ShardsOf(ctx context.Context, participant string) ([]Shard, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT campaign, number FROM shards s
		WHERE EXISTS (SELECT 1 FROM facts f WHERE f.shard = s.id AND f.participant = $1)
		   OR EXISTS (SELECT 1 FROM personal p WHERE p.shard = s.id AND p.participant = $1)
		ORDER BY campaign, CASE WHEN EXISTS (SELECT 1 FROM facts e WHERE e.shard = s.id AND e.participant = $1 AND e.kind = $2) THEN 0 ELSE 1 END, number`,
		participant, string(event.KindEnrolled))
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (s Shard, err error) {
		return s, r.Scan(&s.Campaign, &s.Number)
	})
	if err != nil {
		return nil, fmt.Errorf("shards of participant %s: %w", participant, err)
	}
	return all, nil
}

// AtDoor lists everybody to whom a door ever led, in order of id. It reads all facts
// of the door's shard.
func (l *Ledger) AtDoor(ctx context.Context, s Shard, hash string) ([]string, error) {
	fail := func(err error) ([]string, error) {
		return nil, fmt.Errorf("look who came by door %s of %s: %w", hash, s, err)
	}
	id, err := l.shardID(ctx, s)
	if err != nil {
		return fail(err)
	}
	body, err := event.EncodeBody(event.Door{Hash: hash})
	if err != nil {
		return fail(err)
	}
	rows, err := l.db.QueryContext(ctx, "SELECT DISTINCT participant FROM facts WHERE shard = $1 AND kind = $2 AND body = $3 ORDER BY participant",
		id, string(event.KindDoor), []byte(body))
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (participant string, err error) {
		return participant, r.Scan(&participant)
	})
	if err != nil {
		return fail(err)
	}
	return all, nil
}

// Participants counts who has a fact in a shard. It reads all of the shard's
// index, for a progress bar.
func (l *Ledger) Participants(ctx context.Context, s Shard) (int, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return 0, err
	}
	var n int
	err = l.db.QueryRowContext(ctx,
		"SELECT COUNT(*) FROM (SELECT DISTINCT participant FROM facts WHERE shard = $1) AS p", id).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the participants of %s: %w", s, err)
	}
	return n, nil
}
