package figure

import (
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

func sample() [][]*Panel {
	nan := math.NaN()
	var t, y, z []float64
	for i := range 41 {
		t = append(t, float64(i)/4)
		y = append(y, 30*math.Sin(t[i]))
		z = append(z, math.Exp(-t[i])*(1.2+math.Cos(2*t[i])))
	}
	y[10], t[20] = nan, math.Inf(1)
	a := New("A line with two gaps", "time (s)", "angle (degrees)")
	a.Span("held out", 6, 10)
	a.Line("truth", t, y, Wide(Series(0)))
	a.Line("model", t, y, Solid(Series(0)))
	a.Line("model, extrapolated", t, y, Dashed(Series(1)))
	a.Points("data", t, y, Rings(Black))
	a.Points("", t, y, Dots(Series(2)))
	b := New("", "time (s)", "amplitude (m)")
	b.LogY()
	b.Line("decay", t, z, Solid(Series(3)))
	c := New("Phase plane", "angle (degrees)", "amplitude (m)")
	c.Line("orbit", y, z, Solid(Series(1)))
	return [][]*Panel{{a, b}, {c}}
}

func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures", "a.png")
	if err := Save(path, 9*vg.Inch, 6*vg.Inch, sample()...); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := img.Bounds(), image.Rect(0, 0, 9*dotsPerInch, 6*dotsPerInch); got != want {
		t.Errorf("size %v, want %v", got, want)
	}
	// Ink of every series, and nothing at the margin's rim.
	ink := map[[3]uint8]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			ink[[3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}]++
			if (x == 0 || y == 0) && r+g+b != 3*0xffff {
				t.Fatalf("ink at (%d, %d): something is clipped", x, y)
			}
		}
	}
	// The two vertical axes of the left column stand one above the other.
	upper, lower := axisAt(img, 0, 300), axisAt(img, 400, 700)
	if upper != lower || upper <= 0 {
		t.Errorf("vertical axes at %d and %d", upper, lower)
	}
	for i := range 4 {
		c := Series(i)
		if ink[[3]uint8{c.R, c.G, c.B}] < 50 {
			t.Errorf("series %d left %d pixels", i, ink[[3]uint8{c.R, c.G, c.B}])
		}
	}
}

// Panels without data, or with one value only, are drawn too.
func TestSaveLittleData(t *testing.T) {
	empty, log := New("", "x", "y"), New("", "x", "y")
	log.LogY()
	log.Line("nothing that is positive", []float64{1, 2}, []float64{0, -1}, Solid(Blue))
	constant, one := New("", "x", "y"), New("", "x", "y")
	constant.Line("constant", []float64{1, 2}, []float64{-5, -5}, Solid(Blue))
	one.LogY()
	one.Points("one", []float64{0}, []float64{3}, Dots(Blue))
	limits := New("", "x", "y")
	limits.LimitY(-1, 1)
	limits.Line("limited", []float64{1, 2}, []float64{-5, 5}, Solid(Blue))
	path := filepath.Join(t.TempDir(), "a.png")
	if err := Save(path, 4*vg.Inch, 9*vg.Inch, []*Panel{empty, log, constant, one, limits}); err != nil {
		t.Fatal(err)
	}
	if limits.Plot.Y.Min != -1 || limits.Plot.Y.Max != 1 {
		t.Errorf("limits [%v, %v]", limits.Plot.Y.Min, limits.Plot.Y.Max)
	}
}

func TestRuns(t *testing.T) {
	nan := math.NaN()
	p := New("", "", "")
	x := []float64{1, 2, nan, 4, 5, 6}
	y := []float64{1, -2, 3, 0, math.Inf(-1), 6}
	if got := p.runs(x, y); len(got) != 3 || len(got[0]) != 2 || len(got[1]) != 1 || len(got[2]) != 1 {
		t.Errorf("runs %v", got)
	}
	p.LogY()
	if got := p.runs(x, y); len(got) != 2 || got[0][0].X != 1 || got[1][0].X != 6 {
		t.Errorf("runs on a logarithmic axis %v", got)
	}
	p.LogX()
	x[5] = 0
	if got := p.runs(x, y); len(got) != 1 || len(got[0]) != 1 || got[0][0].X != 1 {
		t.Errorf("runs on two logarithmic axes %v", got)
	}
}

// axisAt returns the first column with a black line of 100 pixels between two rows.
func axisAt(img image.Image, from, to int) int {
	for x := range img.Bounds().Dx() {
		run := 0
		for y := from; y < to; y++ {
			r, g, b, _ := img.At(x, y).RGBA()
			if run++; r+g+b > 0x18000 {
				run = 0
			}
			if run == 100 {
				return x
			}
		}
	}
	return -1
}

func TestTicks(t *testing.T) {
	for i, c := range []struct { // the first seven linear
		lo, hi float64
		want   string
	}{
		{-54, 54, "−40 −20 0 20 40"},
		{0, 10, "0 2 4 6 8 10"},
		{-31, 30, "−20 0 20"},
		{0.1, 2.2, "0.5 1.0 1.5 2.0"},
		{1899.2, 1920.8, "1900 1905 1910 1915 1920"},
		{-3e-6, 3e-6, "−3·10⁻⁶ −2·10⁻⁶ −10⁻⁶ 0 10⁻⁶ 2·10⁻⁶ 3·10⁻⁶"},
		{0, 6e5, "0 10⁵ 2·10⁵ 3·10⁵ 4·10⁵ 5·10⁵ 6·10⁵"},
		{3, 70, "5 10 20 50"},
		{0.002, 3000, "0.01 0.1 1 10 100 1000"},
		{3e-5, 8e-5, "5·10⁻⁵"},
		{0.0002, 30, "10⁻³ 10⁻² 10⁻¹ 10⁰ 10¹"},
		{1e-12, 2, "10⁻¹² 10⁻¹⁰ 10⁻⁸ 10⁻⁶ 10⁻⁴ 10⁻² 10⁰"},
	} {
		var ticker plot.Ticker = ticks{}
		if i >= 7 {
			ticker = logTicks{}
		}
		var got []string
		for _, tick := range ticker.Ticks(c.lo, c.hi) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("[%g, %g]: %q, want %q", c.lo, c.hi, s, c.want)
		}
	}
}

func TestSaveNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	for _, columns := range [][][]*Panel{nil, {{}}} {
		if err := Save(path, vg.Inch, vg.Inch, columns...); err == nil {
			t.Errorf("no error from Save of %v", columns)
		}
	}
}

func TestLegendBreaksLines(t *testing.T) {
	p := sample()[0][0]
	if rows := p.rows(10 * vg.Inch); len(rows) != 1 || len(rows[0]) != 5 {
		t.Errorf("wide: %d rows", len(rows))
	}
	narrow := p.rows(2 * vg.Inch)
	n := 0
	for _, row := range narrow {
		n += len(row)
	}
	if len(narrow) < 2 || n != 5 {
		t.Errorf("narrow: %d rows of %d entries", len(narrow), n)
	}
}
