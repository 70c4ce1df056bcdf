package pictures

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"
)

// orientation is how a camera was held, 1 to 8 as EXIF counts; 1 where nothing is told. It is
// what must not be lost with the rest of EXIF, or photographs of phones lie on their side.
func orientation(raw []byte) int {
	tiff := exifOf(raw)
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	const tag, entry = 0x0112, 12
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	n := int(order.Uint16(tiff[at:]))
	for list := tiff[at+2:]; n > 0 && len(list) >= entry; n, list = n-1, list[entry:] {
		if order.Uint16(list) != tag {
			continue
		}
		if o := int(order.Uint16(list[8:])); o >= 1 && o <= 8 {
			return o
		}
	}
	return 1
}

// exifOf finds the EXIF of a JPEG, nil where there is none. Other formats of pictures say
// nothing of cameras that browsers would follow.
func exifOf(raw []byte) []byte {
	const exif = "Exif\x00\x00"
	if !begins(raw, "\xff\xd8") {
		return nil
	}
	for rest := raw[2:]; len(rest) >= 4 && rest[0] == 0xff; {
		mark, size := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if mark == 0xda || size < 2 || 2+size > len(rest) { // the picture itself begins
			return nil
		}
		body := rest[4 : 2+size]
		if mark == 0xe1 && bytes.HasPrefix(body, []byte(exif)) {
			return body[len(exif):]
		}
		rest = rest[2+size:]
	}
	return nil
}

// upright turns and mirrors what is seen so that it stands as the camera saw it.
func upright(seen image.Image, orientation int) image.Image {
	if orientation == 1 {
		return seen
	}
	b := seen.Bounds()
	w, h := b.Dx(), b.Dy()
	from := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(from, from.Bounds(), seen, b.Min, draw.Src)
	to := image.NewNRGBA(from.Bounds())
	if orientation > 4 {
		to = image.NewNRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := turned(orientation, x, y, w, h)
			copy(to.Pix[to.PixOffset(tx, ty):][:4], from.Pix[from.PixOffset(x, y):][:4])
		}
	}
	return to
}

// turned is where a point of a picture of w by h comes to lie.
func turned(orientation, x, y, w, h int) (tx, ty int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}
