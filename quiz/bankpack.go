package quiz

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxBank bounds what is unpacked, in bytes, so that a damaged version cannot
// fill memory.
const maxBank = 64 << 20

// Pack returns the version as it is kept: gzip over the JSON that its digest is
// of.
func (b *Bank) Pack() ([]byte, error) {
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode bank %s: %w", b.ID, err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(raw)
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("pack bank %s: %w", b.ID, err)
	}
	return packed.Bytes(), nil
}

// UnpackBank is the inverse of Pack. The content is checked against the digest,
// because scores hang on it.
func UnpackBank(digest string, packed []byte) (*Bank, error) {
	fail := func(err error) (*Bank, error) { return nil, fmt.Errorf("unpack bank version %s: %w", digest, err) }
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fail(err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxBank))
	if err != nil {
		return fail(err)
	}
	var stored Bank
	if err := json.Unmarshal(raw, &stored); err != nil {
		return fail(err)
	}
	b, err := NewBank(stored.ID, stored.Questions)
	if err != nil {
		return fail(err)
	}
	if b.Digest != digest {
		return fail(fmt.Errorf("content has digest %s", b.Digest))
	}
	return b, nil
}
