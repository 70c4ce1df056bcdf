package certificate

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"sync"
	"unicode"

	"github.com/skip2/go-qrcode"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"qingyuan/internal/typeface"
)

//nolint:gochecknoglobals // Parsed once, and the same for everybody.
var parsed = sync.OnceValues(func() (*sfnt.Font, error) {
	raw, err := typeface.Regular()
	if err != nil {
		return nil, err
	}
	f, err := opentype.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	return f, nil
})

// Inks.
//
//nolint:gochecknoglobals // Colours are no constants to Go.
var (
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}
	dark  = color.RGBA{0x1c, 0x24, 0x30, 0xff}
	soft  = color.RGBA{0x52, 0x5f, 0x6e, 0xff}
	green = color.RGBA{0x11, 0x5e, 0x45, 0xff}
)

// paper is a certificate under the pen. After an error nothing more is drawn. It is for
// one goroutine.
type paper struct {
	picture *image.RGBA
	font    *sfnt.Font
	buffer  sfnt.Buffer
	faces   map[float64]font.Face
	err     error
}

func newPaper() (*paper, error) {
	f, err := parsed()
	if err != nil {
		return nil, err
	}
	p := &paper{picture: image.NewRGBA(image.Rect(0, 0, Width, Height)), font: f, faces: map[float64]font.Face{}}
	p.fill(p.picture.Bounds(), white)
	return p, nil
}

func (p *paper) fill(r image.Rectangle, ink color.Color) {
	draw.Draw(p.picture, r, image.NewUniform(ink), image.Point{}, draw.Src)
}

// rectangle draws the border of r.
func (p *paper) rectangle(r image.Rectangle, width int, ink color.Color) {
	for _, side := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+width)},
		{image.Pt(r.Min.X, r.Max.Y-width), r.Max},
		{r.Min, image.Pt(r.Min.X+width, r.Max.Y)},
		{image.Pt(r.Max.X-width, r.Min.Y), r.Max},
	} {
		p.fill(side, ink)
	}
}

func (p *paper) frame() {
	p.rectangle(p.picture.Bounds().Inset(30), 8, green)
	p.rectangle(p.picture.Bounds().Inset(46), 2, green)
}

// has tells whether the font can set the text. Marks that change the letter before them
// would stand in the wrong place, so a text that holds any is not for this font.
func (p *paper) has(text string) bool {
	for _, r := range text {
		if r == ' ' {
			continue
		}
		if unicode.IsMark(r) {
			return false
		}
		if glyph, err := p.font.GlyphIndex(&p.buffer, r); err != nil || glyph == 0 {
			return false
		}
	}
	return text != ""
}

// settable returns the text, or a word about it where the font cannot set it.
func (p *paper) settable(text string) string {
	if text == "" || p.has(text) {
		return text
	}
	return unsettableText
}

// face returns the font in a size, in pixels of an em.
func (p *paper) face(size float64) font.Face {
	if f, ok := p.faces[size]; ok {
		return f
	}
	f, err := opentype.NewFace(p.font, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("font of %g pixels: %w", size, err)
	}
	p.faces[size] = f
	return f
}

// block is a text to set.
type block struct {
	text string
	// size is that of an em, in pixels; a text that does not fit gets a smaller one.
	size float64
	// top is where the first line begins, most how many lines there may be; 1 when zero.
	top, most int
	// within bounds the height; 0 is no bound.
	within int
	ink    color.Color
}

// smallest is the size below which nothing is readable: what does not fit even so ends
// in an ellipsis.
const smallest = 20

// lead is how far lines stand apart, in ems.
const lead = 1.35

// centred sets the block in the middle and returns where the next may begin.
func (p *paper) centred(b block) int {
	lines, size := p.fit(b)
	y := b.top
	for _, line := range lines {
		width := font.MeasureString(p.face(size), line).Ceil()
		p.set(line, size, (Width-width)/2, y, b.ink)
		y += int(size * lead)
	}
	return y
}

// at sets one line that begins at x, or stands in the middle of width pixels from there.
func (p *paper) at(b block, x, width int) {
	if width > 0 {
		x += (width - font.MeasureString(p.face(b.size), b.text).Ceil()) / 2
	}
	p.set(b.text, b.size, x, b.top, b.ink)
}

func (p *paper) set(line string, size float64, x, top int, ink color.Color) {
	if p.err != nil {
		return
	}
	d := font.Drawer{Dst: p.picture, Src: image.NewUniform(ink), Face: p.face(size)}
	d.Dot = fixed.P(x, top+int(size*0.95))
	d.DrawString(line)
}

// fit breaks the text into lines, in the largest size in which it has room.
func (p *paper) fit(b block) (lines []string, size float64) {
	most := max(b.most, 1)
	for size = b.size; p.err == nil; size = max(size*0.9, smallest) {
		lines = p.broken(b.text, size)
		high := b.within > 0 && float64(len(lines))*size*lead > float64(b.within)
		if len(lines) <= most && !high {
			return lines, size
		}
		if size == smallest {
			break
		}
	}
	if len(lines) > most {
		lines = lines[:most]
		last := []rune(lines[most-1])
		lines[most-1] = string(last[:len(last)-1]) + "…"
	}
	return lines, size
}

// closing are marks that begin no line.
const closing = "，。、；：？！》）”’·"

// broken breaks a text into lines that are as wide as there is room: between any two
// characters of Chinese, and between words of other scripts where there are any.
func (p *paper) broken(text string, size float64) []string {
	face := p.face(size)
	if p.err != nil {
		return nil
	}
	var lines []string
	rest := []rune(text)
	for len(rest) > 0 {
		n := p.room(face, rest)
		if n < len(rest) {
			n = breakBefore(rest, n)
		}
		lines = append(lines, string(rest[:n]))
		rest = rest[n:]
		for len(rest) > 0 && rest[0] == ' ' {
			rest = rest[1:]
		}
	}
	return lines
}

// room counts how many characters fit on a line, at least one.
func (p *paper) room(face font.Face, text []rune) int {
	var width fixed.Int26_6
	for n, r := range text {
		advance, _ := face.GlyphAdvance(r)
		if width += advance; width > fixed.I(inner) {
			return max(n, 1)
		}
	}
	return len(text)
}

// breakBefore moves a break to where one may be.
func breakBefore(text []rune, n int) int {
	at := n
	for at > 1 && !mayBreak(text[at-1], text[at]) {
		at--
	}
	if at == 1 {
		return n // nowhere: the line is one word
	}
	return at
}

func mayBreak(before, after rune) bool {
	for _, c := range closing {
		if after == c {
			return false
		}
	}
	return !(alphabetic(before) && alphabetic(after))
}

func alphabetic(r rune) bool {
	return unicode.IsLetter(r) && !unicode.Is(unicode.Han, r) || unicode.IsDigit(r)
}

// code draws the QR code of text in a square with its quiet zone.
func (p *paper) code(text string, corner image.Point, side int) {
	if p.err != nil {
		return
	}
	q, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		p.err = fmt.Errorf("QR code of %d bytes: %w", len(text), err)
		return
	}
	q.DisableBorder = true
	modules := q.Bitmap()
	one := side / len(modules)
	if one < 2 {
		p.err = fmt.Errorf("QR code of %d bytes has %d modules, too many for %d pixels", len(text), len(modules), side)
		return
	}
	pad := (side - one*len(modules)) / 2
	for y, row := range modules {
		for x, black := range row {
			if black {
				from := corner.Add(image.Pt(pad+x*one, pad+y*one))
				p.fill(image.Rectangle{from, from.Add(image.Pt(one, one))}, dark)
			}
		}
	}
}
