package graph

import (
	"errors"
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestJVP holds the compiled JVP of every case, and of its first derivative,
// against central differences along the tangent and against the VJP:
// ⟨λ, Jv⟩ = ⟨Jᵀλ, v⟩ to rounding. The second level is what a Hamiltonian field
// needs.
func TestJVP(t *testing.T) {
	for _, c := range opCases() {
		if c.order == 1 || c.state {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			checkJVP[float64](t, c, 1e-8, 1e-13)
			checkJVP[float32](t, c, 1e-4, 2e-5)
		})
	}
}

func checkJVP[T Float](t *testing.T, c opCase, slope, eps float64) {
	dt := dtypeOf[T]()
	order := 1
	if c.order == 2 {
		order = 0 // the JVP of a derivative is of third order
	}
	tw := newTower(t, c, dt, max(order, 1))
	values := tw.values(c)
	r := caseRand(c.name + " tangents")
	for k := 0; k <= order; k++ {
		known := tw.known[k]
		inputs, outputs := tw.inputs[:known], tw.levels[k].outputs
		var tangents, lambdas G.Nodes
		var v, l [][]float64
		for i, n := range inputs {
			tangents = append(tangents, variable(n.Graph(), dt, fmt.Sprintf("tangent %d.%d", k, i), n.Shape()))
			v = append(v, randomVector(r, n.Shape().TotalSize()))
		}
		for i, n := range outputs {
			lambdas = append(lambdas, variable(n.Graph(), dt, fmt.Sprintf("lambda %d.%d", k, i), n.Shape()))
			l = append(l, randomVector(r, n.Shape().TotalSize()))
		}
		jv, err := JVP(outputs, inputs, tangents)
		if err != nil {
			t.Fatalf("level %d: %v", k, err)
		}
		for i, d := range jv {
			if !sameShape(d, outputs[i]) {
				t.Fatalf("level %d: product %d has shape %v, want %v", k, i, d.Shape(), outputs[i].Shape())
			}
		}
		got := runCompiled[T](t, append(inputs[:known:known], tangents...), jv, append(values[:known:known], v...))
		pulled, err := VJP(outputs, lambdas, inputs)
		if err != nil {
			t.Fatal(err)
		}
		jtl := runCompiled[T](t, append(inputs[:known:known], lambdas...), pulled, append(values[:known:known], l...))
		left, right, scale := 0.0, 0.0, 1e-3
		for i := range got {
			left += dot(got[i], l[i])
			for j := range got[i] {
				scale += math.Abs(got[i][j] * l[i][j])
			}
		}
		for i := range jtl {
			right += dot(jtl[i], v[i])
			for j := range jtl[i] {
				scale += math.Abs(jtl[i][j] * v[i][j])
			}
		}
		if !(math.Abs(left-right) <= 10*eps*scale) {
			t.Errorf("%v, level %d: ⟨λ, Jv⟩ = %v, ⟨Jᵀλ, v⟩ = %v", dt, k, left, right)
		}

		// Differences are taken in float64 whatever T is.
		ref, refInputs := tw.levels[k], inputs
		if dt != tensor.Float64 {
			wide := newTower(t, c, tensor.Float64, max(order, 1))
			ref, refInputs = wide.levels[k], wide.inputs[:known]
		}
		want := make([][]float64, len(got))
		for i := range want {
			want[i] = make([]float64, len(got[i]))
		}
		for _, p := range [...]struct{ k, w float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
			moved := make([][]float64, known)
			for i := range moved {
				moved[i] = make([]float64, len(values[i]))
				for j := range moved[i] {
					moved[i][j] = values[i][j] + p.k*differenceStep*v[i][j]
				}
			}
			for i, y := range ref.run(t, refInputs, moved) {
				for j := range y {
					want[i][j] += p.w * y[j] / (12 * differenceStep)
				}
			}
		}
		for i := range want {
			big := 1e-3
			for _, w := range want[i] {
				big = max(big, math.Abs(w))
			}
			for j, w := range want[i] {
				if e := math.Abs(got[i][j]-w) / big; !(e <= slope) {
					t.Errorf("%v, level %d, output %d[%d]: %v, want %v (relative error %.1e)", dt, k, i, j, got[i][j], w, e)
					break
				}
			}
		}
	}
}

func TestJVPArguments(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	v := variable(g, tensor.Float64, "v", tensor.Shape{2})
	row := variable(g, tensor.Float64, "row", tensor.Shape{1, 2})
	narrow := variable(g, tensor.Float32, "narrow", tensor.Shape{2})
	y := tanh(x)
	for _, c := range []struct {
		name                   string
		outputs, wrt, tangents G.Nodes
		want                   error
	}{
		{"a tangent too few", G.Nodes{y}, G.Nodes{x}, nil, nil},
		{"nil tangent", G.Nodes{y}, G.Nodes{x}, G.Nodes{nil}, nil},
		{"nil output", G.Nodes{nil}, G.Nodes{x}, G.Nodes{v}, nil},
		{"shape", G.Nodes{y}, G.Nodes{x}, G.Nodes{row}, ErrShape},
		{"type", G.Nodes{y}, G.Nodes{x}, G.Nodes{narrow}, ErrDtype},
	} {
		if _, err := JVP(c.outputs, c.wrt, c.tangents); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
	// A second product of the same output, and one of what does not depend on x.
	for i, tangent := range []*G.Node{v, x} {
		jv, err := JVP(G.Nodes{y, v}, G.Nodes{x}, G.Nodes{tangent})
		if err != nil {
			t.Fatal(err)
		}
		got := runCompiled[float64](t, G.Nodes{x, v}, jv, [][]float64{{0.5, 1}, {2, 3}})
		along := [][]float64{{2, 3}, {0.5, 1}}[i]
		for j, xj := range []float64{0.5, 1} {
			want := along[j] / math.Pow(math.Cosh(xj), 2)
			if math.Abs(got[0][j]-want) > 1e-15 || got[1][j] != 0 {
				t.Errorf("tangent %d: %v, want %v and 0", i, got, want)
			}
		}
	}
}
