package backup

import (
	"context"
	"io"
)

// Read reads a whole backup and keeps nothing of it.
func Read(ctx context.Context, r io.Reader, keep func(File) io.WriteCloser) (Manifest, error) {
	return read(ctx, r, func(Manifest) error { return nil }, func(f File) (io.WriteCloser, error) { return keep(f), nil })
}

// Names for the fuzz target.
var (
	ParseManifest = parseManifest
	Place         = place
)

// ErrLapsed is what a backup ends with whose hold ran out.
var ErrLapsed = errLapsed
