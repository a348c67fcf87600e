package nodes

import G "gorgonia.org/gorgonia"

// Layer is a module placed on a graph, the type that graph, layers and hnn call Layer.
type Layer = interface {
	Fwd(x *G.Node) (*G.Node, error)
	Learnables() G.Nodes
}

// Timed is a Layer that depends on time; t is a (batch, 1) column.
type Timed interface {
	Layer
	FwdAt(t, y *G.Node) (*G.Node, error)
}

// IsTimed reports whether any of the layers depends on time. nil layers do not.
func IsTimed(layers ...Layer) bool {
	for _, l := range layers {
		if _, ok := l.(Timed); ok {
			return true
		}
	}
	return false
}

// Forward applies a layer, at time t if it depends on time.
func Forward(l Layer, t, x *G.Node) (*G.Node, error) {
	if l, ok := l.(Timed); ok {
		return l.FwdAt(t, x)
	}
	return l.Fwd(x)
}

// StateShape returns what the module says of the shape of one sample of its input, or nil.
func StateShape(module any) []int {
	if s, ok := module.(interface{ StateShape() []int }); ok {
		return s.StateShape()
	}
	return nil
}
