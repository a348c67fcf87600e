package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/neuralode/neuralode/train/table"
)

// A chart is an inline SVG. Its colours are those of the page's style sheet, by classes.
type chart struct {
	Title, X, Y string
	logY        bool
	wide        bool // over the whole width of the page
	legend      bool
	zero        bool // a line at 0
	clock       *table.Clock
	field       func(x, y float64) (dx, dy float64) // arrows

	bands         []bandOf
	lines, scatts []series
	marks         []float64 // vertical lines
}

type series struct {
	label, class string
	x, y         []float64
}

type bandOf struct {
	label     string
	x, lo, hi []float64
}

func (c *chart) line(label, class string, x, y []float64) {
	c.lines = append(c.lines, series{label, class, x, y})
}

// points adds marks; of very many some are left out.
func (c *chart) points(label, class string, x, y []float64) {
	const most = 1500
	if k := (len(x) + most - 1) / most; k > 1 {
		var a, b []float64
		for i := 0; i < len(x); i += k {
			a, b = append(a, x[i]), append(b, y[i])
		}
		x, y = a, b
		label += fmt.Sprintf(", every %d.", k)
	}
	if len(x) > 0 {
		c.scatts = append(c.scatts, series{label, class, x, y})
	}
}

func (c *chart) band(label string, x, lo, hi []float64) {
	c.bands = append(c.bands, bandOf{label: label, x: x, lo: lo, hi: hi})
}

func (c *chart) mark(x float64) { c.marks = append(c.marks, x) }

// frame maps data to pixels.
type frame struct {
	w, h, left, right, top, bottom float64
	xlo, xhi, ylo, yhi             float64
	log                            bool
}

func (f *frame) x(v float64) float64 {
	return f.left + (v-f.xlo)/(f.xhi-f.xlo)*(f.w-f.left-f.right)
}

func (f *frame) y(v float64) float64 {
	lo, hi := f.ylo, f.yhi
	if f.log {
		v, lo, hi = math.Log10(v), math.Log10(lo), math.Log10(hi)
	}
	return f.h - f.bottom - (v-lo)/(hi-lo)*(f.h-f.top-f.bottom)
}

