package backup

import (
	"fmt"
	"syscall"
)

// headroom is left free in any case. A redis-server that syncs every write ends
// itself when the disk is full.
const headroom = 64 << 20

// needRoom fails unless the disk of dir has room for so many bytes more.
func needRoom(dir string, bytes int64) error {
	free, err := room(dir)
	if err != nil {
		return err
	}
	if free < bytes+headroom {
		return fmt.Errorf("the disk of %s has %d MB free, and up to %d MB are needed", dir, free>>20, (bytes+headroom)>>20)
	}
	return nil
}

// room is how many bytes our user may still write to the disk of dir.
func room(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("ask how much room the disk of %s has: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:gosec,unconvert // The types differ by system.
}

// sameDisk tells whether two folders share their room.
func sameDisk(a, b string) (bool, error) {
	first, err := device(a)
	if err != nil {
		return false, err
	}
	second, err := device(b)
	return first == second, err
}

func device(dir string) (uint64, error) {
	var s syscall.Stat_t
	if err := syscall.Stat(dir, &s); err != nil {
		return 0, fmt.Errorf("ask which disk %s lies on: %w", dir, err)
	}
	return uint64(s.Dev), nil //nolint:unconvert // The types differ by system.
}
