package collocation

import (
	"context"
	"fmt"
	"math"
)

// Float is the set of types samples may be made of.
type Float interface{ ~float32 | ~float64 }

// Curve is an estimate of a trajectory, made by [Local], [Spline] or
// [Interpolate].
type Curve[T Float] struct {
	comps []component
	scale []float64 // of each component: its estimates are of values divided by it
	first float64
	last  float64
	order int
}

// component is the estimate of one component of the state.
type component interface {
	// derivative is the estimate's derivative of the given order at t; order 0
	// is the value.
	derivative(order int, t float64) (float64, error)
	smoothing() Smoothing
}

// Smoothing says how one component was smoothed. What does not apply to the
// estimator is zero.
type Smoothing struct {
	Samples int       // observed samples
	Widths  []float64 // Local: bandwidth of each derivative order, from 0 (the state)
	Lambda  float64   // Spline: smoothing parameter
	DoF     float64   // Spline: effective degrees of freedom, 2 (a line) … Samples (interpolation)
	Score   float64   // mean squared cross-validation error (Local, of the state), or GCV score; 0 if nothing was chosen
}

// Dim is the number of components of the state.
func (c *Curve[T]) Dim() int { return len(c.comps) }

// Interval returns the times between which the curve is defined: where every
// component has observed samples on both sides.
func (c *Curve[T]) Interval() (first, last float64) { return c.first, c.last }

// MaxOrder is the highest order of derivative that the curve can give.
func (c *Curve[T]) MaxOrder() int { return c.order }

// Smoothing returns how each component was smoothed.
func (c *Curve[T]) Smoothing() []Smoothing {
	s := make([]Smoothing, len(c.comps))
	for i, comp := range c.comps {
		s[i] = comp.smoothing()
		s[i].Score *= c.scale[i]
		s[i].Score *= c.scale[i]
	}
	return s
}

// At stores the estimates of the state and of its time derivative at t in u and
// du, of length Dim; a nil slice is not wanted. On an error, which is
// [ErrOutside], [ErrRange] or a [*SparseError], they hold no estimate.
func (c *Curve[T]) At(u, du []T, t float64) error {
	if u != nil {
		if err := c.Derivative(u, 0, t); err != nil {
			return err
		}
	}
	if du != nil {
		return c.Derivative(du, 1, t)
	}
	return nil
}

// Derivative stores the estimate of the derivative of the given order at t in
// dst, of length Dim. Order 0 is the state itself.
func (c *Curve[T]) Derivative(dst []T, order int, t float64) error {
	if len(dst) != len(c.comps) {
		panic("collocation: slice length mismatch")
	}
	if order < 0 || order > c.order {
		return fmt.Errorf("collocation: derivative of order %d of a curve fitted up to order %d: %w; "+
			"ask for more when fitting", order, c.order, ErrOrder)
	}
	if !(t >= c.first && t <= c.last) {
		return fmt.Errorf("collocation: t = %g is not in [%g, %g]: %w; estimate inside the samples",
			t, c.first, c.last, ErrOutside)
	}
	for i, comp := range c.comps {
		v, err := comp.derivative(order, t)
		if err != nil {
			if s, ok := err.(*SparseError); ok {
				s.Component = i
			}
			return err
		}
		dst[i] = T(v * c.scale[i])
		if dst[i]-dst[i] != 0 {
			return fmt.Errorf("collocation: derivative of order %d of component %d at t = %g: %w; scale the values, or the unit of time",
				order, i, t, ErrRange)
		}
	}
	return nil
}

// Sample returns the estimates of the state and of its time derivative at the
// given times, both (len(times), Dim) row-major.
func (c *Curve[T]) Sample(times []float64) (u, du []T, err error) {
	d := c.Dim()
	u = make([]T, len(times)*d)
	du = make([]T, len(times)*d)
	for i, t := range times {
		if err := c.At(u[i*d:(i+1)*d], du[i*d:(i+1)*d], t); err != nil {
			return nil, nil, err
		}
	}
	return u, du, nil
}

// series is the observed samples of one component.
type series struct{ t, y []float64 }

// split checks samples and sorts them by component, leaving out what is
// missing.
func split[T Float](times []float64, values []T) ([]series, error) {
	n := len(times)
	if n == 0 || len(values) == 0 || len(values)%n != 0 {
		panic("collocation: values must be (len(times), dim), neither of them empty")
	}
	for i, t := range times {
		switch {
		case math.IsNaN(t) || math.IsInf(t, 0):
			return nil, &DataError{i, -1, "not finite; leave the sample out"}
		case i > 0 && math.IsInf(t-times[0], 0):
			return nil, &DataError{i, -1, "too far from the first; change the unit of time"}
		case i > 0 && t <= times[i-1]:
			return nil, &DataError{i, -1, "not after the time before it; sort the samples and average those taken at one time"}
		}
	}
	d := len(values) / n
	ss := make([]series, d)
	for i, t := range times {
		for j := range d {
			switch y := float64(values[i*d+j]); {
			case math.IsNaN(y):
			case math.IsInf(y, 0):
				return nil, &DataError{i, j, "infinite; write NaN for a missing value"}
			default:
				ss[j].t = append(ss[j].t, t)
				ss[j].y = append(ss[j].y, y)
			}
		}
	}
	return ss, nil
}

// normalise divides the values by a power of two of their size, which changes no digit,
// so that no square of them overflows, and returns it.
func (s *series) normalise() float64 {
	largest := 0.0
	for _, y := range s.y {
		largest = math.Max(largest, math.Abs(y))
	}
	if largest == 0 {
		return 1
	}
	scale := powerOfTwo(largest)
	for i := range s.y {
		s.y[i] /= scale
	}
	return scale
}

// powerOfTwo returns the largest power of two that is not above x, a positive number.
func powerOfTwo(x float64) float64 {
	_, exponent := math.Frexp(x)
	return math.Ldexp(1, exponent-1)
}

// newCurve fits every component.
func newCurve[T Float](ctx context.Context, times []float64, values []T, order int, fit func(series) (component, error)) (*Curve[T], error) {
	ss, err := split(times, values)
	if err != nil {
		return nil, err
	}
	c := &Curve[T]{comps: make([]component, len(ss)), scale: make([]float64, len(ss)), first: times[0], last: times[len(times)-1], order: order}
	for j, s := range ss {
		if err := cancelled(ctx); err != nil {
			return nil, err
		}
		c.scale[j] = s.normalise()
		if len(s.t) == 0 {
			return nil, &SparseError{Component: j}
		}
		c.first = math.Max(c.first, s.t[0])
		c.last = math.Min(c.last, s.t[len(s.t)-1])
		if c.comps[j], err = fit(s); err != nil {
			if e, ok := err.(*SparseError); ok {
				e.Component = j
				return nil, e
			}
			return nil, fmt.Errorf("collocation: component %d: %w", j, err)
		}
	}
	return c, nil
}

// cancelled returns the error of a context that is done; nil never is.
func cancelled(ctx context.Context) error {
	if ctx == nil || ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("collocation: stopped: %w", ctx.Err())
}
