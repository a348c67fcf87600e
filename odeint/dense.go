package odeint

import (
	"github.com/neuralode/neuralode/internal/vec"
)

// denseOutput is the interpolant of a tableau whose continuous extension is
// explicit (WithDense).
type denseOutput[T Float] struct {
	tab    *Tableau
	stages []int // those that it uses
}

func newDenseOutput[T Float](d *Tableau) denseOutput[T] {
	o := denseOutput[T]{tab: d}
	for i, row := range d.P {
		for _, p := range row {
			if p != 0 {
				o.stages = append(o.stages, i)
				break
			}
		}
	}
	return o
}

// maxStages is for how many stages the weights fit in an array; more are allocated.
const maxStages = 24

// state stores Y0 + H Σ b_i(θ) k_i in dst.
func (o *denseOutput[T]) state(dst []T, s *Step[T], theta float64) {
	var array [maxStages]float64
	b := buffer(array[:], len(o.tab.P))
	o.tab.DenseWeights(b, theta)
	var coefs [maxStages]T
	vec.Combine(dst, s.Y0, o.pick(coefs[:0], b, s.H), o.stages, s.K)
}

// slope stores Σ b_i′(θ) k_i in dst.
func (o *denseOutput[T]) slope(dst []T, s *Step[T], theta float64) {
	var array [maxStages]float64
	b := buffer(array[:], len(o.tab.P))
	o.tab.DenseSlopes(b, theta)
	var coefs [maxStages]T
	clear(dst)
	vec.Combine(dst, dst, o.pick(coefs[:0], b, 1), o.stages, s.K)
}

// pick appends h·b_i of the stages in use to dst.
func (o *denseOutput[T]) pick(dst []T, b []float64, h float64) []T {
	for _, i := range o.stages {
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

// hermiteStages is how many rows of Step.K the cubic Hermite interpolant needs:
// f(T0, Y0), (Y1−Y0)/H and f(T1, Y1).
const hermiteStages = 3

// hermite is the cubic Hermite interpolant as a continuous extension, for methods that
// have none of their own; its rows of K follow skip others:
//
//	y(θ) = y0 + h[(θ−2θ²+θ³) f0 + (3θ²−2θ³) (y1−y0)/h + (θ³−θ²) f1]
func hermite(skip int) *Tableau {
	p := make([][]float64, skip+hermiteStages)
	for i := range p {
		p[i] = make([]float64, 3)
	}
	p[skip], p[skip+1], p[skip+2] = []float64{1, -2, 1}, []float64{0, 3, -2}, []float64{0, -1, 1}
	return &Tableau{Name: "hermite", P: p}
}

// endSlopes provides the rows of K that hermite needs, for every step of a solve.
type endSlopes[T Float] struct {
	ev *evaluator[T]
	f1 []T // the slope at the end of the step before; nil: there is none

	stored bool // f1 is of a step that is not accepted yet
}

func (d *endSlopes[T]) restart() { d.f1, d.stored = nil, false }

func (d *endSlopes[T]) accept() { d.stored = false }

// reject forgets the slope of a step that will be taken again.
func (d *endSlopes[T]) reject() {
	if d.stored {
		d.restart()
	}
}

// store appends the rows to s.K, which has skip others, unless they are there.
func (d *endSlopes[T]) store(s *Step[T], skip int) error {
	n := len(s.Y0)
	if len(s.K) == (skip+hermiteStages)*n {
		return nil
	}
	k := s.K[:(skip+hermiteStages)*n]
	rows := k[skip*n:]
	f0, mean, f1 := rows[:n], rows[n:2*n], rows[2*n:]
	if d.f1 != nil {
		copy(f0, d.f1)
	} else if err := d.ev.at(f0, s.StageTime(0), s.Y0); err != nil {
		return err
	}
	for i := range mean {
		mean[i] = T(float64(s.Y1[i]-s.Y0[i]) / s.H)
	}
	if err := d.ev.at(f1, s.StageTime(1), s.Y1); err != nil {
		return err
	}
	d.f1, d.stored, s.K = f1, true, k
	return nil
}
