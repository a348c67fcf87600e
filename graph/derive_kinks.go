package graph

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// Kinks lists the ops between wrt and the outputs at which a derivative jumps:
// absolute values, comparisons, rounding and maxima, each as "op of node". They are
// what rectifiers and ELU are made of. A vector field made of such a function's
// derivatives has kinks or jumps wherever the state crosses one, and solvers and
// their gradients lose their order there.
//
// The list is empty for smooth functions. An op that the package does not know
// counts as smooth.
func Kinks(outputs, wrt G.Nodes) (kinks []string, err error) {
	defer recoverInto(&err)
	for _, n := range append(outputs[:len(outputs):len(outputs)], wrt...) {
		if n == nil {
			return nil, fmt.Errorf("graph: Kinks of a nil node")
		}
	}
	reached := make(map[*G.Node]bool)
	for _, w := range wrt {
		reached[w] = true
	}
	for _, n := range topological(outputs) {
		for _, c := range childrenOf(n) {
			if reached[c] {
				reached[n] = true
			}
		}
		o, err := decode(n)
		if err != nil {
			return nil, err
		}
		if reached[n] && kinked(o) {
			kinks = append(kinks, fmt.Sprintf("%v of %q", n.Op(), n.Name()))
		}
	}
	return kinks, nil
}

func kinked(o op) bool {
	switch o := o.(type) {
	case unaryOp:
		return o.fn == fnAbs || o.fn == fnSign || o.fn == fnCeil || o.fn == fnFloor
	case binaryOp:
		return o.fn >= fnLt
	case maxOp, maxPoolOp:
		return true
	}
	return false
}
