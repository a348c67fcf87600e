package adjoint

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// BenchmarkUnrolled is the value and the gradient of a loss of the end of 20 steps of
// RK4 through a tanh network, by backpropagation through the solver and by the adjoint
// methods. In the first two the solver is nodes of a Gorgonia graph, all 20 steps of it,
// differentiated by Gorgonia and run on its TapeMachine, or differentiated and compiled
// by package graph. The others solve with a compiled field. All gradients but those of
// the continuous adjoints are the same numbers up to rounding, which is checked.
// build-ms is the time to make what is run.
func BenchmarkUnrolled(b *testing.B) {
	for _, size := range []struct {
		batch  int
		layers []int
	}{
		{1, []int{2, 64, 2}}, {64, []int{2, 64, 2}}, {16, []int{16, 64, 64, 16}},
	} {
		u := newUnrolled(b, size.batch, size.layers...)
		b.Run(u.name, func(b *testing.B) {
			b.Run("TapeMachine", u.tapeMachine)
			b.Run("Compile", u.compiled)
			b.Run("Discrete", func(b *testing.B) { u.solver(b, Discrete{}) })
			b.Run("Discrete/States", func(b *testing.B) { u.solver(b, Discrete{Memory: States{}}) })
			b.Run("Interpolating", func(b *testing.B) { u.solver(b, Interpolating{}) })
			b.Run("Backsolve", func(b *testing.B) { u.solver(b, Backsolve{}) })
		})
	}
}

// unrolled is the problem, and the gradient that all of its solutions have.
type unrolled struct {
	name    string
	net     network
	u0      array
	weights []float64
	want    []float64 // ∂L/∂y0, then ∂L/∂θ
}

const (
	unrolledSteps = 20
	unrolledSize  = 0.05
)

func newUnrolled(b *testing.B, batch int, sizes ...int) *unrolled {
	wave := func(n int, size float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = size * math.Sin(12.9898*float64(i+1))
		}
		return x
	}
	shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(sizes), "[]"), " ", "-")
	u := &unrolled{name: fmt.Sprintf("%s/batch=%d", shape, batch)}
	for i, in := range sizes[:len(sizes)-1] {
		out := sizes[i+1]
		u.net.weights = append(u.net.weights, array{Shape: []int{in, out}, Data: wave(in*out, 1/math.Sqrt(float64(in)))})
		u.net.biases = append(u.net.biases, array{Shape: []int{out}, Data: wave(out, 0.1)})
	}
	u.u0 = array{Shape: []int{batch, sizes[0]}, Data: wave(batch*sizes[0], 1)}
	u.weights = make([]float64, 2*len(u.u0.Data)) // the first half is of a state inside, which is left out
	for i := range u.weights {
		u.weights[i] = float64(i%7) - 2.5
	}
	s, times, dys := u.newSolver(b, Discrete{})
	g := Gradient[float64]{WantTimes: true}
	u.pass(b, s, &g, times, dys)
	u.want = slices.Concat(g.Y0, g.Theta)
	return u
}

// graph returns the solver as nodes: the loss and the inputs, y0 first.
func (u *unrolled) graph(b *testing.B) (loss *G.Node, inputs G.Nodes) {
	loss, y0, params := unroll(b, u.net, odeint.RK4, u.u0, unrolledSize, unrolledSteps, math.Inf(1), u.weights)
	return loss, append(G.Nodes{y0}, params...)
}

func (u *unrolled) tapeMachine(b *testing.B) {
	began := time.Now()
	loss, inputs := u.graph(b)
	grads, err := G.Grad(loss, inputs...)
	if err != nil {
		b.Fatal(err)
	}
	got := make([]G.Value, len(grads))
	for i, n := range grads {
		G.Read(n, &got[i])
	}
	y0 := tensor.New(tensor.WithShape(u.u0.Shape...), tensor.WithBacking(slices.Clone(u.u0.Data)))
	if err := G.Let(inputs[0], y0); err != nil {
		b.Fatal(err)
	}
	vm := G.NewTapeMachine(loss.Graph())
	defer vm.Close()
	build := time.Since(began)
	b.ReportAllocs()
	for b.Loop() {
		if err := vm.RunAll(); err != nil {
			b.Fatal(err)
		}
		vm.Reset()
	}
	var all []float64
	for _, v := range got {
		all = append(all, v.Data().([]float64)...)
	}
	b.ReportMetric(build.Seconds()*1e3, "build-ms")
	gradtest.Close(b, "gradient", all, u.want, 1e-10)
}

func (u *unrolled) compiled(b *testing.B) {
	began := time.Now()
	loss, inputs := u.graph(b)
	grads, err := graph.Grad(loss, inputs...)
	if err != nil {
		b.Fatal(err)
	}
	program, err := graph.Compile[float64](inputs, append(G.Nodes{loss}, grads...))
	if err != nil {
		b.Fatal(err)
	}
	dst, src := [][]float64{make([]float64, 1)}, [][]float64{u.u0.Data}
	for i, n := range inputs {
		dst = append(dst, make([]float64, n.Shape().TotalSize()))
		if i > 0 {
			src = append(src, n.Value().Data().([]float64))
		}
	}
	instance := program.NewInstance()
	build := time.Since(began)
	b.ReportAllocs()
	for b.Loop() {
		if err := instance.Run(dst, src); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(build.Seconds()*1e3, "build-ms")
	gradtest.Close(b, "gradient", slices.Concat(dst[1:]...), u.want, 1e-10)
}

func (u *unrolled) solver(b *testing.B, m Method) {
	began := time.Now()
	s, times, dys := u.newSolver(b, m)
	build := time.Since(began)
	g := Gradient[float64]{WantTimes: true}
	u.pass(b, s, &g, times, dys) // the first pass allocates
	b.ReportAllocs()
	for b.Loop() {
		u.pass(b, s, &g, times, dys)
	}
	tolerance := 1e-10
	if _, exact := m.(Discrete); !exact {
		tolerance = 1e-3 // that of RK4 backwards
	}
	gradtest.Close(b, "gradient", slices.Concat(g.Y0, g.Theta), u.want, tolerance)
	forward, backward := s.Stats()
	b.ReportMetric(float64(forward.NFE+backward.NFE), "evals/op")
	b.ReportMetric(build.Seconds()*1e3, "build-ms")
	b.ReportMetric(float64(backward.VJPs), "vjps/op")
	b.ReportMetric(float64(forward.Bytes+backward.Bytes), "kept-B")
}

func (u *unrolled) newSolver(b *testing.B, m Method) (s *Solver[float64], times, dys []float64) {
	f := graphField(b, u.net, u.u0.Shape[0])
	s, err := New(f, odeint.Options{Method: odeint.RK4, H0: unrolledSize}, m)
	if err != nil {
		b.Fatal(err)
	}
	n := len(u.u0.Data)
	return s, []float64{0, unrolledSize * unrolledSteps}, append(make([]float64, n), u.weights[n:]...)
}

func (u *unrolled) pass(b *testing.B, s *Solver[float64], g *Gradient[float64], times, dys []float64) {
	if _, err := s.Forward(ctx, times, u.u0.Data); err != nil {
		b.Fatal(err)
	}
	if err := s.Backward(ctx, g, dys); err != nil {
		b.Fatal(err)
	}
}
