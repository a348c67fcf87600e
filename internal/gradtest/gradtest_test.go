package gradtest

import (
	"math"
	"math/rand/v2"
	"testing"
)

// pendulum is y” = −a sin y − b·t·y', θ = (a, b), with faults to be found.
type pendulum[T Float] struct {
	theta []T
	fault string
}

func (p *pendulum[T]) Dim() int       { return 2 }
func (p *pendulum[T]) NumParams() int { return 2 }

func (p *pendulum[T]) Eval(dydt []T, t float64, y []T) {
	dydt[0] = y[1]
	dydt[1] = -p.theta[0]*T(math.Sin(float64(y[0]))) - p.theta[1]*y[1]*T(t)
}

func (p *pendulum[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	if dydt != nil {
		p.Eval(dydt, t, y)
	}
	s, c := math.Sincos(float64(y[0]))
	dy[0] = -p.theta[0] * T(c) * lambda[1]
	dy[1] = lambda[0] - p.theta[1]*T(t)*lambda[1]
	if dtheta != nil {
		if p.fault == "overwrites" {
			dtheta[0], dtheta[1] = 0, 0
		}
		dtheta[0] -= T(s) * lambda[1]
		dtheta[1] -= y[1] * T(t) * lambda[1]
	}
	switch {
	case p.fault == "dy":
		dy[1] *= 1.001
	case p.fault == "dtheta" && dtheta != nil:
		dtheta[1] *= 1.001
	case p.fault == "f" && dydt != nil:
		dydt[0] *= 1.001
	case p.fault == "state modified":
		y[1]++
	case p.fault == "cotangent modified":
		lambda[0]++
	case p.fault == "not written":
		dy[0] = T(math.NaN())
	}
}

// recorder is a test that counts its failures.
type recorder struct {
	testing.TB
	errors int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.errors++ }

func TestVJPFindsFaults(t *testing.T) {
	for _, fault := range []string{"", "dy", "dtheta", "overwrites", "f", "state modified", "cotangent modified", "not written"} {
		r := &recorder{TB: t}
		f := &pendulum[float64]{theta: []float64{1.3, 0.4}, fault: fault}
		VJP(r, f, f.theta, 0.7, []float64{0.3, -1.1}, rand.New(rand.NewPCG(1, 2)), 1e-3, 1e-9)
		if (r.errors > 0) != (fault != "") {
			t.Errorf("fault %q: %d failures", fault, r.errors)
		}
	}
	// float32: differences with h = 0.05 are good to h⁴ and 1e-7/h, about 1e-5.
	f := &pendulum[float32]{theta: []float32{1.3, 0.4}}
	VJP(t, f, f.theta, 0.7, []float32{0.3, -1.1}, rand.New(rand.NewPCG(1, 2)), 0.05, 1e-4)
}

func TestGradient(t *testing.T) {
	x := []float64{0.5, -2, 30}
	same := Unchanged(t, "x", x)
	g := Gradient(func() float64 { return math.Exp(x[0]) + x[1]*x[1]*x[2] }, x, 1e-3)
	same()
	Close(t, "gradient", g, []float64{math.Exp(0.5), 2 * -2 * 30, 4}, 1e-12)
}

func TestClose(t *testing.T) {
	for _, c := range []struct {
		got, want []float64
		fails     bool
	}{
		{[]float64{1, 2}, []float64{1, 2}, false},
		{[]float64{1, 2.1}, []float64{1, 2}, true},
		{[]float64{1}, []float64{1, 2}, true},
		{[]float64{math.NaN()}, []float64{1}, true},
		{[]float64{1e-12}, []float64{0}, true},
		{[]float64{1 + 1e-14}, []float64{1}, false},
	} {
		r := &recorder{TB: t}
		Close(r, "case", c.got, c.want, 1e-13)
		if (r.errors > 0) != c.fails {
			t.Errorf("Close(%v, %v): %d failures", c.got, c.want, r.errors)
		}
	}
}
