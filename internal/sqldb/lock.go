package sqldb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// schemaLock is the advisory lock under which PostgreSQL's schema is changed:
// "qingyuan" in bytes. Such locks belong to one database of the server.
const schemaLock = 0x71696e677975616e

const lockPoll = 20 * time.Millisecond

// lockSchema waits until no other process opens the database.
func (d *DB) lockSchema(ctx context.Context) (release func() error, err error) {
	if d.Dialect == SQLite {
		return lockFolder(ctx, filepath.Dir(d.path))
	}
	conn, err := d.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(schemaLock)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(schemaLock))
		return errors.Join(err, conn.Close())
	}, nil
}

// lockFolder takes the lock of a folder. Locking the database file itself would
// drop SQLite's own locks with the descriptor, and a lock file would lie about.
// It polls, because a blocked flock could not be interrupted.
func lockFolder(ctx context.Context, dir string) (release func() error, err error) {
	f, err := os.Open(dir) //nolint:gosec // G304: the operator's data folder
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock the folder %s: %w", dir, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(lockPoll):
		}
	}
}
