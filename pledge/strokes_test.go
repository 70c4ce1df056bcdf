package pledge_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"qingyuan/pledge"
)

// line samples a pen's way along the corners, so many points on each leg.
func line(points int, corners ...pledge.Point) []pledge.Point {
	out := []pledge.Point{corners[0]}
	for i := 1; i < len(corners); i++ {
		a, b := corners[i-1], corners[i]
		for n := 1; n <= points; n++ {
			f := float64(n) / float64(points)
			out = append(out, pledge.Point{X: a.X + f*(b.X-a.X), Y: a.Y + f*(b.Y-a.Y), T: float64(8 * len(out))})
		}
	}
	return out
}

func at(x, y float64) pledge.Point { return pledge.Point{X: x, Y: y} }

// zhangSan is 张三 as a finger writes it on a canvas of 300 by 150.
func zhangSan() pledge.Strokes {
	return pledge.Strokes{
		line(6, at(20, 32), at(52, 30), at(50, 54), at(24, 57)), // 弓
		line(6, at(24, 57), at(20, 82), at(54, 80), at(48, 118), at(38, 112)),
		line(6, at(104, 28), at(84, 50)), // 长
		line(6, at(70, 66), at(126, 62)),
		line(6, at(86, 30), at(87, 112), at(100, 100)),
		line(6, at(92, 66), at(108, 96), at(128, 112)),
		line(6, at(170, 40), at(230, 37)), // 三
		line(6, at(176, 72), at(224, 70)),
		line(6, at(160, 108), at(242, 104)),
	}
}

// wave is one stroke of joined-up writing.
func wave() pledge.Strokes {
	var s []pledge.Point
	for i := range 120 {
		x := float64(i)
		s = append(s, pledge.Point{X: 20 + 2*x, Y: 75 + 40*math.Sin(x/4), T: 8 * x})
	}
	return pledge.Strokes{s}
}

func scale(s pledge.Strokes, by float64) pledge.Strokes {
	out := make(pledge.Strokes, len(s))
	for i, stroke := range s {
		for _, p := range stroke {
			out[i] = append(out[i], pledge.Point{X: p.X * by, Y: p.Y * by, T: p.T})
		}
	}
	return out
}

