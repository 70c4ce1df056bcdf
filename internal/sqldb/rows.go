package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// AtOnce is how many rows, or values of a list, one statement is given. SQLite looks each
// numbered placeholder up among all of a statement, so that long ones cost by the square:
// 500 rows took three times as long.
const AtOnce = 40

// Places spells n placeholders for a list, numbered from first on: "$3, $4".
func Places(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	return b.String()
}

// Insertion inserts rows, AtOnce of them by a statement.
type Insertion struct {
	// Into is the table with its columns in brackets, Width how many these are, and End
	// what follows the values, as what to do where a row is there already.
	Into  string
	Width int
	End   string

	args []any
}

// Add takes one row, in the order of the columns.
func (i *Insertion) Add(values ...any) { i.args = append(i.args, values...) }

// Run inserts what was added.
func (i *Insertion) Run(ctx context.Context, tx *sql.Tx) error {
	for left := i.args; len(left) > 0; {
		n := min(len(left), AtOnce*i.Width)
		if _, err := tx.ExecContext(ctx, i.statement(n/i.Width), left[:n]...); err != nil {
			return fmt.Errorf("store %d rows in %s: %w", n/i.Width, i.Into, err)
		}
		left = left[n:]
	}
	return nil
}

func (i *Insertion) statement(rows int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + i.Into + " VALUES ")
	for row := range rows {
		if row > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + Places(row*i.Width+1, i.Width) + ")")
	}
	b.WriteString(" " + i.End)
	return b.String()
}
