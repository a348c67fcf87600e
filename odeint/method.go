package odeint

import (
	"fmt"
	"slices"

	"github.com/neuralode/neuralode/internal/lu"
)

// Method is a numerical method: data that says what a step is. The code that
// takes the step is chosen by the method's type: *Tableau, *ESDIRK, *Rosenbrock, Auto, *Splitting,
// *ImplicitRK or *Tao.
type Method interface {
	// String is the method's name.
	String() string

	// traits says what a solve has to know of the method. It is valid for methods that
	// are not.
	traits() traits

	// validate reports what makes the method unusable.
	validate() error
}

// traits are what methods differ in, apart from their steps.
type traits struct {
	// errOrder is the exponent of the error estimate; 0: there is none, and steps are of
	// fixed size.
	errOrder int

	compensated bool // the state can be summed up with compensation (Options.Compensated)
	quadrature  bool // a field's Quadrature can be integrated
	separable   bool // the field has to be Separable
	pairs       bool // samples have to be made of pairs (q, p)
	keepsSize   bool // the step size is not raised by a little: a new one costs a factorisation
	outside     bool // f is evaluated at times outside the step too
}

func (m *Tableau) traits() traits {
	if m == nil || m.E == nil {
		return traits{quadrature: true}
	}
	return traits{quadrature: true, errOrder: m.ErrOrder}
}

func (m *Splitting) traits() traits {
	is := traits{compensated: true, separable: true, pairs: true}
	if m != nil && len(m.Drift) == len(m.Kick) {
		is.outside = slices.ContainsFunc(m.Flows(), func(f Flow) bool { return f.At < 0 || f.At > 1 })
	}
	return is
}

func (m *ImplicitRK) traits() traits { return traits{compensated: true} }

func (m *Tao) traits() traits {
	is := traits{compensated: true, pairs: true}
	if m != nil {
		is.outside = slices.ContainsFunc(m.Sizes(), func(g float64) bool { return g < 0 })
	}
	return is
}

// isStiff reports whether m factorises the Jacobian of each sample.
func isStiff(m Method) bool {
	switch m.(type) {
	case *ESDIRK, *Rosenbrock:
		return true
	}
	return false
}

// misfit says why f cannot be solved with m, or nothing.
func misfit[T Float](m Method, f VectorField[T]) string {
	is := m.traits()
	if _, ok := f.(Quadrature[T]); ok && !is.quadrature {
		return m.String() + " cannot integrate the Quadrature of the field; use an explicit Runge–Kutta method"
	}
	if _, auto := m.(Auto); auto || isStiff(m) {
		n := SampleDim(f)
		if n < 1 || f.Dim()%n != 0 {
			return fmt.Sprintf("the samples of the field have %d components, which does not divide its dimension %d", n, f.Dim())
		}
		if fault := lu.Fault(n, 1); fault != "" {
			return fmt.Sprintf("%s for samples of dimension %d: %s; use an explicit method", m, n, fault)
		}
	}
	if _, ok := f.(Separable[T]); is.separable && !ok {
		return m.String() + " needs a field that implements Separable; use ImplicitMidpoint, a Gauss method or Tao for others"
	}
	if m, ok := m.(*ImplicitRK); ok {
		if _, direct := m.Solver.(Newton); direct {
			if fault := lu.Fault(f.Dim(), len(m.B)); fault != "" {
				return fmt.Sprintf("%s with Newton for dimension %d: %s; use FixedPoint, an explicit method, or smaller batches", m, f.Dim(), fault)
			}
		}
	}
	switch n := SampleDim(f); {
	case !is.pairs:
	case n < 1 || f.Dim()%n != 0:
		return fmt.Sprintf("the samples of the field have %d components, which does not divide its dimension %d", n, f.Dim())
	case n%2 != 0:
		return fmt.Sprintf("%s needs samples of pairs (q, p); a sample has %d components, which is odd", m, n)
	}
	return ""
}
