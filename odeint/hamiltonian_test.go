package odeint

import (
	"math"
	"testing"
)

// hamiltonian is a test problem with z = (q, p).
type hamiltonian[T Float] struct {
	name   string
	field  VectorField[T]
	energy func(z []T) float64
	z0     []T
}

// harmonic: H = (p² + q²)/2, q(t) = q0 cos t + p0 sin t.
func harmonic[T Float]() hamiltonian[T] {
	return hamiltonian[T]{
		"harmonic",
		NewSeparable(1, 1,
			func(dq []T, _ float64, p []T) { dq[0] = p[0] },
			func(dp []T, _ float64, q []T) { dp[0] = -q[0] }),
		func(z []T) float64 { return float64(z[0]*z[0]+z[1]*z[1]) / 2 },
		[]T{1, -0.5},
	}
}

// pendulum: H = p²/2 − cos q.
func pendulum[T Float]() hamiltonian[T] {
	return hamiltonian[T]{
		"pendulum",
		NewSeparable(1, 1,
			func(dq []T, _ float64, p []T) { dq[0] = p[0] },
			func(dp []T, _ float64, q []T) { dp[0] = T(-math.Sin(float64(q[0]))) }),
		func(z []T) float64 { return float64(z[1]*z[1])/2 - math.Cos(float64(z[0])) },
		[]T{1.2, 0.3},
	}
}

// kepler: H = |p|²/2 − 1/|q|, at the pericentre of an ellipse of eccentricity 0.6 and
// period 2π.
func kepler[T Float]() hamiltonian[T] {
	const e = 0.6
	return hamiltonian[T]{
		"kepler",
		NewSeparable(1, 2,
			func(dq []T, _ float64, p []T) { copy(dq, p) },
			func(dp []T, _ float64, q []T) {
				r2 := float64(q[0])*float64(q[0]) + float64(q[1])*float64(q[1])
				r3 := r2 * math.Sqrt(r2)
				dp[0], dp[1] = T(-float64(q[0])/r3), T(-float64(q[1])/r3)
			}),
		func(z []T) float64 {
			return float64(z[2]*z[2]+z[3]*z[3])/2 - 1/math.Hypot(float64(z[0]), float64(z[1]))
		},
		[]T{1 - e, 0, 0, T(math.Sqrt((1 + e) / (1 - e)))},
	}
}

// henonHeiles: H = (|p|² + |q|²)/2 + q1² q2 − q2³/3, at energy 1/12.
func henonHeiles[T Float]() hamiltonian[T] {
	return hamiltonian[T]{
		"henon-heiles",
		NewSeparable(1, 2,
			func(dq []T, _ float64, p []T) { copy(dq, p) },
			func(dp []T, _ float64, q []T) {
				x, y := q[0], q[1]
				dp[0], dp[1] = -x-2*x*y, -y-x*x+y*y
			}),
		func(z []T) float64 {
			x, y := float64(z[0]), float64(z[1])
			return (float64(z[2]*z[2]+z[3]*z[3])+x*x+y*y)/2 + x*x*y - y*y*y/3
		},
		[]T{0.1, 0.2, 0.2, T(math.Sqrt(2 * (1.0/12 - 0.02 - 0.025 - 0.002 + 0.008/3)))},
	}
}

// rods is the double pendulum: two masses 1 on rods of length 1 with g = 9.8; not separable.
//
//	H = (p1² + 2 p2² − 2 p1 p2 cos δ) / (2 (1 + sin² δ)) − g (2 cos q1 + cos q2),  δ = q1 − q2
func rods[T Float]() hamiltonian[T] {
	const g = 9.8
	return hamiltonian[T]{
		"double-pendulum",
		NewFunc(4, func(dz []T, _ float64, z []T) {
			q1, q2, p1, p2 := float64(z[0]), float64(z[1]), float64(z[2]), float64(z[3])
			sin, cos := math.Sincos(q1 - q2)
			d := 1 + sin*sin
			n := p1*p1 + 2*p2*p2 - 2*p1*p2*cos
			// ∂/∂δ of n/(2d)
			slope := p1*p2*sin/d - n*sin*cos/(d*d)
			dz[0] = T((p1 - p2*cos) / d)
			dz[1] = T((2*p2 - p1*cos) / d)
			dz[2] = T(-slope - 2*g*math.Sin(q1))
			dz[3] = T(slope - g*math.Sin(q2))
		}),
		func(z []T) float64 {
			q1, q2, p1, p2 := float64(z[0]), float64(z[1]), float64(z[2]), float64(z[3])
			sin, cos := math.Sincos(q1 - q2)
			return (p1*p1+2*p2*p2-2*p1*p2*cos)/(2*(1+sin*sin)) - g*(2*math.Cos(q1)+math.Cos(q2))
		},
		[]T{0.4, -0.3, 0.2, 0.1},
	}
}

// end solves with fixed steps of size h and returns the last state.
func (p hamiltonian[T]) end(t *testing.T, m Method, t1, h float64) []T {
	t.Helper()
	sol, err := Solve(p.field, 0, t1, p.z0, Options{Method: m, H0: h})
	if err != nil {
		t.Fatal(p.name, m, err)
	}
	return sol.Last()
}

func distance[T Float](a, b []T) float64 {
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(float64(a[i]-b[i])))
	}
	return d
}

// regression returns the slope of y over x and its standard error.
func regression(x, y []float64) (slope, stderr float64) {
	n := float64(len(x))
	var sx, sy float64
	for i := range x {
		sx += x[i]
		sy += y[i]
	}
	var sxx, sxy float64
	for i := range x {
		sxx += (x[i] - sx/n) * (x[i] - sx/n)
		sxy += (x[i] - sx/n) * (y[i] - sy/n)
	}
	slope = sxy / sxx
	rest := 0.0
	for i := range x {
		r := y[i] - sy/n - slope*(x[i]-sx/n)
		rest += r * r
	}
	return slope, math.Sqrt(rest / (n - 2) / sxx)
}
