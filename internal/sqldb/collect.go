package sqldb

import (
	"context"
	"database/sql"
)

// Reader is a database, or a transaction in it, for what only reads.
type Reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var (
	_ Reader = (*DB)(nil)
	_ Reader = (*sql.Tx)(nil)
)

// Each reads the rows of a query one after the other, and closes it. It is given what the
// query returned. The first error of read ends it.
func Each(rows *sql.Rows, err error, read func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Collect reads all rows of a query, and closes it. It is given what the query returned.
func Collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var all []T
	err = Each(rows, err, func(rows *sql.Rows) error {
		v, err := scan(rows)
		all = append(all, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
