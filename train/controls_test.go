package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
	"gonum.org/v1/gonum/diff/fd"
)

var controlKinds = []control.Kind{control.Previous, control.Linear, control.Hermite, control.NaturalCubic}

// controlled is a model of two components with two inputs.
func controlled[T Float](t testing.TB, kind control.Kind, rates bool, solve odeint.Options) *Model[T] {
	t.Helper()
	cfg := Config{
		Input: &InputConfig{Channels: 2, Kind: kind, Rates: rates}, Rand: rand.New(rand.NewPCG(4, 4)), Solve: solve,
		Scaler: Scaler{Spread: []float64{1.5, 0.7}, InputMean: []float64{0.1, -0.2}, InputSpread: []float64{2, 0.5}, Origin: -1, Unit: 2},
	}
	var m *Model[T]
	var err error
	if rates {
		m, err = New[T](layers.CDE{Of: layers.MLP{In: 2, Hidden: []int{4}, Out: 4}, Channels: 2}, cfg)
	} else {
		m, err = New[T](layers.AppendInput{Of: layers.MLP{In: 4, Hidden: []int{5}, Out: 2}, Channels: 2}, cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// raggedControls are ragged trajectories with knots of their own, with a missing value.
func raggedControls[T Float]() Dataset[T] {
	d := ragged[T]()
	d[0].Controls = Controls[T]{[]float64{0, 0.4, 1.1, 1.6}, []T{1, 0.2, -0.5, T(math.NaN()), 0.7, 0.4, 0.1, 0.3}}
	d[1].Controls = Controls[T]{[]float64{0.5}, []T{0.3, -0.4}}
	d[2].Controls = Controls[T]{[]float64{-0.2, 0.9, 2.5}, []T{0.3, 0.5, -1, 0.8, 0.2, 0}}
	return d
}

// The gradient of a loss with controls is that of its differences in float64, apart and
// in batches, and the same in float32 up to the tolerance of the solves. The second
// trajectory goes backward in time. Steps end at all knots, also where cubics are smooth
// enough for solves as such: differences of adaptive solves show every irregularity.
func TestControlledGradient(t *testing.T) {
	for _, kind := range controlKinds {
		for _, rates := range []bool{false, true} {
			if rates && kind == control.Previous {
				continue // its rates are 0
			}
			var jumps []float64 // in the units of the model
			for _, tr := range raggedControls[float64]() {
				for _, at := range tr.Controls.Times {
					jumps = append(jumps, (at+1)/2)
				}
			}
			opt := Options[float64]{LearnStarts: true, Chunk: 1}
			o, err := newObjective(controlled[float64](t, kind, rates, odeint.Options{RTol: 1e-11, ATol: 1e-11, Jumps: jumps}), raggedControls[float64](), &opt)
			if err != nil {
				t.Fatal(err)
			}
			x := o.initial()
			want := fd.Gradient(nil, func(x []float64) float64 {
				v, err := o.loss(context.Background(), nil, x, o.everything(), -1)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}, x, &fd.Settings{Formula: fd.Central})
			name := kind.String()
			testGradient(t, name, o, -1, want, 1e-7) // rounding over the step of the differences
			o32, err := newObjective(controlled[float32](t, kind, rates, odeint.Options{RTol: 1e-5, ATol: 1e-6, Jumps: jumps}), raggedControls[float32](), &Options[float32]{LearnStarts: true, Chunk: 1})
			if err != nil {
				t.Fatal(err)
			}
			testGradient(t, name, o32, -1, want, 1e-4)
		}
	}
}

// follower is dy/dt = u − y of one component.
func follower[T Float](t testing.TB, kind control.Kind, scaler Scaler) *Model[T] {
	t.Helper()
	m, err := New[T](layers.AppendInput{Of: layers.Linear{In: 2, Out: 1, NoBias: true}, Channels: 1}, Config{
		Input: &InputConfig{Channels: 1, Kind: kind}, Solve: odeint.Options{RTol: 1e-10, ATol: 1e-10}, Shape: []int{1}, Scaler: scaler})
	if err != nil {
		t.Fatal(err)
	}
	m.SetParams([]T{-1, 1})
	return m
}

// A step of the input gives y = e^{−t} before it, and an exponential approach after it;
// each sample of a batch has its own, forward and backward in time.
func TestPredictControlled(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testPredictControlled[float64](t, 1e-9) })
	t.Run("float32", func(t *testing.T) { testPredictControlled[float32](t, 1e-5) })
}

func testPredictControlled[T Float](t *testing.T, tol float64) {
	ctx := context.Background()
	m := follower[T](t, control.Previous, Scaler{})
	if tol > 1e-6 {
		m.cfg.Solve, m.protos = odeint.Options{RTol: 1e-6, ATol: 1e-7}, nil
	}
	steps := []Controls[T]{{[]float64{0, 0.7}, []T{0, 2}}, {[]float64{0, 1.3}, []T{0, -1}}}
	exact := func(at float64, c Controls[T], y0 float64) float64 {
		y := y0 * math.Exp(-at)
		if s := at - c.Times[1]; s > 0 {
			y += float64(c.Values[1]) * (1 - math.Exp(-s))
		}
		return y
	}
	times := []float64{0, 0.5, 1, 2, 3}
	for _, y0 := range [][]T{{1}, {1, 3}} {
		var want []float64
		for _, at := range times {
			for k, y := range y0 {
				want = append(want, exact(at, steps[k], float64(y)))
			}
		}
		got, err := m.Predict(ctx, times, y0, steps[:len(y0)]...)
		if err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "forward", got, want, tol)
		back := slices.Clone(times)
		slices.Reverse(back)
		end := got[len(got)-len(y0):]
		if got, err = m.Predict(ctx, back, end, steps[:len(y0)]...); err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "backward", got[len(got)-len(y0):], want[:len(y0)], 100*tol) // e³ is 20
	}
	// One for all.
	both, err := m.Predict(ctx, times, []T{1, 1}, steps[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(both); i += 2 {
		if both[i] != both[i+1] {
			t.Errorf("samples with the same start and input differ: %v", both)
			break
		}
	}
	for name, c := range map[string][]Controls[T]{
		"none": nil, "too many": {steps[0], steps[1], steps[0]}, "empty": {{}}, "odd": {{[]float64{0, 1}, []T{1}}},
		"descending": {{[]float64{1, 0}, []T{1, 2}}}, "infinite": {{[]float64{1}, []T{T(math.Inf(1))}}},
	} {
		if _, err := m.Predict(ctx, times, []T{1, 1}, c...); !errors.Is(err, ErrData) {
			t.Errorf("%s: error %v, want ErrData", name, err)
		}
	}
	if _, err := newNetOf[T](t).Predict(ctx, times, []T{1, 1}, steps[0]); !errors.Is(err, ErrData) {
		t.Errorf("a model without inputs: error %v, want ErrData", err)
	}
}

func newNetOf[T Float](t testing.TB) *Model[T] {
	t.Helper()
	m, err := New[T](layers.MLP{In: 2, Hidden: []int{4}, Out: 2}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// In a standardised model, y = a + b·s and u = c + d·v of time t₀ + T·τ, dy/dt = u − y is
// ds/dτ = T(d·v − b·s + c − a)/b: the same predictions.
func TestScaledControls(t *testing.T) {
	d := Dataset[float64]{
		{Times: []float64{3, 4, 6}, States: []float64{1, 3, 2}, Controls: Controls[float64]{[]float64{3, 5}, []float64{10, 30}}},
		{Times: []float64{3, 4}, States: []float64{2, 1}, Controls: Controls[float64]{[]float64{3, 4, 5}, []float64{20, math.NaN(), 10}}},
	}
	s := Standardise(d)
	// 10, 30, 20, 10: mean 17.5, variance 68.75.
	if math.Abs(s.InputMean[0]-17.5) > 1e-14 || math.Abs(s.InputSpread[0]-math.Sqrt(68.75)) > 1e-14 {
		t.Errorf("inputs of mean %v and spread %v", s.InputMean, s.InputSpread)
	}
	plain := follower[float64](t, control.Linear, Scaler{})
	s.Mean[0] = s.InputMean[0] // so that c − a = 0: the module has no bias
	scaled := follower[float64](t, control.Linear, s)
	scaled.SetParams([]float64{-s.Unit, s.Unit * s.InputSpread[0] / s.Spread[0]})
	for i, tr := range d {
		want, err := plain.Predict(context.Background(), tr.Times, tr.States[:1], tr.Controls)
		if err != nil {
			t.Fatal(err)
		}
		got, err := scaled.Predict(context.Background(), tr.Times, tr.States[:1], tr.Controls)
		if err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "trajectory "+string(rune('0'+i)), got, want, 1e-8)
	}
}

// Fit with minibatches of trajectories whose knots differ finds the rates of the follower
// that made them, in either width.
func TestFitControlled(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testFitControlled[float64](t) })
	t.Run("float32", func(t *testing.T) { testFitControlled[float32](t) })
}

