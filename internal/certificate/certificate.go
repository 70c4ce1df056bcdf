// Package certificate draws what a participant shows of their pledge: a picture with
// their name, their unit, the date, the serial, and a QR code that leads to the page
// where anybody may check it.
//
// It draws and keeps nothing. Who may have a certificate, and of what, is decided by
// those who ask.
package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"

	"qingyuan/pledge"
)

// Sheet is what stands on a certificate. The texts are Chinese: the font has no other
// script of the country.
type Sheet struct {
	// Campaign and Pledge are their titles, Version that of the text that was signed.
	Campaign, Pledge, Version string
	// Name is the participant's own, in full.
	Name string
	Unit string
	// Date is when it was signed, as the campaign's clock shows it: "2026年6月2日".
	Date   string
	Serial string
	// Number is the index of the signature in the campaign's log; "" before it is sealed.
	Number string
	// Check is the address that the QR code leads to. It names the serial and nobody.
	Check string
	// Strokes are the signature where it was drawn. A name that the font cannot set is
	// shown by them.
	Strokes pledge.Strokes
}

// Sides of the picture, in pixels.
const (
	Width  = 900
	Height = 1272
)

// drawing is raised when certificates look different from before, so that kept ones are
// not taken for current.
const drawing = 2

// Digest names the picture that the sheet gives: the same sheet, the same bytes.
func (s *Sheet) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %q %q %q %q %q %q %q %q %q %v",
		drawing, s.Campaign, s.Pledge, s.Version, s.Name, s.Unit, s.Date, s.Serial, s.Number, s.Check, s.Strokes)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

// PNG draws the certificate.
func (s *Sheet) PNG() ([]byte, error) {
	picture, err := s.draw()
	if err != nil {
		return nil, fmt.Errorf("draw certificate %s: %w", s.Serial, err)
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("encode certificate %s: %w", s.Serial, err)
	}
	return b.Bytes(), nil
}

// Where things stand, in pixels.
const (
	margin = 90
	inner  = Width - 2*margin

	nameTop    = 410
	nameHeight = 170
	footTop    = 960
	codeSide   = 200
)

// unsettable says that a text has characters the font lacks: a box would be taken for
// one.
const (
	unsettableName = "（姓名中有本证书字库没有的字）"
	unsettableText = "（名称中有本证书字库没有的字，请扫码查看）"
)

func (s *Sheet) draw() (*image.RGBA, error) {
	p, err := newPaper()
	if err != nil {
		return nil, err
	}
	p.frame()
	y := p.centred(block{text: p.settable(s.Campaign), size: 34, top: 130, most: 2, ink: soft})
	p.centred(block{text: "禁毒承诺证书", size: 76, top: max(y, 200) + 20, most: 1, ink: green})
	s.name(p)
	y = p.centred(block{text: p.settable(s.Unit), size: 32, top: nameTop + nameHeight + 24, most: 2, ink: dark})
	y = p.centred(block{text: "于" + s.Date + "签署", size: 32, top: y + 34, most: 1, ink: dark})
	p.centred(block{text: p.settable("《" + s.Pledge + "》（" + s.Version + "）"), size: 32, top: y + 6, most: 2, ink: dark})
	s.foot(p)
	return p.picture, p.err
}

// name sets the participant's name, or shows the handwriting in its place.
func (s *Sheet) name(p *paper) {
	box := image.Rect(margin, nameTop, Width-margin, nameTop+nameHeight)
	switch {
	case p.has(s.Name):
		p.centred(block{text: s.Name, size: 84, top: nameTop + 30, most: 2, ink: dark, within: nameHeight - 30})
	case len(s.Strokes) > 0:
		p.strokes(s.Strokes, box.Inset(8), 5)
	default:
		box = box.Inset(20)
		p.rectangle(box, 2, soft)
		p.centred(block{text: unsettableName, size: 30, top: box.Min.Y + 48, most: 1, ink: soft})
	}
}

// foot holds the signature, the code and the serial.
func (s *Sheet) foot(p *paper) {
	code := image.Pt(Width-margin-codeSide, footTop)
	p.code(s.Check, code, codeSide)
	p.at(block{text: "扫码核验", size: 22, top: footTop + codeSide + 6, ink: soft}, code.X, codeSide)
	left := Width - 2*margin - codeSide - 40
	if len(s.Strokes) > 0 && p.has(s.Name) {
		p.at(block{text: "手写签名", size: 22, top: footTop, ink: soft}, margin, 0)
		p.strokes(s.Strokes, image.Rect(margin, footTop+34, margin+left*3/4, footTop+150), 3)
	}
	number := "证书编号　" + s.Number
	if s.Number == "" {
		number = "证书编号　一两分钟后生成，请稍后再来"
	}
	p.at(block{text: number, size: 24, top: footTop + 160, ink: dark}, margin, 0)
	p.at(block{text: "核验码　" + s.Serial, size: 20, top: footTop + codeSide + 4, ink: soft}, margin, 0)
}
