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

// mendTail cuts off the end of the file that Redis was writing to what a kill or a
// loss of power has left of an act that was never acknowledged.
//
// Zeros are the one: file systems can make a file longer before what was written
// to it is on the disk. What Redis had synced, and so what it had acknowledged, is
// never zeros, and no command ends with one. Redis takes them for damage and does
// not start.
//
// The beginning of a transaction is the other. A script that writes more than once
// stands in the log between MULTI and EXEC. When the log ends within a command of
// it, Redis (7.0 and 7.2, Valkey before 9) cuts off that command and leaves the
// ones before it; the next script's follow them, and at the next start both are
// carried out: the first half of an act that nobody was told of, together with
// another one.
func (n *Node) mendTail(ctx context.Context) error {
	dir := filepath.Join(n.dir, "appendonlydir")
	name, err := newestLog(filepath.Join(dir, "appendonly.aof.manifest"))
	if err != nil || name == "" {
		return err
	}
	for _, end := range []struct {
		what string
		of   func(*os.File, int64) (int64, error)
	}{
		{"zeros", func(f *os.File, size int64) (int64, error) { return contentEnd(f, size) }},
		{"an unfinished write", func(f *os.File, size int64) (int64, error) { return finishedEnd(f, size) }},
	} {
		cut, err := cutOff(filepath.Join(dir, name), end.of)
		if err != nil {
			return fmt.Errorf("look at the end of %s: %w", name, err)
		}
		if cut > 0 {
			n.o.Log.WarnContext(ctx, "cut off the end of Redis' log what a kill or a loss of power left of an act that was not acknowledged",
				"file", name, "what", end.what, "bytes", cut)
		}
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

// cutOff cuts a file off at the place that find tells, given its size, and returns
// how many bytes it has cut.
func cutOff(path string, find func(*os.File, int64) (int64, error)) (cut int64, err error) {
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
	end, err := find(file, info.Size())
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
