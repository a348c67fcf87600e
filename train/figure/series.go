package figure

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// More segments of a line, and more marks, than these add nothing that can be seen.
const (
	maxSegments = 100_000
	maxMarks    = 20_000
	maxEntries  = 24 // of a legend
)

// line is a line through runs of points, drawn with no more segments than pixels need:
// of successive points in one column of pixels the first, the lowest, the highest and the
// last.
type line struct {
	runs  []plotter.XYs
	style draw.LineStyle
	every int // of the points that were added one in every is kept; 1: all
}

// pixel is the width of a column in which successive points are taken together.
const pixel = vg.Length(72) / dotsPerInch

// Plot implements plot.Plotter.
func (l *line) Plot(c draw.Canvas, p *plot.Plot) {
	for _, run := range l.drawn(c, p) {
		c.StrokeLines(l.style, c.ClipLinesXY(run)...)
	}
}

// drawn returns the lines that are drawn on c.
func (l *line) drawn(c draw.Canvas, p *plot.Plot) [][]vg.Point {
	tx, ty := p.Transforms(&c)
	var lines [][]vg.Point
	total := 0
	for _, run := range l.runs {
		points := make([]vg.Point, len(run))
		for i, xy := range run {
			points[i] = vg.Point{X: tx(xy.X), Y: ty(xy.Y)}
		}
		points = byColumns(points)
		lines = append(lines, points)
		total += len(points)
	}
	l.every = max(1, (total+maxSegments-1)/maxSegments)
	if l.every > 1 {
		for i, points := range lines {
			lines[i] = thinned(points, l.every)
		}
	}
	return lines
}

// byColumns keeps of each series of successive points in one column of pixels the first,
// the lowest, the highest and the last, in their order. It reuses points.
func byColumns(points []vg.Point) []vg.Point {
	kept := points[:0]
	for first := 0; first < len(points); {
		column := math.Floor(float64(points[first].X / pixel))
		lo, hi, last := first, first, first
		for i := first + 1; i < len(points) && math.Floor(float64(points[i].X/pixel)) == column; i++ {
			if points[i].Y < points[lo].Y {
				lo = i
			}
			if points[i].Y > points[hi].Y {
				hi = i
			}
			last = i
		}
		if last-first < 4 {
			kept = append(kept, points[first:last+1]...)
		} else {
			// Their indices are not below the length of what is kept.
			at := []int{first, min(lo, hi), max(lo, hi), last}
			for i, j := range at {
				if i == 0 || j != at[i-1] {
					kept = append(kept, points[j])
				}
			}
		}
		first = last + 1
	}
	return kept
}

// thinned keeps one point in every, and the last.
func thinned[P any](points []P, every int) []P {
	kept := make([]P, 0, len(points)/every+2)
	for i := 0; i < len(points); i += every {
		kept = append(kept, points[i])
	}
	if n := len(points); n > 0 && (n-1)%every != 0 {
		kept = append(kept, points[n-1])
	}
	return kept
}

// DataRange implements plot.DataRanger.
func (l *line) DataRange() (xmin, xmax, ymin, ymax float64) { return rangeOf(l.runs) }

// Thumbnail implements plot.Thumbnailer.
func (l *line) Thumbnail(c *draw.Canvas) { (&plotter.Line{LineStyle: l.style}).Thumbnail(c) }

func (l *line) note() string { return noteOf(l.every) }

// marks are glyphs at points, one for all that lie within half a radius.
type marks struct {
	points plotter.XYs
	style  draw.GlyphStyle
	every  int
}

// Plot implements plot.Plotter.
func (m *marks) Plot(c draw.Canvas, p *plot.Plot) {
	for _, q := range m.drawn(c, p) {
		c.DrawGlyph(m.style, q)
	}
}

// drawn returns the points at which there is a glyph on c.
func (m *marks) drawn(c draw.Canvas, p *plot.Plot) []vg.Point {
	tx, ty := p.Transforms(&c)
	cell := max(m.style.Radius/2, pixel)
	taken := make(map[[2]int]bool)
	var points []vg.Point
	for _, xy := range m.points {
		q := vg.Point{X: tx(xy.X), Y: ty(xy.Y)}
		at := [2]int{int(math.Floor(float64(q.X / cell))), int(math.Floor(float64(q.Y / cell)))}
		if !c.Contains(q) || len(m.points) > maxMarks/10 && taken[at] {
			continue
		}
		taken[at] = true
		points = append(points, q)
	}
	m.every = max(1, (len(points)+maxMarks-1)/maxMarks)
	if m.every > 1 {
		points = thinned(points, m.every)
	}
	return points
}

// DataRange implements plot.DataRanger.
func (m *marks) DataRange() (xmin, xmax, ymin, ymax float64) {
	return rangeOf([]plotter.XYs{m.points})
}

// GlyphBoxes implements plot.GlyphBoxer: room for the glyphs at the ends of the axes.
func (m *marks) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	if len(m.points) == 0 {
		return nil
	}
	xmin, xmax, ymin, ymax := m.DataRange()
	r := m.style.Rectangle()
	return []plot.GlyphBox{
		{X: p.X.Norm(xmin), Y: p.Y.Norm(ymin), Rectangle: r},
		{X: p.X.Norm(xmax), Y: p.Y.Norm(ymax), Rectangle: r},
	}
}

// Thumbnail implements plot.Thumbnailer.
func (m *marks) Thumbnail(c *draw.Canvas) { (&plotter.Scatter{GlyphStyle: m.style}).Thumbnail(c) }

func (m *marks) note() string { return noteOf(m.every) }

// noteOf tells in a legend that not all is drawn.
func noteOf(every int) string {
	if every <= 1 {
		return ""
	}
	return " (1 in " + strconv.Itoa(every) + ")"
}

func length(runs []plotter.XYs) (n int) {
	for _, run := range runs {
		n += len(run)
	}
	return n
}

func rangeOf(runs []plotter.XYs) (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, run := range runs {
		for _, xy := range run {
			xmin, xmax = min(xmin, xy.X), max(xmax, xy.X)
			ymin, ymax = min(ymin, xy.Y), max(ymax, xy.Y)
		}
	}
	return xmin, xmax, ymin, ymax
}
