package rehearse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Disk measures the disk below a folder.
type Disk struct {
	Dir string
	Now func() time.Time
}

// syncEvery lies between two syncs: often enough to see a slow second, seldom
// enough not to be the cause of one.
const syncEvery = 50 * time.Millisecond

// Watch writes a few bytes and waits until they are safe, again and again until
// ctx ends or so many are done, as an acknowledgement does.
func (d Disk) Watch(ctx context.Context, most int) (Syncs, error) {
	name := filepath.Join(d.Dir, "sync-probe")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // Our own folder.
	if err != nil {
		return Syncs{}, fmt.Errorf("measure the disk: %w", err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(name)
	}()
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	block := make([]byte, 512)
	var took []time.Duration
	for len(took) < most {
		began := d.Now()
		if _, err := f.Write(block); err != nil {
			return summary(took), fmt.Errorf("measure the disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return summary(took), fmt.Errorf("measure the disk: %w", err)
		}
		took = append(took, d.Now().Sub(began))
		select {
		case <-ctx.Done():
			return summary(took), nil
		case <-tick.C:
		}
	}
	return summary(took), nil
}

func summary(took []time.Duration) Syncs {
	if len(took) == 0 {
		return Syncs{}
	}
	slices.Sort(took)
	at := func(q float64) float64 {
		i := min(int(q*float64(len(took))), len(took)-1)
		return float64(took[i].Microseconds()) / 1000
	}
	return Syncs{Count: len(took), P50MS: at(0.5), P99MS: at(0.99), MaxMS: at(1)}
}

// Free returns the bytes that may still be written; 0 where that is not told.
func (d Disk) Free() int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(d.Dir, &s) != nil {
		return 0
	}
	return int64(s.Bavail) * s.Bsize //nolint:gosec // No disk is that large.
}

// Taken returns the bytes of all files below the folder.
func (d Disk) Taken() int64 {
	var sum int64
	_ = filepath.WalkDir(d.Dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // A file that has gone takes nothing.
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
