package graph

import (
	"fmt"
	"sync"
	"unsafe"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// foreign runs an op by its own Do. Such an op may keep state, swap the strides
// of its operands while it runs, return an operand, or panic: it gets copies of
// its operands, runs under a lock, and its result is copied; unless it works on flat memory.
type foreign[T Float] struct {
	op     G.Op
	name   string
	args   []ref
	shapes []tensor.Shape
	dst    ref
	shape  tensor.Shape
	lock   *sync.Mutex

	operands [][]T // of the run that holds the lock
}

func newForeign[T Float](u *unit, refs func(*value) ref) *foreign[T] {
	v := u.root
	o := v.do.(foreignOp).op
	f := &foreign[T]{op: o, name: fmt.Sprint(o), dst: refs(v), shape: v.shape, lock: new(sync.Mutex)}
	for _, a := range v.args {
		r := refs(a.of)
		r.offset += a.offset
		f.args = append(f.args, r)
		f.shapes = append(f.shapes, a.shape)
	}
	f.operands = make([][]T, len(f.args))
	return f
}

func (f *foreign[T]) run(m *frame[T]) {
	if m.err != nil {
		return
	}
	if err := f.do(m); err != nil {
		m.err = &ForeignError{Op: f.name, Err: err}
	}
}

func (f *foreign[T]) do(m *frame[T]) (err error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for i, s := range f.shapes {
		f.operands[i] = m.at(f.args[i])[:s.TotalSize()]
	}
	known, err := doInto(f.op, m.at(f.dst)[:f.shape.TotalSize()], f.operands)
	if known {
		clear(f.operands)
		return err
	}
	operands := make([]G.Value, len(f.args))
	for i, s := range f.shapes {
		operands[i] = newValue(s, f.operands[i])
	}
	clear(f.operands)
	// Not UsePreallocDo: batch norm's, for one, reads the result's buffer.
	result, err := f.op.Do(operands...)
	if err != nil {
		return err
	}
	return f.store(m.at(f.dst)[:f.shape.TotalSize()], result)
}

// doInto runs an op that works on flat memory; it reports whether the op is one.
func doInto[T Float](o G.Op, dst []T, src [][]T) (known bool, err error) {
	// Casts by way of an interface would allocate.
	d, s := unsafe.Pointer(&dst), unsafe.Pointer(&src)
	if dtypeOf[T]() == tensor.Float32 {
		if o, ok := o.(interface {
			DoInto32(dst []float32, src [][]float32) error
		}); ok {
			return true, o.DoInto32(*(*[]float32)(d), *(*[][]float32)(s))
		}
		return false, nil
	}
	if o, ok := o.(interface {
		DoInto64(dst []float64, src [][]float64) error
	}); ok {
		return true, o.DoInto64(*(*[]float64)(d), *(*[][]float64)(s))
	}
	return false, nil
}

// newValue returns a Gorgonia value with a copy of data.
func newValue[T Float](shape tensor.Shape, data []T) G.Value {
	if len(shape) > 0 {
		return tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(append([]T(nil), data...)))
	}
	switch x := any(data[0]).(type) {
	case float32:
		return G.NewF32(x)
	default:
		return G.NewF64(x.(float64))
	}
}

// store copies the result of the op.
func (f *foreign[T]) store(dst []T, result G.Value) error {
	if t, ok := result.(*tensor.Dense); ok && t.RequiresIterator() {
		result = t.Materialize()
	}
	if result != nil {
		switch d := result.Data().(type) {
		case T:
			if len(dst) == 1 {
				dst[0] = d
				return nil
			}
		case []T:
			if len(dst) == len(d) {
				copy(dst, d)
				return nil
			}
		}
	}
	return fmt.Errorf("it returned %T, want shape %v of %T", result, f.shape, dst)
}
