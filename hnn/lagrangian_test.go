package hnn_test

import (
	"errors"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/internal/nodes"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

func compileFn(t *testing.T, m graph.Module, batch int) *graph.Function[float64] {
	t.Helper()
	f, err := graph.NewFunction[float64](m, batch, graph.FieldConfig{Name: "f", Rand: rng(6)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestLegendre: a Lagrangian and its Hamiltonian give the same motions, through the map
// of their states and with the same energy.
func TestLegendre(t *testing.T) {
	pendulum := hnn.DoublePendulum{Mass1: 1.5, Mass2: 0.7, Length1: 1.1, Length2: 0.8}
	for _, c := range []struct {
		l, h hnn.Module
		z    []float64
	}{
		{hnn.Harmonic{Degrees: 2, Mass: 2, Stiffness: 3}.Lagrangian(), hnn.Harmonic{Degrees: 2, Mass: 2, Stiffness: 3}, []float64{0.5, -1, 0.3, 0.2}},
		{hnn.Pendulum{Mass: 2, Length: 0.6}.Lagrangian(), hnn.Pendulum{Mass: 2, Length: 0.6}, []float64{2, 0.5}},
		{pendulum.Lagrangian(), pendulum, []float64{1, 0.4, -0.3, 0.8}},
		{hnn.Kepler{}.Lagrangian(), hnn.Kepler{}, []float64{1, 0.1, -0.2, 0.9}},
		{hnn.Relativistic{Mass: 2, Light: 3}.Lagrangian(), hnn.Relativistic{Mass: 2, Light: 3}, []float64{0.3, 2}},
	} {
		lagrangian := newField[float64](t, hnn.Lagrangian{L: c.l}, 1, 1)
		hamiltonian := newField[float64](t, hnn.Field{H: c.h}, 1, 1)
		toMomenta := compileFn(t, hnn.Legendre{L: c.l}, 1)
		opt := odeint.Options{Method: odeint.Dop853, RTol: 1e-13, ATol: 1e-13}
		follow := func(f odeint.VectorField[float64], z []float64) []float64 {
			sol, err := odeint.Solve(f, 0, 2, z, opt)
			if err != nil {
				t.Fatal(err)
			}
			return sol.Last()
		}
		zp := make([]float64, len(c.z))
		toMomenta.Eval(zp, 0, c.z)
		end := follow(lagrangian, c.z)
		got := make([]float64, len(end))
		toMomenta.Eval(got, 0, end)
		gradtest.Close(t, "states of "+hamiltonian.String(), got, follow(hamiltonian, zp), 1e-10)

		e, h := []float64{0}, []float64{0}
		compileFn(t, hnn.LagrangianEnergy{L: c.l}, 1).Eval(e, 0, c.z)
		compileFn(t, c.h, 1).Eval(h, 0, zp)
		gradtest.Close(t, "energy of "+hamiltonian.String(), e, h, 1e-13)
		compileFn(t, hnn.LagrangianEnergy{L: c.l}, 1).Eval(h, 0, end)
		gradtest.Close(t, "energy kept by "+hamiltonian.String(), h, e, 1e-11)
	}
}

// TestNarrowLegendre: momenta, energies and accelerations in float32 are those in float64,
// rounded.
func TestNarrowLegendre(t *testing.T) {
	pendulum := hnn.DoublePendulum{Mass1: 1.5, Mass2: 0.7, Length1: 1.1, Length2: 0.8}.Lagrangian()
	z := []float64{1, 0.4, -0.3, 0.8}
	for _, m := range []graph.Module{hnn.Legendre{L: pendulum}, hnn.LagrangianEnergy{L: pendulum}, hnn.Lagrangian{L: pendulum}} {
		wide := compileFn(t, m, 1)
		narrow, err := graph.NewFunction[float32](m, 1, graph.FieldConfig{Rand: rng(6)})
		if err != nil {
			t.Fatal(err)
		}
		want, got := make([]float64, wide.OutDim()), make([]float32, narrow.OutDim())
		wide.Eval(want, 0, z)
		narrow.Eval(got, 0, []float32{1, 0.4, -0.3, 0.8})
		gradtest.Close(t, "result", got, want, 2e-6)
	}
}

// TestQuadraticLagrangian: L = ½ vᵀMv + vᵀBq − ½ qᵀKq has M a = (B − Bᵀ) ... for each row,
// exactly: ∂L/∂q = Bᵀv − Kq and d/dt ∂L/∂v = M a + B v.
func TestQuadraticLagrangian(t *testing.T) {
	m, bq, k := []float64{2, 0.5, 0.5, 1}, []float64{0, 0.7, -0.2, 0.3}, []float64{3, -1, -1, 2}
	form := func(left, right *G.Node, a []float64) *G.Node {
		w := G.Must(nodes.Tensor(left, append([]float64(nil), a...), 2, 2))
		product := G.Must(G.HadamardProd(left, G.Must(G.Mul(right, G.Must(G.Transpose(w, 1, 0))))))
		return G.Must(G.Reshape(G.Must(G.Sum(product, 1)), tensor.Shape{left.Shape()[0], 1}))
	}
	half := func(x *G.Node) *G.Node { return G.Must(G.Mul(x, G.NewConstant(0.5, G.WithName("half")))) }
	l := custom{4, func(_, z *G.Node) (*G.Node, error) {
		q, v := G.Must(graph.Part(z, 1, 0, 2)), G.Must(graph.Part(z, 1, 2, 4))
		return G.Sub(G.Must(G.Add(half(form(v, v, m)), form(v, q, bq))), half(form(q, q, k)))
	}, false}
	f := newField[float64](t, hnn.Lagrangian{L: l}, 3, 1)
	z, got := normal[float64](rng(3), 12, 1), make([]float64, 12)
	f.Eval(got, 0, z)
	want := make([]float64, 12)
	for i := 0; i < 12; i += 4 {
		q, v := z[i:i+2], z[i+2:i+4]
		var r [2]float64
		for j := range 2 {
			for c := range 2 {
				r[j] += (bq[2*c+j]-bq[2*j+c])*v[c] - k[2*j+c]*q[c]
			}
		}
		det := m[0]*m[3] - m[1]*m[2]
		copy(want[i:], v)
		want[i+2], want[i+3] = (m[3]*r[0]-m[1]*r[1])/det, (m[0]*r[1]-m[2]*r[0])/det
	}
	gradtest.Close(t, "field", got, want, 1e-14)
}

// TestGauge: adding the total time derivative of F(q, t) = q₁² sin(q₂ t) to L changes
// nothing.
func TestGauge(t *testing.T) {
	plain := hnn.DoublePendulum{}.Lagrangian()
	gauge := custom{4, func(at, z *G.Node) (*G.Node, error) {
		col := func(i int) *G.Node { return G.Must(graph.Part(z, 1, i, i+1)) }
		mul := func(a, b *G.Node) *G.Node { return G.Must(G.HadamardProd(a, b)) }
		square, phase := G.Must(G.Square(col(0))), mul(col(1), at)
		sin, cos := G.Must(G.Sin(phase)), G.Must(G.Cos(phase))
		// F_q·v + F_t = 2q₁v₁ sin + q₁² cos·(t v₂ + q₂)
		first := mul(mul(G.Must(G.Add(col(0), col(0))), col(2)), sin)
		return G.Add(first, mul(mul(square, cos), G.Must(G.Add(mul(at, col(3)), col(1)))))
	}, true}
	a := newField[float64](t, hnn.Lagrangian{L: plain}, 2, 1)
	b := newField[float64](t, hnn.Lagrangian{L: hnn.Sum{plain, gauge}}, 2, 1)
	z := normal[float64](rng(4), 8, 1)
	want, got := make([]float64, 8), make([]float64, 8)
	a.Eval(want, 0.7, z)
	b.Eval(got, 0.7, z)
	gradtest.Close(t, "with the gauge term", got, want, 1e-12)
}

// TestRelativisticLimit: from rest, v = at/√(1 + (at/c)²) with a = F/m.
func TestRelativisticLimit(t *testing.T) {
	f := newField[float64](t, hnn.Lagrangian{L: hnn.Relativistic{Mass: 2, Light: 3, Force: 5}.Lagrangian()}, 1, 1)
	for _, end := range []float64{4, -4} {
		sol, err := odeint.Solve(f, 0, end, []float64{0, 0}, odeint.Options{RTol: 1e-11, ATol: 1e-11})
		if err != nil {
			t.Fatal(err)
		}
		at := 2.5 * end
		gradtest.Close(t, "velocity", sol.Last()[1:], []float64{at / math.Sqrt(1+at*at/9)}, 1e-9)
	}
}

// learnedLagrangian is a convex known part and a network.
func learnedLagrangian() hnn.Module {
	return hnn.Sum{hnn.Harmonic{Degrees: 2, Mass: 3}.Lagrangian(), net(2, 2, layers.Softplus)}
}

// TestLagrangianProducts checks values and products of learned Lagrangians with forces and
// friction, in both types, and their exact gradients through a solve.
func TestLagrangianProducts(t *testing.T) {
	t.Run("float64", func(t *testing.T) { lagrangianProducts[float64](t, 1e-3, 1e-7, 1e-11) })
	t.Run("float32", func(t *testing.T) { lagrangianProducts[float32](t, 3e-2, 2e-3, 1e-4) })
}

func lagrangianProducts[T hnn.Float](t *testing.T, h, tol, eps float64) {
	mechanical := hnn.Mechanical{
		C: layers.MLP{In: 2, Hidden: []int{5}, Out: 4, BiasInit: layers.Uniform(-1, 1)},
		V: layers.MLP{In: 2, Hidden: []int{5}, Out: 1}, Epsilon: 0.5,
	}
	for _, m := range []hnn.Lagrangian{
		{L: learnedLagrangian()},
		{L: mechanical, Solve: graph.SolveOptions{Factorisation: graph.Cholesky}},
		{L: mechanical, Force: layers.MLP{In: 4, Hidden: []int{3}, Out: 2}, Damping: &hnn.Damping{}},
	} {
		f := newField[T](t, m, 3, 5)
		y := normal[T](rng(8), f.Dim(), 0.7)
		gradtest.VJP(t, f, f.Params(), 0, y, rng(9), h, tol)
		gradtest.JVP(t, f, f.Params(), 0, y, rng(9), h, tol, eps)
		d, dy, dtheta := make([]T, len(y)), make([]T, len(y)), make([]T, f.NumParams())
		if a := gradtest.Allocs(5, func() { f.VJP(d, dy, dtheta, 0, y, y) }); a != 0 {
			t.Errorf("%v allocations", a)
		}
		again := make([]T, len(y))
		f.Eval(again, 0, y)
		gradtest.Close(t, "repeated", again, d, 0)
		if err := f.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestLagrangianSolverGradient(t *testing.T) {
	f := newField[float64](t, hnn.Lagrangian{L: learnedLagrangian()}, 2, 5)
	s, err := adjoint.New[float64](f, odeint.Options{Method: odeint.RK4, H0: 0.1}, adjoint.Discrete{})
	if err != nil {
		t.Fatal(err)
	}
	z0, times := normal[float64](rng(2), 8, 0.5), []float64{0, 0.2, 0.5}
	target, dys := normal[float64](rng(3), 24, 1), make([]float64, 24)
	loss := func() float64 {
		sol, err := s.Forward(t.Context(), times, z0)
		if err != nil {
			t.Fatal(err)
		}
		return hnn.TrajectoryLoss(dys, sol.Y, target)
	}
	loss()
	var g adjoint.Gradient[float64]
	if err := s.Backward(t.Context(), &g, dys); err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "dθ", append([]float64(nil), g.Theta...), gradtest.Gradient(loss, f.Params(), 1e-3), 1e-8)
}

// TestFriction: without a potential the velocity of a unit mass decays as exp(−DDᵀt).
func TestFriction(t *testing.T) {
	free := custom{2, func(_, z *G.Node) (*G.Node, error) {
		return G.Mul(G.Must(G.Square(G.Must(graph.Part(z, 1, 1, 2)))), G.NewConstant(0.5, G.WithName("half")))
	}, false}
	f := newField[float64](t, hnn.Lagrangian{L: free, Damping: &hnn.Damping{L: []float64{0.5}}}, 1, 1)
	sol, err := odeint.Solve(f, 0, 2, []float64{0, 3}, odeint.Options{RTol: 1e-11, ATol: 1e-11})
	if err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "velocity", sol.Last()[1:], []float64{3 * math.Exp(-0.5)}, 1e-9)
}

// TestSingularLagrangian: L = v q has no acceleration; the solve says so, a ridge helps.
func TestSingularLagrangian(t *testing.T) {
	l := custom{2, func(_, z *G.Node) (*G.Node, error) {
		return G.HadamardProd(G.Must(graph.Part(z, 1, 0, 1)), G.Must(graph.Part(z, 1, 1, 2)))
	}, false}
	var singular *graph.SingularError
	f, err := graph.NewField[float64](hnn.Lagrangian{L: l}, 1, graph.FieldConfig{})
	if err == nil {
		_, err = odeint.Solve(f, 0, 1, []float64{1, 1}, odeint.Options{})
	}
	if !errors.As(err, &singular) {
		t.Errorf("%v", err)
	}
	if _, err := graph.NewField[float64](hnn.Lagrangian{L: l, Solve: graph.SolveOptions{Ridge: 1}}, 1, graph.FieldConfig{}); err != nil {
		t.Errorf("with a ridge: %v", err)
	}
}

func TestLagrangianFaults(t *testing.T) {
	for name, m := range map[string]graph.Module{
		"nil L":        hnn.Lagrangian{},
		"nil energy":   hnn.LagrangianEnergy{},
		"nil map":      hnn.Legendre{},
		"kinks":        hnn.Lagrangian{L: net(1, 1, layers.ELU)},
		"wide force":   hnn.Lagrangian{L: hnn.Pendulum{}.Lagrangian(), Force: layers.Linear{In: 2, Out: 2}},
		"wide L":       hnn.Lagrangian{L: layers.Linear{In: 2, Out: 2}},
		"no mass":      hnn.Lagrangian{L: hnn.Mechanical{V: layers.Linear{In: 1, Out: 1}}},
		"negative ε":   hnn.Lagrangian{L: hnn.Mechanical{C: layers.Linear{In: 1, Out: 1}, V: layers.Linear{In: 1, Out: 1}, Epsilon: -1}},
		"other matrix": hnn.Lagrangian{L: hnn.Mechanical{C: layers.Linear{In: 2, Out: 2}, V: layers.Linear{In: 2, Out: 1}}},
		"port alone":   hnn.Lagrangian{L: hnn.Pendulum{}.Lagrangian(), Force: hnn.Port{Inputs: 1}},
		"no inputs":    hnn.Field{H: hnn.Pendulum{}, Drive: hnn.Port{}},
	} {
		if _, err := graph.CompileField[float64](m, 1, graph.FieldConfig{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
