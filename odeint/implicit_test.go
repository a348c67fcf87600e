package odeint

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/butcher"
)

func TestGaussTableaus(t *testing.T) {
	for _, c := range []struct {
		m     *ImplicitRK
		order int
	}{{ImplicitMidpoint, 2}, {GaussLegendre4, 4}, {GaussLegendre6, 6}} {
		if err := c.m.Check(); err != nil {
			t.Error(err)
		}
		if got := butcher.NewConditions(c.m.A).Order(c.m.B); got != c.order || c.m.Order != c.order {
			t.Errorf("%s: order by conditions %d, by claim %d, want %d", c.m.Name, got, c.m.Order, c.order)
		}
		if !c.m.Symmetric() || !c.m.Symplectic() {
			t.Errorf("%s: symmetric %v, symplectic %v", c.m.Name, c.m.Symmetric(), c.m.Symplectic())
		}
		s := len(c.m.B)
		for k := range s * (s + 2) { // every coefficient of A, B, C in turn
			bad := *c.m
			bad.A, bad.B, bad.C = cloneRows(bad.A), slices.Clone(bad.B), slices.Clone(bad.C)
			rows := append(cloneRowsOf(bad.A), bad.B, bad.C)
			rows[k/s][k%s] += 1e-6
			if bad.Check() == nil {
				t.Errorf("%s: coefficient %d + 1e-6 passes", c.m.Name, k)
			}
		}
	}
	// Radau IIA of order 3 is neither symmetric nor symplectic.
	radau := &ImplicitRK{
		Name: "radau3", Order: 3, C: []float64{1.0 / 3, 1}, B: []float64{3.0 / 4, 1.0 / 4},
		A: [][]float64{{5.0 / 12, -1.0 / 12}, {3.0 / 4, 1.0 / 4}},
	}
	if err := radau.Check(); err != nil {
		t.Error(err)
	}
	if radau.Symmetric() || radau.Symplectic() {
		t.Error("radau3 passes as symmetric or symplectic")
	}
	// A tableau of the user runs: its order shows.
	p := pendulum[float64]()
	exact := p.end(t, GaussLegendre6, 1, 1e-3)
	e1, e2 := distance(p.end(t, radau, 1, 0.02), exact), distance(p.end(t, radau, 1, 0.01), exact)
	if slope := math.Log2(e1 / e2); math.Abs(slope-3) > 0.15 {
		t.Errorf("radau3: observed order %.3f", slope)
	}
}

// cloneRowsOf returns the rows themselves in a slice of its own.
func cloneRowsOf(a [][]float64) [][]float64 { return append([][]float64(nil), a...) }

// The weights of the increments of a symplectic method pair up to the last bit.
func TestPairedWeights(t *testing.T) {
	for _, m := range []*ImplicitRK{ImplicitMidpoint, GaussLegendre4, GaussLegendre6} {
		wide := newImplicitStepper(m, &evaluator[float64]{field: harmonic[float64]().field}, false)
		narrow := newImplicitStepper(m, &evaluator[float32]{field: harmonic[float32]().field}, false)
		for i := range m.B {
			for j := range m.B {
				// Each sum is exact: the two numbers are within a factor of 2 of 1 or smaller.
				if wide.mu[i].w[j]+wide.mu[j].w[i] != 1 || narrow.mu[i].w[j]+narrow.mu[j].w[i] != 1 {
					t.Errorf("%s: weights %d, %d do not add up to 1", m.Name, i, j)
				}
				if d := wide.mu[i].w[j] - m.A[i][j]/m.B[j]; math.Abs(d) > 1e-15 {
					t.Errorf("%s: weight %d, %d is off by %.3g", m.Name, i, j, d)
				}
			}
		}
		wide.setWeights(0.1)
		sum := 0.0
		for _, w := range wide.hb {
			sum += w
		}
		if math.Abs(sum-0.1) > 1e-17 {
			t.Errorf("%s: the weights of a step of 0.1 add up to %v", m.Name, sum)
		}
	}
}

// stiff is y1' = −k (y1 − cos t) − sin t, y2' = −y2 y1, with y1 = cos t. It has a VJP.
type stiff[T Float] struct{ k T }