func testFitControlled[T Float](t *testing.T) {
	ctx, r := context.Background(), rand.New(rand.NewPCG(3, 1))
	truth := follower[float64](t, control.Linear, Scaler{})
	truth.SetParams([]float64{-1.5, 0.8})
	var d Dataset[T]
	times := Grid(2, 8)
	for range 12 {
		c := Controls[float64]{[]float64{0, 0.3 + 0.4*r.Float64(), 1 + r.Float64()}, []float64{r.NormFloat64(), 2 * r.NormFloat64(), 2 * r.NormFloat64()}}
		y, err := truth.Predict(ctx, times, []float64{r.NormFloat64()}, c)
		if err != nil {
			t.Fatal(err)
		}
		tr := Trajectory[T]{Times: times, Controls: Controls[T]{Times: c.Times}}
		for _, v := range y {
			tr.States = append(tr.States, T(v))
		}
		for _, v := range c.Values {
			tr.Controls.Values = append(tr.Controls.Values, T(v))
		}
		d = append(d, tr)
	}
	m, err := New[T](layers.AppendInput{Of: layers.Linear{In: 2, Out: 1, NoBias: true}, Channels: 1}, Config{
		Input: &InputConfig{Channels: 1, Kind: control.Linear}, Solve: odeint.Options{RTol: 1e-5, ATol: 1e-6}, Shape: []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	seen, unseen := d.Split(0.25, nil)
	if _, err := Fit(ctx, m, seen.Windows(5, 4), Options[T]{Steps: 400, BatchSize: 4, Clip: 1, Schedule: Cosine(0.1, 0, 400), Validation: unseen}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-1.5, 0.8} {
		if got := float64(m.Params()[i]); math.Abs(got-want) > 5e-3 { // Adam has not quite ended
			t.Errorf("rate %d: %v, want %v", i, got, want)
		}
	}
	if mse, err := Evaluate(ctx, m, unseen, nil); err != nil || mse > 1e-6 {
		t.Errorf("validation loss %v (%v)", mse, err)
	}
	// L-BFGS is judged at its end.
	report, err := Fit(ctx, m, seen, Options[T]{Steps: 3, Optimizer: LBFGS{}, Validation: unseen})
	if err != nil {
		t.Fatal(err)
	}
	if mse, err := Evaluate(ctx, m, unseen, nil); err != nil || report.Validation != mse {
		t.Errorf("validation loss %v, want %v (%v)", report.Validation, mse, err)
	}
	d[3].Controls.Values = d[3].Controls.Values[1:]
	if _, err := Fit(ctx, m, d, Options[T]{Steps: 1}); !errors.Is(err, ErrData) {
		t.Errorf("error %v, want ErrData", err)
	}
}

// A model with inputs comes back from its file with them.
func TestSaveControlled(t *testing.T) {
	for _, kind := range controlKinds {
		for _, rates := range []bool{false, true} {
			m := controlled[float64](t, kind, rates, odeint.Options{})
			path := filepath.Join(t.TempDir(), "m.safetensors")
			if err := m.Save(path); err != nil {
				t.Fatal(err)
			}
			back, err := Load[float64](path)
			if err != nil {
				t.Fatal(err)
			}
			tr := raggedControls[float64]()[0]
			want, err := m.Predict(context.Background(), tr.Times, tr.States[:2], tr.Controls)
			if err != nil {
				t.Fatal(err)
			}
			got, err := back.Predict(context.Background(), tr.Times, tr.States[:2], tr.Controls)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v: loaded %v (%v), want %v", kind, got, err, want)
			}
			other := controlled[float64](t, (kind+1)%4, rates, odeint.Options{})
			if other.Load(path) == nil {
				t.Errorf("a model of another kind took %v", kind)
			}
		}
	}
}

func TestInputFaults(t *testing.T) {
	var fault *OptionError
	net := layers.AppendInput{Of: layers.MLP{In: 3, Out: 2}, Channels: 1}
	if _, err := New[float64](net, Config{Input: &InputConfig{Channels: 1, Kind: 17}}); !errors.As(err, &fault) {
		t.Errorf("kind 17: %v", err)
	}
	if _, err := New[float64](net, Config{Input: &InputConfig{Channels: 1}, Scaler: Scaler{InputSpread: []float64{1, 2}}}); !errors.As(err, &fault) {
		t.Errorf("spread of two: %v", err)
	}
	if _, err := New[float64](net, Config{Input: &InputConfig{}}); err == nil {
		t.Error("no channels")
	}
	if _, err := FromField(newDecay[float64], Config{Input: &InputConfig{Channels: 1}}); !errors.As(err, &fault) {
		t.Errorf("a field without SetInput: %v", err)
	}
}
