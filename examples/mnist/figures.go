package main

import (
	"fmt"
	"image/color"

	"github.com/neuralode/neuralode/train/figure"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// confusion counts test images by their class, the row, and what they were taken for.
type confusion [classes][classes]int

func (c *confusion) Dims() (cols, rows int) { return classes, classes }
func (c *confusion) X(col int) float64      { return float64(col) }
func (c *confusion) Y(row int) float64      { return float64(row) }
func (c *confusion) Z(col, row int) float64 {
	if col == row {
		return 0 // the diagonal would hide the errors
	}
	return float64(c[row][col])
}

// wrong is the part of the images off the diagonal.
func (c *confusion) wrong() float64 {
	all, off := 0, 0
	for i, row := range c {
		for j, n := range row {
			all += n
			if i != j {
				off += n
			}
		}
	}
	return float64(off) / float64(all)
}

// whites is a palette from white to blue.
type whites struct{}

func (whites) Colors() []color.Color {
	colors := make([]color.Color, 64)
	for i := range colors {
		f := float64(i) / 80
		colors[i] = color.RGBA{uint8(255 - 255*f), uint8(255 - 160*f), 255, 255}
	}
	return colors
}

var _ palette.Palette = whites{}

func drawConfusion(path string, c *confusion) error {
	p := figure.New("Test images", "taken for", "digit")
	m := plotter.NewHeatMap(c, whites{})
	if m.Min == m.Max {
		m.Max = m.Min + 1
	}
	p.Plot.Add(m)
	var texts plotter.XYLabels
	for i, row := range c {
		for j, n := range row {
			if n > 0 {
				texts.XYs = append(texts.XYs, plotter.XY{X: float64(j) - 0.25, Y: float64(i) - 0.1})
				texts.Labels = append(texts.Labels, fmt.Sprint(n))
			}
		}
	}
	labels, err := plotter.NewLabels(texts)
	if err != nil {
		return err
	}
	p.Plot.Add(labels)
	return figure.Save(path, 6*vg.Inch, 6*vg.Inch, []*figure.Panel{p})
}

// drawCurves draws the loss of the minibatches, smoothed, and the errors after each epoch.
func drawCurves(path string, losses []float64, perEpoch int, tests []tested) error {
	loss := figure.New("Cross entropy of the minibatches", "epoch", "")
	loss.LogY()
	var x, y []float64
	mean := 0.0
	for i, v := range losses {
		if mean == 0 {
			mean = v
		}
		mean += 0.05 * (v - mean)
		x, y = append(x, float64(i+1)/float64(perEpoch)), append(y, mean)
	}
	loss.Line("", x, y, figure.Solid(figure.Blue))
	test := figure.New("Images taken for another digit", "epoch", "%")
	var held []float64
	x, y = nil, nil
	for _, e := range tests {
		x, y, held = append(x, e.epoch), append(y, 100*e.test), append(held, 100*e.held)
	}
	test.Line("validation", x, held, figure.Dashed(figure.Orange))
	test.Line("test", x, y, figure.Solid(figure.Blue))
	test.Points("", x, y, figure.Dots(figure.Blue))
	return figure.Save(path, 9*vg.Inch, 3.5*vg.Inch, []*figure.Panel{loss}, []*figure.Panel{test})
}