func (s stiff[T]) Dim() int       { return 2 }
func (s stiff[T]) NumParams() int { return 0 }

func (s stiff[T]) Eval(dy []T, t float64, y []T) {
	dy[0] = -s.k*(y[0]-T(math.Cos(t))) - T(math.Sin(t))
	dy[1] = -y[1] * y[0]
}

func (s stiff[T]) VJP(dydt, dy, _ []T, t float64, y, lambda []T) {
	if dydt != nil {
		s.Eval(dydt, t, y)
	}
	dy[0] = -s.k*lambda[0] - y[1]*lambda[1]
	dy[1] = -y[0] * lambda[1]
}

// onlyEval hides the VJP of a field.
type onlyEval[T Float] struct{ VectorField[T] }

func testStiff[T Float](t *testing.T, tol float64) {
	f := stiff[T]{k: 1e4}
	y0 := []T{1, 1}
	exact := math.Exp(-math.Sin(1))
	for _, m := range []*ImplicitRK{ImplicitMidpoint, GaussLegendre4, GaussLegendre6} {
		opt := Options{Method: m.With(Newton{}), H0: 0.02}
		byVJP, err := Solve(f, 0, 1, y0, opt)
		if err != nil {
			t.Fatal(m, err)
		}
		byDifferences, err := Solve(onlyEval[T]{f}, 0, 1, y0, opt)
		if err != nil {
			t.Fatal(m, err)
		}
		// y2 is the exponential of an integral: the order is the quadrature's.
		if d := math.Abs(float64(byVJP.Last()[1]) - exact); d > tol+math.Pow(0.02, float64(m.Order)) {
			t.Errorf("%s: y2(1) is off by %.3g", m.Name, d)
		}
		if d := math.Abs(float64(byVJP.Last()[0]) - math.Cos(1)); d > tol+1e-3 {
			t.Errorf("%s: y1(1) is off by %.3g", m.Name, d)
		}
		if d := distance(byVJP.Last(), byDifferences.Last()); d > tol {
			t.Errorf("%s: Jacobians by VJP and by differences give ends %.3g apart", m.Name, d)
		}
		if s := byVJP.Stats; s.VJPs != 2*s.Accepted || s.Iterations > 12*s.Accepted {
			t.Errorf("%s: %+v", m.Name, s)
		}
		if byDifferences.Stats.VJPs != 0 {
			t.Errorf("%s: VJPs of a field without one", m.Name)
		}

		_, err = Solve(f, 0, 1, y0, Options{Method: m, H0: 0.02})
		if !errors.Is(err, ErrNonFinite) && !errors.Is(err, ErrNoConvergence) {
			t.Errorf("%s: fixed point on a stiff field: %v", m.Name, err)
		}
	}
}

func TestNewtonOnStiff(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testStiff[float64](t, 1e-10) })
	t.Run("float32", func(t *testing.T) { testStiff[float32](t, 1e-5) })
}

func TestNoConvergence(t *testing.T) {
	f := stiff[float64]{k: 30}
	for _, s := range []StageSolver{FixedPoint{MaxIter: 3}, Newton{MaxIter: 1}, FixedPoint{}} {
		m := GaussLegendre4.With(s)
		sol, err := Solve(f, 0.5, 1, []float64{1, 1}, Options{Method: m, H0: 0.25})
		var at *StepError
		var c *ConvergenceError
		if !errors.Is(err, ErrNoConvergence) || !errors.As(err, &at) || !errors.As(err, &c) {
			t.Fatalf("%T: %v", s, err)
		}
		_, most := s.limits()
		if s == (FixedPoint{}) {
			most = c.Iterations // it gives up early: the changes grow
		}
		if at.T != 0.5 || c.T != 0.5 || c.H != 0.25 || c.Iterations != most || c.Iterations > 50 || !(c.Change > 1e-12) || sol.Reached() != 0.5 {
			t.Errorf("%T: %+v, %+v", s, at, c)
		}
		if !strings.Contains(err.Error(), "try a smaller H0") {
			t.Errorf("%T: no advice in %q", s, err)
		}
	}
}

