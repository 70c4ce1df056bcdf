package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// IsUnavailable tells whether err means that the database cannot be used now,
// and that the same may succeed later: it is away, out of space or connections,
// busy, or slower than the deadline. A cancelled context is not such an error.
func IsUnavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return unavailable(pg.Code)
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return slices.Contains(outages, lite.Code()&0xff)
	}
	return unreachable(err)
}

// unavailable judges an SQLSTATE of PostgreSQL.
func unavailable(code string) bool {
	switch code {
	case "25006", // read only: a standby, or a disk that the operator protects
		"3D000", // no such database: it is being restored
		"55P03": // a lock is held
		return true
	}
	switch class(code) {
	case "08", // the connection
		"28", // signing in: passwords are changed
		"40", // serialisation, deadlock
		"53", // space, memory, connections
		"57", // shut down, starting up, cancelled
		"58": // the disk
		return true
	}
	return false
}

// outages are the results of SQLite that do not lie in what was asked.
var outages = []int{
	sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
	sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
	sqlite3.SQLITE_PROTOCOL,
}

func isBusy(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

func unreachable(err error) bool {
	for _, away := range []error{
		driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded,
	} {
		if errors.Is(err, away) {
			return true
		}
	}
	_, connect := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connect || network || pgconn.SafeToRetry(err)
}

// IsData tells whether err means that the row itself cannot be stored, now or
// later: it breaks a constraint, is too large, or holds what the column cannot.
func IsData(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch class(pg.Code) {
		case "22", "23": // the value; a constraint
			return true
		}
		return pg.Code == "54000" // too large for an index or a row
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
			return true
		}
	}
	return false
}

// class is the first part of an SQLSTATE.
func class(code string) string { return code[:min(2, len(code))] }
