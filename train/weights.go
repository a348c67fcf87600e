package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train/modelfile"
)

// ErrWeights is matched by errors about tensors that are not the parameters of a model.
var ErrWeights = errors.New("train: other weights than the model's")

// Tensors returns the parameters by their names.
func (m *Model[T]) Tensors() []modelfile.Tensor { return tensors(m.names(), m.Params()) }

// SetTensors gives the model the parameters that another program made. They are told by their names,
// those of Layout; or, if all names are those of a PyTorch state_dict, "….weight" and "….bias", by PyTorch's
// order of them: weights of nn.Linear are then transposed. Numbers are rounded if T is
// float32 and they are not. After an error the parameters are as they were.
func (m *Model[T]) SetTensors(all []modelfile.Tensor) error {
	layout := m.names()
	var faults []string
	if len(all) != len(layout) {
		faults = append(faults, fmt.Sprintf("%d tensors for %d parameters", len(all), len(layout)))
	}
	torch := len(all) > 0 && !slices.ContainsFunc(all, func(t modelfile.Tensor) bool { return !torchName(t.Name) })
	if torch {
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(a, b modelfile.Tensor) int { return layers.CompareTorch(a.Name, b.Name) })
	}
	theta := make([]T, len(m.theta))
	for i, p := range layout {
		var t modelfile.Tensor
		k := i
		if !torch {
			k = slices.IndexFunc(all, func(t modelfile.Tensor) bool { return t.Name == p.Name })
		}
		if k < 0 || k >= len(all) {
			faults = append(faults, p.Name+" is missing")
			continue
		}
		t = all[k]
		if torch {
			t = fromTorch(t, p)
		}
		if !slices.Equal(t.Shape, p.Shape) {
			faults = append(faults, fmt.Sprintf("%s has shape %v, and %s %v", all[k].Name, all[k].Shape, p.Name, p.Shape))
			continue
		}
		values := modelfile.Values[T](t)
		if slices.ContainsFunc(values, func(v T) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }) {
			faults = append(faults, t.Name+" has a number that is not finite, or not as float32")
		}
		copy(theta[p.Offset:], values)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %s", ErrWeights, strings.Join(faults, "; "))
	}
	m.SetParams(theta)
	return nil
}

func torchName(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last == "weight" || last == "bias"
}

// fromTorch returns a tensor in the layout of p: weights transposed, biases as rows.
func fromTorch(t modelfile.Tensor, p graph.Param) modelfile.Tensor {
	switch {
	case len(t.Shape) == 2 && len(p.Shape) == 2:
		return t.Transposed()
	case len(t.Shape) == 1 && slices.Equal(p.Shape, []int{1, t.Shape[0]}):
		t.Shape = p.Shape
	}
	return t
}
