package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// gzipHeader is how Write begins, byte for byte. No checksum covers it, so it is
// compared.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff} //nolint:gochecknoglobals // A constant.

// Begun is told the manifest before anything else is read, and may refuse.
type begun func(Manifest) error

// placed returns where a file is to be written. Closing it must make it durable.
type placed func(File) (io.WriteCloser, error)

// read reads a whole backup. It hands every file to place and checks that each
// is exactly what the manifest says, that nothing is missing and that nothing
// follows. What it has placed is worth nothing when it fails.
func read(ctx context.Context, r io.Reader, begin begun, place placed) (Manifest, error) {
	buffered := bufio.NewReader(contextReader{ctx, r})
	head, err := buffered.Peek(len(gzipHeader))
	if err != nil && !errors.Is(err, io.EOF) {
		return Manifest{}, fmt.Errorf("read the backup: %w", err)
	}
	if !bytes.Equal(head, gzipHeader) {
		return Manifest{}, fmt.Errorf("%w: it does not begin like one", ErrNotBackup)
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return Manifest{}, damaged(ctx, err)
	}
	unzipped.Multistream(false)
	entries := tar.NewReader(unzipped)
	m, err := readManifest(ctx, entries)
	if err != nil {
		return Manifest{}, err
	}
	if err := begin(m); err != nil {
		return m, err
	}
	for _, f := range m.Files {
		if err := readFile(ctx, entries, f, place); err != nil {
			return m, err
		}
	}
	return m, readEnd(ctx, entries, unzipped, buffered)
}

func readManifest(ctx context.Context, entries *tar.Reader) (Manifest, error) {
	h, err := entries.Next()
	if err != nil {
		return Manifest{}, damaged(ctx, err)
	}
	if h.Name != manifestName || h.Typeflag != tar.TypeReg {
		return Manifest{}, fmt.Errorf("%w: it begins with %q and not with its manifest", ErrNotBackup, h.Name)
	}
	if h.Size > maxManifest {
		return Manifest{}, fmt.Errorf("%w: its manifest has %d bytes", ErrDamaged, h.Size)
	}
	raw, err := io.ReadAll(io.LimitReader(entries, maxManifest))
	if err != nil {
		return Manifest{}, damaged(ctx, err)
	}
	return parseManifest(raw)
}

// readFile reads the entry that must come next.
func readFile(ctx context.Context, entries *tar.Reader, f File, place placed) (err error) {
	h, err := entries.Next()
	if err != nil {
		return damaged(ctx, err)
	}
	if h.Name != f.Name || h.Typeflag != tar.TypeReg || h.Size != f.Size {
		return fmt.Errorf("%w: %q with %d bytes lies where %q with %d belongs", ErrDamaged, h.Name, h.Size, f.Name, f.Size)
	}
	out, err := place(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	sum := sha256.New()
	if err := copyExactly(io.MultiWriter(failing{out}, sum), entries, f.Size); err != nil {
		return damaged(ctx, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%w: %q is not what was backed up: its digest is %s, not %s", ErrDamaged, f.Name, got, f.SHA256)
	}
	return nil
}

// copyExactly bounds what is written by what was announced, whatever the
// compressed stream unfolds to.
func copyExactly(w io.Writer, r io.Reader, size int64) error {
	n, err := io.Copy(w, io.LimitReader(r, size))
	if err == nil && n < size {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readEnd makes sure that nothing follows, and lets gzip compare its checksum.
func readEnd(ctx context.Context, entries *tar.Reader, unzipped io.Reader, rest io.Reader) error {
	if h, err := entries.Next(); err == nil {
		return fmt.Errorf("%w: %q is not in its manifest", ErrDamaged, h.Name)
	} else if !errors.Is(err, io.EOF) {
		return damaged(ctx, err)
	}
	for _, r := range []io.Reader{unzipped, rest} {
		if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 {
			return fmt.Errorf("%w: something follows its end", ErrDamaged)
		} else if !errors.Is(err, io.EOF) {
			return damaged(ctx, err)
		}
	}
	return nil
}

// placeError is a fault of the disk that is written to, not of the backup.
type placeError struct{ error }

func (e placeError) Unwrap() error { return e.error }

// failing marks errors of writing.
type failing struct{ io.Writer }

func (f failing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err != nil {
		err = placeError{err}
	}
	return n, err
}

// damaged says that the backup is to blame, unless somebody else is.
func damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[placeError](err); ok {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
