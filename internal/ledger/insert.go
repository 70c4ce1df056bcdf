package ledger

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// table is one that rows are appended to, with all of its columns.
type table struct {
	name    string
	columns []column
}

// column is one of them. Its values are int64, string or []byte.
type column struct {
	name string
	kind kind
}

// kind is the kind of value in a column, by the name of PostgreSQL's type.
type kind string

const (
	number kind = "bigint"
	text   kind = "text"
	binary kind = "bytea"
)

func tableOf(s event.Stream) *table {
	if s == event.Personal {
		return &recordTable
	}
	return &factTable
}

// list spells the columns.
func (t *table) list() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// inserter stores rows in the way of one kind of database.
type inserter interface {
	// insert stores rows, whose values follow each other in the order of the columns.
	insert(ctx context.Context, tx *sql.Tx, t *table, values []any) error
}

func newInserter(db *sqldb.DB) inserter {
	if db.Dialect == sqldb.PostgreSQL {
		return arrays{}
	}
	return &tuples{db: db}
}

// arrays hands each column to PostgreSQL as one array: a statement of a dozen
// parameters, the same for any number of rows, which the driver keeps prepared.
type arrays struct{}

func (arrays) insert(ctx context.Context, tx *sql.Tx, t *table, values []any) error {
	args := make([]any, len(t.columns))
	for i, c := range t.columns {
		args[i] = columnOf(c.kind, values, i, len(t.columns))
	}
	_, err := tx.ExecContext(ctx, t.unnesting(), args...)
	return err
}

// unnesting spells the statement.
func (t *table) unnesting() string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + t.name + " (" + t.list() + ") SELECT * FROM unnest(")
	for i, c := range t.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1) + "::" + string(c.kind) + "[]")
	}
	b.WriteByte(')')
	return b.String()
}

// columnOf collects one column of rows.
func columnOf(k kind, values []any, at, width int) any {
	switch k {
	case number:
		return pick[int64](values, at, width)
	case text:
		return pick[string](values, at, width)
	default:
		return pick[[]byte](values, at, width)
	}
}

func pick[T any](values []any, at, width int) []T {
	out := make([]T, 0, len(values)/width)
	for ; at < len(values); at += width {
		out = append(out, values[at].(T)) //nolint:forcetypeassert // The columns say so.
	}
	return out
}

// tuples hands rows to SQLite in statements of many rows. These are long, and to
// read one takes as long as a third of what it does: so each is prepared once on
// each connection, and kept.
type tuples struct {
	db *sqldb.DB

	mu         sync.Mutex
	statements map[statement]*sql.Stmt // none is ever closed before the database
}

// statement is one that inserts so many rows into a table.
type statement struct {
	table string
	rows  int
}

func (i *tuples) insert(ctx context.Context, tx *sql.Tx, t *table, values []any) error {
	width := len(t.columns)
	for len(values) > 0 {
		n := chunk(len(values) / width)
		s, err := i.prepared(ctx, t, n)
		if err != nil {
			return err
		}
		here := tx.StmtContext(ctx, s) //nolint:sqlclosecheck // It ends with the transaction, and s goes on.
		if _, err := here.ExecContext(ctx, values[:n*width]...); err != nil {
			return err
		}
		values = values[n*width:]
	}
	return nil
}

func (i *tuples) prepared(ctx context.Context, t *table, rows int) (*sql.Stmt, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	which := statement{t.name, rows}
	if s := i.statements[which]; s != nil {
		return s, nil
	}
	s, err := i.db.PrepareContext(ctx, t.tuples(rows)) //nolint:sqlclosecheck // It is kept as long as the database.
	if err != nil {
		return nil, err
	}
	if i.statements == nil {
		i.statements = map[statement]*sql.Stmt{}
	}
	i.statements[which] = s
	return s, nil
}

// tuples spells the statement: SQLite looks each numbered parameter up among all
// before it, so it gets plain ones. OR FAIL leaves the rows before a bad one where they
// are: whoever calls undoes them all, and SQLite need not copy every page that it changes
// to be able to.
func (t *table) tuples(rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.columns)), ",") + ")"
	return "INSERT OR FAIL INTO " + t.name + " (" + t.list() + ") VALUES " + strings.TrimSuffix(strings.Repeat(one+",", rows), ",")
}

// maxChunk is how many rows one statement inserts.
const maxChunk = 256

// chunk returns the largest power of two that is not above n or maxChunk, so that
// there are few different statements.
func chunk(n int) int {
	size := maxChunk
	for size > n {
		size /= 2
	}
	return size
}
