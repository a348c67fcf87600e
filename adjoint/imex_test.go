package adjoint

import (
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// The gradient through an additive method on a field in two parts is that of the steps, by the
// parameters of both, with any memory, in both directions and with saved times inside steps.
func TestSplitExact(t *testing.T) {
	w := []float64{1, -0.5}
	for _, times := range [][]float64{{0, 0.13, 0.5, 0.99, 1.2}, {2, 1.85, 1.5, 1}} {
		stiff, rest := linear(-2.0, 0.5, 0.3, -1), lotkaVolterra(true, 1.5, 1, 3, 1.0)
		f := odeint.NewDifferentiableSplit[float64](stiff, rest)
		y0 := []float64{1, 1.3}
		opt := odeint.Options{Method: odeint.KenCarp4, Controller: odeint.Fixed{}, H0: 0.1}
		loss := func() float64 {
			sol, err := odeint.SolveAt[float64](f, times, y0, opt)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for i, y := range sol.Y {
				sum += w[i%2] * y
			}
			return sum
		}
		wantY0 := gradtest.Gradient(loss, y0, 1e-3)
		want := append(gradtest.Gradient(loss, stiff.theta, 1e-3), gradtest.Gradient(loss, rest.theta, 1e-3)...)
		for _, memory := range []Memory{Stages{}, States{}, Checkpoints{Bytes: 100}} {
			_, g, _ := pull(t, f, opt, Discrete{Memory: memory}, times, y0, constant(w...))
			gradtest.Close(t, memory.String()+" ∂L/∂y0", g.Y0, wantY0, 1e-9)
			gradtest.Close(t, memory.String()+" ∂L/∂θ", g.Theta, want, 1e-9)
		}
		narrow := odeint.NewDifferentiableSplit[float32](linear[float32](-2, 0.5, 0.3, -1), lotkaVolterra[float32](true, 1.5, 1, 3, 1))
		_, g, _ := pull(t, narrow, opt, Discrete{}, times, []float32{1, 1.3}, constant[float32](1, -0.5))
		gradtest.Close(t, "float32 ∂L/∂θ", widened(g.Theta), want, 2e-5)

		opt = odeint.Options{Method: odeint.KenCarp4, RTol: 1e-10, ATol: 1e-10}
		_, split, _ := pull(t, f, opt, Discrete{}, times, y0, constant(w...))
		opt.Method = odeint.Dop853
		_, sum, _ := pull(t, f, opt, Discrete{}, times, y0, constant(w...))
		gradtest.Close(t, "of the solution", split.Theta, sum.Theta, 1e-7)
	}
	_, err := New[float64](undifferentiable{lotkaVolterra(true, 1.5, 1, 3, 1.0)}, odeint.Options{Method: odeint.KenCarp4}, Discrete{})
	if err == nil || !strings.Contains(err.Error(), "NewDifferentiableSplit") {
		t.Errorf("parts without products: %v", err)
	}
}

// undifferentiable is a field in two parts that have no products.
type undifferentiable struct{ *field[float64] }

func (f undifferentiable) Stiff() odeint.VectorField[float64] {
	return odeint.NewFunc(f.dim, func(d []float64, _ float64, _ []float64) { clear(d) })
}

func (f undifferentiable) NonStiff() odeint.VectorField[float64] { return f.field }
