package graph

import (
	"errors"
	"math/bits"
)

// maxRows is the largest number of samples that one program of EvalRows and VJPRows takes.
// Products of matrices gain little by more rows.
const maxRows = 64

// rowFields evaluates samples at times of their own, any number of them, by the functions of
// batches of 1, 2, 4, …, maxRows samples. They are compiled when they are first needed.
type rowFields[T Float] struct {
	of    *Function[T]
	sizes [7]*Function[T]
	apart bool // samples do not depend on each other and are evaluated together

	// Memory of a batch that is filled up.
	ts                  []float64
	y, dydt, dy, lambda []T
}

// errInputOfBatch: rows have no place in a batch, and so no input of their own.
var errInputOfBatch = errors.New("graph: samples at times of their own and an input of a batch; compile the field for one sample, with the input of one")

// newRowFields finds out whether samples can be evaluated together.
func newRowFields[T Float](f *Function[T]) *rowFields[T] {
	r := &rowFields[T]{of: f}
	if f.driver != nil {
		return r // its input is for one time
	}
	g, err := r.size(2)
	r.apart = err == nil && g.code.value.blocked != nil
	return r
}

// size returns the function of a batch of n samples, a power of two.
func (r *rowFields[T]) size(n int) (*Function[T], error) {
	if r.of.driver != nil {
		if r.of.Batch() > 1 {
			return nil, errInputOfBatch
		}
		return r.of, nil
	}
	i := bits.TrailingZeros(uint(n))
	if r.sizes[i] == nil {
		code, err := r.of.family.compiled(n)
		if err != nil {
			return nil, err
		}
		r.sizes[i] = newFunction(r.of.family, code, r.of.theta, 1)
	}
	return r.sizes[i], nil
}

// piece returns the size of the batch that the first of n samples are evaluated in: one that
// they fill up to an eighth, otherwise the largest that they fill.
func piece(n int) int {
	if n >= maxRows {
		return maxRows
	}
	above := 1 << bits.Len(uint(n-1))
	if 8*(above-n) <= above {
		return above
	}
	return above / 2
}

// filled returns the operands of n samples of length d with the last of them repeated,
// λ = 0, up to size.
func (r *rowFields[T]) filled(op rowOperands[T], n, size, d int) rowOperands[T] {
	if r.ts == nil {
		r.ts = make([]float64, maxRows)
		r.y, r.dydt = make([]T, maxRows*d), make([]T, maxRows*d)
	}
	if op.lambda != nil && r.lambda == nil {
		r.lambda, r.dy = make([]T, maxRows*d), make([]T, maxRows*d)
	}
	full := rowOperands[T]{dtheta: op.dtheta, ts: r.ts[:size], y: r.y[:size*d]}
	copy(full.ts, op.ts)
	copy(full.y, op.y)
	for i := n; i < size; i++ {
		full.ts[i] = op.ts[n-1]
		copy(full.y[i*d:], op.y[(n-1)*d:n*d])
	}
	if op.dydt != nil {
		full.dydt = r.dydt[:size*d]
	}
	if op.lambda != nil {
		full.lambda = r.lambda[:size*d]
		clear(full.lambda[copy(full.lambda, op.lambda):])
		if op.dy != nil {
			full.dy = r.dy[:size*d]
		}
	}
	return full
}

// rowOperands are the operands of an evaluation or, where there is a λ, of a VJP.
type rowOperands[T Float] struct {
	dydt, dy, dtheta []T
	ts               []float64
	y, lambda        []T
}

// rows returns the operands of rows i to end, of length d.
func (op *rowOperands[T]) rows(i, end, d int) rowOperands[T] {
	cut := func(x []T) []T {
		if x == nil {
			return nil
		}
		return x[i*d : end*d]
	}
	return rowOperands[T]{cut(op.dydt), cut(op.dy), op.dtheta, op.ts[i:end], cut(op.y), cut(op.lambda)}
}

// runRows evaluates f, or its VJP, on all rows.
func (f *Field[T]) runRows(op rowOperands[T]) {
	if f.byRows == nil {
		f.byRows = newRowFields(f.Function)
	}
	r, d, all := f.byRows, f.SampleDim(), len(op.ts)
	for i := 0; i < all; {
		n, size := all-i, 1
		if r.apart {
			size = piece(n)
		}
		n = min(n, size)
		g, err := r.size(size)
		if err != nil {
			f.note(err)
			fillNaN(op.dydt)
			fillNaN(op.dy)
			fillNaN(op.dtheta)
			return
		}
		own := op.rows(i, i+n, d)
		part := own
		if n < size {
			part = r.filled(own, n, size, d)
		}
		g.ts = part.ts
		if part.lambda == nil {
			g.Eval(part.dydt, part.ts[0], part.y)
		} else {
			g.VJP(part.dydt, part.dy, part.dtheta, part.ts[0], part.y, part.lambda)
		}
		g.ts = nil
		f.note(g.Err())
		if n < size {
			copy(own.dydt, part.dydt)
			copy(own.dy, part.dy)
		}
		i += n
	}
}

// EvalRows stores f(ts[i], y_i; θ) in row i of dydt, where y_i is row i of y: any number of
// rows of length SampleDim, whatever the field's own batch is, each at a time of its own. A
// row has the same bits wherever it stands and whatever the others are. It makes a Field an
// odeint.RowField; the numbers of the samples, the second argument, do not matter to it.
//
// Where samples depend on each other, as in a batch norm, and where the field has an input,
// which then has to be that of one sample, the rows are evaluated one by one.
//
// The programs for several rows are compiled when they are first needed.
func (f *Field[T]) EvalRows(dydt []T, _ []int, ts []float64, y []T) {
	if n := len(ts) * f.SampleDim(); len(y) != n || len(dydt) != n {
		panic("graph: wrong length of a state")
	}
	f.runRows(rowOperands[T]{dydt: dydt, ts: ts, y: y})
}

// VJPRows is VJP for rows, as EvalRows is Eval: it stores λᵀ∂f/∂y in the rows of dy, adds
// the sum over all rows of λᵀ∂f/∂θ to dtheta, and stores f in dydt; a destination that is nil
// is not wanted. Rows of dy and dydt have the same bits wherever they stand; dtheta depends
// in its last bits on the rows that are given together.
func (f *Field[T]) VJPRows(dydt, dy, dtheta []T, _ []int, ts []float64, y, lambda []T) {
	n := len(ts) * f.SampleDim()
	if len(y) != n || len(lambda) != n || dy != nil && len(dy) != n || dydt != nil && len(dydt) != n {
		panic("graph: wrong length of a state")
	}
	f.runRows(rowOperands[T]{dydt, dy, dtheta, ts, y, lambda})
}

// Fork returns the field of one sample for another goroutine: it shares θ with f and has
// buffers of its own. Its dynamic type is *Field. It makes a Field an odeint.Forker.
//
// Errors: those of WithBatch.
func (f *Field[T]) Fork() (interface {
	Dim() int
	Eval(dydt []T, t float64, y []T)
}, error) {
	g, err := f.WithBatch(1)
	if err != nil {
		return nil, err
	}
	if d := f.driver; d != nil && d.input != nil && f.Batch() == 1 {
		g.attach(d.input, d.values)
	}
	return g, nil
}
