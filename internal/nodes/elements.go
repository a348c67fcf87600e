package nodes

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Update calls the function of y's type on the elements of y and x in row-major order.
// They are tensors of any strides, or numbers, of as many elements each.
func Update(y, x G.Value, f64 func(y *float64, x float64), f32 func(y *float32, x float32)) error {
	if y.Dtype() == tensor.Float32 {
		return update(y, x, f32)
	}
	return update(y, x, f64)
}

func update[T float32 | float64](y, x G.Value, f func(y *T, x T)) error {
	src, fs, fst, err := elements[T](x)
	if err != nil {
		return err
	}
	dst, ts, tst, err := elements[T](y)
	if err != nil {
		return err
	}
	if fs.TotalSize() != ts.TotalSize() {
		return fmt.Errorf("%v elements for %v", fs, ts)
	}
	if slices.Equal(fst, fs.CalcStrides()) && slices.Equal(tst, ts.CalcStrides()) {
		for i := range ts.TotalSize() {
			f(&dst[i], src[i])
		}
	} else {
		for i := range ts.TotalSize() {
			f(&dst[position(ts, tst, i)], src[position(fs, fst, i)])
		}
	}
	if len(ts) == 0 {
		setNumber(y, dst[0])
	}
	return nil
}

// elements returns the memory of v and where its elements lie. A number has a copy of
// itself.
func elements[T float32 | float64](v G.Value) (data []T, shape tensor.Shape, strides []int, err error) {
	switch d := v.Data().(type) {
	case T:
		return []T{d}, tensor.Shape{}, nil, nil
	case []T:
		if t, ok := v.(*tensor.Dense); ok && !t.IsScalar() {
			return d, t.Shape(), t.Strides(), nil
		}
	}
	return nil, nil, nil, fmt.Errorf("a value %T of %v, want %T", v, v.Dtype(), *new(T))
}

func setNumber[T float32 | float64](v G.Value, x T) {
	switch v := v.(type) {
	case *G.F64:
		*v = G.F64(x)
	case *G.F32:
		*v = G.F32(x)
	}
}

// position is where element i, counted in row-major order, of a tensor lies.
func position(shape tensor.Shape, strides []int, i int) (at int) {
	for axis, n := range slices.Backward(shape) {
		at += i % n * strides[axis]
		i /= n
	}
	return at
}

// OnFloats hands the elements of tensors, in row-major order, to the function of their
// type. The first of them must not be a view if it is written to.
func OnFloats(name string, f64 func([][]float64), f32 func([][]float32), values ...G.Value) error {
	switch values[0].Data().(type) {
	case []float64:
		return onElements(name, f64, values)
	case []float32:
		return onElements(name, f32, values)
	}
	return fmt.Errorf("op %s on %T", name, values[0].Data())
}

func onElements[T float32 | float64](name string, f func([][]T), values []G.Value) error {
	data := make([][]T, len(values))
	for i, v := range values {
		d, ok := v.Data().([]T)
		if !ok {
			return fmt.Errorf("op %s on %T and %T", name, values[0].Data(), v.Data())
		}
		if t, ok := v.(*tensor.Dense); ok && t.RequiresIterator() {
			d = t.Materialize().Data().([]T)
		}
		data[i] = d
	}
	f(data)
	return nil
}
