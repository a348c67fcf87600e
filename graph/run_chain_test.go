package graph

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestFusedSteps holds chains whose steps are joined in pairs against formulas, and the
// slope of the sigmoid against its own where one of its two forms is all that is left.
func TestFusedSteps(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	mul := func(a, b *G.Node) *G.Node { return ok(G.HadamardProd(a, b)) }
	for _, c := range []struct {
		name string
		f    func(x, y, z *G.Node) *G.Node
		want func(x, y, z float64) float64
	}{
		{"xy + z", func(x, y, z *G.Node) *G.Node { return plus(mul(x, y), z) }, func(x, y, z float64) float64 { return x*y + z }},
		{"z + xy", func(x, y, z *G.Node) *G.Node { return plus(z, mul(x, y)) }, func(x, y, z float64) float64 { return x*y + z }},
		{"xy - z", func(x, y, z *G.Node) *G.Node { return ok(G.Sub(mul(x, y), z)) }, func(x, y, z float64) float64 { return x*y - z }},
		{"z - xy", func(x, y, z *G.Node) *G.Node { return ok(G.Sub(z, mul(x, y))) }, func(x, y, z float64) float64 { return z - x*y }},
		{"(x + y)z", func(x, y, z *G.Node) *G.Node { return mul(plus(x, y), z) }, func(x, y, z float64) float64 { return (x + y) * z }},
		{"z(x - y)", func(x, y, z *G.Node) *G.Node { return mul(z, ok(G.Sub(x, y))) }, func(x, y, z float64) float64 { return (x - y) * z }},
		{"x²z", func(x, y, z *G.Node) *G.Node { return mul(ok(G.Square(x)), z) }, func(x, y, z float64) float64 { return x * x * z }},
		{"xy + xy z", func(x, y, z *G.Node) *G.Node { return plus(mul(x, y), mul(mul(x, y), z)) }, func(x, y, z float64) float64 { return x*y + x*y*z }},
		{"σ(x)σ(-x)y z", func(x, y, z *G.Node) *G.Node {
			return mul(mul(y, ok(G.Sigmoid(ok(G.Neg(x))))), mul(z, ok(G.Sigmoid(x))))
		}, func(x, y, z float64) float64 { return y * z * sigmoid(x) * (1 - sigmoid(x)) }},
		{"σ(x)σ(-y)z", func(x, y, z *G.Node) *G.Node {
			return mul(mul(ok(G.Sigmoid(x)), ok(G.Sigmoid(ok(G.Neg(y))))), z)
		}, func(x, y, z float64) float64 { return sigmoid(x) * sigmoid(-y) * z }},
	} {
		const n = 300 // more than a block
		g := G.NewGraph()
		node := func(name string) *G.Node {
			return G.NewMatrix(g, tensor.Float64, G.WithShape(2, n/2), G.WithName(name))
		}
		x, y, z := node("x"), node("y"), node("z")
		p, err := Compile[float64](G.Nodes{x, y, z}, G.Nodes{c.f(x, y, z)})
		if err != nil {
			t.Fatal(err)
		}
		var in [3][]float64
		for k := range in {
			in[k] = make([]float64, n)
			for i := range in[k] {
				in[k][i] = 3 * math.Sin(float64(1+i*(k+1)))
			}
		}
		got := make([]float64, n)
		if err := p.NewInstance().Run([][]float64{got}, in[:]); err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if want := c.want(in[0][i], in[1][i], in[2][i]); math.Abs(v-want) > 1e-14*(1+math.Abs(want)) {
				t.Fatalf("%s: element %d is %v, want %v", c.name, i, v, want)
			}
		}
	}
}
