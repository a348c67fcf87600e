package graph

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// runCompiled compiles outputs and runs them on NaN-filled destinations.
func runCompiled[T Float](t testing.TB, inputs, outputs G.Nodes, values [][]float64) [][]float64 {
	t.Helper()
	p, err := Compile[T](inputs, outputs)
	if err != nil {
		t.Fatal(err)
	}
	src := make([][]T, len(values))
	for i, v := range values {
		src[i] = convert[T](v)
	}
	dst := nanSlices[T](outputs)
	if err := p.NewInstance().Run(dst, src); err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		for k, x := range convert[T](v) {
			if src[i][k] != x {
				t.Fatalf("input %d was modified", i)
			}
		}
	}
	out := make([][]float64, len(dst))
	for i, d := range dst {
		for _, x := range d {
			out[i] = append(out[i], float64(x))
		}
	}
	return out
}

func convert[T Float](x []float64) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = T(v)
	}
	return y
}

func nanSlices[T Float](nodes G.Nodes) [][]T {
	dst := make([][]T, len(nodes))
	for i, n := range nodes {
		dst[i] = make([]T, n.Shape().TotalSize())
		for k := range dst[i] {
			dst[i][k] = T(math.NaN())
		}
	}
	return dst
}

// near tells whether got equals want to round-off: eps relative to the largest
// element, and to 1, the size of the cases' inputs, where they cancel.
func near(got, want []float64, eps float64) bool {
	if len(got) != len(want) {
		return false
	}
	scale := 1.0
	for _, w := range want {
		if !math.IsNaN(w) && !math.IsInf(w, 0) {
			scale = math.Max(scale, math.Abs(w))
		}
	}
	for i, w := range want {
		g := got[i]
		if g != w && !(math.Abs(g-w) <= eps*scale) && !(math.IsNaN(g) && math.IsNaN(w)) {
			return false
		}
	}
	return true
}

// testCase holds the compiled program of a case and its derivatives against the
// reference, each order alone and all together.
func testCase[T Float](t *testing.T, c opCase, dt tensor.Dtype, eps float64) {
	order := c.order
	if order == 0 {
		order = 2
	}
	tw := newTower(t, c, dt, order)
	values := tw.values(c)
	var all G.Nodes
	var wants [][]float64
	for k, level := range tw.levels {
		inputs, values := tw.inputs[:tw.known[k]], values[:tw.known[k]]
		want := level.run(t, inputs, values)
		got := runCompiled[T](t, inputs, level.outputs, values)
		compare(t, fmt.Sprintf("order %d", k), got, want, eps)
		all, wants = append(all, level.outputs...), append(wants, want...)
	}
	got := runCompiled[T](t, tw.inputs, all, values)
	compare(t, "all orders", got, wants, eps)
}

func compare(t *testing.T, what string, got, want [][]float64, eps float64) {
	t.Helper()
	for i := range want {
		if !near(got[i], want[i], eps) {
			t.Errorf("%s, output %d: got %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestCompileCases(t *testing.T) {
	for _, c := range opCases() {
		if c.state {
			continue // see TestRefused
		}
		// The values are of order 1; second derivatives of the deepest cases
		// are sums of some hundred products of them.
		t.Run(c.name+"/float64", func(t *testing.T) { testCase[float64](t, c, tensor.Float64, 1e-13) })
		t.Run(c.name+"/float32", func(t *testing.T) { testCase[float32](t, c, tensor.Float32, 5e-5) })
	}
}
