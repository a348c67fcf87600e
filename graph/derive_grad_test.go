package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestDerivatives holds the derivatives of every case against central
// differences. The derivative of order k is that of the k-1st, contracted with
// random cotangents that are inputs like the others:
//
//	s₀ = out,  sₖ = ( Σ cᵢ·sₖ₋₁ᵢ differentiated with respect to all inputs )
//
// so each level checks all mixed derivatives of the one below.
func TestDerivatives(t *testing.T) {
	for _, c := range opCases() {
		t.Run(c.name, func(t *testing.T) { c.checkDerivatives(t) })
	}
}

// Central differences of fourth order with step 1e-3 leave an error of 1e-12
// times the fifth derivative; float32 programs round at 6e-8 a step.
const (
	differenceStep = 1e-3
	tolerance64    = 1e-8
	tolerance32    = 1e-4
)

func (c opCase) checkDerivatives(t *testing.T) {
	order := c.order
	if order == 0 {
		order = 2
	}
	wide := newTower(t, c, tensor.Float64, order)
	narrow := newTower(t, c, tensor.Float32, order)
	values := wide.values(c)
	r := caseRand(c.name + " directions")
	for k := 1; k <= order; k++ {
		got := wide.levels[k].run(t, wide.inputs[:wide.known[k]], values[:wide.known[k]])
		got32 := narrow.levels[k].run(t, narrow.inputs[:narrow.known[k]], values[:narrow.known[k]])
		// The derivative by input i is checked element by element in first
		// order, along three random directions in higher order.
		for i := range got {
			n := len(values[i])
			directions := make([][]float64, 0, n)
			if k == 1 && n <= 40 {
				for j := range n {
					e := make([]float64, n)
					e[j] = 1
					directions = append(directions, e)
				}
			} else {
				for range 3 {
					directions = append(directions, randomVector(r, n))
				}
			}
			scale := 1e-3
			want := make([]float64, len(directions))
			for j, d := range directions {
				want[j] = wide.difference(t, k-1, i, values, d)
				scale = max(scale, math.Abs(want[j]))
			}
			for j, d := range directions {
				if e := math.Abs(dot(got[i], d)-want[j]) / scale; !(e <= tolerance64) {
					t.Errorf("order %d, input %d, direction %d: %v, want %v (relative error %.1e)", k, i, j, dot(got[i], d), want[j], e)
				}
				if e := math.Abs(dot(got32[i], d)-want[j]) / scale; !(e <= tolerance32) {
					t.Errorf("float32, order %d, input %d, direction %d: %v, want %v (relative error %.1e)", k, i, j, dot(got32[i], d), want[j], e)
				}
			}
		}
	}
}

// tower is a case with its derivatives up to some order on one graph.
type tower struct {
	inputs G.Nodes // of the case, then the cotangents of each order
	known  []int   // how many of the inputs level k has
	levels []*reference
}

func newTower(t *testing.T, c opCase, dt tensor.Dtype, order int) *tower {
	t.Helper()
	inputs, out := c.place(t, dt)
	tw := &tower{inputs: inputs, known: []int{len(inputs)}}
	outputs := G.Nodes{out}
	tw.levels = append(tw.levels, newReference(outputs))
	for k := 1; k <= order; k++ {
		var cot G.Nodes
		for i, n := range outputs {
			cot = append(cot, variable(out.Graph(), dt, fmt.Sprintf("c%d.%d", k, i), n.Shape()))
		}
		ds, err := VJP(outputs, cot, tw.inputs)
		if err != nil {
			t.Fatalf("order %d: %v", k, err)
		}
		for i, d := range ds {
			if fmt.Sprint(d.Shape()) != fmt.Sprint(tw.inputs[i].Shape()) || d.IsScalar() != tw.inputs[i].IsScalar() {
				t.Errorf("order %d: derivative by input %d has shape %v, want %v", k, i, d.Shape(), tw.inputs[i].Shape())
			}
		}
		tw.inputs = append(tw.inputs, cot...)
		tw.known = append(tw.known, len(tw.inputs))
		tw.levels = append(tw.levels, newReference(ds))
		outputs = ds
	}
	if c.order == 1 {
		_, err := VJP(outputs, outputs, tw.inputs)
		if !errors.Is(err, ErrNotDifferentiable) {
			t.Errorf("order %d: error %v, want %v", order+1, err, ErrNotDifferentiable)
		}
	}
	return tw
}

// values are those of the case and random cotangents.
func (tw *tower) values(c opCase) [][]float64 {
	values := c.values()
	r := caseRand(c.name + " cotangents")
	for _, n := range tw.inputs[len(values):] {
		values = append(values, randomVector(r, n.Shape().TotalSize()))
	}
	return values
}

// difference is the derivative of the contraction of level k with its
// cotangents, by input i along direction d.
func (tw *tower) difference(t *testing.T, k, i int, values [][]float64, d []float64) float64 {
	cotangents := values[tw.known[k]:]
	at := func(h float64) float64 {
		moved := append([][]float64(nil), values[:tw.known[k]]...)
		moved[i] = make([]float64, len(d))
		for j, v := range values[i] {
			moved[i][j] = v + h*d[j]
		}
		s := 0.0
		for j, y := range tw.levels[k].run(t, tw.inputs[:tw.known[k]], moved) {
			s += dot(y, cotangents[j])
		}
		return s
	}
	const h = differenceStep
	return (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
}

func randomVector(r *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(float32(2*r.Float64() - 1))
	}
	return v
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// TestNestedMaxPool: three times the gradient of a sum of squares of the one before,
// of Σ m³ for the maxima m of the windows; each window's by itself is a polynomial.
func TestNestedMaxPool(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{1, 1, 2, 4})
	y := sumAll(ok(G.Cube(ok(G.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})))))
	var d G.Nodes
	for range 3 {
		d = grad(t, y, x)
		y = sumAll(ok(G.Square(d[0])))
	}
	// m³ → 3m² → (9m⁴)′ = 36m³ → (1296m⁶)′ = 7776m⁵.
	values := []float64{0.5, -1, 0.25, 0.75, -0.5, 0.125, 1.5, 1}
	want := make([]float64, 8)
	want[0], want[6] = 7776*math.Pow(0.5, 5), 7776*math.Pow(1.5, 5)
	wantValues(t, "third order", evaluate(t, d, G.Nodes{x}, values)[0], want...)
}
