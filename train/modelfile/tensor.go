package modelfile

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// A Tensor is a named array, in the order of C: the last index runs fastest. Exactly one of
// Float32 and Float64 holds the numbers, as many as the product of Shape; a tensor
// without numbers has a non-nil empty slice. A nil Shape is a scalar.
type Tensor struct {
	Name    string
	Shape   []int
	Float32 []float32
	Float64 []float64
}

// Float is the type of a tensor's numbers.
type Float interface{ ~float32 | ~float64 }

// New returns a tensor that holds data, which is not copied if T is float32 or float64 itself.
func New[T Float](name string, shape []int, data []T) Tensor {
	t := Tensor{Name: name, Shape: shape}
	switch data := any(data).(type) {
	case []float32:
		t.Float32 = orEmpty(data)
	case []float64:
		t.Float64 = orEmpty(data)
	default:
		if narrow[T]() {
			t.Float32 = convert[float32](data.([]T))
		} else {
			t.Float64 = convert[float64](data.([]T))
		}
	}
	return t
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// narrow reports whether T has the width of float32.
func narrow[T Float]() bool { return T(1)+T(1e-10) == T(1) }

func convert[B, A Float](a []A) []B {
	b := make([]B, len(a))
	for i, v := range a {
		b[i] = B(v)
	}
	return b
}

// Values returns a copy of the tensor's numbers. A float64 becomes the nearest float32 where T
// is one; one that is too large becomes infinite.
func Values[T Float](t Tensor) []T {
	if t.Float32 != nil {
		return convert[T](t.Float32)
	}
	return convert[T](t.Float64)
}

// Len returns how many numbers the tensor holds.
func (t Tensor) Len() int { return len(t.Float32) + len(t.Float64) }

// Transposed returns a copy of a tensor of two axes with the axes exchanged: PyTorch's
// nn.Linear keeps its weights as (out, in). It panics if there are not two axes, or if
// the numbers are not as many as the shape says.
func (t Tensor) Transposed() Tensor {
	if len(t.Shape) != 2 {
		panic("modelfile: Transposed needs a tensor of two axes")
	}
	rows, cols := t.Shape[0], t.Shape[1]
	if rows < 0 || cols < 0 || t.Len() != rows*cols {
		panic("modelfile: Transposed of a tensor whose length is not that of its shape")
	}
	out := Tensor{Name: t.Name, Shape: []int{cols, rows}}
	if t.Float32 != nil {
		out.Float32 = transpose(t.Float32, rows, cols)
	} else {
		out.Float64 = transpose(t.Float64, rows, cols)
	}
	return out
}

func transpose[T any](a []T, rows, cols int) []T {
	b := make([]T, len(a))
	for i := range rows {
		for j := range cols {
			b[j*rows+i] = a[i*cols+j]
		}
	}
	return b
}

// The names of the two types of numbers in a header.
const (
	f32 = "F32"
	f64 = "F64"
)

// dtype returns the name of the tensor's type and the bytes of one number.
func (t *Tensor) dtype() (name string, width int) {
	if t.Float32 != nil {
		return f32, 4
	}
	return f64, 8
}

// check reports what keeps a tensor from being written.
func (t *Tensor) check(nonFinite bool) error {
	fault := func(reason, remedy string) error {
		return &Error{Part: "tensor " + quote(t.Name), Reason: reason, Remedy: remedy}
	}
	switch {
	case t.Name == "" || t.Name == metadataKey:
		return fault(fmt.Sprintf("%q is no name for a tensor", t.Name), "give it another")
	case !utf8.ValidString(t.Name):
		return fault("the name is not UTF-8", "give it another")
	case (t.Float32 == nil) == (t.Float64 == nil):
		return fault("one of Float32 and Float64 must hold the numbers", "set one and leave the other nil")
	}
	n, ok := product(t.Shape)
	if !ok || n != t.Len() {
		return fault(fmt.Sprintf("%d numbers do not fill the shape %v", t.Len(), t.Shape), "")
	}
	if !nonFinite {
		return t.checkFinite()
	}
	return nil
}

// checkFinite reports the first number that is NaN or infinite.
func (t *Tensor) checkFinite() error {
	index, value := firstNonFinite(t.Float32)
	if index < 0 {
		index, value = firstNonFinite(t.Float64)
	}
	if index < 0 {
		return nil
	}
	return &Error{Part: "tensor " + quote(t.Name), Reason: fmt.Sprintf("number %d of %d is %v", index, t.Len(), value),
		Remedy: "take an earlier model, or set Options.AllowNonFinite to look at this one"}
}

func firstNonFinite[T Float](a []T) (index int, value float64) {
	for i, v := range a {
		if v-v != 0 {
			return i, float64(v)
		}
	}
	return -1, 0
}

// product returns the product of a shape, if it is a count that fits an int.
func product(shape []int) (n int, ok bool) {
	n = 1
	zero := false
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, false
		case d == 0:
			zero = true
		case n > math.MaxInt/d:
			return 0, false
		default:
			n *= d
		}
	}
	if zero {
		return 0, true
	}
	return n, true
}
