package graph

import (
	"fmt"
	"reflect"
	"unsafe"

	G "gorgonia.org/gorgonia"
)

// reader reads the fields of a private struct. The first failure stays in err.
type reader struct {
	v         reflect.Value
	pkg, name string
	err       error
}

func newReader(o G.Op) *reader {
	v := reflect.ValueOf(o)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return &reader{v: v, pkg: v.Type().PkgPath(), name: v.Type().Name()}
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s not understood", what)
	}
}

// field returns a field, also one promoted from an embedded struct.
func (r *reader) field(name string) reflect.Value {
	if r.v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return r.v.FieldByName(name)
}

func (r *reader) int(name string) int {
	f := r.field(name)
	switch {
	case f.IsValid() && f.CanInt():
		return int(f.Int())
	case f.IsValid() && f.CanUint():
		return int(f.Uint())
	}
	r.fail(name)
	return 0
}

func (r *reader) float(name string) float64 {
	f := r.field(name)
	if !f.IsValid() || !f.CanFloat() {
		r.fail(name)
		return 0
	}
	return f.Float()
}

func (r *reader) bool(name string) bool {
	f := r.field(name)
	if !f.IsValid() || f.Kind() != reflect.Bool {
		r.fail(name)
		return false
	}
	return f.Bool()
}

func (r *reader) ints(name string) []int {
	f := r.field(name)
	if !f.IsValid() || f.Kind() != reflect.Slice || f.Type().Elem().Kind() != reflect.Int {
		r.fail(name)
		return nil
	}
	xs := make([]int, f.Len())
	for i := range xs {
		xs[i] = int(f.Index(i).Int())
	}
	return xs
}

// valuePointer returns a field that points to a value, or nil.
func (r *reader) valuePointer(name string) *G.Value {
	f := r.field(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[*G.Value]() {
		r.fail(name)
		return nil
	}
	return (*G.Value)(f.UnsafePointer())
}

// index returns the position of name among names.
func (r *reader) index(names []string, name string) int {
	for i, s := range names {
		if s == name {
			return i
		}
	}
	r.fail(name)
	return 0
}

// childrenField is where a node keeps its children; its type is nil when
// Gorgonia keeps them elsewhere.
var childrenField = func() reflect.StructField {
	f, ok := reflect.TypeOf(G.Node{}).FieldByName("children")
	if !ok || f.Type != reflect.TypeOf(G.Nodes{}) {
		return reflect.StructField{}
	}
	return f
}()

// childrenOf returns the operands of n in order, duplicates kept. The caller
// must not change the slice. The node's own list is preferred to the graph's,
// which goes through a cache that outlives removed nodes.
func childrenOf(n *G.Node) G.Nodes {
	if childrenField.Type != nil {
		return *(*G.Nodes)(unsafe.Add(unsafe.Pointer(n), childrenField.Offset))
	}
	var children G.Nodes
	for it := n.Graph().From(n.ID()); it.Next(); {
		children = append(children, it.Node().(*G.Node))
	}
	return children
}
