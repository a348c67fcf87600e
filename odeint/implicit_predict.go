package odeint

import (
	"math"
)

// stagePredictor predicts the slopes of a step's stages by the polynomial through those of
// the step before.
type stagePredictor[T Float] struct {
	c      []float64
	n      int
	k      []T     // slopes of the last step
	h      float64 // and its size
	filled bool
	ratio  float64   // step size ratio that w is for
	w      []float64 // s × s: weights of the old slopes for each new one
}

func newStagePredictor[T Float](c []float64, n int) stagePredictor[T] {
	return stagePredictor[T]{c: c, n: n, k: make([]T, len(c)*n), w: make([]float64, len(c)*len(c))}
}

func (g *stagePredictor[T]) restart() { g.filled = false }

func (g *stagePredictor[T]) keep(k []T, h float64) {
	copy(g.k, k)
	g.h, g.filled = h, true
}

// predict stores the slopes of the step of size h after the one kept in k, if there
// is one.
func (g *stagePredictor[T]) predict(k []T, h float64) bool {
	if !g.filled {
		return false
	}
	if ratio := h / g.h; ratio != g.ratio {
		g.ratio = ratio
		g.setWeights(func(c float64) float64 { return 1 + ratio*c })
	}
	g.apply(k, g.k)
	return true
}

// inside stores the slopes of the partial step to theta of a step with slopes k in dst.
func (g *stagePredictor[T]) inside(dst, k []T, theta float64) {
	g.ratio = math.NaN()
	g.setWeights(func(c float64) float64 { return theta * c })
	g.apply(dst, k)
}

// setWeights sets row i of w to the Lagrange polynomials of the nodes at the place of node i.
func (g *stagePredictor[T]) setWeights(place func(c float64) float64) {
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

func (g *stagePredictor[T]) apply(dst, k []T) {
	s, n := len(g.c), g.n
	clear(dst[:s*n])
	for i := range s {
		for j := range s {
			addScaled(dst[i*n:(i+1)*n], nil, T(g.w[i*s+j]), k[j*n:(j+1)*n])
		}
	}
}
