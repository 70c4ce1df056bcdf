package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// sqliteConns bounds the connections to one file. One of them writes at a time
// and the others read beside it; each has a page cache of its own.
const sqliteConns = 8

// sqliteTurns is how often a transaction asks for its turn to write, which lasts
// as long as busy_timeout each time: the deadline of a context is seen in between.
const sqliteTurns = 10

// pragma is a setting of each connection to an SQLite file.
type pragma struct {
	name, value string
	// reads is what it must answer; nothing for those that promise nothing.
	reads string
}

var pragmas = []pragma{
	{"busy_timeout", "1000", "1000"}, // for writers of other processes; ours queue
	{"journal_mode", "WAL", "wal"},
	{"synchronous", "FULL", "2"},
	{"fullfsync", "ON", "1"},     // macOS reaches the disk only with it; no effect elsewhere
	{"secure_delete", "ON", "1"}, // what is erased is overwritten
	{"foreign_keys", "ON", "1"},
	{"cache_size", "-8192", ""}, // KiB a connection
	// The log is folded into the file once it holds 64 MiB, and shrinks to that again
	// after a burst. A batch changes pages all over the newest block of the ledger's
	// indexes: folded at SQLite's 4 MiB, each went to the file again and again.
	{"wal_autocheckpoint", "16384", ""}, // pages of 4 KiB
	{"journal_size_limit", "67108864", ""},
	{"temp_store", "MEMORY", ""}, // sorting writes no plain data beside the file
}

// mapped lets as much of the file be mapped as SQLite allows, just below 2 GiB; what
// lies behind that is read as ever. Mapped pages are the system's cache and no
// memory of the program's own.
var mapped = pragma{"mmap_size", "2147418112", ""}

// connectSQLite prepares the connections to a file, with some settings more. Transactions take the right
// to write at once (_txlock), or two that read first could not both go on.
func connectSQLite(target string, more ...pragma) (*DB, error) {
	path, err := filepath.Abs(target)
	if err != nil {
		return nil, fmt.Errorf("find the database %s: %w", target, err)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("create the database: %w", err)
	}
	q := url.Values{"_txlock": {"immediate"}, "_dqs": {"0"}}
	for _, p := range slices.Concat(pragmas, more) {
		q.Add("_pragma", p.name+"("+p.value+")")
	}
	c, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	db := sql.OpenDB(keeper{c})
	db.SetMaxOpenConns(sqliteConns)
	db.SetMaxIdleConns(sqliteConns)
	return &DB{DB: db, Dialect: SQLite, name: path, path: path, writing: make(chan struct{}, 1)}, nil
}

// create makes an empty file that only its owner may read; SQLite gives its log
// the same mode. A file that is there is not even opened: closing it again would
// drop the locks that this process may hold on it.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // G304: the operator's data folder
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// checkPragmas reads settings back. SQLite takes a setting that it cannot
// honour without a word, such as WAL on a file system without shared memory.
func (d *DB) checkPragmas(ctx context.Context, want []pragma) error {
	for _, p := range want {
		var got string
		if p.reads == "" {
			continue
		}
		if err := d.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
			return fmt.Errorf("read %s of the database %s: %w", p.name, d, err)
		}
		if !strings.EqualFold(got, p.reads) {
			return fmt.Errorf("%w: %s of %s is %s, want %s", ErrNotDurable, p.name, d, got, p.value)
		}
	}
	return nil
}
