package redisnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrInUse means that another server uses the data folder.
var ErrInUse = errors.New("another server uses this data folder")

const lockPoll = 50 * time.Millisecond

// lockPath is where the lock of a data folder lies. The file is never removed:
// who waits for it has it open, and would wait for a file nobody finds.
func lockPath(dataDir string) string { return filepath.Join(dataDir, "server.lock") }

// acquire takes the lock of dataDir, waiting at most wait for another holder to
// go. The lock belongs to the open file, so a child that inherits it holds the
// lock too; it ends with the last descriptor.
func acquire(ctx context.Context, dataDir string, wait time.Duration) (*os.File, error) {
	path := lockPath(dataDir)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: the operator's data folder
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	if err := lockWithin(ctx, f, wait); err != nil {
		_ = f.Close()
		if errors.Is(err, ErrInUse) {
			return nil, fmt.Errorf("%w: %s is locked%s, still after %v", ErrInUse, dataDir, holder(path), wait)
		}
		return nil, fmt.Errorf("lock the data folder %s: %w", dataDir, err)
	}
	note := strconv.Itoa(os.Getpid()) + "\n"
	if err := errors.Join(f.Truncate(0), writeAt(f, note)); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("note our process in %s: %w", path, err)
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// lockWithin polls, because a blocked flock could not be interrupted.
func lockWithin(ctx context.Context, f *os.File, wait time.Duration) error {
	late := time.NewTimer(wait)
	defer late.Stop()
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		err := tryLock(f, syscall.LOCK_EX)
		if !errors.Is(err, ErrInUse) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return err
		case <-poll.C:
		}
	}
}

// tryLock takes the lock in the given way, or returns ErrInUse at once.
func tryLock(f *os.File, how int) error {
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return ErrInUse
	}
	return err
}

// locked says whether a server, or the Redis it left behind, uses dataDir.
func locked(dataDir string) (bool, error) {
	f, err := os.Open(lockPath(dataDir))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	defer func() { _ = f.Close() }() // and with it the shared lock
	err = tryLock(f, syscall.LOCK_SH)
	if errors.Is(err, ErrInUse) {
		return true, nil
	}
	return false, err
}

// holder names the process that took the lock, as far as it is known: with the
// server gone, its Redis may hold the lock a moment longer.
func holder(path string) string {
	text, err := os.ReadFile(path) //nolint:gosec // G304: the operator's data folder
	pid := strings.TrimSpace(string(text))
	if err != nil || pid == "" {
		return ""
	}
	return " by process " + pid + " or its redis-server"
}
