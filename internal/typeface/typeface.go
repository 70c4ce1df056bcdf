// Package typeface holds the one font that documents and pictures are set in, so
// that a server needs none installed: Noto Sans SC, under the SIL Open Font Licence
// 1.1 (OFL.txt).
//
// It has Latin, punctuation and the 20,992 ideographs of Unicode's first block,
// which hold those of GBK and nearly every name. subset.mjs makes the file.
package typeface

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the font
	"fmt"
	"io"
	"sync"
)

//go:embed NotoSansSC-Regular.ttf.gz
var regular []byte

// Regular returns the TrueType file of the regular weight. The caller must not
// change it. It is unpacked once, at the first call.
func Regular() ([]byte, error) { return unpacked() }

//nolint:gochecknoglobals // The result is the same for everybody.
var unpacked = sync.OnceValues(func() ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(regular))
	if err != nil {
		return nil, fmt.Errorf("unpack the font: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("unpack the font: %w", err)
	}
	return raw, nil
})
