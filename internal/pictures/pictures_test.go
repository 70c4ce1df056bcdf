package pictures_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/operator"
	"qingyuan/internal/pictures"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

var (
	editor = operator.Actor{ID: "one", Login: "one", Grants: []operator.Grant{{Role: operator.QuestionEditor, Scope: "140702"}}}
	reader = operator.Actor{ID: "two", Login: "two", Grants: []operator.Grant{{Role: operator.OfficeViewer}}}
)

// halves is a picture of w by h whose left half is dark and whose right half is light.
func halves(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.Gray{Y: uint8(x * 2 / w * 250)})
		}
	}
	return m
}

// noise is a picture that cannot be made smaller.
func noise(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.UintN(256)) | uint8(i%4/3*255)
	}
	return m
}

func asPNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t *testing.T, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asGIF(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pixel is a WebP of one point that is seen through.
const pixel = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"

// held is a JPEG by a camera that was held in some way, with what else it tells of it.
func held(t *testing.T, m image.Image, orientation uint16, order binary.AppendByteOrder) []byte {
	t.Helper()
	mark := map[binary.AppendByteOrder]string{binary.LittleEndian: "II*\x00", binary.BigEndian: "MM\x00*"}[order]
	tiff := order.AppendUint32([]byte(mark), 8)
	tiff = order.AppendUint16(tiff, 2)
	for tag, value := range map[uint16]uint16{0x0112: orientation, 0x0100: 7} {
		tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, tag), 3), 1)
		tiff = order.AppendUint16(order.AppendUint16(tiff, value), 0)
	}
	body := append([]byte("Exif\x00\x00"), append(tiff, "a place in Jinzhong"...)...)
	raw := asJPEG(t, m, 95)
	out := append([]byte{}, raw[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
	return append(append(append(out, body...), raw[2:]...), "hidden behind it"...)
}

// TestRedraw takes every format, and nothing along that is not seen.
func TestRedraw(t *testing.T) {
	t.Parallel()
	withText := asPNG(t, halves(8, 4))
	text := append(binary.BigEndian.AppendUint32(nil, 12), "tEXtPlace\x00Jinzhon\x00\x00\x00\x00"...)
	withText = append(append(append([]byte{}, withText[:33]...), text[:24]...), withText[33:]...)
	for name, tt := range map[string]struct {
		raw  []byte
		kind string
		w, h int
	}{
		"png":               {asPNG(t, halves(8, 4)), "image/png", 8, 4},
		"png and something": {append(asPNG(t, halves(8, 4)), "hidden behind it"...), "image/png", 8, 4},
		"gif":               {asGIF(t, halves(8, 4)), "image/png", 8, 4},
		"webp":              {[]byte(pixel), "image/png", 1, 1},
		"jpeg":              {asJPEG(t, halves(8, 4), 90), "image/jpeg", 8, 4},
		"jpeg with a place": {held(t, halves(8, 4), 1, binary.BigEndian), "image/jpeg", 8, 4},
		"a dense jpeg":      {asJPEG(t, noise(900, 900), 70), "image/jpeg", 900, 900},
	} {
		p, err := pictures.Redraw(tt.raw)
		if err != nil {
			t.Errorf("%s of %d bytes: %v", name, len(tt.raw), err)
			continue
		}
		m, _, err := image.Decode(bytes.NewReader(p.Body))
		if err != nil || m.Bounds().Dx() != tt.w || m.Bounds().Dy() != tt.h || p.Width != tt.w || p.Height != tt.h || p.Kind != tt.kind {
			t.Errorf("%s: %s of %d by %d: %v", name, p.Kind, p.Width, p.Height, err)
		}
		for _, secret := range []string{"hidden", "Exif", "Jinzhong"} {
			if bytes.Contains(p.Body, []byte(secret)) {
				t.Errorf("%s: %q goes along", name, secret)
			}
		}
	}
	if _, err := pictures.Redraw(withText); !errors.Is(err, pictures.ErrFormat) {
		t.Errorf("a damaged picture: %v", err)
	}
}

// TestHeldOtherwise wants photographs to stand upright, however the camera was held: the
// dark side is where the camera has seen it.
func TestHeldOtherwise(t *testing.T) {
	t.Parallel()
	dark := func(m image.Image, x, y int) bool {
		g, _ := color.GrayModel.Convert(m.At(x, y)).(color.Gray)
		return g.Y < 128
	}
	for o, want := range map[uint16]struct {
		w, h int
		at   image.Point // a dark corner
		not  image.Point // a light one
	}{
		1: {64, 32, image.Pt(2, 2), image.Pt(61, 2)}, 2: {64, 32, image.Pt(61, 2), image.Pt(2, 2)},
		3: {64, 32, image.Pt(61, 2), image.Pt(2, 2)}, 4: {64, 32, image.Pt(2, 2), image.Pt(61, 2)},
		5: {32, 64, image.Pt(2, 2), image.Pt(2, 61)}, 6: {32, 64, image.Pt(2, 2), image.Pt(2, 61)},
		7: {32, 64, image.Pt(2, 61), image.Pt(2, 2)}, 8: {32, 64, image.Pt(2, 61), image.Pt(2, 2)},
		9: {64, 32, image.Pt(2, 2), image.Pt(61, 2)}, // there is no such thing
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			p, err := pictures.Redraw(held(t, halves(64, 32), o, order))
			if err != nil {
				t.Fatal(err)
			}
			m, err := jpeg.Decode(bytes.NewReader(p.Body))
			if err != nil || p.Width != want.w || p.Height != want.h || !dark(m, want.at.X, want.at.Y) || dark(m, want.not.X, want.not.Y) {
				t.Errorf("held as %d, %v: %d by %d, %v", o, order, p.Width, p.Height, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	wide := asPNG(t, image.NewGray(image.Rect(0, 0, 4097, 1)))
	// A head that promises more points than there is memory, and nothing behind it.
	bomb := append([]byte{}, asGIF(t, halves(2, 2))...)
	binary.LittleEndian.PutUint16(bomb[6:], 65535)
	binary.LittleEndian.PutUint16(bomb[8:], 65535)
	for name, tt := range map[string]struct {
		raw  []byte
		want error
	}{
		"nothing":         {nil, pictures.ErrFormat},
		"a drawing":       {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), pictures.ErrFormat},
		"a page":          {[]byte("<script>alert(1)</script>"), pictures.ErrFormat},
		"half a picture":  {asPNG(t, halves(64, 64))[:60], pictures.ErrFormat},
		"a mark alone":    {[]byte("\xff\xd8\xff"), pictures.ErrFormat},
		"too wide":        {wide, pictures.ErrTooLarge},
		"too many points": {bomb, pictures.ErrTooLarge},
		"too many bytes":  {append(asPNG(t, halves(2, 2)), make([]byte, pictures.MaxBytes)...), pictures.ErrTooLarge},
	} {
		if p, err := pictures.Redraw(tt.raw); !errors.Is(err, tt.want) {
			t.Errorf("%s of %d bytes: %v, %v", name, len(tt.raw), p, err)
		}
	}
}

// TestKept brings pictures into both databases, and finds them there from another server.
func TestKept(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
		open := func() *pictures.Service { return &pictures.Service{DB: db, Now: func() time.Time { return now }} }
		s := open()
		raw := asPNG(t, halves(8, 4))
		p, err := s.Add(ctx, editor, bytes.NewReader(raw), "六月活动")
		if err != nil || !strings.HasPrefix(p.URL(), "/media/") {
			t.Fatalf("%+v, %v", p, err)
		}
		if again, err := open().Add(ctx, editor, bytes.NewReader(append(raw, "more"...)), ""); err != nil || again.Name != p.Name {
			t.Errorf("again: %+v, %v", again, err)
		}
		if _, err := s.Add(ctx, reader, bytes.NewReader(raw), ""); !errors.Is(err, operator.ErrForbidden) {
			t.Errorf("who edits nothing: %v", err)
		}
		var rows, entries int
		var object, after string
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM pictures`).Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d pictures, %v", rows, err)
		}
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*), MAX(object), MAX(after) FROM audit WHERE action = 'picture.add'`).Scan(&entries, &object, &after); err != nil || entries != 1 || object != "picture:"+p.Name {
			t.Errorf("%d entries of %s, %v: %s", entries, object, err, after)
		}
		for name, s := range map[string]*pictures.Service{"the same": s, "another": open()} {
			found, err := s.Picture(ctx, p.Name)
			if err != nil || !bytes.Equal(found.Body, p.Body) || found.Kind != "image/png" || found.Width != 8 || found.Height != 4 {
				t.Errorf("from %s server: %+v, %v", name, found, err)
			}
			if _, err := s.Picture(ctx, "none.png"); !errors.Is(err, pictures.ErrNotFound) {
				t.Errorf("from %s server: %v", name, err)
			}
		}
		missing, err := pictures.Missing(ctx, db, []string{p.URL(), "/media/none.png", "/pics/1.png", "https://a.example/media/none.png"})
		if err != nil || len(missing) != 1 || !missing["/media/none.png"] {
			t.Errorf("missing are %v, %v", missing, err)
		}
	})
}

// TestCrowd has many ask for the same picture at once, and then without a database; and
// one who makes names up.
func TestCrowd(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	first := &pictures.Service{DB: db, Now: func() time.Time { return now }}
	p, err := first.Add(t.Context(), editor, bytes.NewReader(asPNG(t, halves(8, 4))), "")
	if err != nil {
		t.Fatal(err)
	}
	s := &pictures.Service{DB: db, Now: func() time.Time { return now }}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if found, err := s.Picture(context.Background(), p.Name); err != nil || len(found.Body) != len(p.Body) {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
	all.Wait()
	late, err := first.Add(t.Context(), editor, bytes.NewReader(asPNG(t, halves(4, 8))), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Picture(t.Context(), late.Name); !errors.Is(err, pictures.ErrNotFound) {
		t.Errorf("the list is read again within a second: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := s.Picture(t.Context(), late.Name); err != nil {
		t.Errorf("what another server has taken in is not found a second later: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Picture(t.Context(), p.Name); err != nil {
		t.Errorf("what is at hand is asked of the database: %v", err)
	}
	if _, err := s.Picture(t.Context(), "made-up.png"); !errors.Is(err, pictures.ErrNotFound) {
		t.Errorf("a name that is made up reaches the database: %v", err)
	}
}
