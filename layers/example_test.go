package layers_test

import (
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
)

// A module is placed on a graph and used like any layer of Gorgonia.
func ExampleMLP() {
	net := layers.MLP{In: 2, Hidden: []int{64}, Out: 1, Activation: layers.Softplus}

	g := G.NewGraph()
	layer, err := net.Place(g, "net", tensor.Float32, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		log.Fatal(err)
	}
	x := G.NewMatrix(g, tensor.Float32, G.WithShape(10, 2), G.WithName("x"))
	y, err := layer.Fwd(x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Shape())
	for _, w := range layer.Learnables() {
		fmt.Println(w.Name(), w.Shape())
	}
	// Output:
	// (10, 1)
	// net/W0 (2, 64)
	// net/b0 (1, 64)
	// net/W1 (64, 1)
	// net/b1 (1, 1)
}

// A description is plain data.
func ExampleMLP_json() {
	var net layers.MLP
	err := json.Unmarshal([]byte(`{"in": 3, "hidden": [8, 8], "out": 3, "activation": "gelu", "weight_init": "orthogonal"}`), &net)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(net.Activation, net.WeightInit)
	// Output: gelu orthogonal
}

// Dynamics with a forcing that the network is to learn: time is its third input.
func ExampleAppendTime() {
	forced := layers.AppendTime{Of: layers.MLP{In: 3, Hidden: []int{16}, Out: 2}}
	fmt.Println("one state has shape", forced.StateShape())
	// Output: one state has shape [2]
}

// A damped oscillator with a learnable damping: y' = y·A − c ⊙ y.
func ExampleCustom() {
	oscillator := layers.Custom{
		State: []int{2},
		Params: []layers.Param{
			{Name: "A", Shape: []int{2, 2}, Init: layers.Orthogonal(1)},
			{Name: "c", Shape: []int{1, 2}, Init: layers.Constant(0.1)},
		},
		Forward: func(y *G.Node, in layers.Parts) (*G.Node, error) {
			rotate, err := G.Mul(y, in.Params[0])
			if err != nil {
				return nil, err
			}
			damp, err := G.BroadcastHadamardProd(y, in.Params[1], nil, []byte{0})
			if err != nil {
				return nil, err
			}
			return G.Sub(rotate, damp)
		},
	}
	layer, err := oscillator.Place(G.NewGraph(), "osc", tensor.Float64, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(layer.Learnables()[1].Name(), layer.Learnables()[1].Value().Data())
	// Output: osc/c [0.1 0.1]
}

// Weights come from elsewhere by name.
func ExampleSetWeights() {
	layer, err := layers.Linear{In: 2, Out: 1}.Place(G.NewGraph(), "lin", tensor.Float64, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		log.Fatal(err)
	}
	err = layers.SetWeights(layer, []layers.Weight{
		{Name: "lin/W", Shape: []int{2, 1}, Data: []float64{0.5, -1}},
		{Name: "lin/b", Shape: []int{1, 1}, Data: []float64{3}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ws, err := layers.Weights(layer)
	fmt.Println(ws, err)
	// Output: [{lin/W [2 1] [0.5 -1]} {lin/b [1 1] [3]}] <nil>
}

// Known physics plus a network for what is missing: a falling body with unknown drag.
func ExampleSum() {
	gravity := layers.Equations{Dim: 2, Rates: func(e *layers.Expr, y []*G.Node, _ layers.Parts) []*G.Node {
		return []*G.Node{y[1], e.Const(-9.81)} // height, speed
	}}
	model := layers.Sum{gravity, layers.Scale{Of: layers.MLP{In: 2, Hidden: []int{16}, Out: 2}, By: 0.01}}

	field, err := graph.NewField[float64](model, 1, graph.FieldConfig{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(field.Shape(), field.NumParams())
	// Output: [1 2] 82
}

// Learned rates and a network where one term is unknown.
func ExampleEquations() {
	predatorPrey := layers.Equations{
		Dim:     2,
		Params:  []layers.Param{{Name: "birth", Init: layers.Constant(1.3)}, {Name: "death", Init: layers.Constant(1.8)}},
		Modules: []layers.Member{{Name: "eaten", Module: layers.MLP{In: 2, Hidden: []int{8}, Out: 1, Final: layers.Softplus}}},
		Rates: func(e *layers.Expr, y []*G.Node, in layers.Parts) []*G.Node {
			birth, death := in.Params[0], in.Params[1]
			eaten := e.Apply(in.Layers[0], nil, e.Concat(y...))
			return []*G.Node{
				e.Sub(e.Mul(birth, y[0]), eaten),
				e.Sub(e.Scale(0.8, eaten), e.Mul(death, y[1])),
			}
		},
	}
	field, err := graph.NewField[float64](predatorPrey, 1, graph.FieldConfig{Name: "lv"})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range field.Layout() {
		fmt.Println(p.Name, p.Shape)
	}
	// Output:
	// lv/birth [1 1]
	// lv/death [1 1]
	// lv/eaten/W0 [2 8]
	// lv/eaten/b0 [1 8]
	// lv/eaten/W1 [8 1]
	// lv/eaten/b1 [1 1]
}

// Descriptions are text.
func ExampleMarshal() {
	text, err := layers.Marshal(layers.Sequential{layers.Linear{In: 2, Out: 8}, layers.Tanh, layers.Linear{In: 8, Out: 1}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	module, err := layers.Unmarshal(text)
	fmt.Println(len(module.(layers.Sequential)), err)
	// Output:
	// {"kind":"sequential","each":[{"kind":"linear","in":2,"out":8},"tanh",{"kind":"linear","in":8,"out":1}]}
	// 3 <nil>
}
