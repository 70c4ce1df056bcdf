package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxSmall bounds the files that are held in memory: a question bank or a
	// tree of units has a few megabytes.
	maxSmall = 64 << 20
	// readings is how often the campaigns are read before somebody must ask who
	// changes them all the time.
	readings = 5
)

// smallFiles reads what lies in the data folder beside the databases, at one
// moment: an exchange of a campaign that falls into the reading is seen whole or
// not at all, because it is read until two readings are alike.
func smallFiles(ctx context.Context, data string) ([]Part, error) {
	last, err := readSmall(ctx, data)
	for range readings {
		if err != nil {
			return nil, err
		}
		var next map[string][]byte
		if next, err = readSmall(ctx, data); err == nil && alike(last, next) {
			return smallParts(next), nil
		}
		last = next
	}
	return nil, errors.Join(err, fmt.Errorf("read %s: its files change all the time", filepath.Join(data, campaignsName)))
}

func alike(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

func smallParts(files map[string][]byte) []Part {
	var parts []Part
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, Part{Name: name, Content: bytes.NewReader(files[name]), Size: int64(len(files[name]))})
	}
	return parts
}

func readSmall(ctx context.Context, data string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range []string{deploymentName, secretsName} {
		raw, err := readWhole(filepath.Join(data, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files[name] = raw
	}
	return files, addCampaigns(ctx, filepath.Join(data, campaignsName), files)
}

func addCampaigns(ctx context.Context, dir string, files map[string][]byte) error {
	dir, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(full string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since its folder was read; the next reading tells
			return nil
		case err != nil || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case full == dir:
			return nil
		case strings.HasPrefix(d.Name(), "."): // half-written files of campaign apply, editors' files
			return skip(d)
		case d.IsDir():
			return nil
		}
		return addFile(dir, full, files)
	})
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func addFile(dir, full string, files map[string][]byte) error {
	rel, err := filepath.Rel(dir, full)
	if err != nil {
		return err
	}
	raw, err := readWhole(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	files[path.Join(campaignsName, filepath.ToSlash(rel))] = raw
	return err
}

// readWhole reads a regular file, or one that a link leads to.
func readWhole(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file, and a backup holds files only", name)
	}
	if info.Size() > maxSmall {
		return nil, fmt.Errorf("%s has %d bytes, and a backup takes files of up to %d", name, info.Size(), maxSmall)
	}
	return os.ReadFile(name) //nolint:gosec // G304: in the operator's data folder
}
