package graph

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/gradtest"
)

// A rowCase is a function of rows x and parameters w, and whether rows are apart.
type rowCase struct {
	name   string
	width  int
	params []tensor.Shape
	f      func(x *G.Node, w G.Nodes) *G.Node
	apart  bool
}

var rowCases = []rowCase{
	{"MLP", 3, []tensor.Shape{{3, 20}, {1, 20}, {20, 3}, {1, 3}}, func(x *G.Node, w G.Nodes) *G.Node {
		h := ok(G.Tanh(ok(G.BroadcastAdd(ok(G.Mul(x, w[0])), w[1], nil, []byte{0}))))
		return ok(G.BroadcastAdd(ok(G.Mul(h, w[2])), w[3], nil, []byte{0}))
	}, true},
	// Shared values before the rows and sums over rows that something depends on.
	{"exp", 4, []tensor.Shape{{4, 4}, {1, 1}}, func(x *G.Node, w G.Nodes) *G.Node {
		y := ok(G.Mul(x, ok(G.Exp(w[0]))))
		size := ok(G.Reshape(ok(G.Sum(ok(G.Square(y)), 1)), tensor.Shape{x.Shape()[0], 1}))
		return ok(G.Add(y, ok(G.Mul(ok(G.Mul(size, ok(G.Exp(w[1])))), ok(G.Reshape(ok(G.Sum(w[0], 0)), tensor.Shape{1, 4}))))))
	}, true},
	{"halves", 6, []tensor.Shape{{3, 3}}, func(x *G.Node, w G.Nodes) *G.Node {
		q, p := ok(Part(x, 1, 0, 3)), ok(Part(x, 1, 3, 6))
		return ok(G.Concat(1, ok(G.Neg(ok(G.Mul(p, w[0])))), ok(G.Sin(q))))
	}, true},
	// Rows of rows: the batch axis is merged with the one behind it.
	{"inner axis", 6, []tensor.Shape{{2, 2}}, func(x *G.Node, w G.Nodes) *G.Node {
		n := x.Shape()[0]
		y := ok(G.Tanh(ok(G.Mul(ok(G.Reshape(x, tensor.Shape{3 * n, 2})), w[0]))))
		return ok(G.Reshape(y, tensor.Shape{n, 6}))
	}, true},
	{"softmax", 5, []tensor.Shape{{5, 5}}, func(x *G.Node, w G.Nodes) *G.Node {
		return ok(G.SoftMax(ok(G.Mul(x, w[0])), 1))
	}, true},
	{"convolutions", 32, []tensor.Shape{{3, 18}, {2, 12}}, func(x *G.Node, w G.Nodes) *G.Node {
		n := x.Shape()[0]
		h := ok(G.Reshape(x, tensor.Shape{n, 2, 4, 4}))
		h = ok(G.Tanh(ok(G.Conv2d(h, ok(G.Reshape(w[0], tensor.Shape{3, 2, 3, 3})), tensor.Shape{3, 3}, []int{2, 2}, []int{2, 2}, []int{1, 1}))))
		h = ok(G.Conv2d(h, ok(G.Reshape(w[1], tensor.Shape{2, 3, 2, 2})), tensor.Shape{2, 2}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
		return ok(G.Reshape(h, tensor.Shape{n, 32}))
	}, true},
	{"mean of the batch", 3, []tensor.Shape{{1, 3}}, func(x *G.Node, w G.Nodes) *G.Node {
		mean := ok(G.Reshape(ok(G.Mean(x, 0)), tensor.Shape{1, 3}))
		return ok(G.BroadcastHadamardProd(ok(G.BroadcastSub(x, mean, nil, []byte{0})), w[0], nil, []byte{0}))
	}, false},
	{"reversed batch", 2, []tensor.Shape{{2, 2}}, func(x *G.Node, w G.Nodes) *G.Node {
		n := x.Shape()[0]
		first, last := ok(Part(x, 0, 0, n/2)), ok(Part(x, 0, n/2, n))
		return ok(G.Mul(ok(G.Concat(0, last, first)), w[0]))
	}, false},
}

// rowSpec is the function with its vector-Jacobian products.
func (c rowCase) spec(t *testing.T, batch int) spec {
	g := G.NewGraph()
	x := G.NewMatrix(g, tensor.Float64, G.WithShape(batch, c.width), G.WithName("x"))
	inputs := G.Nodes{x}
	for i, s := range c.params {
		inputs = append(inputs, G.NewMatrix(g, tensor.Float64, G.WithShape(s...), G.WithName(fmt.Sprint("w", i))))
	}
	y := c.f(x, inputs[1:])
	lambda := G.NewMatrix(g, tensor.Float64, G.WithShape(y.Shape()...), G.WithName("lambda"))
	grads, err := VJP(G.Nodes{y}, G.Nodes{lambda}, inputs)
	if err != nil {
		t.Fatal(err)
	}
	s := spec{
		inputs:  append(inputs, lambda),
		outputs: append(G.Nodes{y}, grads...),
		add:     make([]bool, len(grads)+1),
		groups:  make([]uint, len(grads)+1),
		batch:   batch,
	}
	s.batchInputs = make([]bool, len(s.inputs))
	s.batchInputs[0], s.batchInputs[len(s.inputs)-1] = true, true
	s.batchOutputs = make([]bool, len(s.outputs))
	s.batchOutputs[0], s.batchOutputs[1] = true, true
	s.groups[1] = groupState
	for i := 2; i < len(s.outputs); i++ {
		s.add[i], s.groups[i] = true, groupParams
	}
	return s
}

// TestRows: by blocks of rows a program gives what it gives in one piece, for every
// size of the last block and every set of outputs, with the same bits for any number
// of workers. Programs whose rows depend on each other are left in one piece.
func TestRows(t *testing.T) {
	for _, c := range rowCases {
		for _, batch := range []int{2, 16, 17, 64, 333, 9001} {
			if !c.apart && (batch%2 > 0 || batch > 1000) {
				continue
			}
			s := c.spec(t, batch)
			blocks, err := compile[float64](s)
			if err != nil {
				t.Fatal(err)
			}
			if apart := blocks.blocked != nil; apart != c.apart {
				t.Fatalf("%s, batch %d: by blocks %v, want %v", c.name, batch, apart, c.apart)
			}
			if c.apart && batch > 1000 && blocks.blocked.chunks() < 2 {
				t.Fatalf("%s, batch %d: only one chunk", c.name, batch)
			}
			s.batch = 0
			whole, err := compile[float64](s)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, uint64(batch)))
			src := make([][]float64, len(whole.in))
			for i, n := range whole.in {
				src[i] = randomVector(r, n)
			}
			for _, wanted := range []uint64{1, 2, 3, 6, 7} {
				run := func(p *Program[float64], workers int) [][]float64 {
					p.workers = workers
					m := p.NewInstance()
					defer m.release()
					dst := make([][]float64, len(p.out))
					for i, n := range p.out {
						if wanted>>s.groups[i]&1 > 0 {
							dst[i] = make([]float64, n)
							for k := range dst[i] {
								dst[i][k] = 1
							}
						}
					}
					for range 2 { // and once more, to find what was left behind
						if err := m.run(dst, src, wanted); err != nil {
							t.Fatal(err)
						}
					}
					return dst
				}
				want := run(whole, 0)
				one := run(blocks, 1)
				for i := range want {
					if !near(one[i], want[i], 1e-11) {
						t.Errorf("%s, batch %d, groups %b: output %d by blocks is not what it is in one piece", c.name, batch, wanted, i)
					}
				}
				for _, workers := range []int{0, 2, 5} {
					many := run(blocks, workers)
					for i := range want {
						if !near(many[i], one[i], 0) {
							t.Errorf("%s, batch %d: output %d with %d workers differs", c.name, batch, i, workers)
						}
					}
				}
			}
		}
	}
}

