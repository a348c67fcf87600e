package graph

import (
	"fmt"
	"sync"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// What keeps Gorgonia's panics and its unsynchronised caches from callers.

// failure carries an error through a panic to recoverInto.
type failure struct{ err error }

// must unwraps the result of a Gorgonia function; recoverInto sees its error.
func must(n *G.Node, err error) *G.Node {
	if err != nil {
		panic(failure{err})
	}
	return n
}

// recoverInto turns a panic, ours or one of Gorgonia's many, into an error.
func recoverInto(err *error) {
	switch p := recover().(type) {
	case nil:
	case failure:
		*err = p.err
	default:
		*err = fmt.Errorf("panic: %v", p)
	}
}

// warmUp lets Gorgonia hash its package-level constants, which it does on
// first use without synchronisation.
var warmUp = sync.OnceFunc(func() {
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		g := G.NewGraph()
		x := G.NewScalar(g, dt, G.WithName("x"))
		for _, f := range []func(*G.Node) (*G.Node, error){G.Rectify, G.Tanh, G.Square, G.Cube, G.Log2} {
			y := must(f(x))
			if _, err := y.Op().(G.SDOp).SymDiff(childrenOf(y), y, y); err != nil {
				panic(failure{err})
			}
		}
	}
})
