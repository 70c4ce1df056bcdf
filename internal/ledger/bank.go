package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// Bank returns a version of a question bank, packed, and whether the ledger
// holds it.
func (l *Ledger) Bank(ctx context.Context, digest string) ([]byte, bool, error) {
	var packed []byte
	err := l.db.QueryRowContext(ctx, "SELECT packed FROM banks WHERE digest = $1", digest).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read bank version %s: %w", digest, err)
	}
	return packed, true, nil
}

// Banks lists the digests of the versions that the ledger holds, in order.
func (l *Ledger) Banks(ctx context.Context) ([]string, error) {
	rows, err := l.db.QueryContext(ctx, "SELECT digest FROM banks ORDER BY digest")
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (d string, err error) { return d, r.Scan(&d) })
	if err != nil {
		return nil, fmt.Errorf("list the bank versions: %w", err)
	}
	return all, nil
}

// hasBank tells whether a version is stored. Once it is, nobody is asked again.
func (l *Ledger) hasBank(ctx context.Context, digest string) (bool, error) {
	if _, ok := l.banks.Load(digest); ok {
		return true, nil
	}
	var n int
	if err := l.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM banks WHERE digest = $1", digest).Scan(&n); err != nil {
		return false, fmt.Errorf("look for bank version %s: %w", digest, err)
	}
	if n > 0 {
		l.banks.Store(digest, true)
	}
	return n > 0, nil
}

// insertBanks goes in order of digest: archivers of several shards may store the
// same versions at once, and must not wait for each other in a circle.
func insertBanks(ctx context.Context, tx *sql.Tx, banks map[string][]byte) error {
	for _, digest := range slices.Sorted(maps.Keys(banks)) {
		_, err := tx.ExecContext(ctx, "INSERT INTO banks (digest, packed) VALUES ($1, $2) ON CONFLICT DO NOTHING",
			digest, banks[digest])
		if err != nil {
			return fmt.Errorf("store bank version %s: %w", digest, err)
		}
	}
	return nil
}

// bankOf returns the digest of the version that a fact names, or "".
func bankOf(body any) string {
	switch b := body.(type) {
	case event.Started:
		return b.Bank
	case event.Submitted:
		return b.Bank
	default:
		return ""
	}
}
