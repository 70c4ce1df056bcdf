package correction

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingyuan/internal/sqldb"
)

// store keeps batches and their lists in SQL.
type store struct{ db *sqldb.DB }

const batchColumns = `id, campaign, node, state, conditions, reason, creator, login, created, ran, returned,
	approval, undoing, items, hash, summary, next, back, job, turn, counts, code, error, challenge, checked`

func insertBatch(ctx context.Context, tx *sql.Tx, b *Batch) error {
	conditions, err := json.Marshal(b.Conditions)
	if err != nil {
		return fmt.Errorf("encode the conditions of batch %s: %w", b.ID, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO corrections (id, campaign, node, state, conditions, reason, creator, login, created, challenge)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		b.ID, b.Campaign, b.Node, string(b.State), string(conditions), b.Reason, b.Creator, b.Login, b.CreatedAt.UnixMilli(), b.Challenge)
	if err != nil {
		return fmt.Errorf("store batch %s: %w", b.ID, err)
	}
	return nil
}

// batch reads one, or ErrNotFound.
func batch(ctx context.Context, q sqldb.Reader, id string) (*Batch, error) {
	b, err := scanBatch(q.QueryRowContext(ctx, `SELECT `+batchColumns+` FROM corrections WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read batch %s: %w", id, err)
	}
	return b, nil
}

func scanBatch(row interface{ Scan(dest ...any) error }) (*Batch, error) {
	var b Batch
	var conditions, summary, counts string
	var created, ran, returned int64
	err := row.Scan(&b.ID, &b.Campaign, &b.Node, &b.State, &conditions, &b.Reason, &b.Creator, &b.Login, &created, &ran, &returned,
		&b.Approval, &b.Undoing, &b.Items, &b.Hash, &summary, &b.Next, &b.Back, &b.Job, &b.Turn, &counts, &b.Code, &b.Text, &b.Challenge, &b.Checked)
	if err != nil {
		return nil, err
	}
	b.CreatedAt, b.RanAt, b.ReturnsAt = moment(created), moment(ran), moment(returned)
	if err := json.Unmarshal([]byte(conditions), &b.Conditions); err != nil {
		return nil, fmt.Errorf("conditions of batch %s: %w", b.ID, err)
	}
	if b.Summary, err = summaryOf(summary); err != nil {
		return nil, fmt.Errorf("summary of batch %s: %w", b.ID, err)
	}
	if counts != "" {
		if err := json.Unmarshal([]byte(counts), &b.Counts); err != nil {
			return nil, fmt.Errorf("counts of batch %s: %w", b.ID, err)
		}
	}
	return &b, nil
}

// moment reads Unix milliseconds; 0 is never.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// list returns batches of a campaign, the newest first.
func (s store) list(ctx context.Context, campaignID string, offset, limit int64) ([]*Batch, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+batchColumns+` FROM corrections WHERE campaign = $1
		ORDER BY created DESC, id DESC LIMIT $2 OFFSET $3`, campaignID, limit, offset)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (*Batch, error) { return scanBatch(r) })
}

// apply moves a batch to another state, and fails with ErrState where it is in none
// from which that is possible. set is what else is set; its arguments begin at $3.
func (l lead) apply(ctx context.Context, tx *sql.Tx, id, set string, args ...any) error {
	marks := make([]string, len(l.from))
	all := append([]any{id, string(l.to)}, args...)
	for i, s := range l.from {
		all = append(all, string(s))
		marks[i] = fmt.Sprintf("$%d", len(all))
	}
	res, err := tx.ExecContext(ctx, `UPDATE corrections SET state = $2`+set+` WHERE id = $1 AND state IN (`+strings.Join(marks, ", ")+`)`, all...) //nolint:gosec // G202: names of ours
	if err != nil {
		return fmt.Errorf("lead batch %s to %s: %w", id, l.to, err)
	}
	return changedOne(res)
}

func changedOne(res sql.Result) error {
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = ErrState
	}
	return err
}

// insertItems appends to the list of a batch while it is collected.
func (s store) insertItems(ctx context.Context, batch string, items []Item) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		for part := range slices.Chunk(items, itemsAtOnce) {
			if err := insertSome(ctx, tx, batch, part); err != nil {
				return fmt.Errorf("store %d acts of batch %s: %w", len(part), batch, err)
			}
		}
		return nil
	})
}

// itemsAtOnce is how many rows one statement inserts.
const itemsAtOnce = 200

func insertSome(ctx context.Context, tx *sql.Tx, batch string, items []Item) error {
	const columns = 10
	var marks []string
	args := make([]any, 0, columns*len(items))
	for i := range items {
		it := &items[i]
		remark, err := it.remarkText()
		if err != nil {
			return err
		}
		at := len(args)
		args = append(args, batch, it.N, it.Participant, it.Number, it.Unit, it.At.UnixMilli(), it.Score, it.Used.Milliseconds(), it.mark, remark)
		row := make([]string, columns)
		for c := range row {
			row[c] = fmt.Sprintf("$%d", at+c+1)
		}
		marks = append(marks, "("+strings.Join(row, ", ")+")")
	}
	query := `INSERT INTO correction_items (batch, n, participant, number, unit, at, score, used, mark, remark) VALUES ` + strings.Join(marks, ", ") //nolint:gosec // G202: placeholders
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

// remarkText is how a remark is stored, "" for none.
func (it *Item) remarkText() (string, error) {
	if it.Remark == nil {
		return "", nil
	}
	raw, err := json.Marshal(it.Remark)
	if err != nil {
		return "", fmt.Errorf("encode how attempt %d of %s is marked again: %w", it.Number, it.Participant, err)
	}
	return string(raw), nil
}

// clear forgets the list of a batch.
func (s store) clear(ctx context.Context, batch string) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM correction_items WHERE batch = $1`, batch)
		return err
	})
}

