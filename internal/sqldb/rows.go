package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// AtOnce is how many values of a list one statement is given. SQLite looks each numbered
// placeholder up among all of a statement, so that long ones cost by the square.
const AtOnce = 40

// Places spells n placeholders for a list, numbered from first on: "$3, $4".
func Places(first, n int) string {
	places := make([]string, n)
	for i := range places {
		places[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(places, ", ")
}

// Insertion inserts rows, many by a statement.
type Insertion struct {
	// Into is the table with its columns in brackets, Width how many these are, and End
	// what follows the values, as what to do where a row is there already.
	Into  string
	Width int
	End   string

	values []any
}

// insertedAtOnce is how many rows one statement inserts.
const insertedAtOnce = 128

// Add takes one row, in the order of the columns.
func (i *Insertion) Add(row ...any) { i.values = append(i.values, row...) }

// Run inserts what was added. What full statements leave goes by ones of half as many rows,
// and so on: there are few different texts, and connections need not read them anew.
func (i *Insertion) Run(ctx context.Context, tx *sql.Tx, d Dialect) error {
	left := i.values
	for rows := insertedAtOnce; rows > 0; rows /= 2 {
		size := rows * i.Width
		if len(left) < size {
			continue
		}
		statement := i.statement(rows, d)
		for ; len(left) >= size; left = left[size:] {
			if _, err := tx.ExecContext(ctx, statement, left[:size]...); err != nil {
				return fmt.Errorf("store %d rows in %s: %w", rows, i.Into, err)
			}
		}
	}
	return nil
}

// statement spells one. SQLite gets placeholders without numbers, because it would look each
// number up whenever a value is bound.
func (i *Insertion) statement(rows int, d Dialect) string {
	places := make([]string, rows*i.Width)
	for at := range places {
		places[at] = "?"
		if d == PostgreSQL {
			places[at] = "$" + strconv.Itoa(at+1)
		}
	}
	tuples := make([]string, 0, rows)
	for row := range slices.Chunk(places, i.Width) {
		tuples = append(tuples, "("+strings.Join(row, ", ")+")")
	}
	return "INSERT INTO " + i.Into + " VALUES " + strings.Join(tuples, ", ") + " " + i.End
}
