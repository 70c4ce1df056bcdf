package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Retention is how long every entry is kept at least (网络安全法: logs for no less than
// six months).
const Retention = 180 * 24 * time.Hour

// actionTrim is the action of the entry that tells of a cut.
const actionTrim = "audit.trim"

// Errors of cutting.
var (
	// ErrTooYoung is a cut of entries that have to be kept.
	ErrTooYoung = errors.New("entries of the audit log are kept for 180 days")
	// ErrBroken is a chain that does not hold: nothing is taken away that may be needed
	// to find out why.
	ErrBroken = errors.New("the audit log is broken")
)

// Trim takes away the oldest entries, all of them older than before, and leaves the
// hash of the last of them, so that the rest still verifies. That it happened, who did
// it and up to where is an entry itself. r says who, when and why. It returns how many
// entries were taken away; 0 changes nothing.
func (l *Log) Trim(ctx context.Context, r Record, before time.Time) (int64, error) {
	if before.After(r.At.Add(-Retention)) {
		return 0, ErrTooYoung
	}
	report, err := l.Verify(ctx)
	if err != nil {
		return 0, err
	}
	if report.Broken != nil {
		return 0, fmt.Errorf("%w: entry %d %s", ErrBroken, report.Broken.Seq, report.Broken.Why)
	}
	var n int64
	err = l.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := end(ctx, tx); err != nil { // nobody else appends or cuts
			return err
		}
		through, err := lastBefore(ctx, tx, before)
		if err != nil || through.Seq == 0 {
			return err
		}
		if n, err = cut(ctx, tx, through); err != nil || n == 0 {
			return err
		}
		r.Action = actionTrim
		if r.After, err = json.Marshal(map[string]any{"through": through.String(), "entries": n}); err != nil {
			return err
		}
		return AppendTx(ctx, tx, r)
	})
	if err != nil {
		return 0, fmt.Errorf("cut the audit log: %w", err)
	}
	return n, nil
}

// lastBefore finds the entry before the first one that has to stay.
func lastBefore(ctx context.Context, tx *sql.Tx, before time.Time) (Head, error) {
	var h Head
	var hash []byte
	err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit
		WHERE seq < COALESCE((SELECT MIN(seq) FROM audit WHERE at >= $1), (SELECT MAX(seq) + 1 FROM audit))
		ORDER BY seq DESC LIMIT 1`, before.UnixMilli()).Scan(&h.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Head{}, nil
	}
	copy(h.Hash[:], hash)
	return h, err
}

func cut(ctx context.Context, tx *sql.Tx, through Head) (int64, error) {
	done, err := tx.ExecContext(ctx, `DELETE FROM audit WHERE seq <= $1`, through.Seq)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_anchor (id, seq, hash) VALUES (1, $1, $2)
		ON CONFLICT (id) DO UPDATE SET seq = $1, hash = $2`, through.Seq, through.Hash[:])
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}
