package figure

import (
	"image/color"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The palette of Okabe and Ito (2008), which readers with any colour vision
// can tell apart.
var (
	Blue   = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	Orange = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	Green  = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	Purple = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
	Sky    = color.RGBA{0x56, 0xb4, 0xe9, 0xff}
	Amber  = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	Black  = color.RGBA{0x00, 0x00, 0x00, 0xff}
	Grey   = color.RGBA{0x80, 0x80, 0x80, 0xff}
)

// Series returns the colour of the i-th component of a state, from 0.
func Series(i int) color.RGBA {
	return [...]color.RGBA{Blue, Orange, Green, Purple, Sky, Amber}[i%6]
}

// Pale returns c mixed with white, for what lies behind.
func Pale(c color.RGBA) color.RGBA {
	mix := func(v uint8) uint8 { return uint8((int(v) + 2*0xff) / 3) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}

// Solid, Dashed and Wide are the lines of the figures: a model, what a model
// says beyond its data, and the truth behind both.
func Solid(c color.Color) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: vg.Points(1.6)}
}

// Dashed is a line that continues a solid one.
func Dashed(c color.Color) draw.LineStyle {
	s := Solid(c)
	s.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
	return s
}

// Wide is a broad pale line, to be seen behind a solid one that covers it.
func Wide(c color.RGBA) draw.LineStyle {
	return draw.LineStyle{Color: Pale(c), Width: vg.Points(5)}
}

// Dots are filled circles, and Rings are open ones.
func Dots(c color.Color) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: vg.Points(2.6), Shape: draw.CircleGlyph{}}
}

// Rings are open circles.
func Rings(c color.Color) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: vg.Points(3.2), Shape: draw.RingGlyph{}}
}

// sans is the typeface of all text.
func sans(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
}
