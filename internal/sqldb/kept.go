package sqldb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"regexp"
)

// keptStatements bounds the statements that a connection to an SQLite file keeps: to read
// one anew takes longer than most of them run. pgx does the same for PostgreSQL.
const keptStatements = 64

// keepable are the statements that come again.
var keepable = regexp.MustCompile(`^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b`)

// keeper opens connections that keep their statements.
type keeper struct{ driver.Connector }

// Connect implements driver.Connector.
func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	s, ok := c.(sqliteConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("a connection to SQLite is a %T", c)
	}
	return &keeping{sqliteConn: s, kept: map[string]sqliteStatement{}}, nil
}

// sqliteConn is what the driver's connections can do for database/sql.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeping is a connection with the statements that nobody uses at the moment, by their
// text, nil once it is closed. database/sql lets one goroutine at a time use a connection, and its rows.
type keeping struct {
	sqliteConn

	kept map[string]sqliteStatement
}

// take gives a statement away until it is put back: whoever asks for the same one
// meanwhile, while rows of it are read, gets another.
func (c *keeping) take(ctx context.Context, query string) (sqliteStatement, error) {
	if s := c.kept[query]; s != nil {
		delete(c.kept, query)
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.(sqliteStatement), nil //nolint:forcetypeassert // A statement of the driver's that cannot is caught by every test.
}

// putBack keeps a statement that did its work. Where there are too many, any other goes.
func (c *keeping) putBack(query string, s sqliteStatement) error {
	if c.kept == nil || c.kept[query] != nil {
		return s.Close()
	}
	for other, its := range c.kept {
		if len(c.kept) < keptStatements {
			break
		}
		delete(c.kept, other)
		if err := its.Close(); err != nil {
			return err
		}
	}
	c.kept[query] = s
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *keeping) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !keepable.MatchString(query) {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, args)
	if err != nil {
		_ = s.Close() // it tells of the same error
		return nil, err
	}
	return r, c.putBack(query, s)
}

// QueryContext implements driver.QueryerContext.
func (c *keeping) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !keepable.MatchString(query) {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		_ = s.Close() // it tells of the same error
		return nil, err
	}
	return &keptRows{rows, c, query, s}, nil
}

// Close implements driver.Conn. SQLite would hold the file until every statement is gone.
func (c *keeping) Close() error {
	for _, s := range c.kept {
		_ = s.Close() // what went wrong with a statement was told when it did
	}
	c.kept = nil
	return c.sqliteConn.Close()
}

// keptRows put their statement back.
type keptRows struct {
	driver.Rows

	conn  *keeping
	query string
	of    sqliteStatement
}

// Close implements driver.Rows.
func (r *keptRows) Close() error {
	if err := r.Rows.Close(); err != nil {
		_ = r.of.Close() // it tells of the same error
		return err
	}
	return r.conn.putBack(r.query, r.of)
}
