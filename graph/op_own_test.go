package graph

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestOwnOps runs each of our ops by its Do and into a buffer of NaN.
func TestOwnOps(t *testing.T) {
	nan := math.NaN()
	for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		g := G.NewGraph()
		x := variable(g, dt, "x", tensor.Shape{2, 3, 2})
		p := variable(g, dt, "p", tensor.Shape{2, 1, 2})
		s := variable(g, dt, "s", nil)
		image := variable(g, dt, "image", tensor.Shape{1, 1, 2, 3})
		pooled := variable(g, dt, "pooled", tensor.Shape{1, 1, 1, 2})
		w := window{h: 2, w: 2, strideH: 2, strideW: 1, dilationH: 1, dilationW: 1}
		xs := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
		ps := []float64{20, 21, 22, 23}
		is, ys := []float64{1, 7, 2, 3, 4, 5}, []float64{10, 100}
		for _, c := range []struct {
			n    *G.Node
			args [][]float64
			want []float64
		}{
			{part(x, 1, 1, 3), [][]float64{xs}, []float64{3, 4, 5, 6, 9, 10, 11, 12}},
			{part(x, 0, 1, 2), [][]float64{xs}, []float64{7, 8, 9, 10, 11, 12}},
			{part(x, 2, 0, 1), [][]float64{xs}, []float64{1, 3, 5, 7, 9, 11}},
			{embed(x, p, 1, 1), [][]float64{xs, ps}, []float64{0, 0, 20, 21, 0, 0, 0, 0, 22, 23, 0, 0}},
			{reshaped(x, tensor.Shape{4, 3}), [][]float64{xs}, xs},
			{reshaped(s, tensor.Shape{1, 1}), [][]float64{{5}}, []float64{5}},
			{reshaped(reshaped(s, tensor.Shape{1}), nil), [][]float64{{5}}, []float64{5}},
			{zerosLike(x), [][]float64{slices.Repeat([]float64{nan}, 12)}, make([]float64, 12)},
			{zerosLike(s), [][]float64{{nan}}, []float64{0}},
			{applyPool(poolPick, w, image, pooled, image), [][]float64{is, ys, {10, 20, 30, 40, 50, 60}}, []float64{20, 20}},
			{applyPool(poolRoute, w, image, pooled, pooled), [][]float64{is, {nan, nan}, ys}, []float64{0, 110, 0, 0, 0, 0}},
			{applyPool(poolAverage, w, image, pooled, image), [][]float64{is}, []float64{15. / 4, 18. / 4}},
			{applyPool(poolSpread, w, image, pooled, pooled), [][]float64{is, {nan, nan}, ys}, []float64{2.5, 27.5, 25, 2.5, 27.5, 25}},
		} {
			var args []G.Value
			for i, child := range childrenOf(c.n) {
				args = append(args, toValue(dt, child.Shape(), c.args[i]))
			}
			y, err := c.n.Op().Do(args...)
			if err != nil {
				t.Fatalf("%v: %v", c.n, err)
			}
			wantValues(t, c.n.String(), toFloats(y), c.want...)
			buffer := toValue(dt, c.n.Shape(), slices.Repeat([]float64{nan}, len(c.want)))
			y, err = c.n.Op().(G.UsePreallocDoer).UsePreallocDo(buffer, args...)
			if err != nil {
				t.Fatalf("%v into a buffer: %v", c.n, err)
			}
			wantValues(t, c.n.String(), toFloats(y), c.want...)
			if integers := tensor.New(tensor.WithBacking([]int{1, 2}), tensor.WithShape(2)); !c.n.IsScalar() {
				if _, err := c.n.Op().(G.UsePreallocDoer).UsePreallocDo(integers, args...); err == nil {
					t.Errorf("%v into integers: no error", c.n)
				}
			}
		}
	}
}

// TestOwnOpsAreToldApart by their hash, which is all that Gorgonia looks at.
func TestOwnOpsAreToldApart(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{1, 1, 600, 600})
	w := window{h: 2, w: 2, strideH: 2, strideW: 2, dilationH: 1, dilationW: 1}
	v := w
	v.h, v.padH = 4, 1
	y := variable(g, tensor.Float64, "y", tensor.Shape{1, 1, 300, 300})
	nodes := G.Nodes{
		part(x, 2, 0, 256), part(x, 2, 256, 512), part(x, 2, 1, 257),
		applyPool(poolRoute, w, x, y, y), applyPool(poolRoute, v, x, y, y), applyPool(poolSpread, w, x, y, y),
		zerosLike(x), x,
	}
	seen := make(map[*G.Node]bool)
	hashes := make(map[uint32]bool)
	for _, n := range nodes {
		seen[n], hashes[n.Hashcode()] = true, true
	}
	if len(seen) != len(nodes) || len(hashes) != len(nodes) {
		t.Errorf("%d nodes, %d different, %d hashes", len(nodes), len(seen), len(hashes))
	}
	if again := part(x, 2, 256, 512); again != nodes[1] {
		t.Error("the same part twice is two nodes")
	}
}
