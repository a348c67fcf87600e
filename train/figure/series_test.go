package figure

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// canvas is 600 by 300 points.
func canvas() draw.Canvas { return draw.New(vgimg.New(600, 300)) }

// noise is a million points with two outliers.
func noise() (x, y []float64) {
	for i := range 1_000_000 {
		x = append(x, float64(i))
		y = append(y, math.Sin(float64(i)*1e-5)+0.1*math.Sin(float64(i)*float64(i)))
	}
	y[123_456], y[765_432] = 9, -7
	return x, y
}

// A long line is drawn by at most four points for each column of pixels, none of its peaks
// is lost, and nothing is said of it.
func TestLongLineKeepsItsPeaks(t *testing.T) {
	p := New("", "x", "y")
	x, y := noise()
	p.Line("noise", x, y, Solid(Blue))
	p.setLimits()
	c := canvas()
	l := p.legend[0].thumb.(*line)
	drawn := l.drawn(c, p.Plot)[0]
	if limit := 4 * int(600/pixel+1); len(drawn) > limit {
		t.Errorf("%d points, want at most %d", len(drawn), limit)
	}
	_, ty := p.Plot.Transforms(&c)
	for _, peak := range []float64{9, -7} {
		if !slices.ContainsFunc(drawn, func(q vg.Point) bool { return math.Abs(float64(q.Y-ty(peak))) < 1e-9 }) {
			t.Errorf("the peak %v is not drawn", peak)
		}
	}
	if !slices.IsSortedFunc(drawn, func(a, b vg.Point) int {
		return int(math.Floor(float64(a.X/pixel))) - int(math.Floor(float64(b.X/pixel)))
	}) {
		t.Error("the line goes back")
	}
	if text := p.legend[0].text(); text != "noise" {
		t.Errorf("legend %q", text)
	}
}

