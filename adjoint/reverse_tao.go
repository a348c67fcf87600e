package adjoint

import (
	"math"

	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/odeint"
)

// taoReverser reverses the steps of Tao's method on its two copies of the state. Each
// flow of H(q of x, p of y) adds w·h·f to the p of x and the q of y, and leaves
// what f sees; the rotation is linear. The states that f saw are found again from the
// copies at the start of the step, of which Step.K has the second.
type taoReverser[T odeint.Float] struct {
	f     odeint.Differentiable[T]
	n     int // pairs of a sample
	omega float64
	sizes []float64

	a, b  []T // the copies
	seen  []T // the states that f saw, four rows a composed step
	times []float64
	slope []T
	la    []T // cotangents of the copies
	lb    []T // of the second copy, from step to step
	out   []T
	w, v  []T
}

func newTaoReverser[T odeint.Float](f odeint.Differentiable[T], m *odeint.Tao) *taoReverser[T] {
	n, sizes := f.Dim(), m.Sizes()
	r := &taoReverser[T]{
		f: f, n: odeint.SampleDim[T](f) / 2, omega: m.Omega, sizes: sizes,
		a: make([]T, n), b: make([]T, n), slope: make([]T, n), la: make([]T, n), lb: make([]T, n),
		out: make([]T, n), w: make([]T, n), v: make([]T, n),
		seen: make([]T, 4*len(sizes)*n), times: make([]float64, 4*len(sizes)),
	}
	return r
}

// begin forgets the second copy's cotangent: nothing depends on its end.
func (r *taoReverser[T]) begin() { clear(r.lb) }

// end gives it to lambda: the second copy starts as y0.
func (r *taoReverser[T]) end(lambda []T) { r.merge(lambda) }

func (r *taoReverser[T]) merge(lambda []T) {
	add(lambda, r.lb)
	clear(r.lb)
}

func (r *taoReverser[T]) needs() needs { return needs{stages: true, second: true} }

func (r *taoReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	lambda, dtheta, st := p.lambda, p.grad.Theta, &p.stats
	r.redo(s, 1, st)
	r.undo(lambda, r.lb, dtheta, s, 1, st)
	for _, o := range outs {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		r.redo(s, o.theta, st)
		copy(r.la, o.dy)
		clear(r.out)
		r.undo(r.la, r.out, dtheta, s, o.theta, st)
		add(lambda, r.la)
		add(r.lb, r.out)
	}
	if s.Lo != s.T0 { // at a jump the second copy starts again as the first
		r.merge(lambda)
	}
	return nil
}

// redo goes through the step from T0 to T0 + theta·H and keeps what f sees.
func (r *taoReverser[T]) redo(s *odeint.Step[T], theta float64, st *odeint.Stats) {
	copy(r.a, s.Y0)
	copy(r.b, s.K)
	row := 0
	var t1, t2 float64 // the times that H(q, y) and H(x, p) move along
	move := func(x, y []T, t, h float64) {
		r.mix(r.row(row), x, y)
		r.times[row] = s.StageTime(t * theta)
		// The first flow of a composed step sees what the last one saw.
		if row == 0 || row%4 != 0 {
			r.f.Eval(r.slope, r.times[row], r.row(row))
			st.NFE++
		}
		r.shift(x, y, T(h), r.slope)
		row++
	}
	for _, g := range r.sizes {
		h := g / 2 * theta * s.H
		move(r.a, r.b, butcher.SnapToInteger(t2), h)
		t1 += g / 2
		move(r.b, r.a, butcher.SnapToInteger(t1), h)
		rotate(r.a, r.b, r.n, 2*r.omega*g*theta*s.H)
		move(r.b, r.a, butcher.SnapToInteger(t1), h)
		t2 += g
		move(r.a, r.b, butcher.SnapToInteger(t2), h)
		t1 += g / 2
	}
}

// undo takes the cotangents of the copies back through what redo went through.
func (r *taoReverser[T]) undo(la, lb, dtheta []T, s *odeint.Step[T], theta float64, st *odeint.Stats) {
	row := 4 * len(r.sizes)
	unmove := func(lx, ly []T, h float64) {
		row--
		w := T(h)
		for i := 0; i < len(lx); i += 2 * r.n {
			for q := i; q < i+r.n; q++ {
				p := q + r.n
				r.w[q], r.w[p] = w*ly[q], w*lx[p]
			}
		}
		r.f.VJP(nil, r.v, dtheta, r.times[row], r.row(row), r.w)
		st.VJPs++
		for i := 0; i < len(lx); i += 2 * r.n {
			for q := i; q < i+r.n; q++ {
				p := q + r.n
				lx[q] += r.v[q]
				ly[p] += r.v[p]
			}
		}
	}
	for i := len(r.sizes) - 1; i >= 0; i-- {
		g := r.sizes[i]
		h := g / 2 * theta * s.H
		unmove(la, lb, h)
		unmove(lb, la, h)
		rotate(la, lb, r.n, -2*r.omega*g*theta*s.H)
		unmove(lb, la, h)
		unmove(la, lb, h)
	}
}

func (r *taoReverser[T]) row(i int) []T { return r.seen[i*len(r.a):][:len(r.a)] }

// mix stores the q of x with the p of y in dst.
func (r *taoReverser[T]) mix(dst, x, y []T) {
	for i := 0; i < len(x); i += 2 * r.n {
		copy(dst[i:i+r.n], x[i:])
		copy(dst[i+r.n:i+2*r.n], y[i+r.n:])
	}
}

// shift adds h·k to the p of x and the q of y.
func (r *taoReverser[T]) shift(x, y []T, h T, k []T) {
	for i := 0; i < len(x); i += 2 * r.n {
		for q := i; q < i+r.n; q++ {
			p := q + r.n
			x[p] += h * k[p]
			y[q] += h * k[q]
		}
	}
}

// rotate turns the difference of a and b, rows of n and n components, by an angle
// and leaves their sum.
func rotate[T odeint.Float](a, b []T, n int, angle float64) {
	sin, cos := math.Sincos(angle)
	sn, cs := T(sin), T(cos)-1
	for i := 0; i < len(a); i += 2 * n {
		for q := i; q < i+n; q++ {
			p := q + n
			u, v := (a[q]-b[q])/2, (a[p]-b[p])/2
			du, dv := cs*u+sn*v, cs*v-sn*u
			a[q] += du
			a[p] += dv
			b[q] -= du
			b[p] -= dv
		}
	}
}

func (r *taoReverser[T]) bytes() int { return sizeOf[T](9*len(r.a)+len(r.seen)) + 8*len(r.times) }
