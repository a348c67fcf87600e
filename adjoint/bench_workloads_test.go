package adjoint

import (
	"fmt"
	"math"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// A workload is a batch of states and a network of one hidden layer of tanh. Its
// numbers are formulas, so that other programs can compute the same.
type workload struct {
	name                   string
	batch, in, hidden, out int
	hamiltonian            bool
}

var workloads = []workload{
	{name: "W1", batch: 1, in: 2, hidden: 64, out: 2},
	{name: "W2", batch: 64, in: 2, hidden: 64, out: 2},
	{name: "W3", batch: 1024, in: 2, hidden: 64, out: 2},
	{name: "W4", batch: 256, in: 64, hidden: 256, out: 64},
	{name: "H1", batch: 1, in: 4, hidden: 64, out: 1, hamiltonian: true},
	{name: "H64", batch: 64, in: 4, hidden: 64, out: 1, hamiltonian: true},
	{name: "H1024", batch: 1024, in: 4, hidden: 64, out: 1, hamiltonian: true},
}

// formula is element (i, j) of the array with number s.
func formula(i, j, s int) float64 {
	return math.Sin(1 + 12.9898*float64(i) + 78.233*float64(j) + float64(s))
}

func fillFormula[T odeint.Float](x []T, cols, s int, scale float64) {
	for k := range x {
		x[k] = T(scale * formula(k/cols, k%cols, s))
	}
}

// fieldOf compiles the workload's field and sets its parameters.
func fieldOf[T graph.Float](w workload) (odeint.Differentiable[T], error) {
	var m graph.Module = layers.MLP{In: w.in, Hidden: []int{w.hidden}, Out: w.out, Activation: layers.Tanh}
	if w.hamiltonian {
		m = hnn.Field{H: m}
	}
	f, err := graph.CompileField[T](m, w.batch, graph.FieldConfig{})
	if err != nil {
		return nil, err
	}
	scale := []float64{.8 / math.Sqrt(float64(w.in)), .1, .8 / math.Sqrt(float64(w.hidden)), .1}
	for i, p := range f.Layout() {
		rows, cols := p.Shape[0], p.Shape[1]
		fillFormula(f.Params()[p.Offset:][:rows*cols], cols, i+1, scale[i])
	}
	return f, nil
}

func (w workload) y0() []float64 {
	y := make([]float64, w.batch*w.in)
	fillFormula(y, w.in, 5, .3)
	for i := range y {
		y[i]++
	}
	return y
}

// BenchmarkWorkloads measures solves forward and with gradient: 100 steps of RK4
// with the loss mean(y(10)²), and Tsit5 to 1e-6 with the mean of y² at 101 times.
func BenchmarkWorkloads(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name+"/float64", func(b *testing.B) { benchmarkWorkload[float64](b, w) })
		b.Run(w.name+"/float32", func(b *testing.B) { benchmarkWorkload[float32](b, w) })
	}
}

func benchmarkWorkload[T graph.Float](b *testing.B, w workload) {
	f, err := fieldOf[T](w)
	if err != nil {
		b.Fatal(err)
	}
	fixed := odeint.Options{Method: odeint.RK4, H0: .1}
	adaptive := odeint.Options{Method: odeint.Tsit5, RTol: 1e-6, ATol: 1e-6}
	for _, c := range []struct {
		name    string
		opt     odeint.Options
		outputs int
		methods []Method
	}{
		{"rk4", fixed, 1, []Method{nil, Discrete{}}},
		{"tsit5", adaptive, 100, []Method{nil, Discrete{}, Interpolating{}, Backsolve{}}},
	} {
		if w.hamiltonian && c.outputs > 1 {
			continue
		}
		for _, m := range c.methods {
			name := "forward"
			if m != nil {
				name = m.String()
			}
			b.Run(fmt.Sprintf("%s/%s", c.name, name), func(b *testing.B) {
				benchmarkSolve(b, f, w, c.opt, grid(0, 10, c.outputs), m)
			})
		}
	}
}

// benchmarkSolve measures a solve, and the gradient of mean(y²) if m is not nil.
func benchmarkSolve[T graph.Float](b *testing.B, f odeint.Differentiable[T], w workload, opt odeint.Options, times []float64, m Method) {
	solve, err := prepare(f, w, opt, times, m)
	if err != nil {
		b.Fatal(err)
	}
	var loss float64
	b.ReportAllocs()
	for b.Loop() {
		if loss, err = solve(); err != nil {
			b.Fatal(err)
		}
	}
	if m != nil {
		b.ReportMetric(loss, "loss")
	}
}

// prepare returns a function that solves and, if m is not nil, finds the gradient.
func prepare[T graph.Float](f odeint.Differentiable[T], w workload, opt odeint.Options, times []float64, m Method) (solve func() (loss float64, err error), err error) {
	y0 := make([]T, f.Dim())
	for i, v := range w.y0() {
		y0[i] = T(v)
	}
	if m == nil {
		in, err := odeint.New[T](f, opt)
		if err != nil {
			return nil, err
		}
		var sol odeint.Solution[T]
		return func() (float64, error) { return 0, in.SolveAt(ctx, &sol, times, y0) }, nil
	}
	s, err := New(f, opt, m)
	if err != nil {
		return nil, err
	}
	dys := make([]T, len(times)*f.Dim())
	g := Gradient[T]{}
	first := 0
	if len(times) == 2 {
		first = f.Dim()
	}
	return func() (loss float64, err error) {
		sol, err := s.Forward(ctx, times, y0)
		if err != nil {
			return 0, err
		}
		n := float64(len(dys) - first)
		for i := first; i < len(dys); i++ {
			y := float64(sol.Y[i])
			loss += y * y / n
			dys[i] = T(2 * y / n)
		}
		return loss, s.Backward(ctx, &g, dys)
	}, nil
}
