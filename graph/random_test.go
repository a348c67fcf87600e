package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// randomGraph grows a graph of n nodes from three inputs by ops that keep values
// in (-1, 1) or near it. Any node may serve any number of later ones, so that
// programs have long and crossing lives, shared operands and views of views.
func randomGraph(r *rand.Rand, n int) (inputs, nodes G.Nodes) {
	g := G.NewGraph()
	rows, cols := 1+r.IntN(5), 1+r.IntN(7)
	if r.IntN(4) == 0 {
		rows, cols = 300+r.IntN(100), 7+r.IntN(9) // many blocks, several panels
	}
	x := variable(g, tensor.Float64, "x", tensor.Shape{rows, cols})
	y := variable(g, tensor.Float64, "y", tensor.Shape{1, cols})
	w := variable(g, tensor.Float64, "w", tensor.Shape{cols, cols})
	inputs = G.Nodes{x, y, w}
	nodes = G.Nodes{w, y, x}
	pick := func() *G.Node { return nodes[len(nodes)-1-r.IntN(min(len(nodes), 8))] }
	for len(nodes) < n {
		a := pick()
		s := a.Shape()
		var new *G.Node
		switch r.IntN(13) {
		case 0:
			new = tanh(a)
		case 1:
			new = ok(G.Sigmoid(a))
		case 2:
			new = ok(G.Neg(a))
		case 3, 4: // with a node of its shape, perhaps itself
			b := a
			for range 10 {
				if c := pick(); c.Shape().Eq(s) {
					b = c
					break
				}
			}
			new = ok([]func(a, b *G.Node) (*G.Node, error){G.Sub, G.HadamardProd, G.Add}[r.IntN(3)](tanh(a), b))
		case 5:
			new = ok(G.Mul(num(x, 0.5), a))
		case 6:
			if len(s) == 2 {
				new = ok(G.Transpose(a, 1, 0))
			}
		case 7:
			new = ok(G.Reshape(a, tensor.Shape{s.TotalSize(), 1}))
			if s.TotalSize() == rows*cols {
				new = ok(G.Reshape(a, tensor.Shape{rows, cols}))
			}
		case 8:
			if len(s) == 2 && s.TotalSize() < 100 {
				b := ok(G.Transpose(pickShape(r, nodes, s), 1, 0))
				new = tanh(ok(G.Mul(a, b)))
			}
		case 9:
			if len(s) == 2 {
				sum := ok(G.Mul(num(x, 1/float64(s[0])), ok(G.Sum(a, 0))))
				new = ok(G.Reshape(sum, tensor.Shape{1, s[1]}))
			}
		case 10:
			if len(s) == 2 && s[1] == cols && s[0] != 1 {
				row := pickShape(r, nodes, tensor.Shape{1, cols})
				new = ok(G.BroadcastHadamardProd(a, row, nil, []byte{0}))
			}
		case 11: // a layer
			if len(s) == 2 && s[1] == cols {
				row := pickShape(r, nodes, tensor.Shape{1, cols})
				new = ok(G.Mul(a, pickShape(r, nodes, tensor.Shape{cols, cols})))
				if s[0] > 1 && r.IntN(2) == 0 {
					new = ok(G.BroadcastAdd(new, row, nil, []byte{0}))
				}
				if new = tanh(new); s[0] > 1 && r.IntN(2) == 0 {
					new = ok(G.BroadcastHadamardProd(new, row, nil, []byte{0}))
				}
			}
		case 12:
			if len(s) == 2 && s[0] > 1 {
				half := s[0] / 2
				new = ok(G.Concat(0, part(a, 0, half, s[0]), part(a, 0, 0, half)))
			}
		}
		if new != nil {
			nodes = append(nodes, new)
		}
	}
	return inputs, nodes
}

// pickShape returns one of the nodes of shape s, of which there is at least one.
func pickShape(r *rand.Rand, nodes G.Nodes, s tensor.Shape) *G.Node {
	var fit G.Nodes
	for _, n := range nodes {
		if n.Shape().Eq(s) {
			fit = append(fit, n)
		}
	}
	return fit[r.IntN(len(fit))]
}

