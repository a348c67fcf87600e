package odeint

import (
	"math"
	"unsafe"
)

// progress tells when the iteration for the increments of a step is at its end. The
// changes of the increments are measured against the state.
type progress[T Float] struct {
	tol     float64 // 0: at rounding
	noise   float64 // relative size of a change that can be rounding
	scale   float64 // largest component of the state and the increments so far
	limit   float64 // a change that says the iteration diverges; 0: not known yet
	largest float64 // change in this iteration
	best    float64 // the smallest of them so far
	stalled int     // iterations in which it was no smaller than one before
	moving  bool    // some component's change is smaller than all before
}

// maxStalled is how often the largest change may fail to fall, once it is as small as
// rounding, while the change of some component still does: by chance, most likely.
const maxStalled = 3

func (r *implicitRK[T]) newProgress(y []T) progress[T] {
	for i := range r.least {
		r.least[i] = T(math.Inf(1))
	}
	p := progress[T]{tol: r.tol, noise: math.Pow(unit[T](), 0.75), best: math.Inf(1)}
	for _, v := range y {
		p.scale = max(p.scale, math.Abs(float64(v)))
	}
	return p
}

// begin starts an iteration.
func (p *progress[T]) begin() { p.largest, p.moving = 0, false }

// see takes in an increment that changed from last to next, and whose smallest change
// other than 0 was *least.
func (p *progress[T]) see(least *T, last, next T) {
	p.scale = max(p.scale, math.Abs(float64(next)))
	change := next - last
	if change < 0 {
		change = -change
	}
	if change == 0 {
		return
	}
	p.largest = max(p.largest, float64(change))
	if change < *least {
		*least = change
		p.moving = true
	}
}

// done reports whether the iteration can stop: the changes are no larger than rounding
// can make them, and no longer fall.
func (p *progress[T]) done() bool {
	if p.largest <= p.tol*p.scale {
		return true
	}
	if p.limit == 0 {
		p.limit = 1e3 * (p.largest + p.scale)
	}
	if p.largest > p.noise*p.scale {
		return false
	}
	if p.largest >= p.best {
		p.stalled++
	}
	p.best = min(p.best, p.largest)
	return !p.moving || p.stalled >= maxStalled
}

// enough reports whether the changes are below the rounding of the state: an iteration
// that has run out of its number need not go on.
func (p *progress[T]) enough() bool { return p.largest <= unit[T]()*p.scale }

// hopeless reports whether the changes grow beyond all bounds.
func (p *progress[T]) hopeless() bool { return p.largest > p.limit }

// unit is the distance from 1 to the next number of type T.
func unit[T Float]() float64 {
	var x T
	if unsafe.Sizeof(x) == 4 {
		return 0x1p-23
	}
	return 0x1p-52
}

// guess predicts the slopes of a step's stages by the polynomial through those of
// the step before.
type guess[T Float] struct {
	c     []float64
	n     int
	k     []T     // slopes of the last step
	h     float64 // and its size
	known bool
	ratio float64   // step size ratio that w is for
	w     []float64 // s × s: weights of the old slopes for each new one
}

func newGuess[T Float](c []float64, n int) guess[T] {
	return guess[T]{c: c, n: n, k: make([]T, len(c)*n), w: make([]float64, len(c)*len(c))}
}

func (g *guess[T]) restart() { g.known = false }

func (g *guess[T]) keep(k []T, h float64) {
	copy(g.k, k)
	g.h, g.known = h, true
}

// predict stores the slopes of the step of size h after the one kept in k, if there
// is one.
func (g *guess[T]) predict(k []T, h float64) bool {
	if !g.known {
		return false
	}
	if ratio := h / g.h; ratio != g.ratio {
		g.ratio = ratio
		g.weigh(func(c float64) float64 { return 1 + ratio*c })
	}
	g.apply(k, g.k)
	return true
}

// inside stores the slopes of the partial step to theta of a step with slopes k in dst.
func (g *guess[T]) inside(dst, k []T, theta float64) {
	g.ratio = math.NaN()
	g.weigh(func(c float64) float64 { return theta * c })
	g.apply(dst, k)
}

// weigh sets row i of w to the Lagrange polynomials of the nodes at the place of node i.
func (g *guess[T]) weigh(place func(c float64) float64) {
	for i, ci := range g.c {
		x := place(ci)
		for j, cj := range g.c {
			w := 1.0
			for m, cm := range g.c {
				if m != j {
					w *= (x - cm) / (cj - cm)
				}
			}
			g.w[i*len(g.c)+j] = w
		}
	}
}

func (g *guess[T]) apply(dst, k []T) {
	s, n := len(g.c), g.n
	clear(dst[:s*n])
	for i := range s {
		for j := range s {
			advance(dst[i*n:(i+1)*n], nil, T(g.w[i*s+j]), k[j*n:(j+1)*n])
		}
	}
}
