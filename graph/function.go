package graph

import (
	"fmt"
	"math"
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

// Param tells where a parameter lies in the flat θ.
type Param struct {
	Name   string
	Shape  []int
	Offset int
}

// Function is a module as a compiled function y = f(t, x; θ) of a batch of
// samples, with its derivatives in reverse and in forward mode. x and y are flat,
// the row-major elements of shapes that may differ; the batch axis of x is the
// first. A [Field] is a Function whose y has the shape of x.
//
// A Function belongs to one goroutine at a time; Clone gives another goroutine
// its own. Eval, VJP and JVP allocate nothing (JVP from its second call on), and
// y has the same bits in all of them. Only what is asked for is computed.
type Function[T Float] struct {
	family *family[T]   // what all batch sizes have in common
	code   *compiled[T] // what clones have in common

	value, tangent *Instance[T] // tangent is nil before the first JVP
	theta          []T
	time           []T        // t as a column; nil if f does not depend on it
	driver         *driver[T] // nil without inputs
	src, dst       [][]T
	err            error
}

// The output groups of a function's programs.
const (
	groupValue = iota
	groupState
	groupParams
	groupBoth
	groupInput
)

// InDim is the length of x.
func (f *Function[T]) InDim() int { return sizeOf(f.code.in) }

// OutDim is the length of y.
func (f *Function[T]) OutDim() int { return sizeOf(f.code.out) }

// InShape is the shape of x, the batch axis first.
func (f *Function[T]) InShape() []int { return slices.Clone(f.code.in) }

// OutShape is the shape of y.
func (f *Function[T]) OutShape() []int { return slices.Clone(f.code.out) }

// Batch is the number of samples in x.
func (f *Function[T]) Batch() int { return f.code.in[0] }

// NumParams is the length of θ.
func (f *Function[T]) NumParams() int { return len(f.theta) }

// Params is θ itself: writing to it changes the function.
func (f *Function[T]) Params() []T { return f.theta }

// Layout tells where each parameter lies in θ, in the order of the layer's
// learnables. The caller must not change it.
func (f *Function[T]) Layout() []Param { return f.family.layout }

// Rebind moves θ to the slice theta, of length NumParams, which f keeps: the
// present values are copied there, and Params returns it from now on. So several
// functions can be parts of one flat θ.
func (f *Function[T]) Rebind(theta []T) {
	if len(theta) != len(f.theta) {
		panic("graph: wrong length of the parameters")
	}
	copy(theta, f.theta)
	f.theta = theta
}

// Clone returns a function with its own copy of θ and of all buffers. The
// compiled programs are shared.
func (f *Function[T]) Clone() *Function[T] {
	c := newFunction(f.family, f.code, slices.Clone(f.theta))
	if d := f.driver; d != nil && d.input != nil {
		values := d.values
		if d.learnable {
			values = d.knots(f.theta)
		}
		c.attach(d.input, values)
	}
	return c
}

// WithBatch returns the same function of another number of samples. It shares θ
// with f, so that training at one batch size changes what the other computes;
// Clone it for parameters of its own. The programs are compiled the first time
// that f or one of its relatives (clones, other batch sizes) asks for the size.
//
// Errors: those of NewFunction, and a module whose parameters depend on the batch,
// as the knots of an input do that are parameters.
func (f *Function[T]) WithBatch(batch int) (*Function[T], error) {
	if f.driver != nil && f.driver.learnable && batch != f.Batch() {
		return nil, fmt.Errorf("graph: the knots of the input of %T are parameters of a batch of %d; compile one function for each batch size", f.family.module, f.Batch())
	}
	code, err := f.family.compiled(batch)
	if err != nil {
		return nil, err
	}
	return newFunction(f.family, code, f.theta), nil
}

func newFunction[T Float](family *family[T], code *compiled[T], theta []T) *Function[T] {
	f := &Function[T]{family: family, code: code, value: code.value.NewInstance(), theta: theta}
	if code.timed {
		f.time = make([]T, code.in[0])
	}
	f.driver = newDriver[T](code.in[0], family.cfg.Input)
	params := family.nodes
	f.src = make([][]T, 0, 7+2*params)
	f.dst = make([][]T, 4+params, 6+params)
	return f
}

// Close sends away the goroutines that share the work, see FieldConfig.Workers. An
// evaluation after it calls others.
func (f *Function[T]) Close() {
	f.value.release()
	if f.tangent != nil {
		f.tangent.release()
	}
}

// outputs is a slice for the destinations of the value program.
func (f *Function[T]) outputs() [][]T { return f.dst[:len(f.code.value.out)] }

// Err returns the first failure of an evaluation since the last call of Err: of
// an op that the compiler does not know (*[ForeignError]), or of building what
// the first JVP needs. The destinations are then filled with NaN.
func (f *Function[T]) Err() error {
	err := f.err
	f.err = nil
	return err
}

// Eval stores f(t, x; θ) in y, of lengths OutDim and InDim, which do not overlap.
func (f *Function[T]) Eval(y []T, t float64, x []T) {
	if len(y) != f.OutDim() || len(x) != f.InDim() {
		panic("graph: wrong length of a state")
	}
	f.dst[0] = y
	if f.run(f.value, f.outputs(), t, x, nil, nil, 1<<groupValue) != nil {
		fillNaN(y)
	}
}

// VJP stores λᵀ∂f/∂x in dx and adds λᵀ∂f/∂θ to dtheta; f(t, x; θ) goes to y. A
// destination that is nil is not wanted and costs nothing. λ has length OutDim.
// The slices must not overlap.
func (f *Function[T]) VJP(y, dx, dtheta []T, t float64, x, lambda []T) {
	if len(x) != f.InDim() || len(lambda) != f.OutDim() || dx != nil && len(dx) != len(x) || y != nil && len(y) != len(lambda) {
		panic("graph: wrong length of a state")
	}
	wanted := f.wants(y, dx, dtheta)
	f.dst[0], f.dst[1] = y, dx
	dst := f.outputs()
	if dtheta != nil {
		for i, p := range f.params() {
			dst[2+i] = dtheta[p.Offset:][:sizeOf(p.Shape)]
		}
		if d := f.driver; d != nil && d.learnable {
			wanted |= 1 << groupInput
			dst[2+f.family.nodes] = d.gu
			if d.gdu != nil {
				dst[3+f.family.nodes] = d.gdu
			}
		}
	}
	switch {
	case f.run(f.value, dst, t, x, lambda, nil, wanted) != nil:
		fillNaN(y)
		fillNaN(dx)
		fillNaN(dtheta)
	case wanted&(1<<groupInput) != 0:
		d := f.driver
		d.input.VJP(d.knots(dtheta), t, d.gu, d.gdu, d.scratch)
	}
}

// params are the parameters that are learnables of the module.
func (f *Function[T]) params() []Param { return f.family.layout[:f.family.nodes] }

// wants tells the output groups of a VJP.
func (f *Function[T]) wants(y, dx, dtheta []T) (wanted uint64) {
	if dtheta != nil && len(dtheta) != len(f.theta) {
		panic("graph: wrong length of the parameters' gradient")
	}
	for group, dst := range [][]T{y, dx, dtheta} {
		if dst != nil {
			wanted |= 1 << group
		}
	}
	return wanted
}

// JVP stores ∂f/∂x v + ∂f/∂θ w in dy, the change of y as x moves along v, of
// length InDim, and θ along w, of length NumParams. A tangent that is nil is zero
// and costs nothing; at least one is given. f(t, x; θ) goes to y unless that is
// nil. The slices must not overlap.
//
// The first call compiles the tangents, once for all clones. Where an op can be
// differentiated only once, it fails; see Err.
func (f *Function[T]) JVP(y, dy []T, t float64, x, v, w []T) {
	if len(x) != f.InDim() || len(dy) != f.OutDim() || v != nil && len(v) != len(x) || y != nil && len(y) != len(dy) {
		panic("graph: wrong length of a state")
	}
	if w != nil && len(w) != len(f.theta) {
		panic("graph: wrong length of the parameters' tangent")
	}
	group := groupBoth
	switch {
	case v == nil && w == nil:
		panic("graph: JVP without a tangent")
	case w == nil:
		group = groupState
	case v == nil:
		group = groupParams
	}
	if f.tangent == nil {
		p, err := f.code.forward()
		if err != nil {
			f.note(err)
			fillNaN(y)
			fillNaN(dy)
			return
		}
		f.tangent = p.NewInstance()
	}
	wanted := uint64(1) << group
	dst := f.dst[:len(f.tangent.p.out)]
	dst[group] = dy
	if y != nil {
		dst[0] = y
		wanted |= 1 << groupValue
	}
	if f.run(f.tangent, dst, t, x, v, w, wanted) != nil {
		fillNaN(y)
		fillNaN(dy)
	}
}

// run executes a program on x, a second argument, t, the inputs, θ and the tangent
// of θ, and forgets the slices.
func (f *Function[T]) run(m *Instance[T], dst [][]T, t float64, x, second, w []T, wanted uint64) error {
	err := f.eval(t)
	if err == nil {
		f.src = append(f.src[:0], x, second)
		if f.time != nil {
			vec.Fill(f.time, T(t))
			f.src = append(f.src, f.time)
		}
		d := f.driver
		if d != nil {
			f.src = append(f.src, d.u)
			if d.du != nil {
				f.src = append(f.src, d.du)
			}
		}
		f.src = f.cut(f.src, f.theta)
		if m == f.tangent {
			f.src = f.cut(f.src, w)
			if d != nil && d.learnable {
				if w != nil {
					d.input.Eval(d.gu, d.gdu, t, d.knots(w), d.scratch)
				}
				f.src = append(f.src, d.gu)
				if d.gdu != nil {
					f.src = append(f.src, d.gdu)
				}
			}
		}
		err = m.run(dst, f.src, wanted)
	}
	clear(dst)
	clear(f.src)
	f.note(err)
	return err
}

// cut appends the parameters in a vector like θ, nil for nil.
func (f *Function[T]) cut(to [][]T, theta []T) [][]T {
	for _, p := range f.params() {
		if theta == nil {
			to = append(to, nil)
			continue
		}
		to = append(to, theta[p.Offset:][:sizeOf(p.Shape)])
	}
	return to
}

func (f *Function[T]) note(err error) {
	if f.err == nil {
		f.err = err
	}
}

func fillNaN[T Float](x []T) { vec.Fill(x, T(math.NaN())) }

// String says what the function is of.
func (f *Function[T]) String() string {
	return fmt.Sprintf("%T: %v to %v, %d parameters", f.family.module, f.code.in, f.code.out, len(f.theta))
}
