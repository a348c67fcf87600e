package hnn_test

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/optimize"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/collocation"
)

// minimise runs L-BFGS from the live parameters theta, which end at the best
// point found, and returns the loss there. loss adds its gradient to dtheta.
func minimise[T hnn.Float](t *testing.T, theta []T, iterations int, loss func(dtheta []T) float64) float64 {
	t.Helper()
	set := func(x []float64) {
		for i, v := range x {
			theta[i] = T(v)
		}
	}
	dtheta, x0 := make([]T, len(theta)), make([]float64, len(theta))
	for i, v := range theta {
		x0[i] = float64(v)
	}
	res, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { set(x); return loss(nil) },
		Grad: func(grad, x []float64) {
			set(x)
			clear(dtheta)
			loss(dtheta)
			for i, v := range dtheta {
				grad[i] = float64(v)
			}
		},
	}, x0, &optimize.Settings{MajorIterations: iterations, Converger: optimize.NeverTerminate{}}, &optimize.LBFGS{})
	if res == nil {
		t.Fatal(err)
	}
	set(res.X) // a failed line search, at the precision of T, ends the run with the best point
	return res.F
}

// pendulumNet is the energy to be trained in these tests.
func pendulumNet() hnn.Module { return layers.MLP{In: 2, Hidden: []int{12}, Out: 1} }

// fieldError is the RMS error of a one-row field against the pendulum's, on a
// grid of angles up to 1 and momenta up to 2.5, relative to the RMS of that.
func fieldError[T hnn.Float](f odeint.VectorField[T]) float64 {
	num, den := 0.0, 0.0
	dz := make([]T, 2)
	for i := range 9 {
		for j := range 9 {
			q, p := -1+float64(i)/4, 2.5*(-1+float64(j)/4)
			if q*q+p*p/6.25 > 1 {
				continue
			}
			f.Eval(dz, 0, []T{T(q), T(p)})
			a, b := float64(dz[0])-p, float64(dz[1])+9.8*math.Sin(q)
			num += a*a + b*b
			den += p*p + 9.8*9.8*math.Sin(q)*math.Sin(q)
		}
	}
	return math.Sqrt(num / den)
}

// swing returns the pendulum's motion from (q, 0), states of one row.
func swing(t *testing.T, q float64, times []float64) []float64 {
	t.Helper()
	f := newField[float64](t, hnn.Field{H: hnn.Pendulum{}}, 1, 1)
	in, err := odeint.New[float64](f, odeint.Options{RTol: 1e-11, ATol: 1e-11})
	if err != nil {
		t.Fatal(err)
	}
	var sol odeint.Solution[float64]
	if err := in.SolveAt(context.Background(), &sol, times, []float64{q, 0}); err != nil {
		t.Fatal(err)
	}
	return sol.Y
}

func convert[T hnn.Float](x []float64) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = T(v)
	}
	return y
}

// TestTrainDerivatives goes the first way: measured derivatives of states
// scattered over the phase plane.
func TestTrainDerivatives(t *testing.T) {
	t.Run("float64", func(t *testing.T) { trainDerivatives[float64](t, .02) })
	t.Run("float32", func(t *testing.T) { trainDerivatives[float32](t, .05) })
}

func trainDerivatives[T hnn.Float](t *testing.T, bound float64) {
	r := rng(1)
	const n = 60
	var z, dz []T
	for range n {
		q, p := 1.1*(2*r.Float64()-1), 2.8*(2*r.Float64()-1)
		z, dz = append(z, T(q), T(p)), append(dz, T(p), T(-9.8*math.Sin(q)))
	}
	f := newField[T](t, hnn.Field{H: pendulumNet()}, n, 2)
	loss := hnn.NewMatching[T](f, nil)
	before := loss.Loss(nil, nil, z, dz)
	after := minimise(t, f.Params(), 250, func(dtheta []T) float64 { return loss.Loss(dtheta, nil, z, dz) })
	one := newField[T](t, hnn.Field{H: pendulumNet()}, 1, 2)
	copy(one.Params(), f.Params())
	err := fieldError[T](one)
	t.Logf("loss %.3g → %.3g, field error %.4f", before, after, err)
	if err > bound {
		t.Errorf("relative error of the field %v above %v", err, bound)
	}
}

// TestTrainCollocation goes the second way: derivatives estimated from noisy
// positions alone.
func TestTrainCollocation(t *testing.T) {
	r := rng(3)
	const n = 201
	times := make([]float64, n)
	for i := range times {
		times[i] = 4 * float64(i) / (n - 1)
	}
	var z, dz []float64
	for _, q0 := range []float64{.3, .6, .9} {
		y := swing(t, q0, times)
		q := make([]float64, n)
		for i := range q {
			q[i] = y[2*i] + .005*r.NormFloat64()
		}
		c, err := collocation.Local(times, q, collocation.LocalOptions{MaxOrder: 2, Extra: 3})
		if err != nil {
			t.Fatal(err)
		}
		// The ends of the interval, where estimates are worst, are left out.
		cz, cdz, err := hnn.FromPositions[float64](c, nil, times[15:n-15])
		if err != nil {
			t.Fatal(err)
		}
		z, dz = append(z, cz...), append(dz, cdz...)
	}
	f := newField[float64](t, hnn.Field{H: pendulumNet()}, len(z)/2, 2)
	loss := hnn.NewMatching[float64](f, nil)
	after := minimise(t, f.Params(), 200, func(dtheta []float64) float64 { return loss.Loss(dtheta, nil, z, dz) })
	one := newField[float64](t, hnn.Field{H: pendulumNet()}, 1, 2)
	copy(one.Params(), f.Params())
	err := fieldError[float64](one)
	t.Logf("loss %.3g, field error %.4f", after, err)
	if err > .08 {
		t.Errorf("relative error of the field %v above 8 %%", err)
	}
}

