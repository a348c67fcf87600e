package adjoint

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// raggedSamples differ in start, end, direction and number of times; some have one time only.
func raggedSamples[T odeint.Float](n, dim int) (samples []odeint.Sample[T], dys [][]T) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range n {
		s := odeint.Sample[T]{Y0: make([]T, dim)}
		for j := range s.Y0 {
			s.Y0[j] = T(r.NormFloat64())
		}
		t0, length := r.NormFloat64(), 0.2+3*r.Float64()
		if i%3 == 0 {
			length = -length / 2
		}
		k := r.IntN(7)
		if i == 4 {
			k = 0
		}
		for j := range k + 1 {
			s.Times = append(s.Times, t0+length*float64(j)/float64(max(k, 1)))
		}
		dy := make([]T, len(s.Times)*dim)
		for j := range dy {
			dy[j] = T(r.NormFloat64())
		}
		if i == 6 {
			clear(dy[dim:])
		}
		samples, dys = append(samples, s), append(dys, dy)
	}
	return samples, dys
}

// batchCase is a field with options and a method of gradients.
type batchCase struct {
	net    graph.Module
	opt    odeint.Options
	method Method
}

func batchCases() map[string]batchCase {
	net := layers.AppendTime{Of: layers.MLP{In: 3, Hidden: []int{16}, Out: 2, Activation: layers.Tanh}}
	halves := hnn.Field{H: hnn.Separable{V: layers.MLP{In: 1, Hidden: []int{8}, Out: 1, Activation: layers.Tanh}}}
	return map[string]batchCase{
		"default":       {net: net},
		"dop853":        {net, odeint.Options{Method: odeint.Dop853, RTol: 1e-5}, Discrete{}},
		"rk4":           {net, odeint.Options{Method: odeint.RK4, H0: 0.03}, Discrete{}},
		"euler":         {net, odeint.Options{Method: odeint.Euler, Controller: odeint.Fixed{}, Steps: 2}, Discrete{}},
		"jumps":         {net, odeint.Options{Jumps: []float64{0.2, 1}}, Discrete{Memory: Stages{}}},
		"states":        {net, odeint.Options{}, Discrete{Memory: States{}}},
		"interpolating": {net, odeint.Options{RTol: 1e-4}, Interpolating{}},
		"backsolve":     {net, odeint.Options{RTol: 1e-4}, Backsolve{}},
		"kvaerno":       {net, odeint.Options{Method: odeint.Kvaerno3, RTol: 1e-4}, Discrete{}},
		"verlet":        {halves, odeint.Options{Method: odeint.VelocityVerlet, H0: 0.05}, Discrete{Memory: Inverse{}}},
	}
}

// TestBatchAlone: the solutions, the gradients with respect to y0 and the times, and the
// errors are those of a Solver for each sample, bit for bit, and ∂L/∂θ is their sum, with the same bits for any
// number of goroutines and rows.
func TestBatchAlone(t *testing.T) {
	t.Run("float64", testBatchAlone[float64])
	t.Run("float32", testBatchAlone[float32])
}

func testBatchAlone[T graph.Float](t *testing.T) {
	const dim = 2
	samples, dys := raggedSamples[T](71, dim)
	ctx := context.Background()
	for name, c := range batchCases() {
		f, err := graph.CompileField[T](c.net, 3, graph.FieldConfig{})
		if err != nil {
			t.Fatal(err)
		}
		one, err := f.FieldWithBatch(1)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := New[T](one, c.opt, c.method)
		if err != nil {
			t.Fatal(err)
		}
		var y0 []T
		var states, times [][]T
		sum := make([]float64, f.NumParams())
		for i := range samples {
			sol, err := alone.Forward(ctx, samples[i].Times, samples[i].Y0)
			if err != nil {
				t.Fatal(err)
			}
			g := Gradient[T]{WantTimes: true}
			if err := alone.Backward(ctx, &g, dys[i]); err != nil {
				t.Fatal(err)
			}
			y0, states, times = append(y0, g.Y0...), append(states, slices.Clone(sol.Y)), append(times, g.Times)
			for j, v := range g.Theta {
				sum[j] += float64(v)
			}
		}
		var theta []T
		for _, k := range [][2]int{{1, 1}, {5, 2}, {64, 3}, {0, 0}} {
			b, err := NewBatch[T](f.(odeint.Differentiable[T]), odeint.BatchOptions{Options: c.opt, Rows: k[0], Workers: k[1]}, c.method)
			if err != nil {
				t.Fatal(err)
			}
			if (name == "default" || name == "dop853") && !b.tiled {
				t.Errorf("%s: samples are not evaluated together", name)
			}
			g := BatchGradient[T]{WantTimes: true}
			for range 2 {
				sols, err := b.Forward(ctx, samples)
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Backward(ctx, &g, dys); err != nil {
					t.Fatal(err)
				}
				for i := range sols {
					if !slices.Equal(sols[i].Y, states[i]) {
						t.Fatalf("%s, %v: states of sample %d differ", name, k, i)
					}
					if !slices.Equal(g.Times[i], times[i]) {
						t.Errorf("%s, %v: gradient by the times of sample %d: %v, want %v", name, k, i, g.Times[i], times[i])
					}
				}
				if !slices.Equal(g.Y0, y0) {
					t.Errorf("%s, %v: gradient by y0 differs", name, k)
				}
				if theta == nil {
					theta = slices.Clone(g.Theta)
				}
				if !slices.Equal(g.Theta, theta) {
					t.Errorf("%s, %v: gradient by the parameters differs", name, k)
				}
			}
			if forward, backward := b.Stats(); forward.Accepted == 0 || backward.Accepted == 0 || backward.Bytes == 0 {
				t.Errorf("%s: %v, %v", name, forward, backward)
			}
		}
		tol := 1e-12
		if _, ok := any(T(0)).(float32); ok {
			tol = 2e-5
		}
		gradtest.Close(t, name+": gradient by the parameters", theta, sum, tol)
	}
}

