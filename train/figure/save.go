package figure

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/neuralode/neuralode/train/modelfile"
)

// The sizes of a figure, in points where they are not said to be others.
const (
	dotsPerInch = 120
	margin      = 10
	gap         = 18 // between columns and between the panels of a column
	thumbWidth  = 22
	entryGap    = 14 // between two entries of a legend
	lineHeight  = 15 // of a title and of a line of a legend
	labelWidth  = 18 // of the label of a vertical axis
)

// Inch is the unit of a figure's size, printed with 120 dots.
const Inch = vg.Inch

// Save writes a PNG of the given size. Each column holds one or more panels
// that share its height, their axes aligned.
func Save(path string, width, height vg.Length, columns ...[]*Panel) error {
	for _, column := range columns {
		if len(column) == 0 {
			return errors.New("figure: a column without panels")
		}
	}
	if len(columns) == 0 {
		return errors.New("figure: no panels")
	}
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))
	c := draw.Crop(draw.New(img), margin, -margin, margin, -margin)
	w := (c.Max.X - c.Min.X - gap*vg.Length(len(columns)-1)) / vg.Length(len(columns))
	for i, column := range columns {
		left := c.Min.X + vg.Length(i)*(w+gap)
		drawColumn(column, draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: left, Y: c.Min.Y},
			Max: vg.Point{X: left + w, Y: c.Max.Y},
		}})
	}
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
		return err
	})
}

// drawColumn draws panels one below the other, each under its title and legend, with
// axes of one height and their vertical axes in one line.
func drawColumn(column []*Panel, c draw.Canvas) {
	width := c.Max.X - c.Min.X
	free := c.Max.Y - c.Min.Y - gap*vg.Length(len(column)-1)
	for _, p := range column {
		p.setLimits()
		p.estimate(c)
		free -= p.headHeight(width)
	}
	height := free / vg.Length(len(column))
	axes := make([]draw.Canvas, len(column))
	var left vg.Length // the widest labels of a vertical axis
	top := c.Max.Y
	for i, p := range column {
		top -= p.headHeight(width)
		axes[i] = draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: c.Min.X + labelWidth, Y: top - height},
			Max: vg.Point{X: c.Max.X, Y: top},
		}}
		left = max(left, p.Plot.DataCanvas(axes[i]).Min.X-axes[i].Min.X)
		top -= height + gap
	}
	for i, p := range column {
		if p.equal {
			// Twice, for new labels of the axes change the room that is left.
			for range 2 {
				data := p.Plot.DataCanvas(axes[i])
				p.equalise(data.Max.X-axes[i].Min.X-left, data.Max.Y-data.Min.Y)
			}
		}
		data := p.Plot.DataCanvas(axes[i])
		p.Plot.Draw(draw.Crop(axes[i], left-(data.Min.X-axes[i].Min.X), 0, 0, 0))
		p.drawHead(vg.Point{X: c.Min.X, Y: axes[i].Max.Y}, c, width)
		style := label(11)
		style.Rotation, style.XAlign, style.YAlign = math.Pi/2, text.XCenter, text.YTop
		c.FillText(style, vg.Point{X: c.Min.X, Y: data.Center().Y}, p.y)
	}
}

// estimate finds out what will be left out of long series, for the legend says so, whose
// height decides on the size of the axes.
func (p *Panel) estimate(c draw.Canvas) {
	for _, e := range p.legend {
		switch s := e.thumb.(type) {
		case *line:
			if length(s.runs) > maxSegments {
				s.drawn(c, p.Plot)
			}
		case *marks:
			if len(s.points) > maxMarks {
				s.drawn(c, p.Plot)
			}
		}
	}
}

// headHeight is the height of the title and the legend.
func (p *Panel) headHeight(width vg.Length) vg.Length {
	n := len(p.rows(width))
	if p.title != "" {
		n++
	}
	return vg.Length(n * lineHeight)
}

// drawHead draws the title and the legend above at.
func (p *Panel) drawHead(at vg.Point, c draw.Canvas, width vg.Length) {
	rows := p.rows(width)
	y := at.Y + 5 + vg.Length((len(rows)-1)*lineHeight)
	if p.title != "" {
		style := label(12)
		c.FillText(style, vg.Point{X: at.X, Y: y + lineHeight}, p.title)
	}
	style := label(10)
	for _, row := range rows {
		x := at.X
		for _, e := range row {
			e.thumb.Thumbnail(&draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x, Y: y - 1},
				Max: vg.Point{X: x + thumbWidth, Y: y + 9},
			}})
			c.FillText(style, vg.Point{X: x + thumbWidth + 4, Y: y}, e.text())
			x += e.width()
		}
		y -= lineHeight
	}
}

// rows breaks the legend into lines that fit the width.
func (p *Panel) rows(width vg.Length) [][]entry {
	var rows [][]entry
	var x vg.Length
	legend := p.legend
	if p.unlisted > 0 {
		legend = append(slices.Clone(legend), entry{fmt.Sprintf("and %d more", p.unlisted), &plotter.Line{}})
	}
	for _, e := range legend {
		if w := e.width(); len(rows) == 0 || x+w-entryGap > width {
			rows = append(rows, nil)
			x = 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		x += e.width()
	}
	return rows
}

// text is the label, and what was left out of the drawing.
func (e entry) text() string {
	if n, ok := e.thumb.(interface{ note() string }); ok {
		return e.label + n.note()
	}
	return e.label
}

func (e entry) width() vg.Length {
	return thumbWidth + 4 + label(10).Width(e.text()) + entryGap
}

func label(size float64) text.Style {
	return text.Style{Color: Black, Font: sans(size), Handler: textHandler}
}
