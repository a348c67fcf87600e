package layers_test

import (
	"errors"
	"reflect"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

// A state_dict of nn.Sequential(Linear(2, 3), …, Linear(3, 1)) with the second linear
// module at place 10, in any order.
func TestFromTorch(t *testing.T) {
	state := []layers.Weight{
		{Name: "net.10.bias", Shape: []int{1}, Data: []float64{70}},
		{Name: "net.10.weight", Shape: []int{1, 3}, Data: []float64{7, 8, 9}},
		{Name: "net.2.bias", Shape: []int{3}, Data: []float64{10, 20, 30}},
		{Name: "net.2.weight", Shape: []int{3, 2}, Data: []float64{1, 2, 3, 4, 5, 6}},
	}
	l := place(t, layers.MLP{In: 2, Hidden: []int{3}, Out: 1, Activation: layers.Identity}, G.NewGraph(), "m", tensor.Float64)
	ws, err := layers.FromTorch(l, state)
	if err != nil {
		t.Fatal(err)
	}
	want := []layers.Weight{
		{Name: "m/W0", Shape: []int{2, 3}, Data: []float64{1, 3, 5, 2, 4, 6}},
		{Name: "m/b0", Shape: []int{1, 3}, Data: []float64{10, 20, 30}},
		{Name: "m/W1", Shape: []int{3, 1}, Data: []float64{7, 8, 9}},
		{Name: "m/b1", Shape: []int{1, 1}, Data: []float64{70}},
	}
	if !reflect.DeepEqual(ws, want) {
		t.Errorf("got %v\nwant %v", ws, want)
	}
	if err := layers.SetWeights(l, ws); err != nil {
		t.Error(err)
	}
	var fault *layers.WeightsError
	if _, err := layers.FromTorch(l, state[:3]); !errors.As(err, &fault) || len(fault.Missing) != 1 {
		t.Errorf("one too few: %v", err)
	}
	if _, err := layers.FromTorch(l, append(state, layers.Weight{Name: "z.weight"})); !errors.As(err, &fault) || !reflect.DeepEqual(fault.Extra, []string{"z.weight"}) {
		t.Errorf("one too many: %v", err)
	}
	state[3].Shape = []int{2, 3} // (in, out) is not PyTorch's
	if _, err := layers.FromTorch(l, state); !errors.As(err, &fault) || len(fault.Misshapen) != 1 {
		t.Errorf("not transposed: %v", err)
	}
}
