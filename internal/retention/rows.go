package retention

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/internal/sqldb"
)

// Rows are what one table keeps of the people of a campaign. The texts are SQL of the
// package that owns the table.
type Rows struct {
	DB *sqldb.DB
	// Table has a column "campaign"; Key are the columns by which a row is found.
	Table, Key string
	// Holds is true of a row that still holds something.
	Holds string
	// Set is what a row becomes; "" deletes it.
	Set string
}

// Left counts the rows of a campaign that still hold something.
func (r Rows) Left(ctx context.Context, campaignID string) (n int64, err error) {
	err = r.DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+r.Table+" WHERE campaign = $1 AND ("+r.Holds+")", campaignID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what %s keeps of %s: %w", r.Table, campaignID, err)
	}
	return n, nil
}

// Forget empties or deletes at most limit of them and returns how many.
func (r Rows) Forget(ctx context.Context, campaignID string, limit int) (n int64, err error) {
	what := "DELETE FROM " + r.Table
	if r.Set != "" {
		what = "UPDATE " + r.Table + " SET " + r.Set
	}
	err = r.DB.WithTx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, what+" WHERE campaign = $1 AND ("+r.Key+") IN (SELECT "+r.Key+" FROM "+r.Table+
			" WHERE campaign = $1 AND ("+r.Holds+") LIMIT $2)", campaignID, limit)
		if err != nil {
			return err
		}
		n, err = done.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget what %s keeps of %s: %w", r.Table, campaignID, err)
	}
	return n, nil
}
