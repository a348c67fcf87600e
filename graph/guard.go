package graph

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
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

// recoverInto turns a panic, ours or one of Gorgonia's many, into an error that tells
// where it came from.
func recoverInto(err *error) {
	switch p := recover().(type) {
	case nil:
	case failure:
		*err = p.err
	case error:
		*err = fmt.Errorf("panic%s: %w", site(), p)
	default:
		*err = fmt.Errorf("panic%s: %v", site(), p)
	}
	*err = explained(*err)
}

// site names the line outside of Gorgonia that a panic came from.
func site() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."), strings.HasPrefix(f.Function, gorgoniaPath):
		case f.Function != "":
			return fmt.Sprintf(" at %s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// explained adds the cure to an error of Gorgonia that does not tell.
func explained(err error) error {
	if err != nil && strings.Contains(err.Error(), "No Graph Supplied") {
		return fmt.Errorf("%w: an op of constants alone has no graph; make the constants with layers.Const, or put them on the graph with its AddNode", err)
	}
	return err
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
