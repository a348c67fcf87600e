package layers_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

func TestWeightsAreCopies(t *testing.T) {
	for _, dt := range dtypes {
		l := place(t, layers.MLP{In: 1, Hidden: []int{3}, Out: 1}, G.NewGraph(), "net", dt)
		first, err := layers.Weights(l)
		if err != nil {
			t.Fatal(err)
		}
		first[0].Data[0] = 99
		first[0].Shape[0] = 99
		second, err := layers.Weights(l)
		if err != nil {
			t.Fatal(err)
		}
		if second[0].Data[0] == 99 || second[0].Shape[0] == 99 {
			t.Error("changing what Weights returned changed the layer")
		}
		memory := fmt.Sprintf("%p", l.Learnables()[0].Value())
		second[0].Data[0] = 0.5
		if err := layers.SetWeights(l, second); err != nil {
			t.Fatal(err)
		}
		second[0].Data[0] = 99
		third, err := layers.Weights(l)
		if err != nil {
			t.Fatal(err)
		}
		if third[0].Data[0] != 0.5 {
			t.Errorf("set 0.5, got %v", third[0].Data[0])
		}
		if memory != fmt.Sprintf("%p", l.Learnables()[0].Value()) {
			t.Error("SetWeights replaced a tensor")
		}
	}
}

func TestWeightsTravelBetweenWidthsExactly(t *testing.T) {
	m := layers.MLP{In: 2, Hidden: []int{3}, Out: 2}
	narrow := place(t, m, G.NewGraph(), "net", tensor.Float32)
	ws, err := layers.Weights(narrow)
	if err != nil {
		t.Fatal(err)
	}
	wide := place(t, m, G.NewGraph(), "net", tensor.Float64)
	if err := layers.SetWeights(wide, ws); err != nil {
		t.Fatal(err)
	}
	got, err := layers.Weights(wide)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, ws) {
		t.Errorf("got %v, want %v", got, ws)
	}
}

func TestSetWeightsAllOrNothing(t *testing.T) {
	l := place(t, layers.MLP{In: 2, Hidden: []int{3}, Out: 1}, G.NewGraph(), "net", tensor.Float64)
	before, err := layers.Weights(l)
	if err != nil {
		t.Fatal(err)
	}
	err = layers.SetWeights(l, []layers.Weight{
		{Name: "net/b0", Shape: []int{1, 3}, Data: []float64{7, 7, 7}},
		{Name: "net/W0", Shape: []int{3, 2}, Data: make([]float64, 6)},
		{Name: "net/b1", Shape: []int{1, 1}, Data: []float64{math.Pi, 1}},
		{Name: "net/W9", Shape: []int{1}, Data: []float64{1}},
		{Name: "net/W9", Shape: []int{1}, Data: []float64{1}},
	})
	var fault *layers.WeightsError
	if !errors.As(err, &fault) {
		t.Fatalf("error %v", err)
	}
	want := "layers: weights do not fit the layer; missing: net/W1; unknown: net/W9, net/W9; given twice: net/W9; of the wrong size: " +
		"net/W0 (shape [3 2] with 6 values, want shape [2 3]), net/b1 (shape [1 1] with 2 values, want shape [1 1]); " +
		"compare the module and the name it was placed under with those that were saved"
	if err.Error() != want {
		t.Errorf("error is\n%v, want\n%v", err, want)
	}
	after, err := layers.Weights(l)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) {
		t.Error("a failed SetWeights changed something")
	}
}

// A node that two members share is one weight.
type shared struct{ layers.Layer }

func (s shared) Learnables() G.Nodes {
	return append(s.Layer.Learnables(), s.Layer.Learnables()...)
}

func TestSharedNodesAreListedOnce(t *testing.T) {
	l := shared{place(t, layers.Linear{In: 1, Out: 1}, G.NewGraph(), "lin", tensor.Float64)}
	ws, err := layers.Weights(l)
	if err != nil || len(ws) != 2 {
		t.Fatalf("%v, %v", ws, err)
	}
	if err := layers.SetWeights(l, ws); err != nil {
		t.Error(err)
	}
}

func TestWeightsOfLayersWithoutValues(t *testing.T) {
	g := G.NewGraph()
	n := G.NewMatrix(g, tensor.Float64, G.WithShape(1, 1), G.WithName("unbound"))
	var config *layers.ConfigError
	if _, err := layers.Weights(only{n}); !errors.As(err, &config) {
		t.Errorf("Weights of an unbound node: %v", err)
	}
	if err := layers.SetWeights(only{n}, nil); !errors.As(err, &config) {
		t.Errorf("SetWeights of an unbound node: %v", err)
	}
}

type only struct{ n *G.Node }

func (o only) Fwd(x *G.Node) (*G.Node, error) { return x, nil }
func (o only) Learnables() G.Nodes            { return G.Nodes{o.n} }
