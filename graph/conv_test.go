package graph

import (
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestConvolutions: no patches are formed for a convolution, its cotangents and its
// tangents, by blocks of rows or not. That they are right is held against Gorgonia's own
// machine with all other ops.
func TestConvolutions(t *testing.T) {
	for _, batch := range []int{1, 6} {
		g := G.NewGraph()
		x := G.NewTensor(g, tensor.Float64, 4, G.WithShape(batch, 2, 7, 7), G.WithName("x"))
		w := G.NewTensor(g, tensor.Float64, 4, G.WithShape(3, 2, 3, 3), G.WithName("w"))
		y := ok(G.Tanh(ok(G.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{2, 2}, []int{1, 1}))))
		c := G.NewTensor(g, tensor.Float64, 4, G.WithShape(y.Shape()...), G.WithName("c"))
		back, err := VJP(G.Nodes{y}, G.Nodes{c}, G.Nodes{x, w})
		if err != nil {
			t.Fatal(err)
		}
		u := G.NewTensor(g, tensor.Float64, 4, G.WithShape(x.Shape()...), G.WithName("u"))
		along, err := JVP(G.Nodes{y}, G.Nodes{x}, G.Nodes{u})
		if err != nil {
			t.Fatal(err)
		}
		p, err := compile[float64](spec{
			inputs: G.Nodes{x, w, c, u}, outputs: append(append(G.Nodes{y}, back...), along...),
			batch: batch, batchInputs: []bool{true, false, true, true}, batchOutputs: []bool{true, true, false, true}, add: []bool{false, false, true, false},
		})
		if err != nil {
			t.Fatal(err)
		}
		code := p.whole
		if p.blocked != nil {
			code = p.blocked.full
		}
		images, convolutions, filters := 0, 0, 0
		for _, in := range code.instructions {
			switch in.(type) {
			case *image[float64]:
				images++
			case *convolution[float64]:
				convolutions++
			case *convFilters[float64]:
				filters++
			}
		}
		if images != 0 || convolutions != 3 || filters != 1 {
			t.Errorf("batch %d: %d convolutions, %d of filters, %d other image ops; want 3, 1, 0", batch, convolutions, filters, images)
		}
	}
}