// limits are the least and the largest of finite numbers, positive ones if log.
func limits(log bool, lists ...[]float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, l := range lists {
		for _, v := range l {
			if v-v == 0 && (!log || v > 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	return lo, hi
}

func (c *chart) frame() frame {
	f := frame{w: 470, h: 280, left: 62, right: 24, top: 30, bottom: 44, log: c.logY}
	if c.wide {
		f.w, f.h = 960, 300
	}
	var xs, ys [][]float64
	for _, s := range slices.Concat(c.lines, c.scatts) {
		xs, ys = append(xs, s.x), append(ys, s.y)
	}
	f.xlo, f.xhi = limits(false, xs...)
	f.ylo, f.yhi = limits(c.logY, ys...)
	if !(f.xlo < f.xhi) {
		f.xlo, f.xhi = f.xlo-1, f.xlo+1
	}
	if len(c.scatts) > 0 && !c.wide || c.field != nil {
		pad := 0.03 * (f.xhi - f.xlo)
		f.xlo, f.xhi = f.xlo-pad, f.xhi+pad
	}
	if c.logY {
		f.ylo, f.yhi = math.Pow(10, math.Floor(math.Log10(f.ylo)+1e-9)), math.Pow(10, math.Ceil(math.Log10(f.yhi)-1e-9))
		if !(f.ylo < f.yhi) {
			f.ylo, f.yhi = f.ylo/10, f.ylo*10
		}
		if !(f.ylo > 0 && !math.IsInf(f.yhi, 0)) {
			f.ylo, f.yhi = 0.1, 10
		}
		return f
	}
	// All of the curves and points is seen, of a wide band what is near them.
	room := 0.6 * (f.yhi - f.ylo)
	lo, hi := f.ylo, f.yhi
	for _, b := range c.bands {
		blo, bhi := limits(false, b.lo, b.hi)
		lo, hi = min(lo, max(blo, f.ylo-room)), max(hi, min(bhi, f.yhi+room))
	}
	f.ylo, f.yhi = lo, hi
	if c.zero {
		f.ylo, f.yhi = min(f.ylo, 0), max(f.yhi, 0)
	}
	if !(f.ylo < f.yhi) {
		size := math.Abs(f.ylo)
		if !(size > 0 && !math.IsInf(size, 0)) {
			f.ylo, size = 0, 1
		}
		f.ylo, f.yhi = f.ylo-size/2, f.ylo+size/2
	}
	pad := 0.05 * (f.yhi - f.ylo)
	f.ylo, f.yhi = f.ylo-pad, f.yhi+pad
	return f
}

// svg draws the chart.
func (c *chart) svg() template.HTML {
	f := c.frame()
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p(`<svg class="chart%s" viewBox="0 0 %g %g" role="img" aria-label="%s"><text class="title" x="%g" y="16">%s</text>`,
		map[bool]string{true: " wide"}[c.wide], f.w, f.h, html.EscapeString(c.Title+": "+c.Y+" against "+c.X), f.left, html.EscapeString(c.Title))
	c.axes(&b, &f)
	// The plot area clips what lies beyond.
	p(`<svg x="%g" y="%g" width="%g" height="%g" viewBox="%g %g %g %g">`, f.left, f.top, f.w-f.left-f.right, f.h-f.top-f.bottom, f.left, f.top, f.w-f.left-f.right, f.h-f.top-f.bottom)
	if c.field != nil {
		c.arrows(&b, &f)
	}
	for _, s := range c.bands {
		p(`<path class="band" d="%s"/>`, f.area(s.x, s.lo, s.hi))
	}
	if c.zero {
		p(`<path class="base" d="M%.1f %.1fH%.1f"/>`, f.left, f.y(0), f.w)
	}
	for _, x := range c.marks {
		p(`<path class="mark" d="M%.1f %.1fV%.1f"/>`, f.x(x), f.top, f.h)
	}
	for _, s := range c.lines {
		p(`<path class="line %s" d="%s"/>`, s.class, f.path(s.x, s.y))
	}
	for _, s := range c.scatts {
		p(`<path class="points %s" d="`, s.class)
		for i := range s.x {
			if x, y := f.x(s.x[i]), f.y(s.y[i]); x-x == 0 && y-y == 0 {
				p("M%.1f %.1fh0", x, y)
			}
		}
		p(`"/>`)
		if s.class == "held" { // open circles: a smaller one inside
			p(`<path class="points hollow" d="`)
			for i := range s.x {
				if x, y := f.x(s.x[i]), f.y(s.y[i]); x-x == 0 && y-y == 0 {
					p("M%.1f %.1fh0", x, y)
				}
			}
			p(`"/>`)
		}
	}
	p(`</svg>`)
	if c.legend {
		c.key(&b, &f)
	}
	p(`</svg>`)
	return template.HTML(b.String())
}

// key draws the legend, right of the title.
func (c *chart) key(b *strings.Builder, f *frame) {
	type entry struct{ label, class string }
	var all []entry
	for _, s := range c.bands {
		all = append(all, entry{s.label, "band"})
	}
	for _, s := range c.lines {
		all = append(all, entry{s.label, "line " + s.class})
	}
	for _, s := range c.scatts {
		all = append(all, entry{s.label, "points " + s.class})
	}
	x := f.w - f.right
	for _, e := range slices.Backward(all) {
		if e.label == "" {
			continue
		}
		x -= 6.5*float64(len([]rune(e.label))) + 38
		y := 12.0
		switch {
		case e.class == "band":
			fmt.Fprintf(b, `<rect class="band" x="%.1f" y="%.1f" width="18" height="10"/>`, x, y-5)
		case strings.HasPrefix(e.class, "points"):
			fmt.Fprintf(b, `<path class="%s" d="M%.1f %.1fh0"/>`, e.class, x+10, y)
			if strings.HasSuffix(e.class, "held") {
				fmt.Fprintf(b, `<path class="points hollow" d="M%.1f %.1fh0"/>`, x+10, y)
			}
		default:
			fmt.Fprintf(b, `<path class="%s" d="M%.1f %.1fh18"/>`, e.class, x, y)
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f">%s</text>`, x+22, y+4, html.EscapeString(e.label))
	}
}

// axes draws the grid, its numbers and the names.
func (c *chart) axes(b *strings.Builder, f *frame) {
	for _, t := range c.xticks(f) {
		x := f.x(t.at)
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %.1fV%.1f"/><text class="mid" x="%.1f" y="%.1f">%s</text>`, x, f.top, f.h-f.bottom, x, f.h-f.bottom+15, html.EscapeString(t.text))
	}
	var ys []tick
	if c.logY {
		lo, hi := int(math.Round(math.Log10(f.ylo))), int(math.Round(math.Log10(f.yhi)))
		for e := lo; e <= hi; e += max(1, (hi-lo+5)/6) {
			ys = append(ys, tick{math.Pow(10, float64(e)), "10" + superscript(e)})
		}
	} else {
		ys = ticks(f.ylo, f.yhi, 6)
	}
	for _, t := range ys {
		y := f.y(t.at)
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %.1fH%.1f"/><text class="end" x="%.1f" y="%.1f">%s</text>`, f.left, y, f.w-f.right, f.left-6, y+4, t.text)
	}
	fmt.Fprintf(b, `<text class="mid" x="%.1f" y="%.1f">%s</text>`, (f.left+f.w-f.right)/2, f.h-8, html.EscapeString(c.X))
	fmt.Fprintf(b, `<text class="mid" transform="translate(14 %.1f) rotate(-90)">%s</text>`, (f.top+f.h-f.bottom)/2, html.EscapeString(c.Y))
}

// arrows draws a field, of lengths that grow with its size.
func (c *chart) arrows(b *strings.Builder, f *frame) {
	const nx, ny = 17, 11
	type arrow struct{ x, y, dx, dy, size float64 }
	var all []arrow
	var sizes []float64
	for i := range nx {
		for j := range ny {
			x, y := f.xlo+(float64(i)+0.5)/nx*(f.xhi-f.xlo), f.ylo+(float64(j)+0.5)/ny*(f.yhi-f.ylo)
			dx, dy := c.field(x, y)
			px, py := dx/(f.xhi-f.xlo)*(f.w-f.left-f.right), -dy/(f.yhi-f.ylo)*(f.h-f.top-f.bottom)
			if size := math.Hypot(px, py); size > 0 && !math.IsInf(size, 0) {
				all = append(all, arrow{f.x(x), f.y(y), px / size, py / size, size})
				sizes = append(sizes, size)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	slices.Sort(sizes)
	middle := sizes[len(sizes)/2]
	b.WriteString(`<path class="arrow" d="`)
	for _, a := range all {
		l := 5 + 13*a.size/(a.size+middle)
		x, y := a.x+a.dx*l/2, a.y+a.dy*l/2
		fmt.Fprintf(b, "M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f %.1fL%.1f %.1f", a.x-a.dx*l/2, a.y-a.dy*l/2, x, y,
			x-4*a.dx-2.2*a.dy, y-4*a.dy+2.2*a.dx, x, y, x-4*a.dx+2.2*a.dy, y-4*a.dy-2.2*a.dx)
	}
	b.WriteString(`"/>`)
}

// path is a polyline with gaps where a number is missing.
func (f *frame) path(x, y []float64) string {
	var b strings.Builder
	letter := "M"
	k := max(1, len(x)/2000)
	for i := 0; i < len(x); i += k {
		px, py := f.x(x[i]), f.y(y[i])
		if px-px != 0 || py-py != 0 {
			letter = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", letter, px, clamp(py))
		letter = "L"
	}
	return b.String()
}

// clamp keeps far points at a distance that every program that draws SVG can take.
func clamp(v float64) float64 { return max(-1e4, min(1e4, v)) }

// area is what lies between two curves.
func (f *frame) area(x, lo, hi []float64) string {
	var b strings.Builder
	letter := "M"
	add := func(i int, v float64) {
		if y := f.y(v); y == y {
			fmt.Fprintf(&b, "%s%.1f %.1f", letter, f.x(x[i]), clamp(y))
			letter = "L"
		}
	}
	for i := range x {
		add(i, hi[i])
	}
	for i := range slices.Backward(x) {
		add(i, lo[i])
	}
	return b.String() + "Z"
}

type tick struct {
	at   float64
	text string
}

// ticks are about n round numbers.
func ticks(lo, hi float64, n int) []tick {
	rough := (hi - lo) / float64(n)
	if !(rough > 0) || math.IsInf(rough, 0) {
		return nil
	}
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough*0.999 {
			step = m * power
			break
		}
	}
	var all []tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step && len(all) < 50; k++ {
		all = append(all, tick{k * step, short(k * step)})
	}
	return all
}

// xticks are round numbers, or dates.
func (c *chart) xticks(f *frame) []tick {
	n := int((f.w - f.left - f.right) / 85)
	if c.clock == nil {
		return ticks(f.xlo, f.xhi, n)
	}
	return dateTicks(c.clock, f.xlo, f.xhi, n)
}

// short writes a number for people, with four digits.
func short(v float64) string {
	if v != v {
		return "–"
	}
	if v == 0 {
		return "0" // and not −0
	}
	if a := math.Abs(v); a >= 1e6 || a > 0 && a < 1e-4 {
		text := strconv.FormatFloat(v, 'e', 3, 64)
		mantissa, exponent, _ := strings.Cut(text, "e")
		if strings.Contains(mantissa, ".") {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		e, err := strconv.Atoi(exponent)
		if err != nil {
			return text // infinite
		}
		return strings.ReplaceAll(mantissa, "-", "−") + "·10" + superscript(e)
	}
	digits := 4
	if a := math.Abs(v); a >= 1e4 {
		digits = 6
	}
	return strings.ReplaceAll(strconv.FormatFloat(roundTo(v, digits), 'f', -1, 64), "-", "−")
}

func roundTo(v float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	return r
}

func superscript(n int) string {
	return strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(n))
}
