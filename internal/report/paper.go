package report

import (
	"strconv"

	"github.com/signintech/gopdf"

	"qingyuan/internal/typeface"
)

// Measures of an A4 page, in points.
const (
	margin     = 50.0
	pageWidth  = 595.28
	pageHeight = 841.89
	textWidth  = pageWidth - 2*margin
)

// Sizes of type, in points.
const (
	sizeTitle = 20
	sizeHead  = 14
	sizeText  = 10.5
	sizeSmall = 8.5
)

const family = "text"

// substitute stands for what the font has no glyph of: a square shows that there was
// one.
const substitute = '□'

// paper is a document that is written from top to bottom. After an error nothing more
// is written.
type paper struct {
	pdf  *gopdf.GoPdf
	y    float64 // where the next line begins
	page int
	err  error
}

func newPaper() (*paper, error) {
	font, err := typeface.Regular()
	if err != nil {
		return nil, err
	}
	p := &paper{pdf: &gopdf.GoPdf{}}
	p.pdf.Start(gopdf.Config{PageSize: *gopdf.PageSizeA4})
	option := gopdf.TtfOption{OnGlyphNotFoundSubstitute: func(rune) rune { return substitute }}
	if err := p.pdf.AddTTFFontDataWithOption(family, font, option); err != nil {
		return nil, err
	}
	p.turn()
	return p, p.err
}

// turn begins the next page.
func (p *paper) turn() {
	p.pdf.AddPage()
	p.page++
	p.y = margin
	p.font(sizeSmall)
	const foot = 30
	p.write(pageWidth/2-10, pageHeight-foot, "— "+strconv.Itoa(p.page)+" —")
}

func (p *paper) font(size float64) {
	if p.err == nil {
		p.err = p.pdf.SetFont(family, "", size)
	}
}

func (p *paper) write(x, y float64, text string) {
	if p.err == nil {
		p.pdf.SetXY(x, y)
		p.err = p.pdf.Cell(nil, text)
	}
}

func (p *paper) gap(points float64) { p.y += points }

// room turns the page where less than so much is left on it.
func (p *paper) room(points float64) {
	if p.y+points > pageHeight-margin {
		p.turn()
	}
}

// leading is how far lines are apart, of their size.
const leading = 1.6

// passage is a text in one size.
type passage struct {
	size float64
	text string
}

// high is how much room texts take, one below the other.
func (p *paper) high(all ...passage) float64 {
	var points float64
	for _, one := range all {
		points += float64(len(p.lines(one.size, one.text))) * one.size * leading
	}
	return points
}

// together writes texts one below the other, on one page where a page holds them.
func (p *paper) together(all ...passage) {
	if high := p.high(all...); high < pageHeight-2*margin {
		p.room(high)
	}
	for _, one := range all {
		p.line(one.size, one.text)
	}
}

// lines parts a text into those that fit beside each other.
func (p *paper) lines(size float64, text string) []string {
	if text == "" || p.err != nil {
		return nil
	}
	var out []string
	if p.font(size); p.err == nil {
		out, p.err = p.pdf.SplitText(text, textWidth)
	}
	return out
}

// line writes a text in as many lines as it takes.
func (p *paper) line(size float64, text string) {
	for _, l := range p.lines(size, text) {
		p.room(size * leading)
		p.font(size)
		p.write(margin, p.y, l)
		p.y += size * leading
	}
}

// head writes what the following is about, and keeps it with the first of it.
func (p *paper) head(text string, first ...passage) {
	const before, together, own = 12, 70, 30
	p.gap(before)
	p.room(max(together, own+p.high(first...)))
	p.line(sizeHead, text)
	p.gap(before / 3)
}

// pair writes a label with its value beside it.
func (p *paper) pair(label, value string) {
	const tab = 130
	p.room(sizeText * leading)
	p.font(sizeText)
	p.write(margin, p.y, label)
	p.write(margin+tab, p.y, value)
	p.y += sizeText * leading
}

// bar is one line of a chart.
type bar struct {
	label string
	value int64
	text  string // beside the bar
}

// bars draws a chart of lying bars, in the order given.
func (p *paper) bars(all []bar) {
	var most int64 = 1
	for _, b := range all {
		most = max(most, b.value)
	}
	const (
		step, thick = 16.0, 10.0
		from        = margin + 120
		longest     = textWidth - 120 - 110
	)
	for _, b := range all {
		p.room(step)
		p.font(sizeSmall)
		p.write(margin, p.y, p.fit(b.label, 112))
		p.pdf.SetFillColor(0x4A, 0x7E, 0xBB)
		width := longest * float64(b.value) / float64(most)
		if b.value > 0 {
			p.pdf.RectFromUpperLeftWithStyle(from, p.y, max(width, 1), thick, "F")
		}
		p.pdf.SetFillColor(0, 0, 0)
		p.write(from+width+6, p.y, b.text)
		p.y += step
	}
}

// fit cuts a text to a width.
func (p *paper) fit(text string, width float64) string {
	for runes := []rune(text); p.err == nil && len(runes) > 0; runes = runes[:len(runes)-1] {
		shown := string(runes)
		if len(shown) < len(text) {
			shown += "…"
		}
		w, err := p.pdf.MeasureTextWidth(shown)
		if err != nil {
			p.err = err
			return ""
		}
		if w <= width {
			return shown
		}
	}
	return ""
}
