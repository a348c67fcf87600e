package hnn_test

import (
	"context"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// defect returns the largest entry of MᵀJM − J, M the Jacobian of the flow map
// from t = 0 to 2 of a field with one row: what Discrete gives for every unit
// cotangent is a row of M.
func defect(t *testing.T, f odeint.Differentiable[float64], opt odeint.Options, z0 []float64) float64 {
	t.Helper()
	solver, err := adjoint.New[float64](f, opt, adjoint.Discrete{})
	if err != nil {
		t.Fatal(err)
	}
	d := len(z0)
	var m [][]float64
	for i := range d {
		if _, err := solver.Forward(context.Background(), []float64{0, 2}, z0); err != nil {
			t.Fatal(err)
		}
		dys := make([]float64, 2*d)
		dys[d+i] = 1
		var g adjoint.Gradient[float64]
		if err := solver.Backward(context.Background(), &g, dys); err != nil {
			t.Fatal(err)
		}
		m = append(m, g.Y0)
	}
	n, worst := d/2, 0.0
	for a := range d {
		for b := range d {
			form, j := 0.0, 0.0
			for i := range n {
				form += m[i][a]*m[n+i][b] - m[n+i][a]*m[i][b]
			}
			switch b {
			case a + n:
				j = 1
			case a - n:
				j = -1
			}
			worst = math.Max(worst, math.Abs(form-j))
		}
	}
	return worst
}

// TestSymplecticForm checks that the flow of a Hamiltonian field is symplectic,
// to the tolerance of the solver, whatever the energy.
func TestSymplecticForm(t *testing.T) {
	tight := odeint.Options{RTol: 1e-11, ATol: 1e-11}
	z4 := []float64{.4, -.6, .8, .3}
	for name, c := range map[string]struct {
		h  hnn.Module
		z0 []float64
	}{
		"network, n = 1":    {net(1, 2, layers.Tanh), []float64{.7, -.5}},
		"network, n = 2":    {net(2, 1, layers.Softplus), z4},
		"double pendulum":   {hnn.DoublePendulum{}, z4},
		"Kepler":            {hnn.Kepler{}, []float64{1, 0, 0, 1.1}},
		"Hénon–Heiles":      {hnn.HenonHeiles{}, []float64{.1, .3, .2, -.2}},
		"learned and known": {hnn.Sum{hnn.DoublePendulum{Learn: []string{"mass1"}}, net(2, 1, layers.Sin)}, z4},
	} {
		f := newField[float64](t, hnn.Field{H: c.h}, 1, 11)
		if d := defect(t, f, tight, c.z0); d > 1e-8 {
			t.Errorf("%s: MᵀJM − J is %v", name, d)
		}
	}
	// The check sees what is not symplectic: a damped field, and loose steps.
	f := newField[float64](t, hnn.Field{H: hnn.DoublePendulum{}, Damping: &hnn.Damping{}}, 1, 11)
	if d := defect(t, f, tight, z4); d < 1e-3 {
		t.Errorf("a damped flow passes for symplectic: %v", d)
	}
	f = newField[float64](t, hnn.Field{H: hnn.DoublePendulum{}}, 1, 11)
	if d := defect(t, f, odeint.Options{Method: odeint.RK4, H0: .1}, z4); d < 1e-8 {
		t.Errorf("large Runge–Kutta steps pass for symplectic: %v", d)
	}
}

// TestSymplecticSolvers follows energies of networks over many steps: symplectic
// methods keep them without drift, a Runge–Kutta method of as many evaluations
// does not.
func TestSymplecticSolvers(t *testing.T) {
	const tEnd, rows = 1000., 2
	whole := net(1, 1, layers.Tanh)
	apart := hnn.Separable{V: hnn.Sum{layers.MLP{In: 1, Hidden: []int{6}, Out: 1, BiasInit: layers.Uniform(-1, 1)}, well()}}
	cfg := func() graph.FieldConfig { return graph.FieldConfig{Name: "f", Rand: rng(12)} }
	general, err := graph.NewField[float64](hnn.Field{H: hnn.Sum{whole, hnn.Harmonic{}}}, rows, cfg())
	if err != nil {
		t.Fatal(err)
	}
	separable, err := hnn.NewSeparable[float64](apart, rows, cfg())
	if err != nil {
		t.Fatal(err)
	}
	energy := func(h hnn.Module) *hnn.Energy[float64] {
		e, err := hnn.NewEnergy[float64](h, rows, cfg())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	eGeneral, eSeparable := energy(hnn.Sum{whole, hnn.Harmonic{}}), energy(apart)

	for _, c := range []struct {
		name      string
		f         odeint.VectorField[float64]
		e         *hnn.Energy[float64]
		method    odeint.Method
		h         float64
		deviation float64 // of the energy from its start
		drifts    bool
	}{
		{"Gauss–Legendre 6", general, eGeneral, odeint.GaussLegendre6, .2, 5e-8, false},
		{"implicit midpoint", general, eGeneral, odeint.ImplicitMidpoint, .1, 3e-3, false},
		{"Tao", general, eGeneral, &odeint.Tao{Omega: 20, Order: 4}, .02, 1e-4, false},
		{"RK4, same field", general, eGeneral, odeint.RK4, .2, 1, true},
		{"Verlet", separable, eSeparable, odeint.VelocityVerlet, .1, 3e-3, false},
		{"Yoshida 4", separable, eSeparable, odeint.Yoshida4, .1, 1e-5, false},
		{"RK4, separable field", separable, eSeparable, odeint.RK4, .2, 1, true},
	} {
		every := int(math.Round(1 / c.h))
		sol, err := odeint.Solve(c.f, 0, tEnd, []float64{1, 0, .5, -.8}, odeint.Options{Method: c.method, H0: c.h, SaveAt: odeint.SaveAt{Start: true, Every: every}})
		if err != nil {
			t.Fatal(c.name, err)
		}
		h, err := c.e.Along(sol.T, sol.Y)
		if err != nil {
			t.Fatal(c.name, err)
		}
		for row := range rows {
			var one []float64
			for i := range sol.T {
				one = append(one, h[rows*i+row])
			}
			d := hnn.DriftOf(sol.T, one)
			if d.MaxDeviation > c.deviation || math.Abs(d.Sigma()) > 4 != c.drifts {
				t.Errorf("%s, row %d: deviation %.2g (bound %g), slope of %.1f standard errors", c.name, row, d.MaxDeviation, c.deviation, d.Sigma())
			}
		}
	}
}

// well is V(q) = q²/2 for one degree of freedom.
func well() custom {
	return custom{1, func(_, q *G.Node) (*G.Node, error) {
		return G.HadamardProd(G.Must(G.Square(q)), G.NewConstant(.5, G.WithName("half")))
	}, false}
}

// TestTaoOnBatch: the samples of a batch do not know of each other, forward and back.
func TestTaoOnBatch(t *testing.T) {
	t.Run("float64", func(t *testing.T) { taoOnBatch[float64](t, 1e-13) })
	t.Run("float32", func(t *testing.T) { taoOnBatch[float32](t, 2e-5) })
}

// The tolerances are some ten roundings a step over 50 steps: the samples of a batch are
// products of matrices of another size.
func taoOnBatch[T hnn.Float](t *testing.T, tol float64) {
	const rows, n = 3, 4
	cfg := graph.FieldConfig{Shape: []int{n}}
	compile := func(batch int) *graph.Field[T] {
		cfg.Rand = rng(5)
		f, err := graph.NewField[T](hnn.Field{H: net(2, 1, layers.Tanh)}, batch, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	run := func(f *graph.Field[T], y0, dy []T) (y []T, g adjoint.Gradient[T]) {
		s, err := adjoint.New[T](f, odeint.Options{Method: &odeint.Tao{Omega: 10, Order: 4}, H0: 0.02}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sol, err := s.Forward(t.Context(), []float64{0, 1}, y0)
		if err != nil {
			t.Fatal(err)
		}
		dys := append(make([]T, len(y0)), dy...)
		if err := s.Backward(t.Context(), &g, dys); err != nil {
			t.Fatal(err)
		}
		return sol.Last(), g
	}
	y0, dy := normal[T](rng(6), rows*n, 1), normal[T](rng(7), rows*n, 1)
	y, g := run(compile(rows), y0, dy)
	theta := make([]T, len(g.Theta))
	for i := range rows {
		from, to := i*n, (i+1)*n
		one, gOne := run(compile(1), y0[from:to], dy[from:to])
		gradtest.Close(t, "state", y[from:to], one, tol)
		gradtest.Close(t, "∂L/∂y0", g.Y0[from:to], gOne.Y0, tol)
		for j, v := range gOne.Theta {
			theta[j] += v
		}
	}
	gradtest.Close(t, "∂L/∂θ", g.Theta, theta, tol)
}
