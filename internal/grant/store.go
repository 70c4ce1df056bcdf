package grant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qingyuan/internal/correction/act"
	"qingyuan/internal/sqldb"
)

const columns = `id, campaign, node, since, until, state, reason, operator, login, created, ran, items, summary, next, turn, job, code, error`

func load(ctx context.Context, q sqldb.Reader, id string) (*Grant, error) {
	g, err := scan(q.QueryRowContext(ctx, `SELECT `+columns+` FROM grants WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read grant %s: %w", id, err)
	}
	return g, nil
}

func scan(row interface{ Scan(dest ...any) error }) (*Grant, error) {
	var g Grant
	var since, until, created, ran int64
	var summary string
	err := row.Scan(&g.ID, &g.Campaign, &g.Node, &since, &until, &g.State, &g.Reason, &g.Operator, &g.Login, &created, &ran,
		&g.Items, &summary, &g.Next, &g.Turn, &g.Job, &g.Code, &g.Text)
	if err != nil {
		return nil, err
	}
	g.From, g.To, g.CreatedAt = time.UnixMilli(since), time.UnixMilli(until), time.UnixMilli(created)
	if ran != 0 {
		g.RanAt = time.UnixMilli(ran)
	}
	if summary != "" {
		err = json.Unmarshal([]byte(summary), &g.Summary)
	}
	return &g, err
}

// lead says which states a grant is led from, and to which. set is what else is set; its
// arguments begin at $3.
type lead struct {
	from []State
	to   State
	set  string
}

// apply moves a grant, and fails with ErrState where it is in none of the states from
// which that is possible.
func (l lead) apply(ctx context.Context, tx *sql.Tx, id string, args ...any) error {
	all := append([]any{id, string(l.to)}, args...)
	places := sqldb.Places(len(all)+1, len(l.from))
	for _, s := range l.from {
		all = append(all, string(s))
	}
	res, err := tx.ExecContext(ctx, `UPDATE grants SET state = $2`+l.set+` WHERE id = $1 AND state IN (`+places+`)`, all...) //nolint:gosec // G202: names of ours
	if err != nil {
		return fmt.Errorf("lead grant %s to %s: %w", id, l.to, err)
	}
	return changedOne(res, ErrState)
}

func changedOne(res sql.Result, otherwise error) error {
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = otherwise
	}
	return err
}

// insert appends to a list.
func insert(ctx context.Context, tx *sql.Tx, id string, items []Item) error {
	for i := range items {
		it := &items[i]
		_, err := tx.ExecContext(ctx, `INSERT INTO grant_items (act_id, n, participant, number, unit, how, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, it.N, it.Participant, it.Number, it.Unit, string(it.How), it.At.UnixMilli())
		if err != nil {
			return fmt.Errorf("store the list of grant %s: %w", id, err)
		}
	}
	return nil
}

// items returns at most limit items after a place on the list.
func items(ctx context.Context, q sqldb.Reader, id string, after, limit int64) ([]Item, error) {
	rows, err := q.QueryContext(ctx, `SELECT n, participant, number, unit, how, at, outcome FROM grant_items
		WHERE act_id = $1 AND n > $2 ORDER BY n LIMIT $3`, id, after, limit)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (it Item, err error) {
		var at int64
		err = r.Scan(&it.N, &it.Participant, &it.Number, &it.Unit, &it.How, &at, &it.Outcome)
		it.At = time.UnixMilli(at)
		return it, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the list of grant %s: %w", id, err)
	}
	return out, nil
}

// count fills in how many items came to which outcome.
func (g *Grant) count(ctx context.Context, q sqldb.Reader) error {
	rows, err := q.QueryContext(ctx, `SELECT outcome, COUNT(*) FROM grant_items WHERE act_id = $1 GROUP BY outcome`, g.ID)
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var outcome act.Giving
		var n int64
		err := r.Scan(&outcome, &n)
		switch outcome {
		case act.Given, act.Had:
			g.Given += n
		case act.Finished:
			g.Kept += n
		case Gone:
			g.Lost += n
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("count the outcomes of grant %s: %w", g.ID, err)
	}
	return nil
}
