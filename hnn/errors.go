package hnn

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// ConfigError is a module or an option that cannot be used. All faults are
// listed.
type ConfigError struct {
	What   string   // the module or the function
	Faults []string // one sentence a fault
}

// Error says what is wrong.
func (e *ConfigError) Error() string {
	return "hnn: " + e.What + ": " + strings.Join(e.Faults, "; ")
}

// NameError reports a name that a node of the graph has already; it is the type
// of layers.NameError too.
type NameError = nodes.NameError

// ShapeError is a node of the wrong shape.
type ShapeError struct {
	What string       // the module and which of its nodes
	Got  tensor.Shape // its shape
	Want string       // what it must be
}

// Error says what is wrong.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("hnn: %s has shape %v; it must be %s", e.What, e.Got, e.Want)
}

// checkState returns n of a state (batch, 2n).
func checkState(what string, z *G.Node) (n int, err error) {
	if z == nil {
		panic("hnn: nil node")
	}
	s := z.Shape()
	if s.Dims() != 2 || s[1] == 0 || s[1]%2 != 0 {
		return 0, &ShapeError{What: what + ": the state", Got: s.Clone(), Want: "(batch, 2n), positions and then momenta"}
	}
	return s[1] / 2, nil
}

// checkColumn checks an energy, (batch, 1).
func checkColumn(what string, e *G.Node, batch int) error {
	if s := e.Shape(); !s.Eq(tensor.Shape{batch, 1}) {
		return &ShapeError{What: what, Got: s.Clone(), Want: fmt.Sprintf("(%d, 1): one energy for each row", batch)}
	}
	return nil
}
