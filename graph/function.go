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
	second         *Instance[T] // nil before the first TangentVJP
	theta          []T
	time           []T                // t as a column; nil if f does not depend on it
	driver         *driver[T]         // nil without inputs
	ts             []float64          // of each sample while EvalRows or VJPRows runs
	byRows         *rowFields[T]      // for them; nil before the first
	call, callT    call[T]            // operands of value and of tangent
	kernel         *vec.Perceptron[T] // f and its VJP in one call each; nil: there is none
	call2          call[T]            // operands of second
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
func (f *Function[T]) InDim() int { return f.code.value.in[0] }

// OutDim is the length of y.
func (f *Function[T]) OutDim() int { return f.code.value.out[0] }

// InShape is the shape of x, the batch axis first.
func (f *Function[T]) InShape() []int { return slices.Clone(f.code.in) }

// OutShape is the shape of y.
func (f *Function[T]) OutShape() []int { return slices.Clone(f.code.out) }

// Batch is the number of samples in x.
func (f *Function[T]) Batch() int { return f.code.in[0] }

// Autonomous reports whether f is the same at all times: the module takes no time and has no
// inputs.
func (f *Function[T]) Autonomous() bool { return !f.code.timed && f.driver == nil }

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
	f.theta, f.byRows = theta, nil
	f.call = f.bind(f.value, 2)
	if f.tangent != nil {
		f.callT = f.bind(f.tangent, 2)
	}
	if f.second != nil {
		f.call2 = f.bind(f.second, 3)
	}
}

// Clone returns a function with its own copy of θ and of all buffers. The
// compiled programs are shared.
func (f *Function[T]) Clone() *Function[T] {
	c := newFunction(f.family, f.code, slices.Clone(f.theta), f.code.value.workers)
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
	return newFunction(f.family, code, f.theta, code.value.workers), nil
}

func newFunction[T Float](family *family[T], code *compiled[T], theta []T, workers int) *Function[T] {
	f := &Function[T]{family: family, code: code, value: code.value.newInstance(workers), theta: theta}
	if code.timed {
		f.time = make([]T, code.in[0])
	}
	f.kernel = newKernel[T](code.layer)
	f.driver = newDriver[T](code.in[0], family.cfg.Input)
	f.call = f.bind(f.value, 2)
	return f
}

// call is where the operands of an instance are.
type call[T Float] struct {
	out     [][]T
	args    [][]T // x and one or two more arguments
	tangent [][]T // that of θ
}

// bind puts the inputs of an instance that stay where they are, from call to call, in
// their places: t, the function's inputs and θ. The first ones, args of them, do not stay.
func (f *Function[T]) bind(m *Instance[T], args int) call[T] {
	out, in := m.operands()
	c := call[T]{out: out, args: in[:args]}
	in = in[args:]
	put := func(x []T) {
		if x != nil {
			in[0] = x
			in = in[1:]
		}
	}
	put(f.time)
	if d := f.driver; d != nil {
		put(d.u)
		put(d.du)
	}
	f.cut(in, f.theta)
	params := len(f.params())
	if in = in[params:]; len(in) > 0 {
		c.tangent, in = in[:params], in[params:]
		if d := f.driver; d != nil && d.learnable {
			put(d.gu)
			put(d.gdu)
		}
	}
	return c
}

// cut puts the parameters in a vector like θ in dst, nil for nil.
func (f *Function[T]) cut(dst [][]T, theta []T) {
	for i, p := range f.params() {
		if theta == nil {
			dst[i] = nil
			continue
		}
		dst[i] = theta[p.Offset:][:f.code.value.out[2+i]]
	}
}