// helpers counts the goroutines that help, of all fields.
func helpers() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return bytes.Count(stacks, []byte("graph.(*crew).help("))
}

// helpersBecome waits for a number of helpers.
func helpersBecome(n int) bool {
	for range 2000 {
		if helpers() == n {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// TestWorkersAllocateNothingAndLeave: helpers are kept from run to run, asleep or not,
// and leave with Close and with the field.
func TestWorkersAllocateNothingAndLeave(t *testing.T) {
	// Helpers of fields that other tests made leave some time after these are garbage.
	runtime.GC()
	if !helpersBecome(0) {
		t.Fatal("helpers of garbage stay")
	}
	f, err := NewField[float64](testMLP{in: 2, hidden: 64}, 1000, FieldConfig{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	y, lambda := randomVector(r, f.Dim()), randomVector(r, f.Dim())
	dydt, dy, dtheta := make([]float64, f.Dim()), make([]float64, f.Dim()), make([]float64, f.NumParams())
	run := func() { f.VJP(dydt, dy, dtheta, 0, y, lambda) }
	run()
	if !helpersBecome(2) {
		t.Errorf("%d helpers, want 2", helpers())
	}
	if n := gradtest.Allocs(50, run); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	time.Sleep(5 * time.Millisecond) // the helpers fall asleep
	run()
	f.Close()
	if !helpersBecome(0) {
		t.Error("Close leaves helpers")
	}
	run()
	f = nil
	for range 3 {
		runtime.GC()
	}
	if !helpersBecome(0) {
		t.Error("a field that is garbage leaves helpers")
	}
	if math.IsNaN(dy[0]) {
		t.Error("NaN")
	}
}
