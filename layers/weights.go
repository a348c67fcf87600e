package layers

import (
	"fmt"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Weight is a copy of a learnable's value.
type Weight struct {
	Name  string    `json:"name"`
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"` // row-major; float32 values are exact in it
}

// Weights copies the values of l's learnables, in the order of Learnables. A
// node that is listed twice is given once.
func Weights(l Layer) ([]Weight, error) {
	targets, err := tensors(l)
	if err != nil {
		return nil, err
	}
	all := make([]Weight, len(targets))
	for i, w := range targets {
		all[i] = Weight{Name: w.name, Shape: slices.Clone([]int(w.value.Shape())), Data: make([]float64, w.value.Shape().TotalSize())}
		switch data := w.value.Data().(type) {
		case []float64:
			copy(all[i].Data, data)
		case []float32:
			for j, v := range data {
				all[i].Data[j] = float64(v)
			}
		}
	}
	return all, nil
}

// SetWeights copies values into l's learnables, which keep their memory, so
// that machines and solvers that hold it see the new values. Every learnable
// must be given once, in any order, by its name and with its shape; otherwise a
// [*WeightsError] lists all that is wrong and nothing is changed. Values are
// rounded for float32.
func SetWeights(l Layer, weights []Weight) error {
	targets, err := tensors(l)
	if err != nil {
		return err
	}
	given := make(map[string]Weight, len(weights))
	fault := &WeightsError{}
	for _, w := range weights {
		if _, twice := given[w.Name]; twice {
			fault.Repeated = append(fault.Repeated, w.Name)
		}
		given[w.Name] = w
	}
	known := make(map[string]bool, len(targets))
	for _, target := range targets {
		known[target.name] = true
		w, ok := given[target.name]
		if !ok {
			fault.Missing = append(fault.Missing, target.name)
			continue
		}
		if want := target.value.Shape(); !slices.Equal(w.Shape, []int(want)) || len(w.Data) != want.TotalSize() {
			fault.Misshapen = append(fault.Misshapen,
				fmt.Sprintf("%s (shape %v with %d values, want shape %v)", w.Name, w.Shape, len(w.Data), []int(want)))
		}
	}
	for _, w := range weights {
		if !known[w.Name] {
			fault.Extra = append(fault.Extra, w.Name)
		}
	}
	if !fault.empty() {
		return fault
	}
	for _, target := range targets {
		values := given[target.name].Data
		switch data := target.value.Data().(type) {
		case []float64:
			copy(data, values)
		case []float32:
			for j, v := range values {
				data[j] = float32(v)
			}
		}
	}
	return nil
}

// WeightsError lists by name all weights that kept SetWeights from working.
type WeightsError struct {
	Missing   []string // the layer has them, and they were not given
	Extra     []string // given, and the layer has no such learnable
	Repeated  []string // given more than once
	Misshapen []string // name, given shape and wanted shape
}

func (e *WeightsError) empty() bool {
	return len(e.Missing)+len(e.Extra)+len(e.Repeated)+len(e.Misshapen) == 0
}

// Error says what is wrong.
func (e *WeightsError) Error() string {
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"missing", e.Missing}, {"unknown", e.Extra}, {"given twice", e.Repeated}, {"of the wrong size", e.Misshapen}} {
		if len(p.names) > 0 {
			parts = append(parts, p.what+": "+strings.Join(p.names, ", "))
		}
	}
	return "layers: weights do not fit the layer; " + strings.Join(parts, "; ") +
		"; compare the module and the name it was placed under with those that were saved"
}

type namedTensor struct {
	name  string
	value *tensor.Dense
}

// tensors returns the values behind l's learnables, each once.
func tensors(l Layer) ([]namedTensor, error) {
	var all []namedTensor
	seen := map[*G.Node]bool{}
	for _, n := range l.Learnables() {
		if seen[n] {
			continue
		}
		seen[n] = true
		value, ok := n.Value().(*tensor.Dense)
		if ok {
			switch value.Data().(type) {
			case []float64, []float32:
				ok = !value.RequiresIterator()
			default:
				ok = false
			}
		}
		if !ok {
			return nil, &ConfigError{What: fmt.Sprintf("learnable %q", n.Name()),
				Faults: []string{fmt.Sprintf("its value is a %T, want a contiguous tensor of float64 or float32", n.Value())}}
		}
		all = append(all, namedTensor{n.Name(), value})
	}
	return all, nil
}
