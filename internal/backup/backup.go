package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
)

// Reasons not to begin.
var (
	ErrRunning = errors.New("a backup of this data folder is being written already")
	ErrExists  = errors.New("the file to write exists already")
	// ErrRebuilt means that a campaign's Redis is being refilled, or was while it
	// was copied, so that the copies would not belong together.
	ErrRebuilt = errors.New("a campaign is being rebuilt, or was meanwhile")
)

// Ledger is what a backup asks of the ledger.
type Ledger interface {
	// Hold stops everybody from trimming streams until then. The same name
	// again moves the time.
	Hold(ctx context.Context, name string, until time.Time) error
	// Release ends a hold.
	Release(ctx context.Context, name string) error
	// Cursors returns how far each shard is in the ledger.
	Cursors(ctx context.Context) (map[ledger.Shard]ledger.Heads, error)
	// Campaigns lists every campaign that was opened.
	Campaigns(ctx context.Context) ([]ledger.Opened, error)
}

// Job is one backup. Every field is needed.
type Job struct {
	// Data is the data folder, File what to write.
	Data, File string
	// Program is the version of the program, for the manifest.
	Program string
	// Redis is the private one of the data folder, on this machine.
	Redis redis.UniversalClient
	// Database is the SQLite database of the data folder, and Ledger the ledger
	// in it.
	Database *sqldb.DB
	Ledger   Ledger
	Now      func() time.Time
}

// Run writes the backup and returns what is in it. The file appears under its
// name only when it is complete and on the disk; until then it is called
// File.part, and nothing of it is left when Run fails.
//
// It fails with ErrRunning beside another backup of the folder, with ErrExists
// rather than replace a file, and with ErrRebuilt.
func (j *Job) Run(ctx context.Context) (Manifest, error) {
	lock, err := lockFile(filepath.Join(j.Data, "backup.lock"))
	if err != nil {
		return Manifest{}, err
	}
	defer unlock(lock)
	if _, err := os.Lstat(j.File); !errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, errors.Join(fmt.Errorf("%w: %s", ErrExists, j.File), err)
	}
	j.sweep()
	defer j.sweep()
	m, parts, err := j.collect(ctx)
	defer closeAll(parts)
	if err != nil {
		return Manifest{}, fmt.Errorf("back up %s: %w", j.Data, err)
	}
	if m, err = j.write(ctx, m, parts); err != nil {
		return Manifest{}, fmt.Errorf("write %s: %w", j.File, err)
	}
	return m, nil
}

func (j *Job) partName() string { return j.File + ".part" }
func (j *Job) copyName() string { return j.File + ".part.db" }

// sweep removes what is unfinished, also of a backup that was killed.
func (j *Job) sweep() {
	for _, name := range []string{j.partName(), j.copyName(), j.copyName() + "-journal"} {
		_ = os.Remove(name)
	}
}

// write puts the parts into the file.
func (j *Job) write(ctx context.Context, m Manifest, parts []Part) (Manifest, error) {
	f, err := os.OpenFile(j.partName(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, err
	}
	m, err = Write(ctx, f, m, parts)
	if err := errors.Join(err, durable{f}.Close()); err != nil {
		return m, err
	}
	if err := os.Rename(j.partName(), j.File); err != nil {
		return m, err
	}
	return m, syncDir(filepath.Dir(j.File))
}

// unlock says so by itself: a child that was forked meanwhile holds the file as well until it
// has become another program, and the lock with it.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	_ = f.Close()
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: in the operator's data folder
	if err != nil {
		return nil, fmt.Errorf("open the lock of backups: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrRunning
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
