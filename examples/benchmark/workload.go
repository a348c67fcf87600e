package main

import (
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
)

// workload is a batch of states and a field. Its numbers are formulas, so that programs
// in other languages compute the same.
type workload struct {
	name   string
	about  string
	batch  int
	module graph.Module
	scale  []float64 // of the parameters, in their order
}

// network is a workload of n-hidden-n with tanh.
func network(name string, batch, n, hidden int) workload {
	return workload{
		name: name, about: "tanh network", batch: batch,
		module: layers.MLP{In: n, Hidden: []int{hidden}, Out: n},
		scale:  []float64{.8 / math.Sqrt(float64(n)), .1, .8 / math.Sqrt(float64(hidden)), .1},
	}
}

// hamiltonian is a workload of two degrees of freedom, its energy a network 4-64-1.
func hamiltonian(name string, batch int) workload {
	return workload{
		name: name, about: "Hamiltonian network", batch: batch,
		module: hnn.Field{H: layers.MLP{In: 4, Hidden: []int{64}, Out: 1}},
		scale:  []float64{.4, .1, .1, .1},
	}
}

var workloads = []workload{
	network("W1", 1, 2, 64),
	network("W2", 64, 2, 64),
	network("W3", 1024, 2, 64),
	network("W4", 256, 64, 256),
	hamiltonian("H1", 1),
	hamiltonian("H64", 64),
	hamiltonian("H1024", 1024),
	{
		name: "C8", about: "two 3×3 convolutions of 4 channels", batch: 8,
		module: convolutions(4, 8),
		scale:  []float64{.3, .3},
	},
}

// convolutions is a field of images of some channels, size×size.
func convolutions(channels, size int) graph.Module {
	kernel := []int{channels, channels, 3, 3}
	return layers.Custom{
		Params: []layers.Param{{Name: "first", Shape: kernel}, {Name: "second", Shape: kernel}},
		State:  []int{channels, size, size},
		Forward: func(x *G.Node, in layers.Parts) (*G.Node, error) {
			conv := func(x, w *G.Node) (*G.Node, error) {
				return G.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1})
			}
			h, err := conv(x, in.Params[0])
			if err != nil {
				return nil, err
			}
			if h, err = G.Tanh(h); err != nil {
				return nil, err
			}
			return conv(h, in.Params[1])
		},
	}
}

// formula is element (i, j) of the array with number s.
func formula(i, j, s int) float64 {
	return math.Sin(1 + 12.9898*float64(i) + 78.233*float64(j) + float64(s))
}

// field compiles the workload's field with its parameters.
func (w workload) field(workers int) (graph.CompiledField[float64], error) {
	f, err := graph.CompileField[float64](w.module, w.batch, graph.FieldConfig{Workers: workers})
	if err != nil {
		return nil, err
	}
	for i, p := range f.Layout() {
		cols := p.Shape[len(p.Shape)-1]
		values := f.Params()[p.Offset:]
		for k := range size(p.Shape) {
			values[k] = w.scale[i] * formula(k/cols, k%cols, i+1)
		}
	}
	return f, nil
}

// y0 is the initial state, of dim numbers.
func (w workload) y0(dim int) []float64 {
	y := make([]float64, dim)
	cols := dim / w.batch
	for k := range y {
		y[k] = 1 + .3*formula(k/cols, k%cols, 5)
	}
	return y
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
