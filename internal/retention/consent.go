package retention

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"qingyuan/internal/sqldb"
)

// Withdrawals remembers who has taken a consent back (个人信息保护法 art. 15). It outlives
// an erasure: it names nobody, and shows that the wish was followed.
type Withdrawals struct{ DB *sqldb.DB }

// Record notes that a participant has taken their consent in a campaign back. A repeat
// moves the time: they may have consented again in between.
func (w Withdrawals) Record(ctx context.Context, campaignID, participant string, at time.Time) error {
	err := w.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO consent_withdrawals (campaign, participant, at) VALUES ($1, $2, $3)
			ON CONFLICT (campaign, participant) DO UPDATE SET at = excluded.at`, campaignID, participant, at.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("note that participant %s takes a consent in %s back: %w", participant, campaignID, err)
	}
	return nil
}

// Of returns when a participant took their consent in a campaign back last; the zero
// time where they never did.
func (w Withdrawals) Of(ctx context.Context, campaignID, participant string) (time.Time, error) {
	var at int64
	err := w.DB.QueryRowContext(ctx, `SELECT at FROM consent_withdrawals WHERE campaign = $1 AND participant = $2`, campaignID, participant).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look whether participant %s took a consent in %s back: %w", participant, campaignID, err)
	}
	return time.UnixMilli(at), nil
}
