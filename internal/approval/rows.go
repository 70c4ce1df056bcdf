package approval

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"qingyuan/internal/sqldb"
)

const columns = `id, kind, campaign, params, reason, asked_by, asked_login, asked_at, expires_at, state,
	decided_by, decided_login, decided_at, decided_reason, done_at, result, failure`

// pageSize is how many rows are looked at together.
const pageSize = 100

type scanner interface{ Scan(places ...any) error }

func scan(row scanner) (Approval, error) {
	var a Approval
	var params, result string
	var asked, expires, decided, done int64
	err := row.Scan(&a.ID, &a.Kind, &a.Campaign, &params, &a.Reason, &a.AskedBy, &a.AskedLogin, &asked, &expires, &a.State,
		&a.DecidedBy, &a.DecidedLogin, &decided, &a.DecidedReason, &done, &result, &a.Failure)
	a.AskedAt, a.ExpiresAt, a.DecidedAt, a.DoneAt = at(asked), at(expires), at(decided), at(done)
	a.Params = []byte(params)
	if result != "" {
		a.Result = []byte(result)
	}
	return a, err
}

func read(ctx context.Context, q sqldb.Reader, id string) (Approval, error) {
	a, err := scan(q.QueryRowContext(ctx, "SELECT "+columns+" FROM approvals WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNotFound
	}
	return a, err
}

// readPage reads approvals from the newest, those before an id; campaign "" is all.
func readPage(ctx context.Context, q sqldb.Reader, campaignID, before string) ([]Approval, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+columns+` FROM approvals
		WHERE ($1 = '' OR campaign = $1) AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, campaignID, before, pageSize)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (Approval, error) { return scan(r) })
}

// readOpen reads the approvals of a kind in a campaign that wait for somebody, or are yet
// to be run through, when another is asked for.
func readOpen(ctx context.Context, tx *sql.Tx, a Approval) ([]Approval, error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+columns+` FROM approvals WHERE kind = $1 AND campaign = $2
		AND (state = 'asked' AND expires_at > $3 OR state IN ('approved', 'running')) ORDER BY id`, a.Kind, a.Campaign, a.AskedAt.UnixMilli())
	return sqldb.Collect(rows, err, func(r *sql.Rows) (Approval, error) { return scan(r) })
}

func insert(ctx context.Context, tx *sql.Tx, a Approval) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO approvals (`+columns+`, runner, due, tries)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 0, '', 0, '', '', '', 0, 0)`,
		a.ID, a.Kind, a.Campaign, string(a.Params), a.Reason, a.AskedBy, a.AskedLogin, a.AskedAt.UnixMilli(), a.ExpiresAt.UnixMilli(), string(a.State))
	return err
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
