package odeint

import "github.com/neuralode/neuralode/internal/vec"

// denseOutput is the interpolant of a tableau whose continuous extension is
// explicit (WithDense).
type denseOutput[T Float] struct {
	tab  *Tableau
	rows []int // the stages that it uses
}

func newDenseOutput[T Float](d *Tableau) denseOutput[T] {
	o := denseOutput[T]{tab: d}
	for i, row := range d.P {
		for _, p := range row {
			if p != 0 {
				o.rows = append(o.rows, i)
				break
			}
		}
	}
	return o
}

// maxRows is for how many stages the weights fit in an array; more are allocated.
const maxRows = 24

// state stores Y0 + H Σ b_i(θ) k_i in dst.
func (o *denseOutput[T]) state(dst []T, s *Step[T], theta float64) {
	var array [maxRows]float64
	b := buffer(array[:], len(o.tab.P))
	o.tab.DenseWeights(b, theta)
	var coefs [maxRows]T
	vec.Combine(dst, s.Y0, o.pick(coefs[:0], b, s.H), o.rows, s.K)
}

// slope stores Σ b_i′(θ) k_i in dst.
func (o *denseOutput[T]) slope(dst []T, s *Step[T], theta float64) {
	var array [maxRows]float64
	b := buffer(array[:], len(o.tab.P))
	o.tab.DenseSlopes(b, theta)
	var coefs [maxRows]T
	clear(dst)
	vec.Combine(dst, dst, o.pick(coefs[:0], b, 1), o.rows, s.K)
}

// pick appends h·b_i of the stages in use to dst.
func (o *denseOutput[T]) pick(dst []T, b []float64, h float64) []T {
	for _, i := range o.rows {
		dst = append(dst, T(h*b[i]))
	}
	return dst
}

func buffer(array []float64, n int) []float64 {
	if n <= len(array) {
		return array[:n]
	}
	return make([]float64, n)
}
