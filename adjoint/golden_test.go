package adjoint

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// array is a tensor of testdata/golden.json, row-major.
type array struct {
	Shape []int
	Data  []float64
}

// goldenCase is a case of testdata/golden.json: a loss, the mean over times and batch
// of the squared error summed over the state, and its gradients, by another program:
// extrapolation of order 16 in 80-bit arithmetic, of the solve and of the adjoint equation.
type goldenCase struct {
	Kind       string
	Activation string
	Layers     []int
	Batch, N   int
	U0, Target array
	Trajectory array
	Ts         []float64
	Loss       float64
	GradU0     array `json:"grad_u0"`
	GradTs     array `json:"grad_ts"`

	Weights, Biases []array // mlp
	GradWeights     []array `json:"grad_weights"`
	GradBiases      []array `json:"grad_biases"`

	W1, B1, W2  array // hnn
	GradW1      array `json:"grad_W1"`
	GradB1      array `json:"grad_b1"`
	GradW2      array `json:"grad_W2"`
	Collocation *struct {
		X, DX, Field array
		Loss         float64
		GradW1       array `json:"grad_W1"`
		GradB1       array `json:"grad_b1"`
		GradW2       array `json:"grad_W2"`
	}
}

func golden(t *testing.T, kind string) []goldenCase {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []goldenCase }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	for _, c := range file.Cases {
		if c.Kind == kind {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		t.Fatalf("no %s cases", kind)
	}
	return cases
}

// mse stores the gradient of the loss with respect to y in dys and returns the loss.
func (c *goldenCase) mse(dys, y []float64) float64 {
	scale := 1 / float64(len(c.Ts)*c.U0.Shape[0])
	var loss float64
	for i, v := range y {
		d := v - c.Target.Data[i]
		loss += scale * d * d
		dys[i] = 2 * scale * d
	}
	return loss
}

func flatten(weights, biases []array) []float64 {
	var theta []float64
	for i := range weights {
		theta = append(theta, weights[i].Data...)
		theta = append(theta, biases[i].Data...)
	}
	return theta
}

// The references are right to 1e-15, and all methods at tolerances of 1e-13 to some ten of
// them.
var goldenMethods = []struct {
	name string
	m    Method
	tol  float64
}{
	{"discrete", Discrete{}, 1e-11},
	{"discrete, recomputing", Discrete{Memory: States{}}, 1e-11},
	{"interpolating", Interpolating{}, 1e-11},
	{"interpolating, params in norm", Interpolating{ParamsInNorm: true}, 1e-11},
	{"backsolve", Backsolve{}, 1e-11},
	{"backsolve, params in norm", Backsolve{ParamsInNorm: true}, 1e-11},
}

func TestGoldenMLP(t *testing.T) {
	for _, c := range golden(t, "mlp") {
		f := newMLP[float64](c.U0.Shape[0], c.Layers, c.Activation)
		copy(f.theta, flatten(c.Weights, c.Biases))
		for _, m := range goldenMethods {
			for _, tableau := range []*odeint.Tableau{odeint.Tsit5, odeint.Dop853} {
				t.Run(c.Activation+"/"+m.name+"/"+tableau.Name, func(t *testing.T) {
					opt := odeint.Options{Method: tableau, RTol: 1e-13, ATol: 1e-13}
					g := c.gradient(t, f, opt, m.m)
					gradtest.Close(t, "∂L/∂u0", g.Y0, c.GradU0.Data, m.tol)
					gradtest.Close(t, "∂L/∂t", g.Times, c.GradTs.Data, m.tol)
					rest := g.Theta
					for i := range c.Weights {
						n := len(c.Weights[i].Data)
						gradtest.Close(t, "∂L/∂W", rest[:n], c.GradWeights[i].Data, m.tol)
						rest = rest[n:]
						n = len(c.Biases[i].Data)
						gradtest.Close(t, "∂L/∂b", rest[:n], c.GradBiases[i].Data, m.tol)
						rest = rest[n:]
					}
				})
			}
		}
	}
}

// gradient solves forwards and backwards, and checks trajectory and loss on the way.
func (c *goldenCase) gradient(t *testing.T, f odeint.Differentiable[float64], opt odeint.Options, m Method) *Gradient[float64] {
	t.Helper()
	s, err := New(f, opt, m)
	if err != nil {
		t.Fatal(err)
	}
	sol, err := s.Forward(ctx, c.Ts, c.U0.Data)
	if err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "trajectory", sol.Y, c.Trajectory.Data, 1e-12)
	dys := gradtest.NaNs[float64](len(sol.Y))
	loss := c.mse(dys, sol.Y)
	gradtest.Close(t, "loss", []float64{loss}, []float64{c.Loss}, 1e-12)
	g := &Gradient[float64]{WantTimes: true}
	if err := s.Backward(ctx, g, dys); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGoldenFloat32 is TestGoldenMLP in float32: 1e-6 in the solves, gradients to 2e-5.
func TestGoldenFloat32(t *testing.T) {
	narrow := func(x []float64) []float32 {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = float32(v)
		}
		return y
	}
	for _, c := range golden(t, "mlp") {
		f := newMLP[float32](c.U0.Shape[0], c.Layers, c.Activation)
		copy(f.theta, narrow(flatten(c.Weights, c.Biases)))
		for _, m := range goldenMethods {
			t.Run(c.Activation+"/"+m.name, func(t *testing.T) {
				opt := odeint.Options{RTol: 1e-6, ATol: 1e-6}
				dys := func(y []float32) []float32 {
					wide, d := make([]float64, len(y)), make([]float64, len(y))
					for i, v := range y {
						wide[i] = float64(v)
					}
					loss := c.mse(d, wide)
					gradtest.Close(t, "loss", []float64{loss}, []float64{c.Loss}, 1e-5)
					return narrow(d)
				}
				_, g, _ := pull(t, f, opt, m.m, c.Ts, narrow(c.U0.Data), dys)
				gradtest.Close(t, "∂L/∂u0", g.Y0, c.GradU0.Data, 2e-5)
				gradtest.Close(t, "∂L/∂θ", g.Theta, flatten(c.GradWeights, c.GradBiases), 2e-5)
				gradtest.Close(t, "∂L/∂t", g.Times, c.GradTs.Data, 2e-5)
			})
		}
	}
}