// A tolerance saves iterations and costs accuracy, of its own size.
func TestStageTolerance(t *testing.T) {
	p := pendulum[float64]()
	for _, solver := range []func(tol float64) StageSolver{
		func(tol float64) StageSolver { return FixedPoint{Tol: tol} },
		func(tol float64) StageSolver { return Newton{Tol: tol} },
	} {
		var iterations []int
		exact := p.end(t, GaussLegendre4.With(solver(0)), 1, 0.05)
		for _, tol := range []float64{0, 1e-10, 1e-6} {
			sol, err := Solve(p.field, 0, 1, p.z0, Options{Method: GaussLegendre4.With(solver(tol)), H0: 0.05})
			if err != nil {
				t.Fatal(err)
			}
			iterations = append(iterations, sol.Stats.Iterations)
			if d := distance(sol.Last(), exact); d > 20*tol {
				t.Errorf("%T: tolerance %v costs %.3g", solver(tol), tol, d)
			}
		}
		if !(iterations[0] > iterations[1] && iterations[1] > iterations[2]) {
			t.Errorf("%T: iterations %v do not fall with the tolerance", solver(0), iterations)
		}
	}
}

// A solve that starts at zero has its increments for a scale.
func TestImplicitFromRest(t *testing.T) {
	forced := NewFunc(2, func(dz []float64, t float64, z []float64) {
		dz[0], dz[1] = z[1]+z[1]*z[1], -math.Sin(z[0])-0.3*z[1]+math.Sin(t)
	})
	rest := NewFunc(2, func(dz []float64, _ float64, z []float64) { dz[0], dz[1] = z[1], -math.Sin(z[0]) })
	exact, err := Solve(forced, 0, 3, []float64{0, 0}, Options{Method: Dop853, RTol: 1e-13, ATol: 1e-14})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*ImplicitRK{ImplicitMidpoint, GaussLegendre4, GaussLegendre6} {
		for _, s := range []StageSolver{FixedPoint{}, FixedPoint{Tol: 1e-10}, Newton{}, Newton{Tol: 1e-10}} {
			opt := Options{Method: m.With(s), H0: 0.05}
			sol, err := Solve(forced, 0, 3, []float64{0, 0}, opt)
			if err != nil {
				t.Fatalf("%v, %T: %v", m, s, err)
			}
			if d := distance(sol.Last(), exact.Last()); d > 1e-7+math.Pow(0.05, float64(m.Order)) {
				t.Errorf("%v, %T: off by %.3g", m, s, d)
			}
			still, err := Solve(rest, 0, 3, []float64{0, 0}, opt)
			if err != nil || !slices.Equal(still.Last(), []float64{0, 0}) {
				t.Errorf("%v, %T: rest becomes %v, %v", m, s, still.Last(), err)
			}
		}
	}
}

// tangent is van der Pol's oscillator with Jacobian-vector products alone.
type tangent struct{ VectorField[float64] }

func (tangent) JVP(ddydt []float64, _ float64, y, v []float64) {
	ddydt[0] = v[1]
	ddydt[1] = -(1+100*y[0]*y[1])*v[0] + 50*(1-y[0]*y[0])*v[1]
}

// TestNewtonByJVP: Newton's iteration takes Jacobian-vector products where there are no
// others, and finds the same steps as with differences.
func TestNewtonByJVP(t *testing.T) {
	f := NewFunc(2, func(d []float64, _ float64, y []float64) {
		d[0], d[1] = y[1], 50*(1-y[0]*y[0])*y[1]-y[0]
	})
	opt := Options{Method: GaussLegendre6.With(Newton{}), H0: 0.01}
	want, err := Solve(f, 0, 1, []float64{2, 0}, opt)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Solve[float64](tangent{f}, 0, 1, []float64{2, 0}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if got.Stats.JVPs != 200 || want.Stats.JVPs != 0 || got.Stats.NFE >= want.Stats.NFE {
		t.Errorf("%v by products, %v by differences", got.Stats, want.Stats)
	}
	for i, v := range want.Last() {
		if math.Abs(got.Last()[i]-v) > 1e-12 { // the stages are solved to rounding
			t.Errorf("component %d: %v, want %v", i, got.Last()[i], v)
		}
	}
}
