package certificate

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
)

// sample is a certificate as most are.
func sample() *Sheet {
	return &Sheet{
		Campaign: "2026年晋中市全民禁毒知识竞答", Pledge: "禁毒承诺书", Version: "2026-06", Name: "张小三",
		Unit: "晋中市榆次区第一中学", Date: "2026年6月2日", Serial: "SPR-0123456789ABCDEFGHJKMNPQRS",
		Check: "https://jindu.example.gov.cn/check/SPR-0123456789ABCDEFGHJKMNPQRS",
	}
}

// cross is a drawn signature of two strokes.
func cross() pledge.Strokes {
	return pledge.Strokes{{{X: 10, Y: 10}, {X: 60, Y: 70}, {X: 110, Y: 110, T: 40}}, {{X: 110, Y: 10, T: 200}, {X: 10, Y: 110, T: 260}}}
}

func drawn(t *testing.T, s *Sheet) image.Image {
	t.Helper()
	raw, err := s.PNG()
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("CERTIFICATES"); dir != "" { // to look at them
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+".png"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 400<<10 {
		t.Errorf("the picture has %d bytes", len(raw))
	}
	return picture
}

// ink counts the pixels of a part that are not white.
func ink(picture image.Image, part image.Rectangle) int {
	n := 0
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			if picture.At(x, y) != (color.RGBA{0xff, 0xff, 0xff, 0xff}) {
				n++
			}
		}
	}
	return n
}

func nameBox() image.Rectangle { return image.Rect(margin, nameTop, Width-margin, nameTop+nameHeight) }

func signatureBox() image.Rectangle {
	return image.Rect(margin, footTop+34, Width-margin-codeSide-60, footTop+150)
}

// readCode reads the QR code of a certificate as a phone does.
func readCode(t *testing.T, picture image.Image) string {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatalf("the code cannot be read: %v", err)
	}
	return got.GetText()
}

func TestCodeLeadsToTheCheckPage(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Sheet{
		"plain": sample(),
		"a long address": func() *Sheet {
			s := sample()
			s.Check = "https://" + strings.Repeat("a", 150) + ".example.gov.cn/check/" + s.Serial
			return s
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := readCode(t, drawn(t, s)); got != s.Check {
				t.Errorf("the code says %q, want %q", got, s.Check)
			}
		})
	}
}

func TestAddressThatFitsNoCode(t *testing.T) {
	t.Parallel()
	s := sample()
	s.Check = "https://" + strings.Repeat("a", 5000)
	if _, err := s.PNG(); err == nil || strings.Contains(err.Error(), s.Name) {
		t.Errorf("err = %v", err)
	}
}

// TestNames shows which names are set, which are shown as they were written, and which
// get a frame that says so.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]bool{
		"张三": true, "欧阳娜娜": true, "买买提·艾山": true, "阿依古丽·买买提·吐尔逊": true, "Jean-Luc O'Neill": true,
		strings.Repeat("长", 50): true, "Wolfeschlegelsteinhausenbergerdorff": true, "镕": true, "喆": true, "é": true,
		"𠮷野": false, "བསྟན་འཛིན": false, "ئەخمەت": false, "ᠪᠠᠲᠤ": false, "张e\u0323\u0301": false, "": false,
	} {
		p, err := newPaper()
		if err != nil {
			t.Fatal(err)
		}
		if p.has(name) != set {
			t.Errorf("has(%q) = %t, want %t", name, p.has(name), set)
		}
	}
}

func TestRareNameIsShownAsWritten(t *testing.T) {
	t.Parallel()
	plain := sample()
	plain.Name = "𠮷野"
	written := *plain
	written.Strokes = cross()
	framed, shown := drawn(t, plain), drawn(t, &written)
	corner := nameBox().Inset(20).Min
	if framed.At(corner.X, corner.Y) != soft {
		t.Error("a name that cannot be shown has no frame")
	}
	if shown.At(corner.X, corner.Y) == soft {
		t.Error("a name that is shown by hand has the frame too")
	}
	if n := ink(shown, nameBox()); n < 500 {
		t.Errorf("the handwriting has %d pixels", n)
	}
	if n := ink(shown, signatureBox().Add(image.Pt(0, 2))); n != 0 {
		t.Errorf("it is shown twice: %d pixels", n)
	}
}

func TestHandwritingStandsBesideAName(t *testing.T) {
	t.Parallel()
	s := sample()
	without := ink(drawn(t, s), signatureBox())
	s.Strokes = cross()
	if with := ink(drawn(t, s), signatureBox()); without != 0 || with < 200 {
		t.Errorf("%d pixels without a signature, %d with one", without, with)
	}
}

