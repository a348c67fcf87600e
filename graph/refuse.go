package graph

import (
	"fmt"
	"strings"

	"gorgonia.org/tensor"
)

// UnboundError reports variables that the outputs depend on and that are not
// inputs.
type UnboundError struct{ Names []string }

func (e *UnboundError) Error() string {
	return fmt.Sprintf("graph: the outputs depend on variables that are not inputs: %s; list them as inputs", strings.Join(e.Names, ", "))
}

// DtypeError reports a node whose elements are not those of the program.
type DtypeError struct {
	Node      string
	Got, Want tensor.Dtype
}

func (e *DtypeError) Error() string {
	return fmt.Sprintf("graph: node %q has elements %v, but the program is compiled for %v; build the whole graph in one dtype", e.Node, e.Got, e.Want)
}

// RefusedError reports all ops whose result is not a function of their operands.
type RefusedError struct{ Ops []Refusal }

// Refusal is one of them.
type Refusal struct{ Op, Node, Reason string }

func (e *RefusedError) Error() string {
	var s strings.Builder
	s.WriteString("graph: ops that cannot be compiled:")
	for i, r := range e.Ops {
		if i > 0 {
			s.WriteString(";")
		}
		fmt.Fprintf(&s, " %s (node %q): %s", r.Op, r.Node, r.Reason)
	}
	return s.String()
}