// A short line is drawn point for point.
func TestShortLineIsWhole(t *testing.T) {
	p := New("", "x", "y")
	x, y := []float64{0, 1, 2, 2, 2, 3}, []float64{0, 5, 1, 9, 3, 4}
	p.Line("", x, y, Solid(Blue))
	p.setLimits()
	c := canvas()
	tx, ty := p.Plot.Transforms(&c)
	l := &line{runs: p.runs(x, y), style: Solid(Blue)}
	var want []vg.Point
	for i := range x {
		want = append(want, vg.Point{X: tx(x[i]), Y: ty(y[i])})
	}
	if got := l.drawn(c, p.Plot)[0]; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// An orbit of a million points that go to and fro cannot be reduced by pixels: it is
// thinned out, and the legend says so.
func TestOrbitIsThinnedAndSaysSo(t *testing.T) {
	p := New("", "q", "p")
	x, y := noise()
	for i := range x {
		x[i], y[i] = math.Cos(float64(i)), math.Sin(float64(i)*math.Sqrt2)
	}
	p.Line("orbit", x, y, Solid(Blue))
	p.Points("samples", x, y, draw.GlyphStyle{Color: Blue, Radius: 1, Shape: draw.CircleGlyph{}})
	p.setLimits()
	p.estimate(canvas())
	if text := p.legend[0].text(); text != "orbit (1 in 10)" {
		t.Errorf("legend %q", text)
	}
	if text := p.legend[1].text(); !strings.HasPrefix(text, "samples (1 in ") {
		t.Errorf("legend %q", text)
	}
	if n := len(p.legend[0].thumb.(*line).drawn(canvas(), p.Plot)[0]); n > maxSegments+1 {
		t.Errorf("%d points drawn", n)
	}
	if n := len(p.legend[1].thumb.(*marks).drawn(canvas(), p.Plot)); n > maxMarks+1 {
		t.Errorf("%d marks drawn", n)
	}
}

// Two thousand series have a legend of a few, and room to be seen.
func TestManySeries(t *testing.T) {
	p := New("many", "x", "y")
	for i := range 2000 {
		p.Line(fmt.Sprint("series ", i), []float64{0, 1}, []float64{float64(i), float64(-i)}, Solid(Series(i)))
	}
	rows := p.rows(500)
	last := rows[len(rows)-1]
	if text := last[len(last)-1].text(); text != "and 1976 more" {
		t.Errorf("the legend ends with %q", text)
	}
	if err := Save(filepath.Join(t.TempDir(), "many.png"), 6*Inch, 4*Inch, []*Panel{p}); err != nil {
		t.Error(err)
	}
}

// A unit is as long on both axes, whatever the size of the panel.
func TestEqual(t *testing.T) {
	for _, size := range [][2]vg.Length{{8 * Inch, 3 * Inch}, {3 * Inch, 8 * Inch}} {
		p := New("a circle", "x", "y")
		var x, y []float64
		for i := range 100 {
			x, y = append(x, 10*math.Cos(float64(i)/15)), append(y, 10*math.Sin(float64(i)/15))
		}
		p.Line("circle", x, y, Solid(Blue))
		p.Equal()
		c := draw.New(vgimg.New(size[0], size[1]))
		drawColumn([]*Panel{p}, c)
		// The canvas of the data is what drawColumn gave the axes.
		left := p.Plot.DataCanvas(c).Min.X - c.Min.X
		width := c.Max.X - c.Min.X - labelWidth - left
		height := c.Max.Y - c.Min.Y - p.headHeight(c.Max.X-c.Min.X)
		data := p.Plot.DataCanvas(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Max: vg.Point{X: width, Y: height}}})
		h := data.Max.Y - data.Min.Y
		ux, uy := (p.Plot.X.Max-p.Plot.X.Min)/float64(width), (p.Plot.Y.Max-p.Plot.Y.Min)/float64(h)
		if math.Abs(ux/uy-1) > 0.02 {
			t.Errorf("size %v: %v and %v units for a point", size, ux, uy)
		}
		if p.Plot.X.Min > -10 || p.Plot.X.Max < 10 || p.Plot.Y.Min > -10 || p.Plot.Y.Max < 10 {
			t.Errorf("size %v: [%v, %v] × [%v, %v] is too small", size, p.Plot.X.Min, p.Plot.X.Max, p.Plot.Y.Min, p.Plot.Y.Max)
		}
	}
}

// Many decades have no comb of minor marks.
func TestNoCombOfTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		most   int
	}{{1e-12, 1, 13}, {1e-300, 1e300, 10}, {1e-3, 10, 37}, {2e-3, 5e-3, 4}} {
		if n := len(logTicks{}.Ticks(c.lo, c.hi)); n > c.most || n < 2 {
			t.Errorf("[%g, %g]: %d ticks, want 2 to %d", c.lo, c.hi, n, c.most)
		}
	}
	if n := (logTicks{}).Ticks(math.NaN(), 1); n != nil {
		t.Errorf("%v", n)
	}
}

func BenchmarkSaveMillionRows(b *testing.B) {
	x, y := noise()
	path := filepath.Join(b.TempDir(), "a.png")
	for b.Loop() {
		p := New("noise", "x", "y")
		p.Points("data", x, y, Rings(Black))
		p.Line("line", x, y, Solid(Blue))
		if err := Save(path, 8*Inch, 5*Inch, []*Panel{p}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSaveTwoThousandSeries(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.png")
	x := make([]float64, 1000)
	for i := range x {
		x[i] = float64(i)
	}
	for b.Loop() {
		p := New("many", "x", "y")
		for i := range 2000 {
			y := make([]float64, len(x))
			for j := range y {
				y[j] = math.Sin(0.01*float64(j)+float64(i)) + float64(i)
			}
			p.Line(fmt.Sprint(i), x, y, Solid(Series(i)))
		}
		if err := Save(path, 8*Inch, 5*Inch, []*Panel{p}); err != nil {
			b.Fatal(err)
		}
	}
}
