package odeint

// RowField is implemented by fields that evaluate several samples of one system at once, each
// at a time of its own, as a Batch needs it to keep matrix products dense.
type RowField[T Float] interface {
	VectorField[T]

	// EvalRows stores f(ts[i], y_i) in row i of dydt, where y_i is row i of y: any number of
	// rows, each of the length of a sample, whatever Dim is. samples has the numbers of the
	// samples, for fields that differ between them. A row must not depend on the others, nor
	// on how many there are or where it stands, to the last bit. The slices do not overlap;
	// only dydt may be changed, and none may be kept.
	EvalRows(dydt []T, samples []int, ts []float64, y []T)
}

// Forker is implemented by fields of which a Batch can have one for each goroutine.
type Forker[T Float] interface {
	// Fork returns the field of one sample, with the same parameters and workspace of its own.
	// What else the field implements, such as RowField or Differentiable, its forks implement
	// too. The result is the interface of a VectorField, written out so that packages that do
	// not import this one can have the method.
	Fork() (interface {
		Dim() int
		Eval(dydt []T, t float64, y []T)
	}, error)
}

// Sampled is implemented by fields that differ from sample to sample of a Batch: in a parameter,
// an input, or the times of their jumps.
type Sampled interface {
	// SetSample makes the field that of a sample, given by its number in the call of
	// Batch.Solve, until the next call. It comes before the solve of the sample begins.
	SetSample(sample int)
}

// NewSampleFunc returns the vector field of dimension dim that f evaluates, for a Batch whose
// samples differ in more than their initial state: sample is the number of one. f has the contract of
// VectorField.Eval, but is called by several goroutines at a time. Outside of a Batch
// the sample is 0.
func NewSampleFunc[T Float](dim int, f func(dydt []T, sample int, t float64, y []T)) VectorField[T] {
	if f == nil {
		panic("odeint: nil function")
	}
	return &sampleFunc[T]{dim: dim, f: f}
}

type sampleFunc[T Float] struct {
	dim, sample int
	f           func(dydt []T, sample int, t float64, y []T)
}

func (f *sampleFunc[T]) Dim() int { return f.dim }

func (f *sampleFunc[T]) Eval(dydt []T, t float64, y []T) { f.f(dydt, f.sample, t, y) }

func (f *sampleFunc[T]) SetSample(i int) { f.sample = i }

func (f *sampleFunc[T]) Fork() (interface {
	Dim() int
	Eval(dydt []T, t float64, y []T)
}, error) {
	return &sampleFunc[T]{dim: f.dim, f: f.f}, nil
}

// rowOf is one sample of a RowField.
type rowOf[T Float] struct {
	f      RowField[T]
	dim    int
	sample [1]int
	at     [1]float64
	err    error // of the field, in an evaluation of several rows
}

func (r *rowOf[T]) Dim() int { return r.dim }

func (r *rowOf[T]) Eval(dydt []T, t float64, y []T) {
	r.at[0] = t
	r.f.EvalRows(dydt, r.sample[:], r.at[:], y)
}

// Err returns the failure of a row, and only once.
func (r *rowOf[T]) Err() error {
	if err := r.err; err != nil {
		r.err = nil
		return err
	}
	return fallen[T](r.f)
}

// Jumps passes on the field's.
func (r *rowOf[T]) Jumps() []float64 { return Jumps[T](r.f) }

// fallen returns the error of a field that failed.
func fallen[T Float](f VectorField[T]) error {
	if f, ok := f.(Fallible); ok {
		return f.Err()
	}
	return nil
}