// prune drops the acts whose mark too few other participants share.
func (s store) prune(ctx context.Context, batch string, others int) error {
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM correction_items WHERE batch = $1 AND mark NOT IN (
			SELECT mark FROM correction_items WHERE batch = $1 AND mark <> '' GROUP BY mark HAVING COUNT(DISTINCT participant) > $2)`,
			batch, others)
		return err
	})
	if err != nil {
		return fmt.Errorf("compare the answers of batch %s: %w", batch, err)
	}
	return nil
}

// items returns at most limit acts of a batch that come after a place on the list.
func (s store) items(ctx context.Context, batch string, after, limit int64) ([]Item, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT n, participant, number, unit, at, score, used, outcome, remark
		FROM correction_items WHERE batch = $1 AND n > $2 ORDER BY n LIMIT $3`, batch, after, limit)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (it Item, err error) {
		var at, used int64
		var remark string
		err = r.Scan(&it.N, &it.Participant, &it.Number, &it.Unit, &at, &it.Score, &used, &it.Outcome, &remark)
		it.At, it.Used = moment(at), time.Duration(used)*time.Millisecond
		if err == nil && remark != "" {
			err = json.Unmarshal([]byte(remark), &it.Remark)
		}
		return it, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the list of batch %s after %d: %w", batch, after, err)
	}
	return out, nil
}

// pageSize is how many acts are read at a time.
const pageSize = 1000

// each reads the whole list in order.
func (s store) each(ctx context.Context, batch string, fn func(*Item) error) error {
	for after := int64(0); ; {
		items, err := s.items(ctx, batch, after, pageSize)
		if err != nil {
			return err
		}
		for i := range items {
			if err := fn(&items[i]); err != nil {
				return err
			}
			after = items[i].N
		}
		if len(items) < pageSize {
			return nil
		}
	}
}

// step writes down what became of a stretch of the list, and how far the work and its
// undo have come, if it still is that turn. It tells false where it is not.
func (s store) step(ctx context.Context, b *Batch, items []Item) (mine bool, err error) {
	err = s.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE corrections SET next = $1, back = $2 WHERE id = $3 AND turn = $4`, b.Next, b.Back, b.ID, b.Turn)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if mine = n == 1; err != nil || !mine {
			return err
		}
		return writeOutcomes(ctx, tx, b.ID, items)
	})
	if err != nil {
		return false, fmt.Errorf("write down %d acts of batch %s: %w", len(items), b.ID, err)
	}
	return mine, nil
}

// writeOutcomes writes runs of equal outcomes in one statement each.
func writeOutcomes(ctx context.Context, tx *sql.Tx, batch string, items []Item) error {
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && items[to].Outcome == items[from].Outcome {
			to++
		}
		_, err := tx.ExecContext(ctx, `UPDATE correction_items SET outcome = $1 WHERE batch = $2 AND n BETWEEN $3 AND $4`,
			string(items[from].Outcome), batch, items[from].N, items[to-1].N)
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

// count counts the outcomes of a batch.
func count(ctx context.Context, q sqldb.Reader, batch string) (Counts, error) {
	rows, err := q.QueryContext(ctx, `SELECT outcome, COUNT(*) FROM correction_items WHERE batch = $1 GROUP BY outcome`, batch)
	out := Counts{} //nolint:exhaustive // It is filled below, with those that there are.
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var outcome Outcome
		var n int64
		err := r.Scan(&outcome, &n)
		out[outcome] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count the outcomes of batch %s: %w", batch, err)
	}
	return out, nil
}
