package train

import (
	"errors"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
)

// ErrGoField is returned by Listing for a model whose field is Go code.
var ErrGoField = errors.New("train: the field is Go code, not a module, and cannot be listed")

// Listing returns the model's field, in scaled units, as a list of simple steps, for programs that write
// it in another language. Errors are those of [graph.List], and ErrGoField.
func (m *Model[T]) Listing() (*graph.Listing, error) {
	if m.module == nil {
		return nil, ErrGoField
	}
	return graph.List[T](m.module, graph.FieldConfig{Shape: m.cfg.Shape, Name: m.cfg.Name, Input: m.cfg.Input.graph()})
}

// Solve returns the options of the model's solves. Its slices must not be changed.
func (m *Model[T]) Solve() odeint.Options { return m.cfg.Solve }
