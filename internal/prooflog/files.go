package prooflog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qingyuan/proof"
)

// checkpointExt ends the names of files that hold a checkpoint.
const checkpointExt = ".checkpoint"

// fileName is that of the checkpoint of so many leaves: names in order are checkpoints in
// order.
func fileName(size int64) string { return fmt.Sprintf("%012d", size) + checkpointExt }

// file keeps a checkpoint in a file, if it is not there.
func (l *Log) file(campaignID string, s proof.Signed) error {
	if l.Dir == "" {
		return nil
	}
	if err := drop(filepath.Join(l.Dir, campaignID), s); err != nil {
		return fmt.Errorf("keep the checkpoint of %s: %w", campaignID, err)
	}
	return nil
}

// drop puts a checkpoint into a folder, durably and under its name only when it is whole.
// One that is there is not touched.
func drop(dir string, s proof.Signed) error {
	name := filepath.Join(dir, fileName(s.N))
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // What lies here is public.
		return err
	}
	f, err := os.CreateTemp(dir, ".checkpoint-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it has its name by then, or is broken
	_, err = f.WriteString(s.Note)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir) //nolint:gosec // The operator names the folder.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// filed returns the newest checkpoint that is kept as a file here, and whether there is
// one.
func (l *Log) filed(ctx context.Context, campaignID string) (s proof.Signed, ok bool, err error) {
	if l.Dir == "" {
		return s, false, nil
	}
	dir := filepath.Join(l.Dir, campaignID)
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, false, fmt.Errorf("look which checkpoints of %s are kept: %w", campaignID, err)
	}
	for _, e := range slices.Backward(list) {
		if strings.HasSuffix(e.Name(), checkpointExt) && !strings.HasPrefix(e.Name(), ".") {
			raw, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // As above.
			if err != nil {
				return s, false, fmt.Errorf("read a checkpoint of %s: %w", campaignID, err)
			}
			s.Note = string(raw)
			return s, true, l.check(ctx, campaignID, &s)
		}
	}
	return s, false, nil
}
