package pictures

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"qingyuan/internal/fault"
)

// MaxBytes is the most bytes that a picture may have, sent and kept. It is read by phones on
// the way to work.
const MaxBytes = 1 << 20

// maxSide is the most points of a side.
const maxSide = 4096

// Errors of pictures.
var (
	// ErrFormat is what is no picture, or none that is read here.
	ErrFormat = fault.New(fault.Invalid, "picture.invalid", "图片无法读取，请使用 PNG、JPEG、GIF 或 WebP 图片")
	// ErrTooLarge is a picture of too many bytes or points.
	ErrTooLarge = fault.New(fault.Invalid, "picture.too_large", "图片过大：至多 1 MiB，宽和高各至多 4096 点")
)

// What a picture is written as.
const (
	kindPNG  = "image/png"
	kindJPEG = "image/jpeg"
)

// format is one in which pictures come.
type format struct {
	mark   string // what a file begins with; ? is any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	// photo is a form for photographs, which would grow as a PNG.
	photo bool
}

// formats are those that are read. Of one that moves, the first picture counts.
func formats() []format {
	return []format{
		{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, false},
		{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode, true},
		{"GIF8?a", gif.DecodeConfig, gif.Decode, false},
		{"RIFF????WEBP", webp.DecodeConfig, webp.Decode, true},
	}
}

func formatOf(raw []byte) (format, bool) {
	for _, f := range formats() {
		if begins(raw, f.mark) {
			return f, true
		}
	}
	return format{}, false
}

func begins(raw []byte, mark string) bool {
	if len(raw) < len(mark) {
		return false
	}
	for i := range len(mark) {
		if mark[i] != '?' && mark[i] != raw[i] {
			return false
		}
	}
	return true
}

// Redraw reads a picture and writes it anew, so that nothing goes along but what is seen:
// no place, no device, nothing behind its end.
func Redraw(raw []byte) (*Picture, error) {
	if len(raw) > MaxBytes {
		return nil, ErrTooLarge
	}
	f, ok := formatOf(raw)
	if !ok {
		return nil, ErrFormat
	}
	head, err := f.config(bytes.NewReader(raw))
	if err != nil {
		return nil, ErrFormat.Because(err)
	}
	if head.Width > maxSide || head.Height > maxSide {
		return nil, ErrTooLarge
	}
	if head.Width < 1 || head.Height < 1 {
		return nil, ErrFormat
	}
	seen, err := f.decode(bytes.NewReader(raw))
	if err != nil {
		return nil, ErrFormat.Because(err)
	}
	return write(upright(seen, orientation(raw)), f.photo)
}

// write draws what is seen as a PNG, or as a JPEG where it came as a photograph without holes.
func write(seen image.Image, photo bool) (*Picture, error) {
	p := &Picture{Kind: kindPNG, Width: seen.Bounds().Dx(), Height: seen.Bounds().Dy()}
	var err error
	ending := ".png"
	if photo && opaque(seen) {
		p.Kind, ending = kindJPEG, ".jpg"
		p.Body, err = photograph(seen)
	} else {
		var out bytes.Buffer
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, seen)
		p.Body = out.Bytes()
	}
	if err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	if len(p.Body) > MaxBytes {
		return nil, ErrTooLarge.Because(errors.New("it is too large as it would be kept"))
	}
	sum := sha256.Sum256(p.Body)
	p.Name = hex.EncodeToString(sum[:]) + ending
	return p, nil
}

func opaque(seen image.Image) bool {
	o, ok := seen.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// photograph writes a JPEG as good as its bytes allow: one that was sent just below the
// bound must not be refused because it was written anew.
func photograph(seen image.Image) ([]byte, error) {
	var out bytes.Buffer
	for _, quality := range []int{88, 75, 60} {
		out.Reset()
		if err := jpeg.Encode(&out, seen, &jpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		if out.Len() <= MaxBytes {
			break
		}
	}
	return out.Bytes(), nil
}
