package odeint

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
	if n := pairs(f); n < 1 || f.Dim()%(2*n) != 0 {
		return m.String() + " needs a state of pairs (q, p); the dimension is not a multiple of twice their number"
	}
	return ""
}
