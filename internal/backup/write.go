package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// Part is one file that goes into a backup. Its content must not change while
// the backup is written.
type Part struct {
	Name    string
	Content io.ReaderAt
	Size    int64
}

func (p Part) reader(ctx context.Context) io.Reader {
	return contextReader{ctx, io.NewSectionReader(p.Content, 0, p.Size)}
}

// level leaves the processor to the server that runs beside us.
const level = gzip.BestSpeed

// Write writes a backup of the parts to w, in their order, and returns the
// manifest in full: format, version and files are filled in here. It reads every
// part twice.
func Write(ctx context.Context, w io.Writer, m Manifest, parts []Part) (Manifest, error) {
	m.Format, m.Version, m.Files = format, version, nil
	for _, p := range parts {
		sum := sha256.New()
		if _, err := io.Copy(sum, p.reader(ctx)); err != nil {
			return m, fmt.Errorf("read %s: %w", p.Name, err)
		}
		m.Files = append(m.Files, File{Name: p.Name, Size: p.Size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	}
	if err := m.check(); err != nil {
		return m, fmt.Errorf("write a backup that could not be read again: %w", err)
	}
	zipped, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		return m, err
	}
	if err := writeEntries(ctx, tar.NewWriter(zipped), m, parts); err != nil {
		return m, err
	}
	return m, zipped.Close()
}

func writeEntries(ctx context.Context, w *tar.Writer, m Manifest, parts []Part) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the manifest: %w", err)
	}
	first := Part{Name: manifestName, Content: bytes.NewReader(raw), Size: int64(len(raw))}
	for _, p := range append([]Part{first}, parts...) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: p.Name, Size: p.Size, Mode: 0o600}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("write %s: %w", p.Name, err)
		}
		if _, err := io.Copy(w, p.reader(ctx)); err != nil {
			return fmt.Errorf("write %s: %w", p.Name, err)
		}
	}
	return w.Close()
}

// contextReader ends with its context, so that a copy of gigabytes does.
type contextReader struct {
	ctx context.Context //nolint:containedctx // It lives as long as one copy.
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
