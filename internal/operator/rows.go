package operator

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"qingyuan/internal/sqldb"
)

// row is an account as it lies in the database.
type row struct {
	Account

	password              string
	passwordAt, createdAt int64
	disabledAt            int64
	mustChange            bool
	secret                []byte
	secretAt, codeStep    int64
	resetBy               string
	resetUntil            int64
}

const columns = `id, login, name, campaign, scope, password, password_at, must_change, disabled_at, created_at,
	secret, secret_at, code_step, reset_by, reset_until`

func (r *row) places() []any {
	return []any{
		&r.ID, &r.Login, &r.Name, &r.Home.Campaign, &r.Home.Scope, &r.password, &r.passwordAt, &r.mustChange, &r.disabledAt,
		&r.createdAt, &r.secret, &r.secretAt, &r.codeStep, &r.resetBy, &r.resetUntil,
	}
}

// settle fills what an Account shows of a row.
func (r *row) settle() {
	r.Disabled, r.MustChange, r.TwoFactor = r.disabledAt > 0, r.mustChange, r.secretAt > 0
	r.CreatedAt, r.PasswordAt = at(r.createdAt), at(r.passwordAt)
}

// find reads one account with its grants; column is id or login.
func find(ctx context.Context, q sqldb.Reader, column, value string) (row, error) {
	var r row
	err := q.QueryRowContext(ctx, "SELECT "+columns+" FROM operators WHERE "+column+" = $1", value).Scan(r.places()...)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrUnknown
	}
	if err != nil {
		return r, err
	}
	r.settle()
	r.Grants, err = grantsOf(ctx, q, r.ID)
	return r, err
}

func grantsOf(ctx context.Context, q sqldb.Reader, id string) ([]Grant, error) {
	rows, err := q.QueryContext(ctx,
		`SELECT role, campaign, scope FROM operator_grants WHERE operator = $1 ORDER BY role, campaign, scope`, id)
	return collect(rows, err, func(g *Grant) []any { return []any{&g.Role, &g.Campaign, &g.Scope} })
}

// collect reads all rows of a query into the places of a T each. It is given what the
// query returned.
func collect[T any](rows *sql.Rows, err error, places func(*T) []any) ([]T, error) {
	return sqldb.Collect(rows, err, func(r *sql.Rows) (v T, err error) {
		err = r.Scan(places(&v)...)
		return v, err
	})
}

// hold lets one change of accounts happen at a time, on all servers: whether
// somebody is the last of a kind must still be true when it is committed.
func hold(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO operator_changes (id, n) VALUES (1, 1)
		ON CONFLICT (id) DO UPDATE SET n = operator_changes.n + 1`)
	return err
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fold writes a login as it is kept: people type it in any case.
func fold(login string) string { return strings.ToLower(strings.TrimSpace(login)) }
