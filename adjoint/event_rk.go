package adjoint

import (
	"math"

	"github.com/neuralode/neuralode/odeint"
)

// movingEnds sums up how a step of a Runge–Kutta method depends on where it begins and ends.
// With w_i and v_i of the reverse, of stages at T0 + c_i·H and states Y_i, these are
//
//	∂/∂H = [λᵀ(Y1 − Y0) + Σ v_iᵀ(Y_i − Y0)]/H + Σ c_i w_iᵀ∂f/∂t,   ∂/∂T0 = Σ w_iᵀ∂f/∂t,
//
// and what outputs inside have, whose place in the step moves.
type movingEnds[T odeint.Float] struct {
	dT, dH float64
	lambda []T
	slope  []float64 // b_i′(θ_o)
	f      []T
}

// ends returns the derivatives of λᵀY1 + Σ ȳᵀy(t_o) with respect to T0 and T1, each with the other
// and the t_o held.
func (r *rkReverser[T]) ends(p *pass[T], s *odeint.Step[T], lambda []T, outs []outputCotangent[T]) (dT0, dT1 float64) {
	m := &r.moving
	m.lambda, m.f, m.slope = sized(m.lambda, r.n), sized(m.f, r.n), sized(m.slope, len(r.m.P))
	m.dT, m.dH = 0, 0
	copy(m.lambda, lambda)
	for j, l := range lambda {
		m.dH += float64(l) * (float64(s.Y1[j]) - float64(s.Y0[j])) / s.H
	}
	for _, o := range outs {
		r.m.DenseWeights(r.weight, o.theta)
		r.m.DenseSlopes(m.slope, o.theta)
		for i, b := range m.slope {
			w := 0.0
			if i < len(r.weight) {
				w = r.weight[i]
			}
			if b == 0 && w == 0 {
				continue
			}
			k := dot(s.K[i*r.n:][:r.n], o.dy)
			m.dH += (w - o.theta*b) * k
			m.dT -= b * k
		}
	}
	for i := r.begin(s, m.lambda, outs); i >= 0; i-- {
		if !r.live[i] {
			continue
		}
		v, t := r.slope(i), s.StageTime(r.m.C[i])
		r.stage(s, i, r.y, r.w)
		r.f.VJP(nil, v, nil, t, r.y, r.w)
		p.stats.VJPs++
		for j, x := range v {
			m.dH += float64(x) * (float64(r.y[j]) - float64(s.Y0[j])) / s.H
		}
		ft := m.alongTime(p, s, t, r.y, r.w)
		m.dT += ft
		m.dH += r.m.C[i] * ft
	}
	return m.dT - m.dH, m.dH
}

// alongTime returns wᵀ∂f/∂t, by differences: 0 if f does not depend on time. They stay on
// this side of jumps.
func (m *movingEnds[T]) alongTime(p *pass[T], s *odeint.Step[T], t float64, y, w []T) float64 {
	d := differenceSize[T](s.H)
	if !(t+d != t) {
		return 0
	}
	at := func(t float64) float64 {
		p.stats.NFE++
		p.f.Eval(m.f, t, y)
		return dot(m.f, w)
	}
	lo, hi := math.Inf(-1), math.Inf(1)
	for _, end := range [][2]float64{{s.Lo, s.T0}, {s.Hi, s.T1}} {
		switch {
		case end[0] > end[1]:
			lo = end[0]
		case end[0] < end[1]:
			hi = end[0]
		}
	}
	if t+2*d > hi {
		d = -d
	} else if t-2*d >= lo {
		up, down := at(t+d), at(t-d)
		if up == down {
			return 0
		}
		return fourth(up, down, at(t+2*d), at(t-2*d), d)
	}
	return (-25*at(t) + 48*at(t+d) - 36*at(t+2*d) + 16*at(t+3*d) - 3*at(t+4*d)) / (12 * d)
}

// slopeInside stores the derivative of the state inside the step with respect to its time in e.slope.
func (d *discrete[T]) slopeInside(p *pass[T], s *odeint.Step[T], e *eventSteps[T], theta float64) error {
	rk, ok := d.rev.(*rkReverser[T])
	if auto, is := d.rev.(*autoReverser[T]); is && !s.Stiff {
		rk, ok = auto.rk, true
	}
	clear(e.slope)
	if ok {
		m := &rk.moving
		m.slope = sized(m.slope, len(rk.m.P))
		rk.m.DenseSlopes(m.slope, theta)
		for i, b := range m.slope {
			if b == 0 {
				continue
			}
			for j, k := range s.K[i*p.n:][:p.n] {
				e.slope[j] += T(b) * k
			}
		}
		return nil
	}
	size := differenceSize[T](s.H)
	for i, x := range [4]float64{1, -1, 2, -2} {
		again := s.Part(theta + x*size/s.H)
		again.Y1 = e.y1
		again.K = append(e.k[:0], s.K[:min(len(s.K), p.n)]...)
		err := p.retake(&again, false)
		e.k = again.K
		if err != nil {
			return err
		}
		weight := T([4]float64{8, -8, -1, 1}[i] / (12 * size))
		for j, y := range e.y1 {
			e.slope[j] += weight * (y - s.Y0[j])
		}
	}
	return nil
}
