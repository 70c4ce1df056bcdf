package redisnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tailBlock is how much is read at once, from the end.
const tailBlock = 64 << 10

// mendTail cuts zeros off the end of the file that Redis was writing to.
//
// A loss of power may leave them: file systems can make a file longer before
// what was written to it is on the disk. What Redis had synced, and so what it
// had acknowledged, is never zeros, and no command ends with one. Redis takes them
// for damage and does not start; the half of a command that may stand before them
// it drops by itself.
func (n *Node) mendTail(ctx context.Context) error {
	dir := filepath.Join(n.dir, "appendonlydir")
	name, err := newestLog(filepath.Join(dir, "appendonly.aof.manifest"))
	if err != nil || name == "" {
		return err
	}
	cut, err := cutZeros(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("look at the end of %s: %w", name, err)
	}
	if cut > 0 {
		n.o.Log.WarnContext(ctx, "cut zeros off the end of Redis' log, as a loss of power leaves them", "file", name, "bytes", cut)
	}
	return nil
}

// newestLog reads the name of the file that is written to from the manifest: the
// last one of type i. It returns "" where there is no manifest or no such file.
func newestLog(manifest string) (string, error) {
	text, err := os.ReadFile(manifest) //nolint:gosec // G304: in the operator's data folder
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read which files Redis has: %w", err)
	}
	name := ""
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 6 && f[0] == "file" && f[5] == "i" && f[1] == filepath.Base(f[1]) {
			name = f[1]
		}
	}
	return name, nil
}

// cutZeros returns how many bytes it has cut.
func cutZeros(path string) (cut int64, err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G304: as above
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // Redis says so itself
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	end, err := contentEnd(file, info.Size())
	if err != nil || end == info.Size() {
		return 0, err
	}
	if err := errors.Join(file.Truncate(end), file.Sync()); err != nil {
		return 0, err
	}
	return info.Size() - end, nil
}

// contentEnd finds where the zeros at the end of a file of that size begin.
func contentEnd(file io.ReaderAt, size int64) (int64, error) {
	block := make([]byte, tailBlock)
	for size > 0 {
		part := block[:min(size, tailBlock)]
		if _, err := file.ReadAt(part, size-int64(len(part))); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		size -= int64(len(part))
		if kept := bytes.TrimRight(part, "\x00"); len(kept) > 0 {
			return size + int64(len(kept)), nil
		}
	}
	return 0, nil
}