func TestSignaturesAreTaken(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]pledge.Strokes{
		"张三":                      zhangSan(),
		"张三 on a large canvas":    scale(zhangSan(), 20),
		"张三, small":               scale(zhangSan(), 0.1),
		"joined-up writing":       wave(),
		"三":                       zhangSan()[6:],
		"十":                       {line(8, at(20, 60), at(100, 58)), line(8, at(60, 10), at(61, 120))},
		"a scribble":              {line(3, at(0, 0), at(80, 70), at(5, 60), at(75, 5), at(10, 30))},
		"an initial":              {line(4, at(0, 100), at(40, 0), at(80, 100)), line(4, at(20, 55), at(62, 54))},
		"a name and a stray dot":  append(zhangSan(), []pledge.Point{at(290, 140)}),
		"a name and an empty one": append(zhangSan(), nil),
		"left of the canvas":      {line(3, at(-80, -70), at(0, 0), at(-75, -5), at(-5, -60))},
	} {
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNoSignature(t *testing.T) {
	t.Parallel()
	dot := func(n int) []pledge.Point { return line(n, at(100, 50), at(100, 50)) }
	trembling := []pledge.Point{at(100, 50), at(101, 51), at(99, 50), at(101, 49), at(100, 52), at(99, 49), at(101, 50), at(100, 50)}
	many := make(pledge.Strokes, 201)
	for i := range many {
		many[i] = line(1, at(float64(i), 0), at(0, float64(i)))
	}
	for name, s := range map[string]pledge.Strokes{
		"nothing":                       nil,
		"no strokes":                    {},
		"empty strokes":                 {{}, nil, {}},
		"a dot":                         {{at(100, 50)}},
		"a long dot":                    {dot(200)},
		"a trembling dot":               {trembling},
		"many dots":                     {dot(1), dot(1), dot(1), dot(1), dot(1), dot(1)},
		"dots far apart":                {{at(0, 0)}, {at(50, 90)}, {at(90, 10)}, {at(10, 80)}, {at(70, 70)}, {at(30, 30)}},
		"a straight line":               {line(50, at(10, 50), at(250, 52))},
		"a steep line":                  {line(50, at(10, 0), at(12, 140))},
		"a slanting line":               {line(50, at(10, 10), at(140, 130))},
		"a line there and back":         {line(20, at(10, 50), at(200, 50), at(10, 50), at(200, 50))},
		"a line drawn twice":            {line(20, at(10, 50), at(200, 51)), line(20, at(200, 50), at(10, 51))},
		"a line with a little tremble":  {line(5, at(10, 50), at(60, 53), at(110, 48), at(160, 52), at(210, 50))},
		"two points":                    {{at(0, 0), at(100, 100)}},
		"four corners":                  {{at(0, 0), at(100, 0), at(100, 100), at(0, 100)}},
		"a hook too short for its size": {line(10, at(0, 0), at(100, 0), at(100, 15))},
		"beyond any canvas":             {line(5, at(0, 0), at(2e5, 10), at(0, 100), at(90, 2e5))},
		"not a number":                  {append(line(5, at(0, 0), at(80, 70), at(5, 60)), at(math.NaN(), 0))},
		"infinity":                      {append(line(5, at(0, 0), at(80, 70), at(5, 60)), at(0, math.Inf(-1)))},
		"at no time":                    {append(line(5, at(0, 0), at(80, 70), at(5, 60)), pledge.Point{X: 1, Y: 1, T: math.NaN()})},
		"at the end of time":            {append(line(5, at(0, 0), at(80, 70), at(5, 60)), pledge.Point{X: 1, Y: 1, T: math.Inf(1)})},
		"too many strokes":              many,
		"too many points":               {line(1000, at(0, 0), at(80, 70), at(5, 60), at(75, 5), at(10, 30))},
	} {
		if err := s.Check(); !errors.Is(err, pledge.ErrStrokesInvalid) {
			t.Errorf("%s: Check = %v", name, err)
		}
	}
}

// TestEveryCheckAnswers shows that no strokes panic or take long: each is taken
// or refused as what it is.
func TestEveryCheckAnswers(t *testing.T) {
	t.Parallel()
	point := rapid.Custom(func(t *rapid.T) pledge.Point {
		return pledge.Point{X: rapid.Float64().Draw(t, "x"), Y: rapid.Float64().Draw(t, "y"), T: rapid.Float64().Draw(t, "t")}
	})
	rapid.Check(t, func(t *rapid.T) {
		var s pledge.Strokes = rapid.SliceOfN(rapid.SliceOfN(point, 0, 20), 0, 10).Draw(t, "strokes")
		if err := s.Check(); err != nil && !errors.Is(err, pledge.ErrStrokesInvalid) {
			t.Errorf("Check = %v", err)
		}
	})
}

// TestTheSizeOfTheCanvasDoesNotMatter shows that moving and stretching a drawing
// does not make it another.
func TestTheSizeOfTheCanvasDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		by := rapid.Float64Range(0.5, 50).Draw(t, "scale")
		moved := func(s pledge.Strokes) pledge.Strokes {
			dx, dy := rapid.Float64Range(-1000, 1000).Draw(t, "dx"), rapid.Float64Range(-1000, 1000).Draw(t, "dy")
			for _, stroke := range s {
				for i := range stroke {
					stroke[i].X += dx
					stroke[i].Y += dy
				}
			}
			return s
		}
		if err := moved(scale(zhangSan(), by)).Check(); err != nil {
			t.Errorf("张三, %g times as large: %v", by, err)
		}
		straight := pledge.Strokes{line(50, at(10, 50), at(250, 52))}
		if err := moved(scale(straight, by)).Check(); err == nil {
			t.Errorf("a line, %g times as large, is taken", by)
		}
	})
}