// TestTextsFit draws what is long, and looks that nothing crosses the frame.
func TestTextsFit(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Sheet){
		"long":    func(s *Sheet) { s.Name, s.Unit = strings.Repeat("长", 50), strings.Repeat("某某学院", 30) },
		"letters": func(s *Sheet) { s.Name = strings.Repeat("W", 50); s.Campaign = strings.Repeat("Wonder ", 40) },
		"spaces":  func(s *Sheet) { s.Name = strings.TrimSpace(strings.Repeat("甲 ", 25)) },
		"rare":    func(s *Sheet) { s.Unit, s.Campaign, s.Pledge = "𠮷野中学", "རྫོང་", "𠮷" },
		"nothing": func(s *Sheet) { *s = Sheet{Check: s.Check} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sample()
			change(s)
			picture := drawn(t, s)
			for _, side := range []image.Rectangle{
				image.Rect(48, 48, margin-12, Height-48), image.Rect(Width-margin+12, 48, Width-48, Height-48),
			} {
				if n := ink(picture, side); n != 0 {
					t.Errorf("%d pixels in the margin %v", n, side)
				}
			}
			if n := ink(picture, image.Rect(margin, footTop-60, Width-margin, footTop-4)); n != 0 {
				t.Errorf("%d pixels run into the foot", n)
			}
			code := Width - margin - codeSide
			if n := ink(picture, image.Rect(code-20, footTop+150, code, footTop+codeSide+40)); n != 0 {
				t.Errorf("%d pixels run into the code", n)
			}
		})
	}
}

// TestStrokesStayInside draws what no hand would.
func TestStrokesStayInside(t *testing.T) {
	t.Parallel()
	var scribble []pledge.Point
	for i := range 4000 {
		scribble = append(scribble, pledge.Point{X: float64(i*7919%1000) - 1e5, Y: float64(i * 104729 % 777)})
	}
	for name, strokes := range map[string]pledge.Strokes{
		"a scribble": {scribble}, "one place": {{{X: 5, Y: 5}, {X: 5, Y: 5}}}, "a line": {{{X: -1e5}, {X: 1e5}}}, "empty strokes": {{}, {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sample()
			s.Name, s.Strokes = "𠮷", strokes
			picture := drawn(t, s)
			if n := ink(picture, image.Rect(48, 48, margin, Height-48)); n != 0 {
				t.Errorf("%d pixels left of the text", n)
			}
			if readCode(t, picture) != s.Check {
				t.Error("the code is drawn over")
			}
		})
	}
}

// TestLinesCrossInInk guards against shapes that turn against each other: where two
// overlap, the paper would be white again.
func TestLinesCrossInInk(t *testing.T) {
	t.Parallel()
	s := sample()
	s.Name = "𠮷"
	s.Strokes = pledge.Strokes{
		{{X: 0, Y: 50}, {X: 100, Y: 50}}, {{X: 50, Y: 0}, {X: 50, Y: 100}}, {{X: 100, Y: 50}, {X: 0, Y: 50}}, {{X: 50, Y: 100}, {X: 50, Y: 0}},
	}
	box := nameBox()
	middle := image.Pt((box.Min.X+box.Max.X)/2, (box.Min.Y+box.Max.Y)/2)
	if got := drawn(t, s).At(middle.X, middle.Y); got != dark {
		t.Errorf("where four lines cross there is %v", got)
	}
}

func TestDigestNamesTheContent(t *testing.T) {
	t.Parallel()
	a, b := sample(), sample()
	if a.Digest() != b.Digest() {
		t.Error("the same sheet has two names")
	}
	for name, change := range map[string]func(*Sheet){
		"name": func(s *Sheet) { s.Name += "乙" }, "address": func(s *Sheet) { s.Check += "x" }, "strokes": func(s *Sheet) { s.Strokes = cross() },
	} {
		b := sample()
		if change(b); a.Digest() == b.Digest() {
			t.Errorf("another %s has the same name", name)
		}
	}
	one, err := a.PNG()
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.PNG()
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("the same sheet drew two pictures, %v", err)
	}
}

func TestPressPrintsTheSameSheetOnce(t *testing.T) {
	t.Parallel()
	press := NewPress(0)
	pngs := make([][]byte, 16)
	var wg sync.WaitGroup
	for i := range pngs {
		wg.Go(func() {
			var err error
			if pngs[i], err = press.Print(t.Context(), sample()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, one := range pngs {
		if !bytes.Equal(one, pngs[0]) || len(one) == 0 {
			t.Error("not everybody got the picture")
		}
	}
}

// TestPressTurnsAway fills the line before the press and looks what the next is told.
func TestPressTurnsAway(t *testing.T) {
	t.Parallel()
	press := NewPress(1)
	press.plates <- struct{}{} // one is being drawn
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range cap(press.line) {
		press.line <- struct{}{}
	}
	_, err := press.Print(ctx, sample())
	if f := fault.From(err); f.Kind != fault.Unavailable || f.RetryAfter < time.Second {
		t.Errorf("with a full line: %v, again after %v", err, f.RetryAfter)
	}
	<-press.line
	wg.Go(func() {
		if _, err := press.Print(ctx, sample()); !errors.Is(err, context.Canceled) || fault.From(err).Kind != fault.Unavailable {
			t.Errorf("who left the line: %v", err)
		}
	})
	leave()
	wg.Wait()
	<-press.plates
	if _, err := press.Print(t.Context(), sample()); err != nil {
		t.Errorf("once the press is free: %v", err)
	}
}

// FuzzName draws whatever is a name.
func FuzzName(f *testing.F) {
	for _, s := range []string{"张三", "𠮷野", "བསྟན་", "O'Neill-·", "Ａ", "一 二"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		name, ok := campaign.CleanName(name)
		if !ok {
			return
		}
		s := sample()
		s.Name = name
		if _, err := s.PNG(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	})
}

func BenchmarkPNG(b *testing.B) {
	s := sample()
	s.Strokes = cross()
	for b.Loop() {
		if _, err := s.PNG(); err != nil {
			b.Fatal(err)
		}
	}
}
