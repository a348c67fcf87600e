package layers

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// ConfigError reports every fault of a module's description at once.
type ConfigError struct {
	What   string   // which module, as in "MLP" or `learnable "net/W0"`
	Faults []string // what is wrong and what to write instead
}

// Error says what is wrong.
func (e *ConfigError) Error() string {
	return "layers: " + e.What + ": " + strings.Join(e.Faults, "; ")
}

// NameError reports a name that a node of the graph has already; its field Name is that
// name. Gorgonia would merge the two. It is one type in all packages of this module, as
// odelayer.NameError.
type NameError = nodes.NameError

// ShapeError reports an input that does not fit a layer.
type ShapeError struct {
	What string       // the layer's name
	Got  tensor.Shape // the input's shape
	Want string       // the shape that fits, as in "(batch, …, 2)"
}

// Error says what is wrong.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("layers: %s: the input has shape %v, want %s", e.What, e.Got, e.Want)
}

// checkInput reports what keeps x from entering the layer called name: a graph
// or a type that differs from w's, fewer than two axes, or a last axis other
// than width.
func checkInput(name string, x, w *G.Node, width int) error {
	if x == nil {
		panic("layers: nil input")
	}
	if x.Graph() != w.Graph() {
		return &ConfigError{What: name, Faults: []string{"the input belongs to another graph; place the module on the input's graph"}}
	}
	s := x.Shape()
	if len(s) < 2 || s[len(s)-1] != width {
		return &ShapeError{What: name, Got: s.Clone(), Want: fmt.Sprintf("(batch, …, %d); reshape a vector to (1, %d)", width, width)}
	}
	if x.Dtype() != w.Dtype() {
		return &ConfigError{What: name, Faults: []string{fmt.Sprintf("the input is %v and the weights are %v; place the module with the input's type", x.Dtype(), w.Dtype())}}
	}
	return nil
}