// Close sends away the goroutines that share the work, see FieldConfig.Workers. An
// evaluation after it calls others.
func (f *Function[T]) Close() {
	f.value.release()
	if f.tangent != nil {
		f.tangent.release()
	}
	if f.second != nil {
		f.second.release()
	}
}

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
	if f.kernel != nil {
		f.kernel.Value(y, f.theta, x)
		return
	}
	f.call.out[0] = y
	if f.run(f.value, &f.call, t, x, nil, 1<<groupValue) != nil {
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
	if f.kernel != nil && dx != nil && dtheta != nil {
		f.kernel.Grad(dx, dtheta, f.theta, x, lambda)
		if y != nil {
			f.kernel.Value(y, f.theta, x)
		}
		return
	}
	dst := f.call.out
	dst[0], dst[1] = y, dx
	if dtheta != nil {
		wanted |= f.takeTheta(dst[2:], dtheta)
	}
	if f.run(f.value, &f.call, t, x, lambda, wanted) != nil {
		fillNaN(y)
		fillNaN(dx)
		fillNaN(dtheta)
		return
	}
	f.endTheta(dtheta, t, wanted)
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
		f.callT = f.bind(f.tangent, 2)
	}
	wanted := uint64(1) << group
	c := &f.callT
	c.out[group] = dy
	if y != nil {
		c.out[0] = y
		wanted |= 1 << groupValue
	}
	if w != nil {
		f.cut(c.tangent, w)
		if d := f.driver; d != nil && d.learnable && d.input != nil {
			d.input.Eval(d.gu, d.gdu, t, d.knots(w), d.scratch)
		}
	}
	if f.run(f.tangent, c, t, x, v, wanted) != nil {
		fillNaN(y)
		fillNaN(dy)
	}
	clear(c.tangent)
}

// TangentVJP stores the derivative of λᵀ(∂f/∂x)v with respect to x in dx and adds that with
// respect to θ to dtheta, which may be nil: a vector-Jacobian product of a JVP. λ has length
// OutDim, v and dx have length InDim. The slices must not overlap.
//
// The first call compiles it, once for all clones. Where an op can be differentiated only once,
// it fails; see Err.
func (f *Function[T]) TangentVJP(dx, dtheta []T, t float64, x, v, lambda []T) {
	if len(x) != f.InDim() || len(v) != len(x) || len(dx) != len(x) || len(lambda) != f.OutDim() {
		panic("graph: wrong length of a state")
	}
	wanted := f.wants(nil, dx, dtheta)
	if f.second == nil {
		p, err := f.code.second()
		if err != nil {
			f.note(err)
			fillNaN(dx)
			fillNaN(dtheta)
			return
		}
		f.second = p.NewInstance()
		f.call2 = f.bind(f.second, 3)
	}
	c := &f.call2
	c.out[0], c.args[2] = dx, lambda
	if dtheta != nil {
		wanted |= f.takeTheta(c.out[1:], dtheta)
	}
	err := f.run(f.second, c, t, x, v, wanted)
	c.args[2] = nil
	if err != nil {
		fillNaN(dx)
		fillNaN(dtheta)
		return
	}
	f.endTheta(dtheta, t, wanted)
}

// takeTheta makes the parts of dtheta the destinations dst, and returns the group of the inputs if
// they are needed.
func (f *Function[T]) takeTheta(dst [][]T, dtheta []T) (wanted uint64) {
	f.cut(dst, dtheta)
	d := f.driver
	if d == nil || !d.learnable {
		return 0
	}
	dst[f.family.nodes] = d.gu
	if d.gdu != nil {
		dst[f.family.nodes+1] = d.gdu
	}
	return 1 << groupInput
}

// endTheta adds the derivative by the inputs to that by their knots.
func (f *Function[T]) endTheta(dtheta []T, t float64, wanted uint64) {
	if wanted&(1<<groupInput) != 0 {
		d := f.driver
		d.input.VJP(d.knots(dtheta), t, d.gu, d.gdu, d.scratch)
	}
}

// run executes a program on x, a second argument and t, into what c.out holds, and
// forgets the slices.
func (f *Function[T]) run(m *Instance[T], c *call[T], t float64, x, second []T, wanted uint64) error {
	err := f.eval(t)
	if err == nil {
		c.args[0], c.args[1] = x, second
		f.setTime(t)
		err = m.execute(wanted)
		c.args[0], c.args[1] = nil, nil
	}
	for i := range c.out {
		c.out[i] = nil
	}
	f.note(err)
	return err
}

// setTime fills the column of times.
func (f *Function[T]) setTime(t float64) {
	if f.ts == nil {
		vec.Fill(f.time, T(t))
		return
	}
	for i := range f.time {
		f.time[i] = T(f.ts[i])
	}
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
