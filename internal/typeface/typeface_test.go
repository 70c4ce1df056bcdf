package typeface_test

import (
	"testing"

	"golang.org/x/image/font/sfnt"

	"qingyuan/internal/typeface"
)

// TestRegular finds a glyph for what names and places are written with.
func TestRegular(t *testing.T) {
	t.Parallel()
	raw, err := typeface.Regular()
	if err != nil {
		t.Fatal(err)
	}
	f, err := sfnt.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	var b sfnt.Buffer
	for _, r := range "清源禁毒承诺书王芳喆翀頔淼犇鱻邗砀 0123456789%（）：，。·①√Aa" {
		if i, err := f.GlyphIndex(&b, r); err != nil || i == 0 {
			t.Errorf("%c has no glyph: %v", r, err)
		}
	}
}
