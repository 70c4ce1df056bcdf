// Package spool keeps what somebody sends in a file until it was worked on, so that
// large bodies lie on the disk and not in memory.
//
// A file loses its name as soon as it is open: whatever becomes of the process, the
// space comes back, and nobody else finds what was sent.
package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Dir is a folder in which files lie for a while.
type Dir struct{ path string }

// prefix is what the names of the files begin with, for the moment that they have one.
const prefix = "upload-"

// Open returns a folder, which it makes, without what a process that was killed has
// left there.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for uploads: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(path, prefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("look for old uploads: %w", err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) { // another server may begin here, too
			return nil, fmt.Errorf("remove an old upload: %w", err)
		}
	}
	return &Dir{path}, nil
}

// ErrSize is a sender who sent less or more than was said.
var ErrSize = errors.New("the body is not as long as was said")

// Take reads size bytes into a file. The caller closes it, and nothing is left then.
func (d *Dir) Take(r io.Reader, size int64) (*File, error) {
	f, err := d.create()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, io.LimitReader(r, size+1))
	if err == nil && n != size {
		err = ErrSize
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep an upload: %w", err), f.Close())
	}
	return &File{File: f, size: size}, nil
}

func (d *Dir) create() (*os.File, error) {
	f, err := os.CreateTemp(d.path, prefix)
	if err != nil {
		return nil, fmt.Errorf("keep an upload: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("keep an upload: %w", err), f.Close())
	}
	return f, nil
}

// File is what was sent. It begins at its first byte.
type File struct {
	*os.File

	size int64
}

// Size returns how many bytes there are.
func (f *File) Size() int64 { return f.size }
