package odetest

// Problem is dy/dt = f(t, y) from Y0 at T0 to T1. It is a vector field.
type Problem[T ~float32 | ~float64] struct {
	Name   string
	T0, T1 float64
	Y0     []T
	F      func(dydt []T, t float64, y []T)

	// Exact stores the solution at t in dst; nil if it is not known in closed form.
	Exact func(dst []float64, t float64)
}

// Dim returns the length of the state.
func (p *Problem[T]) Dim() int { return len(p.Y0) }

// Eval stores f(t, y) in dydt.
func (p *Problem[T]) Eval(dydt []T, t float64, y []T) { p.F(dydt, t, y) }

// At returns the exact solution at t.
func (p *Problem[T]) At(t float64) []float64 {
	dst := make([]float64, len(p.Y0))
	p.Exact(dst, t)
	return dst
}

// start sets Y0 to the exact solution at T0 and returns p.
func (p *Problem[T]) start(dim int) *Problem[T] {
	p.Y0 = make([]T, dim)
	for i, y := range p.At(p.T0) {
		p.Y0[i] = T(y)
	}
	return p
}

// Reversed returns p from T1 back to T0. It needs the exact solution.
func (p *Problem[T]) Reversed() *Problem[T] {
	r := *p
	r.Name, r.T0, r.T1 = p.Name+" reversed", p.T1, p.T0
	return r.start(len(p.Y0))
}