// TestTrainSolver goes the third way: exact gradients through the solver, a
// Runge–Kutta method and a symplectic one, from states alone.
func TestTrainSolver(t *testing.T) {
	t.Run("tsit5", func(t *testing.T) {
		trainSolver[float64](t, newField[float64](t, hnn.Field{H: pendulumNet()}, 2, 4), odeint.Options{RTol: 1e-5, ATol: 1e-5})
	})
	t.Run("float32, rk4", func(t *testing.T) {
		trainSolver[float32](t, newField[float32](t, hnn.Field{H: pendulumNet()}, 2, 4), odeint.Options{Method: odeint.RK4, H0: .05})
	})
	t.Run("separable, yoshida4", func(t *testing.T) {
		trainSolver[float64](t, halves[float64](t, 2), odeint.Options{Method: odeint.Yoshida4, H0: .05})
	})
	t.Run("float32, separable, velocity verlet", func(t *testing.T) {
		trainSolver[float32](t, halves[float32](t, 2), odeint.Options{Method: odeint.VelocityVerlet, H0: .02})
	})
	t.Run("implicit midpoint", func(t *testing.T) {
		trainSolver[float64](t, newField[float64](t, hnn.Field{H: pendulumNet()}, 2, 4), odeint.Options{Method: odeint.ImplicitMidpoint, H0: .05})
	})
	t.Run("separable, rk4", func(t *testing.T) {
		trainSolver[float64](t, halves[float64](t, 2), odeint.Options{Method: odeint.RK4, H0: .05})
	})
}

// halves is a separable field with a learned potential and a learned mass.
func halves[T hnn.Float](t *testing.T, batch int) *hnn.SeparableField[T] {
	t.Helper()
	f, err := hnn.NewSeparable[T](hnn.Separable{
		T: hnn.Kinetic{Masses: []float64{1.3}, Learn: true},
		V: layers.MLP{In: 1, Hidden: []int{8}, Out: 1},
	}, batch, graph.FieldConfig{Name: "f", Rand: rng(4)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// trainable is a field with live parameters.
type trainable[T hnn.Float] interface {
	odeint.Differentiable[T]
	Params() []T
}

// trainSolver fits two swings, of angles up to 0.8 and momenta up to 2.4, with a
// horizon that grows.
func trainSolver[T hnn.Float](t *testing.T, f trainable[T], opt odeint.Options) {
	t.Helper()
	const n = 21
	times := make([]float64, n)
	for i := range times {
		times[i] = .1 * float64(i)
	}
	a, b := swing(t, .4, times), swing(t, .8, times)
	var target []T
	for i := range n {
		target = append(append(target, convert[T](a[2*i:2*i+2])...), convert[T](b[2*i:2*i+2])...)
	}
	solver, err := adjoint.New[T](f, opt, adjoint.Discrete{})
	if err != nil {
		t.Fatal(err)
	}
	var g adjoint.Gradient[T]
	dys := make([]T, len(target))
	ctx := context.Background()
	var last float64
	for _, m := range []int{5, 9, 13, n} {
		last = minimise(t, f.Params(), 150, func(dtheta []T) float64 {
			sol, err := solver.Forward(ctx, times[:m], target[:4])
			if err != nil {
				return math.Inf(1) // the line search went too far
			}
			l := hnn.TrajectoryLoss(dys[:4*m], sol.Y, target[:4*m])
			if dtheta != nil {
				if err := solver.Backward(ctx, &g, dys[:4*m]); err != nil {
					t.Fatal(err)
				}
				copy(dtheta, g.Theta)
			}
			return l
		})
	}
	rmse := math.Sqrt(last)
	t.Logf("RMSE %.3g", rmse)
	if rmse > .01 {
		t.Errorf("RMSE %v above 0.01", rmse)
	}
}

// TestSolverGradients checks the exact gradients of training through the
// structure-preserving methods against differences of the same steps.
func TestSolverGradients(t *testing.T) {
	times := []float64{0, .3, .5}
	target := normal[float64](rng(3), 12, 1)
	whole, err := graph.NewField[float64](hnn.Field{H: hnn.Sum{hnn.Pendulum{Learn: []string{"length"}}, net(1, 1, layers.Tanh)}}, 2, graph.FieldConfig{Rand: rng(4)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f      trainable[float64]
		method odeint.Method
	}{
		{halves[float64](t, 2), odeint.VelocityVerlet},
		{halves[float64](t, 2), odeint.Yoshida4},
		{whole, odeint.ImplicitMidpoint},
		{whole, odeint.GaussLegendre4},
		{whole, &odeint.Tao{Omega: 10}},
	} {
		solver, err := adjoint.New[float64](c.f, odeint.Options{Method: c.method, H0: .1}, adjoint.Discrete{})
		if err != nil {
			t.Fatal(c.method, err)
		}
		z0, dys := target[:4], make([]float64, 12)
		loss := func() float64 {
			sol, err := solver.Forward(context.Background(), times, z0)
			if err != nil {
				t.Fatal(c.method, err)
			}
			return hnn.TrajectoryLoss(dys, sol.Y, target)
		}
		loss()
		var g adjoint.Gradient[float64]
		if err := solver.Backward(context.Background(), &g, dys); err != nil {
			t.Fatal(c.method, err)
		}
		gradtest.Close(t, c.method.String()+" dθ", append([]float64(nil), g.Theta...), gradtest.Gradient(loss, c.f.Params(), 1e-3), 1e-7)
	}
}
