package figure

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// superscripts draws the superscript characters ⁻⁰¹²³⁴⁵⁶⁷⁸⁹, some of which the typeface
// does not have, as small raised ones. Other text, and text of several lines, is drawn by
// the handler inside.
type superscripts struct{ text.Handler }

var textHandler = superscripts{plot.DefaultTextHandler}

var raised = strings.NewReplacer("⁻", "−", "⁰", "0", "¹", "1", "²", "2", "³", "3", "⁴", "4", "⁵", "5", "⁶", "6", "⁷", "7", "⁸", "8", "⁹", "9")

// piece is text on one level.
type piece struct {
	text string
	up   bool
}

// pieces splits text by level.
func pieces(s string) (all []piece) {
	for _, r := range s {
		up := strings.ContainsRune("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", r)
		if n := len(all); n > 0 && all[n-1].up == up {
			all[n-1].text += string(r)
		} else {
			all = append(all, piece{string(r), up})
		}
	}
	for i := range all {
		if all[i].up {
			all[i].text = raised.Replace(all[i].text)
		}
	}
	return all
}

// face returns the font of a piece and how far it is raised.
func (p piece) face(f font.Font) (font.Font, vg.Length) {
	if !p.up {
		return f, 0
	}
	lift := f.Size * 0.36
	f.Size *= 0.72
	return f, lift
}

// Box implements text.Handler.
func (h superscripts) Box(s string, f font.Font) (width, height, depth vg.Length) {
	_, height, depth = h.Handler.Box(s, f)
	for _, p := range pieces(s) {
		small, _ := p.face(f)
		w, _, _ := h.Handler.Box(p.text, small)
		width += w
	}
	return width, height, depth
}

// Draw implements text.Handler.
func (h superscripts) Draw(c vg.Canvas, s string, style text.Style, at vg.Point) {
	all := pieces(s)
	if len(all) < 2 && (len(all) == 0 || !all[0].up) || strings.Contains(s, "\n") {
		h.Handler.Draw(c, s, style, at)
		return
	}
	c.SetColor(style.Color)
	if style.Rotation != 0 {
		c.Push()
		defer c.Pop()
		c.Rotate(style.Rotation)
	}
	sin, cos := math.Sincos(style.Rotation)
	width, height, depth := h.Box(s, style.Font)
	x := at.Y*vg.Length(sin) + at.X*vg.Length(cos) + width*vg.Length(style.XAlign)
	y := at.Y*vg.Length(cos) - at.X*vg.Length(sin) + (height+depth)*vg.Length(style.YAlign)
	y += style.Font.Size - height // the baseline, as text.Plain has it
	for _, p := range all {
		f, lift := p.face(style.Font)
		face := h.Cache().Lookup(f, f.Size)
		c.FillString(face, vg.Point{X: x, Y: y + lift}, p.text)
		x += face.Width(p.text)
	}
}