// TestBatchOrder: the order of the samples and how many processors there are change no bit of a
// sample's gradient, and another order changes the sum by rounding only.
func TestBatchOrder(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	samples, dys := raggedSamples[float64](150, 2)
	f, err := graph.NewField[float64](layers.MLP{In: 2, Hidden: []int{20}, Out: 2, Activation: layers.Tanh}, 1, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	want := make([][]float64, len(samples))
	var theta []float64
	for trial := range 6 {
		runtime.GOMAXPROCS(1 + trial%2)
		order := r.Perm(len(samples))
		var s []odeint.Sample[float64]
		var d [][]float64
		for _, i := range order {
			s, d = append(s, samples[i]), append(d, dys[i])
		}
		b, err := NewBatch[float64](f, odeint.BatchOptions{Rows: 1 + r.IntN(64)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Forward(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		var g BatchGradient[float64]
		if err := b.Backward(context.Background(), &g, d); err != nil {
			t.Fatal(err)
		}
		for k, i := range order {
			own := g.Y0[2*k : 2*k+2]
			if want[i] == nil {
				want[i] = slices.Clone(own)
			}
			if !slices.Equal(own, want[i]) {
				t.Fatalf("trial %d: sample %d: %v, want %v", trial, i, own, want[i])
			}
		}
		if theta == nil {
			theta = slices.Clone(g.Theta)
		}
		gradtest.Close(t, "gradient by the parameters", g.Theta, theta, 1e-13)
	}
}

// TestBatchFailures: samples that cannot be solved, or whose cotangents make no sense, say so.
func TestBatchFailures(t *testing.T) {
	samples, dys := raggedSamples[float64](8, 2)
	f, err := graph.NewField[float64](layers.MLP{In: 2, Hidden: []int{4}, Out: 2, Activation: layers.Tanh}, 1, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Method{Discrete{}, Interpolating{}} {
		b, err := NewBatch[float64](f, odeint.BatchOptions{}, m)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		var g BatchGradient[float64]
		if err := b.Backward(ctx, &g, nil); !errors.Is(err, ErrNoForward) {
			t.Errorf("backward first: %v", err)
		}
		bad := slices.Clone(samples)
		bad[2].Times = []float64{0, 1, 1}
		_, err = b.Forward(ctx, bad)
		var failed *odeint.BatchError
		if !errors.As(err, &failed) || !slices.Equal(failed.Failed(), []int{2}) {
			t.Errorf("forward: %v", err)
		}
		if err := b.Backward(ctx, &g, slices.Clone(dys)); !errors.Is(err, ErrNoForward) || !errors.As(err, &failed) || !slices.Equal(failed.Failed(), []int{2}) {
			t.Errorf("cotangents of a sample that failed: %v", err)
		}
		some := slices.Clone(dys)
		some[2], some[3] = nil, nil
		if err := b.Backward(ctx, &g, some); err != nil || g.Y0[4] != 0 || g.Y0[6] != 0 || g.Y0[0] == 0 {
			t.Errorf("without the sample that failed: %v, %v", err, g.Y0)
		}
		some[5] = slices.Clone(some[5])
		some[5][1] = math.NaN()
		var cotangent *CotangentError
		if err := b.Backward(ctx, &g, some); !errors.As(err, &cotangent) || !errors.As(err, &failed) || !slices.Equal(failed.Failed(), []int{5}) {
			t.Errorf("cotangent NaN: %v", err)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		some[5] = nil
		if err := b.Backward(cancelled, &g, some); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		bad[2] = odeint.Sample[float64]{Y0: bad[2].Y0, T1: 1}
		if _, err = b.Forward(ctx, bad); !errors.As(err, &failed) || !strings.Contains(err.Error(), "Times") {
			t.Errorf("without times: %v", err)
		}
	}
	_, err = NewBatch[float64](f, odeint.BatchOptions{Options: odeint.Options{RTol: -1, SaveAt: odeint.SaveAt{Every: 1}}}, nil)
	var bad *odeint.OptionError
	if !errors.As(err, &bad) || len(bad.Faults) != 2 {
		t.Errorf("faults: %v", err)
	}
	if _, err := NewBatch[float64](f, odeint.BatchOptions{}, Discrete{Memory: Checkpoints{Bytes: 1000}}); !errors.As(err, &bad) || !strings.Contains(fmt.Sprint(err), "Checkpoints") {
		t.Errorf("checkpoints: %v", err)
	}
}

// TestBatchAllocatesNothing: from the second pass on.
func TestBatchAllocatesNothing(t *testing.T) {
	samples, dys := raggedSamples[float64](70, 2)
	f, err := graph.NewField[float64](layers.MLP{In: 2, Hidden: []int{8}, Out: 2, Activation: layers.Tanh}, 1, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Method{Discrete{}, Discrete{Memory: States{}}, Interpolating{}} {
		b, err := NewBatch[float64](f, odeint.BatchOptions{Workers: 1}, m)
		if err != nil {
			t.Fatal(err)
		}
		var g BatchGradient[float64]
		both := func() {
			if _, err := b.Forward(context.Background(), samples); err != nil {
				t.Fatal(err)
			}
			if err := b.Backward(context.Background(), &g, dys); err != nil {
				t.Fatal(err)
			}
		}
		both()
		if n := gradtest.Allocs(3, both); n != 0 {
			t.Errorf("%v: %v allocations", m, n)
		}
	}
}
