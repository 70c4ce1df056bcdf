package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qingyuan/internal/sqldb"
)

// Condition is whether a campaign's Redis may be written to.
type Condition string

// A campaign is open, or it is being rebuilt and refuses everything.
const (
	Open       Condition = "open"
	Rebuilding Condition = "rebuilding"
)

// Opened is how a campaign was opened in Redis. Everything but the epoch and
// the condition is written once.
type Opened struct {
	Campaign string
	Shards   int
	// Base (Unix seconds) and Bits are the layout of the boards.
	Base int64
	Bits uint
	// Epoch counts the rebuilds; 1 at first.
	Epoch     uint64
	Condition Condition
}

// openedColumns are the columns of Opened, in its order.
const openedColumns = "campaign, shards, base, bits, epoch, condition"

func (o *Opened) fields() []any {
	return []any{&o.Campaign, &o.Shards, &o.Base, &o.Bits, &o.Epoch, &o.Condition}
}

// Register keeps how a campaign was opened, unless that is known already, and
// returns what is kept. The first wins.
func (l *Ledger) Register(ctx context.Context, o Opened) (Opened, error) {
	err := l.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO campaigns ("+openedColumns+
			") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
			o.Campaign, o.Shards, o.Base, o.Bits, o.Epoch, string(o.Condition))
		return err
	})
	if err != nil {
		return Opened{}, fmt.Errorf("register campaign %s: %w", o.Campaign, err)
	}
	kept, _, err := l.Campaign(ctx, o.Campaign)
	return kept, err
}

// Campaign returns how a campaign was opened, and whether the ledger knows it.
func (l *Ledger) Campaign(ctx context.Context, campaign string) (Opened, bool, error) {
	var o Opened
	err := l.db.QueryRowContext(ctx, "SELECT "+openedColumns+" FROM campaigns WHERE campaign = $1", campaign).
		Scan(o.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return Opened{}, false, nil
	}
	if err != nil {
		return Opened{}, false, fmt.Errorf("look up campaign %s: %w", campaign, err)
	}
	return o, true, nil
}

// Campaigns lists every campaign that was opened and lies in Redis, in order of id: not
// those on the shelf. The doors are among them where they were registered.
func (l *Ledger) Campaigns(ctx context.Context) ([]Opened, error) {
	rows, err := l.db.QueryContext(ctx, "SELECT "+openedColumns+" FROM campaigns WHERE campaign NOT IN (SELECT campaign FROM shelf WHERE state = 'kept') ORDER BY campaign")
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (o Opened, err error) {
		return o, r.Scan(o.fields()...)
	})
	if err != nil {
		return nil, fmt.Errorf("list the campaigns: %w", err)
	}
	return all, nil
}

// RaiseEpoch sets a campaign's epoch and condition if they still are what was
// says, and tells whether it did: of two that rebuild at once, one goes on. An
// epoch is never lowered.
func (l *Ledger) RaiseEpoch(ctx context.Context, was Opened, epoch uint64, c Condition) (raised bool, err error) {
	fail := func(err error) (bool, error) {
		return false, fmt.Errorf("raise the epoch of campaign %s from %d to %d: %w", was.Campaign, was.Epoch, epoch, err)
	}
	if epoch < was.Epoch {
		return fail(errors.New("it would be lowered"))
	}
	err = l.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx,
			"UPDATE campaigns SET epoch = $1, condition = $2 WHERE campaign = $3 AND epoch = $4 AND condition = $5",
			epoch, string(c), was.Campaign, was.Epoch, string(was.Condition))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		raised = n == 1
		return err
	})
	if err != nil {
		return fail(err)
	}
	return raised, nil
}

// Deployment returns the id of the deployment that the database belongs to. With
// an id it claims a database that belongs to none. Without one it only asks, and
// "" means that nobody has claimed it.
func (l *Ledger) Deployment(ctx context.Context, id string) (string, error) {
	if id != "" {
		err := l.db.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO deployment (one, id) VALUES (1, $1) ON CONFLICT DO NOTHING", id)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("claim the database for deployment %s: %w", id, err)
		}
	}
	var kept string
	err := l.db.QueryRowContext(ctx, "SELECT id FROM deployment").Scan(&kept)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read the deployment: %w", err)
	}
	return kept, nil
}
