package figure

import (
	"image/color"
	"math"

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

// Line adds a line through the points, with a gap wherever a coordinate is
// not finite.
func (p *Panel) Line(label string, x, y []float64, style draw.LineStyle) {
	thumb := &plotter.Line{LineStyle: style}
	for _, run := range p.runs(x, y) {
		p.Plot.Add(&plotter.Line{XYs: run, LineStyle: style})
	}
	p.label(label, thumb)
}

// Points adds a mark at each point whose coordinates are finite.
func (p *Panel) Points(label string, x, y []float64, style draw.GlyphStyle) {
	s := &plotter.Scatter{GlyphStyle: style}
	for _, run := range p.runs(x, y) {
		s.XYs = append(s.XYs, run...)
	}
	if len(s.XYs) > 0 {
		p.Plot.Add(s)
	}
	p.label(label, s)
}

// Span shades the part of the panel between two values of x.
func (p *Panel) Span(label string, from, to float64) {
	s := &span{from: min(from, to), to: max(from, to), color: color.Gray{0xf0}}
	p.Plot.Add(s)
	p.label(label, s)
}

func (p *Panel) label(label string, thumb plot.Thumbnailer) {
	if label != "" {
		p.legend = append(p.legend, entry{label, thumb})
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
