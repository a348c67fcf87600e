package odeint

// Split is implemented by vector fields that are the sum of two: f = Stiff + NonStiff. A method with
// an explicit companion ([ESDIRK.Explicit]), such as KenCarp4, solves with the Jacobian of the first
// alone and evaluates the second as it is, once a stage; other methods see the sum. See [NewSplit].
type Split[T Float] interface {
	VectorField[T]

	// Stiff is the part to be solved for, of the dimension of the sum: diffusion, or another
	// linear part that is known.
	Stiff() VectorField[T]

	// NonStiff is the rest, a network for one. θ of the sum is that of Stiff, then that of NonStiff.
	NonStiff() VectorField[T]
}

// NewSplit returns the sum of two fields of the same dimension as a [Split]. It is [Batched]
// with the samples of stiff, [Fallible], and has the jumps of both.
func NewSplit[T Float](stiff, nonStiff VectorField[T]) Split[T] {
	return newSplit(stiff, nonStiff)
}

// NewDifferentiableSplit is NewSplit of differentiable fields: the sum is differentiable. Its θ is that
// of stiff followed by that of nonStiff. Where stiff has no parameters and nonStiff is
// [Parametrised], so is the sum.
func NewDifferentiableSplit[T Float](stiff, nonStiff Differentiable[T]) Differentiable[T] {
	s := &differentiableSplit[T]{split: newSplit[T](stiff, nonStiff), a: stiff, b: nonStiff, dy: make([]T, stiff.Dim())}
	if p, ok := nonStiff.(Parametrised[T]); ok && stiff.NumParams() == 0 {
		return &parametrisedSplit[T]{s, p}
	}
	return s
}

func newSplit[T Float](stiff, nonStiff VectorField[T]) *split[T] {
	if stiff == nil || nonStiff == nil {
		panic("odeint: nil part of a split field")
	}
	if stiff.Dim() != nonStiff.Dim() {
		panic("odeint: the parts of a split field differ in dimension")
	}
	s := &split[T]{stiff: stiff, nonStiff: nonStiff, f: make([]T, stiff.Dim())}
	s.jumps = append(append(s.jumps, Jumps(stiff)...), Jumps(nonStiff)...)
	return s
}

type split[T Float] struct {
	stiff, nonStiff VectorField[T]
	f               []T
	jumps           []float64
}

func (s *split[T]) Dim() int                 { return len(s.f) }
func (s *split[T]) SampleDim() int           { return SampleDim(s.stiff) }
func (s *split[T]) Stiff() VectorField[T]    { return s.stiff }
func (s *split[T]) NonStiff() VectorField[T] { return s.nonStiff }
func (s *split[T]) Jumps() []float64         { return s.jumps }

func (s *split[T]) Eval(dydt []T, t float64, y []T) {
	s.stiff.Eval(dydt, t, y)
	s.nonStiff.Eval(s.f, t, y)
	for i, v := range s.f {
		dydt[i] += v
	}
}

// Err returns the first error of either part since the last call of Err.
func (s *split[T]) Err() (err error) {
	for _, f := range []VectorField[T]{s.stiff, s.nonStiff} {
		if f, ok := f.(Fallible); ok {
			if e := f.Err(); err == nil {
				err = e
			}
		}
	}
	return err
}

type differentiableSplit[T Float] struct {
	*split[T]
	a, b Differentiable[T]
	dy   []T
}

func (s *differentiableSplit[T]) NumParams() int { return s.a.NumParams() + s.b.NumParams() }

func (s *differentiableSplit[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	first, second := dtheta, dtheta
	if dtheta != nil {
		n := s.a.NumParams()
		first, second = dtheta[:n], dtheta[n:]
	}
	var f []T
	if dydt != nil {
		f = s.f
	}
	s.a.VJP(dydt, dy, first, t, y, lambda)
	s.b.VJP(f, s.dy, second, t, y, lambda)
	for i, v := range s.dy {
		dy[i] += v
	}
	for i, v := range f {
		dydt[i] += v
	}
}

type parametrisedSplit[T Float] struct {
	*differentiableSplit[T]
	of Parametrised[T]
}

func (s *parametrisedSplit[T]) Params() []T { return s.of.Params() }
