package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

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
	return l.shardsOf(ctx, participant, "SELECT id, campaign, number FROM shards ORDER BY campaign, number")
}

// ShardsIn is ShardsOf for one campaign.
func (l *Ledger) ShardsIn(ctx context.Context, campaignID, participant string) ([]Shard, error) {
	return l.shardsOf(ctx, participant, "SELECT id, campaign, number FROM shards WHERE campaign = $1 ORDER BY number", campaignID)
}

// numbered is a shard with its small number.
type numbered struct {
	id int64
	Shard
}

// shardsOf looks for a participant in the shards that a query lists.
func (l *Ledger) shardsOf(ctx context.Context, participant, query string, args ...any) ([]Shard, error) {
	fail := func(err error) ([]Shard, error) {
		return nil, fmt.Errorf("shards of participant %s: %w", participant, err)
	}
	rows, err := l.db.QueryContext(ctx, query, args...)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (n numbered, err error) {
		return n, r.Scan(&n.id, &n.Campaign, &n.Number)
	})
	if err != nil {
		return fail(err)
	}
	var enrolled, others []Shard
	for _, n := range all {
		there, first, err := l.holds(ctx, n.id, participant)
		switch {
		case err != nil:
			return fail(err)
		case first:
			enrolled = append(enrolled, n.Shard)
		case there:
			others = append(others, n.Shard)
		}
	}
	out := slices.Concat(enrolled, others)
	slices.SortStableFunc(out, func(a, b Shard) int { return cmp.Compare(a.Campaign, b.Campaign) })
	return out, nil
}

// holds tells whether a shard has anything of a participant, and whether they enrolled
// there.
func (l *Ledger) holds(ctx context.Context, shard int64, participant string) (anything, enrolled bool, err error) {
	kinds, err := ofParticipant(ctx, l.db, asKinds("facts"), shard, participant)
	if err == nil && len(kinds) == 0 {
		kinds, err = ofParticipant(ctx, l.db, asKinds("personal"), shard, participant)
	}
	return len(kinds) > 0, slices.Contains(kinds, string(event.KindEnrolled)), err
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

// Positions counts the positions that a shard's facts take: as many as there are facts, and
// those that became dead letters.
func (l *Ledger) Positions(ctx context.Context, s Shard) (int64, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return 0, err
	}
	epochs, err := reaches(ctx, l.db, "facts", id)
	var n int64
	for _, to := range epochs {
		n += int64(to.Seq) + 1 //nolint:gosec // A position is below 2^63.
	}
	return n, err
}
