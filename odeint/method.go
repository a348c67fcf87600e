package odeint

import "fmt"

// Method is a numerical method: data that says what a step is. The code that
// takes the step is chosen by the method's type: *Tableau, *Splitting,
// *ImplicitRK or *Tao.
type Method interface {
	// String is the method's name.
	String() string

	// validate reports what makes the method unusable.
	validate() error
}

// misfit says why f cannot be solved with m, or nothing.
func misfit[T Float](m Method, f VectorField[T]) string {
	_, explicit := m.(*Tableau)
	if _, ok := f.(Quadrature[T]); ok && !explicit {
		return m.String() + " cannot integrate the Quadrature of the field; use an explicit Runge–Kutta method"
	}
	switch m := m.(type) {
	case *Splitting:
		if _, ok := f.(Separable[T]); !ok {
			return m.Name + " needs a field that implements Separable; use ImplicitMidpoint, a Gauss method or Tao for others"
		}
	case *Tao:
	default:
		return ""
	}
	if n := SampleDim(f); n < 1 || f.Dim()%n != 0 {
		return fmt.Sprintf("the samples of the field have %d components, which does not divide its dimension %d", n, f.Dim())
	} else if n%2 != 0 {
		return fmt.Sprintf("%s needs samples of pairs (q, p); a sample has %d components, which is odd", m, n)
	}
	return ""
}
