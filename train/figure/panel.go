package figure

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is one pair of axes with its title and legend. What is added first lies
// behind what is added later. An empty label stays out of the legend.
type Panel struct {
	Plot   *plot.Plot // for limits and scales
	title  string
	y      string // label of the vertical axis, which Gonum misplaces on a logarithmic one
	legend []entry
	limits *[2]float64 // of the vertical axis, by LimitY; nil: those of the data
	equal  bool

	unlisted int // series that the legend has no room for
}

// entry is one line of a legend.
type entry struct {
	label string
	thumb plot.Thumbnailer
}

// New returns an empty panel. The labels of the axes say the quantity and its unit.
func New(title, x, y string) *Panel {
	p := plot.New()
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = sans(11)
		axis.Label.Padding = vg.Points(3)
		axis.Tick.Label.Font = sans(10)
		axis.Tick.Label.Handler = textHandler
		axis.Label.TextStyle.Handler = textHandler
		axis.Tick.Marker = ticks{}
		axis.Padding = 0
	}
	p.X.Label.Text = x
	grid := plotter.NewGrid()
	grid.Horizontal.Color = color.Gray{0xdc}
	grid.Vertical.Color = color.Gray{0xdc}
	p.Add(grid)
	return &Panel{Plot: p, title: title, y: y}
}

// LogY makes the vertical axis logarithmic. Values that are not positive are left
// out of what is added afterwards.
func (p *Panel) LogY() {
	p.Plot.Y.Scale = plot.LogScale{}
	p.Plot.Y.Tick.Marker = logTicks{}
}

// LogX makes the horizontal axis logarithmic, with the same exception.
func (p *Panel) LogX() {
	p.Plot.X.Scale = plot.LogScale{}
	p.Plot.X.Tick.Marker = logTicks{}
}

// LimitY fixes the ends of the vertical axis; what lies beyond is not drawn. By default
// they are those of what was added, and a little room.
func (p *Panel) LimitY(lo, hi float64) {
	p.limits = &[2]float64{lo, hi}
}

// setLimits gives the axes their ends.
func (p *Panel) setLimits() {
	room(&p.Plot.X)
	if p.limits == nil {
		room(&p.Plot.Y)
		return
	}
	p.Plot.Y.Min, p.Plot.Y.Max = p.limits[0], p.limits[1]
}

// room widens an axis, so that no mark touches its end, and gives one to an axis that
// has seen no values or only one.
func room(a *plot.Axis) {
	const share = 0.04
	if _, log := a.Scale.(plot.LogScale); log {
		if a.Min > a.Max {
			a.Min, a.Max = 1, 10
		}
		f := math.Pow(a.Max/a.Min, share)
		if a.Min == a.Max {
			f = 2
		}
		a.Min, a.Max = a.Min/f, a.Max*f
		return
	}
	if a.Min > a.Max {
		a.Min, a.Max = 0, 1
	}
	d := (a.Max - a.Min) * share
	if a.Min == a.Max {
		d = max(1, math.Abs(a.Min)) / 2
	}
	a.Min, a.Max = a.Min-d, a.Max+d
}

// Line adds a line through the points, with a gap wherever a coordinate is not finite. The
// slices are copied. Of a line of many points only what pixels can show is drawn, at most
// 100,000 segments; where that leaves something out, the legend says so.
func (p *Panel) Line(label string, x, y []float64, style draw.LineStyle) {
	l := &line{runs: p.runs(x, y), style: style}
	if len(l.runs) > 0 {
		p.Plot.Add(l)
	}
	p.label(label, l)
}

// Points adds a mark at each point whose coordinates are finite. The slices are copied. Of
// many marks one is drawn for all that cover each other, and at most 20,000; where that
// leaves some out, the legend says so.
func (p *Panel) Points(label string, x, y []float64, style draw.GlyphStyle) {
	m := &marks{points: slices.Concat(p.runs(x, y)...), style: style}
	if len(m.points) > 0 {
		p.Plot.Add(m)
	}
	p.label(label, m)
}

// Span shades the part of the panel between two values of x.
func (p *Panel) Span(label string, from, to float64) {
	s := &span{from: min(from, to), to: max(from, to), color: color.Gray{0xf0}}
	p.Plot.Add(s)
	p.label(label, s)
}

// label adds an entry to the legend, or counts it when there are too many to be read.
func (p *Panel) label(label string, thumb plot.Thumbnailer) {
	switch {
	case label == "":
	case len(p.legend) < maxEntries:
		p.legend = append(p.legend, entry{label, thumb})
	default:
		p.unlisted++
	}
}

// Equal gives both axes the same scale, a unit of one being as long as a unit of the other:
// for phase planes and orbits. The axis with room to spare is widened. It has no effect on
// logarithmic axes.
func (p *Panel) Equal() { p.equal = true }

// equalise widens one axis so that a unit is as long on both, on a canvas of this size.
func (p *Panel) equalise(width, height vg.Length) {
	x, y := &p.Plot.X, &p.Plot.Y
	if _, log := x.Scale.(plot.LogScale); log || width <= 0 || height <= 0 {
		return
	}
	if _, log := y.Scale.(plot.LogScale); log {
		return
	}
	ux, uy := (x.Max-x.Min)/float64(width), (y.Max-y.Min)/float64(height)
	widen := func(a *plot.Axis, span float64) {
		middle := a.Min + (a.Max-a.Min)/2
		a.Min, a.Max = middle-span/2, middle+span/2
	}
	if ux < uy {
		widen(x, uy*float64(width))
	} else {
		widen(y, ux*float64(height))
	}
}

// runs splits points into runs that can be drawn.
func (p *Panel) runs(x, y []float64) []plotter.XYs {
	if len(x) != len(y) {
		panic("figure: slice length mismatch")
	}
	_, logX := p.Plot.X.Scale.(plot.LogScale)
	_, logY := p.Plot.Y.Scale.(plot.LogScale)
	var runs []plotter.XYs
	open := false
	for i := range x {
		if math.IsNaN(x[i]-x[i]) || math.IsNaN(y[i]-y[i]) || logX && x[i] <= 0 || logY && y[i] <= 0 {
			open = false
			continue
		}
		if !open {
			runs = append(runs, nil)
			open = true
		}
		last := &runs[len(runs)-1]
		*last = append(*last, plotter.XY{X: x[i], Y: y[i]})
	}
	return runs
}

// span is a shaded range of x. It has no say in the limits of y.
type span struct {
	from, to float64
	color    color.Color
}

// Plot implements plot.Plotter.
func (s *span) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	from, to := max(x(s.from), c.Min.X), min(x(s.to), c.Max.X)
	if from < to {
		fill(c, s.color, from, to)
	}
}

// Thumbnail implements plot.Thumbnailer.
func (s *span) Thumbnail(c *draw.Canvas) { fill(*c, s.color, c.Min.X, c.Max.X) }

func fill(c draw.Canvas, col color.Color, from, to vg.Length) {
	c.FillPolygon(col, []vg.Point{{X: from, Y: c.Min.Y}, {X: to, Y: c.Min.Y}, {X: to, Y: c.Max.Y}, {X: from, Y: c.Max.Y}})
}
