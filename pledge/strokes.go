package pledge

import (
	"errors"
	"fmt"
	"math"
)

// Point is one sample of the pen: position in pixels of the canvas and time in
// milliseconds since the first sample.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	T float64 `json:"t"`
}

// Strokes are the pen's points, one list a stroke.
type Strokes [][]Point

// Bounds of a drawn signature. maxPoints keeps the sealed record small; the
// wire is bounded separately.
const (
	maxStrokes = 200
	maxPoints  = 4000
	// minSize is the least larger side of a drawing; below it even a trembling
	// finger made no more than a dot.
	minSize = 5
	// minInk is the least length of all lines together, as a multiple of the
	// drawing's larger side: below it, or with a drawing that is one straight
	// line, nothing was written.
	minInk = 1.2
	// maxCoordinate refuses values no canvas has.
	maxCoordinate = 1e5
)

// Check returns ErrStrokesInvalid for a blank, a dot, or one straight line, and
// for samples that no pen could make.
func (s Strokes) Check() error {
	points, err := s.bounded()
	if err != nil {
		return err
	}
	width, height := extent(points)
	size := max(width, height)
	switch {
	case len(points) < 5 || size < minSize:
		return ErrStrokesInvalid.Because(fmt.Errorf("%d points over %g: blank or a dot", len(points), size))
	case straight(points, size):
		return ErrStrokesInvalid.Because(errors.New("one straight line"))
	case s.ink() < minInk*size:
		return ErrStrokesInvalid.Because(fmt.Errorf("lines of %.0f over %.0f: too little drawn", s.ink(), size))
	}
	return nil
}

func (s Strokes) bounded() ([]Point, error) {
	if len(s) > maxStrokes {
		return nil, ErrStrokesInvalid.Because(fmt.Errorf("%d strokes, at most %d", len(s), maxStrokes))
	}
	var points []Point
	for _, stroke := range s {
		points = append(points, stroke...)
	}
	if len(points) > maxPoints {
		return nil, ErrStrokesInvalid.Because(fmt.Errorf("%d points, at most %d", len(points), maxPoints))
	}
	for _, p := range points {
		if !(math.Abs(p.X) <= maxCoordinate && math.Abs(p.Y) <= maxCoordinate && math.Abs(p.T) <= math.MaxFloat64) {
			return nil, ErrStrokesInvalid.Because(errors.New("a point lies outside any canvas or time"))
		}
	}
	return points, nil
}

func extent(points []Point) (width, height float64) {
	if len(points) == 0 {
		return 0, 0
	}
	lo, hi := points[0], points[0]
	for _, p := range points {
		lo.X, lo.Y = min(lo.X, p.X), min(lo.Y, p.Y)
		hi.X, hi.Y = max(hi.X, p.X), max(hi.Y, p.Y)
	}
	return hi.X - lo.X, hi.Y - lo.Y
}

// straight tells whether every point lies within a twentieth of the drawing's
// size of the line between its first point and the one farthest from it.
func straight(points []Point, size float64) bool {
	a, b := points[0], points[0]
	for _, p := range points {
		if dist(a, p) > dist(a, b) {
			b = p
		}
	}
	length := dist(a, b)
	for _, p := range points {
		off := math.Abs((b.X-a.X)*(a.Y-p.Y)-(a.X-p.X)*(b.Y-a.Y)) / length
		if off > size/20 {
			return false
		}
	}
	return true
}

func (s Strokes) ink() float64 {
	var sum float64
	for _, stroke := range s {
		for i := 1; i < len(stroke); i++ {
			sum += dist(stroke[i-1], stroke[i])
		}
	}
	return sum
}

func dist(a, b Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }
