package odetest

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Constant is y' = a + (y − (a t + b))⁵ on [1, 8], with the straight line as solution.
func Constant[T ~float32 | ~float64]() *Problem[T] {
	const a, b = 0.2, 3
	p := &Problem[T]{Name: "constant", T0: 1, T1: 8}
	p.F = func(d []T, t float64, y []T) { d[0] = T(a + math.Pow(float64(y[0])-(a*t+b), 5)) }
	p.Exact = func(dst []float64, t float64) { dst[0] = a*t + b }
	return p.start(1)
}

// Sine is y' = 2y/t + t⁴ sin 2t − t² + 4t³ on [1, 8].
func Sine[T ~float32 | ~float64]() *Problem[T] {
	p := &Problem[T]{Name: "sine", T0: 1, T1: 8}
	p.F = func(d []T, t float64, y []T) {
		d[0] = T(2*float64(y[0])/t + t*t*t*t*math.Sin(2*t) - t*t + 4*t*t*t)
	}
	p.Exact = func(dst []float64, t float64) {
		s, c := math.Sincos(2 * t)
		t2 := t * t
		dst[0] = -t2*t2*c/2 + t2*t*s/2 + t2*c/4 - t2*t + 2*t2*t2 + (math.Pi-0.25)*t2
	}
	return p.start(1)
}

// Linear is y' = A y on [1, 8] with a skew A of 10×10 drawn from a fixed seed
// and y(0) = 1.
func Linear[T ~float32 | ~float64]() *Problem[T] {
	const n = 10
	r := rand.New(rand.NewPCG(3, 14))
	a := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range i {
			u := 0.5 * (r.Float64() - r.Float64())
			a.Set(i, j, u)
			a.Set(j, i, -u)
		}
	}
	p := &Problem[T]{Name: "linear", T0: 1, T1: 8}
	p.F = func(d []T, _ float64, y []T) {
		for i := range d {
			var sum T
			for j, v := range y {
				sum += T(a.At(i, j)) * v
			}
			d[i] = sum
		}
	}
	p.Exact = func(dst []float64, t float64) {
		var at, e mat.Dense
		at.Scale(t, a)
		e.Exp(&at)
		for i := range dst {
			dst[i] = mat.Sum(e.RowView(i))
		}
	}
	return p.start(n)
}

// Decay is y' = −0.1 e^{−0.1 t} on [1, 8], without y on the right.
func Decay[T ~float32 | ~float64]() *Problem[T] {
	p := &Problem[T]{Name: "decay", T0: 1, T1: 8}
	p.F = func(d []T, t float64, _ []T) { d[0] = T(-0.1 * math.Exp(-0.1*t)) }
	p.Exact = func(dst []float64, t float64) { dst[0] = math.Exp(-0.1 * t) }
	return p.start(1)
}

// Kepler is the planar two-body problem of eccentricity e on [0, 4]: an
// autonomous, nonlinear system. The state is (q₁, q₂, p₁, p₂).
func Kepler[T ~float32 | ~float64](e float64) *Problem[T] {
	p := &Problem[T]{Name: "kepler", T0: 0, T1: 4}
	p.F = orbit[T]
	p.Exact = func(dst []float64, t float64) {
		u := t // eccentric anomaly: u − e sin u = t
		for range 50 {
			u -= (u - e*math.Sin(u) - t) / (1 - e*math.Cos(u))
		}
		s, c := math.Sincos(u)
		b := math.Sqrt(1 - e*e)
		r := 1 - e*c
		dst[0], dst[1], dst[2], dst[3] = c-e, b*s, -s/r, b*c/r
	}
	return p.start(4)
}

func orbit[T ~float32 | ~float64](d []T, _ float64, y []T) {
	r := math.Hypot(float64(y[0]), float64(y[1]))
	r3 := T(r * r * r)
	d[0], d[1], d[2], d[3] = y[2], y[3], -y[0]/r3, -y[1]/r3
}

// Coupled is an autonomous, nonlinear system on [0, 4], with the solution
// (e^{sin t}, e^{2 sin t}, 1 + sin t, cos t).
func Coupled[T ~float32 | ~float64]() *Problem[T] {
	p := &Problem[T]{Name: "coupled", T0: 0, T1: 4}
	p.F = func(d []T, _ float64, y []T) { coupled(d, 1, y) }
	p.Exact = func(dst []float64, t float64) { coupledAt(dst, t) }
	return p.start(4)
}

// Driven is a system that depends on time, on [0, 3]: a rotation whose speed and damping
// vary, beside a nonlinear component, with the solution
// (e^{−a} cos s, e^{−a} sin s, 1/(2 + sin t)), a = sin²t/2, s = t + t²/4.
func Driven[T ~float32 | ~float64]() *Problem[T] {
	p := &Problem[T]{Name: "driven", T0: 0, T1: 3}
	p.F = func(d []T, t float64, y []T) {
		sin, cos := math.Sincos(t)
		damping, speed := T(sin*cos), T(1+t/2)
		d[0] = -damping*y[0] - speed*y[1]
		d[1] = speed*y[0] - damping*y[1]
		d[2] = -T(cos) * y[2] * y[2]
	}
	p.Exact = func(dst []float64, t float64) {
		sin := math.Sin(t)
		a := math.Exp(-sin * sin / 2)
		s, c := math.Sincos(t + t*t/4)
		dst[0], dst[1], dst[2] = a*c, a*s, 1/(2+sin)
	}
	return p.start(3)
}

const coupling = 2

func coupled[T ~float32 | ~float64](d []T, speed float64, y []T) {
	y1, y2, y3, y4 := float64(y[0]), float64(y[1]), float64(y[2]), float64(y[3])
	d[0] = T(speed * math.Pow(y2, 1.0/coupling) * y4)
	d[1] = T(speed * coupling * math.Exp(coupling*(y3-1)) * y4)
	d[2] = T(speed * y4)
	d[3] = T(-speed * math.Log(y1))
}

func coupledAt(dst []float64, s float64) {
	sin, cos := math.Sincos(s)
	dst[0], dst[1], dst[2], dst[3] = math.Exp(sin), math.Exp(coupling*sin), 1+sin, cos
}

// Exact returns all problems with exact solutions.
func Exact[T ~float32 | ~float64]() []*Problem[T] {
	return []*Problem[T]{Constant[T](), Sine[T](), Linear[T](), Decay[T](), Kepler[T](0.3), Coupled[T](), Driven[T]()}
}
