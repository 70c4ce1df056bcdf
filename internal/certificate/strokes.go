package certificate

import (
	"image"
	"math"

	"golang.org/x/image/vector"

	"qingyuan/pledge"
)

// strokes draws a signature as large as the box allows, with a pen that wide. What was
// drawn keeps its proportions.
func (p *paper) strokes(s pledge.Strokes, box image.Rectangle, pen float64) {
	toBox, ok := fitInto(s, box)
	if !ok {
		return
	}
	r := vector.NewRasterizer(Width, Height)
	for _, stroke := range s {
		for i, point := range stroke {
			at := toBox(point)
			dot(r, at, pen/2)
			if i > 0 {
				line(r, toBox(stroke[i-1]), at, pen/2)
			}
		}
	}
	r.Draw(p.picture, p.picture.Bounds(), image.NewUniform(dark), image.Point{})
}

// spot is a place on the paper.
type spot struct{ x, y float64 }

// fitInto returns how points come to lie in the middle of the box, and false where there
// are none.
func fitInto(s pledge.Strokes, box image.Rectangle) (to func(pledge.Point) spot, ok bool) {
	lo, hi := spot{math.Inf(1), math.Inf(1)}, spot{math.Inf(-1), math.Inf(-1)}
	for _, stroke := range s {
		for _, p := range stroke {
			lo.x, lo.y = min(lo.x, p.X), min(lo.y, p.Y)
			hi.x, hi.y = max(hi.x, p.X), max(hi.y, p.Y)
		}
	}
	if math.IsInf(lo.x, 1) {
		return nil, false
	}
	width, height := max(hi.x-lo.x, 1), max(hi.y-lo.y, 1)
	scale := min(float64(box.Dx())/width, float64(box.Dy())/height)
	left := float64(box.Min.X) + (float64(box.Dx())-width*scale)/2
	top := float64(box.Min.Y) + (float64(box.Dy())-height*scale)/2
	return func(p pledge.Point) spot { return spot{left + (p.X-lo.x)*scale, top + (p.Y-lo.y)*scale} }, true
}

// line adds a bar between two spots. All shapes turn the same way, so that where two
// overlap the paper is inked once and not cleared.
func line(r *vector.Rasterizer, a, b spot, half float64) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return
	}
	n := spot{-(b.y - a.y) / length * half, (b.x - a.x) / length * half}
	shape(r, spot{a.x + n.x, a.y + n.y}, spot{b.x + n.x, b.y + n.y}, spot{b.x - n.x, b.y - n.y}, spot{a.x - n.x, a.y - n.y})
}

// corners is how many a dot has.
const corners = 8

// dot adds the round end of a line.
func dot(r *vector.Rasterizer, at spot, half float64) {
	var around [corners]spot
	for i := range around {
		sin, cos := math.Sincos(-2 * math.Pi * float64(i) / corners)
		around[i] = spot{at.x + half*cos, at.y + half*sin}
	}
	shape(r, around[:]...)
}

func shape(r *vector.Rasterizer, around ...spot) {
	r.MoveTo(float32(around[0].x), float32(around[0].y))
	for _, s := range around[1:] {
		r.LineTo(float32(s.x), float32(s.y))
	}
	r.ClosePath()
}