func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		inputs, nodes := randomGraph(r, 10+r.IntN(40))
		outputs := G.Nodes{nodes[len(nodes)-1], nodes[len(nodes)-2], nodes[r.IntN(len(nodes))]}
		var values [][]float64
		for _, n := range inputs {
			v := randomVector(r, n.Shape().TotalSize())
			for i := range v {
				v[i] = math.Tanh(v[i])
			}
			values = append(values, v)
		}
		want := newReference(outputs).run(t, inputs, values)
		got := runCompiled[float64](t, inputs, outputs, values)
		compare(t, fmt.Sprintf("seed %d", seed), got, want, 1e-12)
		if t.Failed() {
			return
		}
		// Poisoned memory: nothing may be read before it is written.
		p, err := Compile[float64](inputs, outputs)
		if err != nil {
			t.Fatal(err)
		}
		m := p.NewInstance()
		for _, mem := range [][]float64{m.frame.buffers[bufArena], m.frame.scratch} {
			for i := range mem {
				mem[i] = math.NaN()
			}
		}
		dst := nanSlices[float64](outputs)
		if err := m.Run(dst, values); err != nil {
			t.Fatal(err)
		}
		equalSlices(t, fmt.Sprintf("seed %d, poisoned", seed), dst, got...)
	}
}

// TestAccumulating adds some outputs to what the destinations hold, and leaves
// output groups out: those that stay have the same bits.
func TestAccumulating(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 6))
		inputs, nodes := randomGraph(r, 10+r.IntN(30))
		var outputs G.Nodes
		var add []bool
		var groups []uint
		for i := range 6 {
			n := nodes[max(0, len(nodes)-1-r.IntN(8))]
			outputs, add, groups = append(outputs, n), append(add, r.IntN(2) == 0), append(groups, uint(i%3))
		}
		src := make([][]float64, len(inputs))
		for i, n := range inputs {
			src[i] = randomVector(r, n.Shape().TotalSize())
		}
		p, err := compile[float64](spec{inputs: inputs, outputs: outputs, add: add, groups: groups})
		if err != nil {
			t.Fatal(err)
		}
		start := make([][]float64, len(outputs))
		want := newReference(outputs).run(t, inputs, src)
		for i, w := range want {
			start[i] = randomVector(r, len(w))
			for k := range w {
				if add[i] {
					w[k] += start[i][k]
				}
			}
		}
		var full [][]float64
		for _, wanted := range []uint64{7, 1, 2, 4, 3, 6} {
			dst := make([][]float64, len(outputs))
			for i := range dst {
				if wanted>>groups[i]&1 != 0 {
					dst[i] = append([]float64(nil), start[i]...)
				}
			}
			m := p.NewInstance()
			if err := m.run(dst, src, wanted); err != nil {
				t.Fatal(err)
			}
			if full == nil {
				full = dst
				compare(t, fmt.Sprintf("seed %d", seed), dst, want, 1e-12)
			}
			for i := range dst {
				if dst[i] != nil {
					equalSlices(t, fmt.Sprintf("seed %d, groups %b, output %d", seed, wanted, i), dst[i:i+1], full[i])
				}
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestAddedToPrior covers the ways in which a result may be added in place.
func TestAddedToPrior(t *testing.T) {
	g := G.NewGraph()
	x, y := matrixInput(g, "x", 2, 2), matrixInput(g, "y", 2, 2)
	row := matrixInput(g, "row", 1, 1, 2)
	xy := ok(G.Mul(x, y)) // {19 22 43 50}
	sum := ok(G.Sum(x, 0))
	three := matrixInput(g, "three", 2, 2, 2)
	batched := ok(G.BroadcastAdd(ok(G.BatchedMatMul(three, three)), row, nil, []byte{0, 1}))
	outputs := G.Nodes{
		xy, ok(G.Square(ok(G.Mul(y, x)))), sum, ok(G.Reshape(sum, tensor.Shape{2, 1})), x,
		ok(G.Transpose(y, 1, 0)), num(x, 3), zerosLike(x), ok(G.Sum(y, 0)), batched, ok(G.Square(sum)),
	}
	inputs := G.Nodes{x, y, three, row}
	src := [][]float64{{1, 2, 3, 4}, {5, 6, 7, 8}, {1, 2, 3, 4, 0, 1, 1, 0}, {100, 200}}
	want := [][]float64{
		{19, 22, 43, 50}, {23 * 23, 34 * 34, 31 * 31, 46 * 46}, {4, 6}, {4, 6}, {1, 2, 3, 4},
		{5, 7, 6, 8}, {3}, {0, 0, 0, 0}, {12, 14}, {107, 210, 115, 222, 101, 200, 100, 201}, {16, 36},
	}
	add := make([]bool, len(outputs))
	for i := range add {
		add[i] = true
	}
	p, err := compile[float64](spec{inputs: inputs, outputs: outputs, add: add})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([][]float64, len(outputs))
	for i, w := range want {
		dst[i] = make([]float64, len(w))
		for k := range w {
			dst[i][k] = 1000
			w[k] += 1000
		}
	}
	if err := p.NewInstance().Run(dst, src); err != nil {
		t.Fatal(err)
	}
	equalSlices(t, "added", dst, want...)
}
