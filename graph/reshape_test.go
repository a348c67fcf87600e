package graph

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
	"github.com/neuralode/neuralode/layers"
)

// Dense layers reshape by an op of their own, which is a view like Gorgonia's: with its
// derivatives of two orders, a network on three axes compiles to the instructions
// of the same network on a matrix, and gives the same bits.
func TestReshapesOfLayersAreViews(t *testing.T) {
	var kinds [2][]string
	var results [2][][]float64
	for i, shape := range []tensor.Shape{{4, 3, 2}, {12, 2}} {
		g := G.NewGraph()
		x := variable(g, tensor.Float64, "x", shape)
		net, err := layers.MLP{In: 2, Hidden: []int{5}, Out: 2}.Place(g, "net", tensor.Float64, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		inputs := append(G.Nodes{x}, net.Learnables()...)
		y := ok(net.Fwd(x))
		first := okNodes(Grad(sumAll(ok(G.Square(y))), inputs...))
		second := okNodes(Grad(sumAll(ok(G.Cube(first[0]))), inputs...))
		outputs := slices.Concat(G.Nodes{y}, first, second)

		reshapes := 0
		for _, n := range topological(outputs) {
			o, err := decode(n)
			if err != nil {
				t.Fatal(err)
			}
			if _, unknown := o.(foreignOp); unknown {
				t.Errorf("%v: op %v is foreign", shape, n.Op())
			}
			if _, own := n.Op().(nodes.ReshapeOp); own {
				reshapes++
				if o != (reshapeOp{}) {
					t.Errorf("op %v is decoded as %#v", n.Op(), o)
				}
				if ownMemory(n) != n {
					t.Errorf("op %v, which copies, was replaced", n.Op())
				}
			}
		}
		if i == 0 && reshapes < 2 {
			t.Errorf("%d reshapes on %v, want one before and one after the network", reshapes, shape)
		}

		p, err := Compile[float64](inputs, outputs)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range p.whole.instructions {
			kinds[i] = append(kinds[i], fmt.Sprintf("%T", in))
		}
		var values [][]float64
		for _, n := range inputs {
			values = append(values, in(n.Shape()...).values(caseRand(fmt.Sprint(n.Shape().TotalSize()))))
		}
		results[i] = runCompiled[float64](t, inputs, outputs, values)
	}
	if !slices.Equal(kinds[0], kinds[1]) {
		t.Errorf("instructions on three axes: %v\non a matrix: %v", kinds[0], kinds[1])
	}
	if !reflect.DeepEqual(results[0], results[1]) {
		t.Errorf("results on three axes: %v\non a matrix: %v", results[0], results[1])
	}
}

func okNodes(ns G.Nodes, err error) G.Nodes {
	if err != nil {
		panic(err)
	}
	return ns
}
