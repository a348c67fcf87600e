package graph

import (
	"fmt"
	"unsafe"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// boundInput is a node whose bound value is an input.
type boundInput[T Float] struct {
	node     *G.Node
	at, size int
	copied   []T // of a value that is a view
}

// data returns the elements of what is bound to the node.
func (v *boundInput[T]) data() ([]T, bool) {
	bound := v.node.Value()
	if x, ok := flat[T](bound); ok {
		return x, len(x) == v.size
	}
	d, ok := bound.(*tensor.Dense)
	if !ok || d == nil || d.Dtype() != dtypeOf[T]() || d.Shape().TotalSize() != v.size {
		return nil, false
	}
	if v.copied == nil {
		v.copied = make([]T, v.size)
	}
	switch x := rowMajorData(d).(type) {
	case T:
		v.copied[0] = x
	case []T:
		if len(x) != v.size {
			return nil, false
		}
		copy(v.copied, x)
	}
	return v.copied, true
}

// shown is a node whose value is published after a run.
type shown[T Float] struct {
	node  *G.Node
	at    int
	value G.Value
	data  []T // the memory of value
	into  []*G.Value
	bind  bool // to the node
}

func newShown[T Float](n *G.Node) *shown[T] {
	s := &shown[T]{node: n, value: zeroValue[T](n.Shape())}
	s.data, _ = flat[T](s.value)
	return s
}

// publish puts the value where it was asked for.
func (s *shown[T]) publish() {
	if s.bind && s.node.Value() != s.value {
		// The shape and type are the node's, so this cannot fail.
		_ = G.UnsafeLet(s.node, s.value)
	}
	for _, into := range s.into {
		*into = s.value
	}
}

// gradient is a node that is added to the dual value of another.
type gradient[T Float] struct {
	node, of *G.Node
	at, size int
}

func (g *gradient[T]) data() ([]T, bool) {
	v, err := g.of.Grad()
	if err != nil {
		return nil, false
	}
	x, ok := flat[T](v)
	return x, ok && len(x) == g.size
}

// bindDual gives a learnable a gradient of zero unless it has one.
func bindDual[T Float](n *G.Node) (err error) {
	if n.Value() == nil {
		return fmt.Errorf("graph: learnable %q has no value; give it one before the machine is made", n.Name())
	}
	g := &gradient[T]{of: n, size: n.Shape().TotalSize()}
	bound, _ := n.Grad()
	if n.Deriv().Value() != bound || bound == nil {
		if _, ok := g.data(); ok {
			return nil
		}
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("graph: learnable %q cannot hold a gradient: %v; its value must be of the node's shape and type", n.Name(), p)
		}
	}()
	G.WithGrad(zeroValue[T](n.Shape()))(n)
	return nil
}

// zeroValue returns a Gorgonia value of zeros.
func zeroValue[T Float](shape tensor.Shape) G.Value {
	if len(shape) > 0 {
		return tensor.New(tensor.Of(dtypeOf[T]()), tensor.WithShape(shape.Clone()...))
	}
	if dtypeOf[T]() == tensor.Float32 {
		return G.NewF32(0)
	}
	return G.NewF64(0)
}

// flat returns the memory of a value if its elements lie there in row-major order.
func flat[T Float](v G.Value) ([]T, bool) {
	switch x := v.(type) {
	case *tensor.Dense:
		if x == nil || x.Dtype() != dtypeOf[T]() || !gapless(x.Shape(), x.Strides()) {
			return nil, false
		}
		// Not by way of an interface, which would allocate.
		if dtypeOf[T]() == tensor.Float32 {
			s := x.Float32s()
			return *(*[]T)(unsafe.Pointer(&s)), true
		}
		s := x.Float64s()
		return *(*[]T)(unsafe.Pointer(&s)), true
	case *G.F64:
		if dtypeOf[T]() == tensor.Float64 {
			return unsafe.Slice((*T)(unsafe.Pointer(x)), 1), true
		}
	case *G.F32:
		if dtypeOf[T]() == tensor.Float32 {
			return unsafe.Slice((*T)(unsafe.Pointer(x)), 1), true
		}
	}
	return nil, false
}

// gapless reports whether strides are those of row-major elements without gaps.
func gapless(shape tensor.Shape, strides []int) bool {
	size := 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		if shape[axis] != 1 && (axis >= len(strides) || strides[axis] != size) {
			return false
		}
		size *= shape[axis]
	}
	return true
}
