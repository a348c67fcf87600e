package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"gonum.org/v1/gonum/diff/fd"
)

// decay is dy_j/dt = −θ_j y_j³ for the two components j of each sample.
type decay[T Float] struct {
	theta []T
	n     int
}

func newDecay[T Float](batch int) (Field[T], error) {
	return &decay[T]{[]T{0.5, 0.2}, 2 * batch}, nil
}

func (f *decay[T]) Dim() int       { return f.n }
func (f *decay[T]) NumParams() int { return 2 }
func (f *decay[T]) Params() []T    { return f.theta }

func (f *decay[T]) Eval(dydt []T, _ float64, y []T) {
	for i, v := range y {
		dydt[i] = -f.theta[i%2] * v * v * v
	}
}

func (f *decay[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	if dydt != nil {
		f.Eval(dydt, t, y)
	}
	for i, v := range y {
		if dtheta != nil {
			dtheta[i%2] -= v * v * v * lambda[i]
		}
		dy[i] = -3 * f.theta[i%2] * v * v * lambda[i]
	}
}

// ragged are trajectories of two components with two sets of times, missing values and
// weights.
func ragged[T Float]() Dataset[T] {
	nan := T(math.NaN())
	shared := []float64{0, 0.5, 1, 2}
	return Dataset[T]{
		{Times: shared, States: []T{1, 2.1, 0.8, nan, 0.7, 1, 0.6, 0.9}},
		{Times: []float64{1, 0.2}, States: []T{0.5, 0.4, 0.6, 0.5}, Weights: []T{1, 3}},
		{Times: shared, States: []T{nan, 1, 0.7, 0.6, 0.5, 0.7, nan, 0.4}, Start: []T{1.1, 0.9}, Weights: []T{1, 1, 2, 1, 0, 1, 1, 0.5}},
	}
}

// wholeObjective is the loss with everything in it, of three trajectories apart.
func wholeObjective[T Float](t *testing.T, name string, m adjoint.Method) *objective[T] {
	t.Helper()
	energy := Energy(func(grad, y []T) float64 {
		grad[0], grad[1] = y[0], 3*y[1]*y[1]
		return float64(y[0]*y[0]/2 + y[1]*y[1]*y[1])
	})
	model, err := FromField(newDecay[T], Config{
		Solve: odeint.Options{RTol: 1e-12, ATol: 1e-12}, Adjoint: m,
		Scaler: Scaler{Mean: []float64{0.1, -0.2}, Spread: []float64{1.5, 0.7}, Origin: -1, Unit: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, single := any(T(0)).(float32); single {
		model.cfg.Solve = odeint.Options{RTol: 1e-5, ATol: 1e-6}
		model.protos = nil
	}
	o, err := newObjective(model, ragged[T](), &Options[T]{
		Loss: map[string]Loss[T]{"mse": MSE[T], "huber": Huber[T](0.1), "gaussian": Gaussian[T](0.3, 2), "energy": Sum(Scaled(0.5, energy), MSE[T])}[name],
		L2:   0.1, LearnStarts: true, Chunk: 1,
		Penalty: func(grad, theta []float64) float64 {
			if grad != nil {
				grad[0] += theta[1]
				grad[1] += theta[0]
			}
			return theta[0] * theta[1]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The gradient of the whole objective is that of its differences, in float64; in
// float32 it is the same up to the tolerance of the solves.
func TestObjectiveGradient(t *testing.T) {
	for name, m := range map[string]adjoint.Method{"mse": nil, "huber": adjoint.Interpolating{}, "gaussian": nil, "energy": nil} {
		for _, horizon := range []int{-1, 2} {
			o := wholeObjective[float64](t, name, m)
			x := o.initial()
			if len(x) != 2+3*2 {
				t.Fatalf("%d numbers to train", len(x))
			}
			want := fd.Gradient(nil, func(x []float64) float64 {
				v, err := o.loss(context.Background(), nil, x, o.everything(), horizon)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}, x, &fd.Settings{Formula: fd.Central})
			testGradient(t, name, o, horizon, want, 1e-7) // rounding over the step of the differences
			testGradient(t, name, wholeObjective[float32](t, name, m), horizon, want, 1e-4)
		}
	}
}

func testGradient[T Float](t *testing.T, name string, o *objective[T], horizon int, want []float64, tol float64) {
	t.Helper()
	ctx, x := context.Background(), o.initial()
	loss, apart := math.NaN(), o.own
	// One after the other, each with its own steps in one call, and with the trajectories that share
	// their times as one batch.
	for _, c := range []struct {
		chunk, tasks int
		own          bool
	}{{1, 3, false}, {64, 2, false}, {1, 3, true}, {64, 1, true}} {
		if c.own && !apart {
			continue
		}
		o.chunk, o.own = c.chunk, c.own
		tasks := o.everything()
		if len(tasks) != c.tasks {
			t.Errorf("%d tasks, want %d", len(tasks), c.tasks)
		}
		grad := make([]float64, len(x))
		v, err := o.loss(ctx, grad, x, tasks, horizon)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := o.loss(ctx, nil, x, tasks, horizon); err != nil || plain != v {
			t.Errorf("%s: loss %v with gradient, %v without (%v)", name, v, plain, err)
		}
		if math.Abs(v-loss) > tol {
			t.Errorf("%s: loss %v in a batch, %v apart", name, v, loss)
		}
		loss = v
		for i := range grad {
			if math.Abs(grad[i]-want[i]) > tol*(1+math.Abs(want[i])) {
				t.Errorf("%s: %T gradient %v, want %v", name, T(0), grad, want)
				break
			}
		}
	}
	if o.work.Solves == 0 || o.work.NFEForward == 0 || o.work.NFEBackward == 0 {
		t.Errorf("work %+v", o.work)
	}
}

// The value of the loss by hand: nothing moves.
func TestObjectiveValue(t *testing.T) {
	m, err := FromField(newDecay[float64], Config{})
	if err != nil {
		t.Fatal(err)
	}
	m.SetParams([]float64{0, 0})
	data := ragged[float64]()
	for horizon, want := range map[int]float64{
		1: (0.04 + 3*0.02 + 2*0.16 + 0.09 + 0.01) / (3 + 8 + 4),
		// Of trajectory 0: 0.04; 0.09 + 1.21. Of trajectory 2: the first row 1·0.01, then 2·0.16 + 0.09,
		// 0·… + 0.04.
		2: (0.04 + 0.09 + 1.21 + 3*0.02 + 0.01 + 2*0.16 + 0.09 + 0.04) / (5 + 8 + 5),
	} {
		o, err := newObjective(m, data, &Options[float64]{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.loss(context.Background(), nil, o.initial(), o.everything(), horizon)
		if err != nil || math.Abs(got-want) > 1e-14 {
			t.Errorf("horizon %d: %v (%v), want %v", horizon, got, err, want)
		}
	}
}

// lines are trajectories of dy/dt = −y from random starts, with times of their own.
func lines(n int, r *rand.Rand) Dataset[float64] {
	var d Dataset[float64]
	for i := range n {
		tr := Trajectory[float64]{}
		a, b := 1+r.Float64(), 1+r.Float64()
		for k := range 5 + i%3 {
			t := float64(k) * (0.2 + 0.1*float64(i%4))
			tr.Times = append(tr.Times, t)
			tr.States = append(tr.States, a*math.Exp(-t), b*math.Exp(-t))
		}
		d = append(d, tr)
	}
	return d
}

func newNet(t testing.TB, cfg Config) *Model[float64] {
	t.Helper()
	cfg.Rand = rand.New(rand.NewPCG(1, 1))
	m, err := New[float64](layers.MLP{In: 2, Hidden: []int{8}, Out: 2, Activation: layers.Tanh}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Minibatches of ragged data give the same bits on one core and on many.
func TestFitRepeats(t *testing.T) {
	data := lines(11, rand.New(rand.NewPCG(3, 3)))
	var first []float64
	for _, procs := range []int{1, 4, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		m := newNet(t, Config{Scaler: Standardise(data)})
		epochs := 0
		r, err := Fit(context.Background(), m, data, Options[float64]{Epochs: 3, BatchSize: 4, Chunk: 2, Hook: func(s Step) error {
			epochs = s.Epoch + 1
			return nil
		}})
		if err != nil || r.Steps != 9 || epochs != 3 {
			t.Fatalf("report %+v, %d epochs (%v)", r.Report, epochs, err)
		}
		if first == nil {
			first = m.Params()
		} else if !slices.Equal(first, m.Params()) {
			t.Errorf("other bits with GOMAXPROCS %d", procs)
		}
	}
}

// Each epoch sees each trajectory once.
func TestMinibatches(t *testing.T) {
	data := lines(7, rand.New(rand.NewPCG(3, 3)))
	for i := range data { // marked by a weight, which the loss sees
		data[i].Weights = make([]float64, len(data[i].Times))
		for k := range data[i].Weights {
			data[i].Weights[k] = float64(i + 1)
		}
	}
	m := newNet(t, Config{})
	var mu sync.Mutex
	seen := make([]int, len(data))
	orders := map[string]bool{}
	var order []byte
	loss := func(s Saved[float64]) float64 {
		mu.Lock()
		defer mu.Unlock()
		i := int(s.Weight[0]) - 1
		seen[i]++
		order = append(order, byte('0'+i))
		return MSE(s)
	}
	_, err := Fit(context.Background(), m, data, Options[float64]{Epochs: 4, BatchSize: 3, Loss: loss, Hook: func(s Step) error {
		if s.Step%3 == 2 {
			orders[string(order)] = true
			order = nil
			for i, n := range seen {
				if n != s.Epoch+1 {
					t.Errorf("trajectory %d was seen %d times after epoch %d", i, n, s.Epoch)
				}
			}
		}
		return nil
	}})
	if err != nil || len(orders) < 3 {
		t.Errorf("%d different orders in 4 epochs (%v)", len(orders), err)
	}
}

// A network learns dy/dt = −y from few trajectories, and validation picks the best.
func TestFitLearns(t *testing.T) {
	data, val := lines(20, rand.New(rand.NewPCG(5, 5))).Split(0.25, nil)
	if len(data) != 15 || len(val) != 5 {
		t.Fatalf("split in %d and %d", len(data), len(val))
	}
	m := newNet(t, Config{Scaler: Standardise(data)})
	r, err := Fit(context.Background(), m, data, Options[float64]{Steps: 300, BatchSize: 5, Optimizer: Adam{Rate: 0.02}, Validation: val, ValidateEvery: 5})
	if err != nil || r.Validation > 1e-3 {
		t.Errorf("validation loss %v (%v)", r.Validation, err)
	}
	if v, err := Evaluate(context.Background(), m, val, nil); err != nil || v != r.Validation {
		t.Errorf("Evaluate %v (%v), reported %v", v, err, r.Validation)
	}
	r, err = Fit(context.Background(), m, data, Options[float64]{Steps: 60, Optimizer: LBFGS{}})
	if v, e := Evaluate(context.Background(), m, data, nil); err != nil || e != nil || r.Loss > 2e-5 || v != r.Loss {
		t.Errorf("loss %v after L-BFGS, evaluated %v (%v, %v)", r.Loss, v, err, e)
	}
	y, err := m.Predict(context.Background(), []float64{0, 1}, []float64{1.5, 1.2})
	if err != nil || math.Abs(y[2]-1.5/math.E) > 0.02 || math.Abs(y[3]-1.2/math.E) > 0.02 {
		t.Errorf("%v (%v)", y, err)
	}
}

// Trained backwards in time, and with learned starts, the decay's own parameters return.
func TestFitRecovers(t *testing.T) {
	for _, dir := range []float64{1, -1} {
		tr := Trajectory[float64]{}
		for k := range 8 {
			s := 0.2 * float64(k)
			tr.Times = append(tr.Times, dir*s)
			// dy/dt = −θy³ from 1 is 1/√(1+2θt).
			tr.States = append(tr.States, 1/math.Sqrt(1+2*0.7*s), 1/math.Sqrt(1+2*0.3*s))
		}
		tr.States[0] = math.NaN()
		m, err := FromField(newDecay[float64], Config{Solve: odeint.Options{RTol: 1e-9, ATol: 1e-10}})
		if err != nil {
			t.Fatal(err)
		}
		m.SetParams([]float64{dir * 0.5, dir * 0.2})
		r, err := Fit(context.Background(), m, Dataset[float64]{tr}, Options[float64]{Steps: 100, Optimizer: LBFGS{}, LearnStarts: true})
		theta := m.Params()
		if err != nil || math.Abs(dir*theta[0]-0.7) > 1e-6 || math.Abs(dir*theta[1]-0.3) > 1e-6 || math.Abs(r.Starts[0][0]-1) > 1e-6 {
			t.Errorf("θ = %v, start %v (%v)", theta, r.Starts, err)
		}
	}
}

func TestFitErrors(t *testing.T) {
	ctx := context.Background()
	m := newNet(t, Config{})
	data := ragged[float64]()
	var oe *OptionError
	if _, err := Fit(ctx, m, data, Options[float64]{BatchSize: -1, L2: -1, Chunk: -1}); !errors.As(err, &oe) || len(oe.Faults) != 4 {
		t.Errorf("error %v, want four faults", err)
	}
	if _, err := Fit(ctx, m, data, Options[float64]{Steps: 1, BatchSize: 2, Optimizer: LBFGS{}}); !errors.As(err, &oe) {
		t.Errorf("minibatches with L-BFGS: %v", err)
	}
	for name, bad := range map[string]Dataset[float64]{
		"empty":   {},
		"lengths": {{Times: []float64{0, 1}, States: []float64{1, 2, 3}}},
		"order":   {{Times: []float64{0, 1, 1}, States: make([]float64, 6)}},
		"turn":    {{Times: []float64{0, 1, 0.5}, States: make([]float64, 6)}},
		"inf":     {{Times: []float64{0}, States: []float64{1, math.Inf(1)}}},
		"weights": {{Times: []float64{0}, States: []float64{1, 2}, Weights: []float64{-1}}},
		"start":   {{Times: []float64{0, 1}, States: []float64{math.NaN(), 1, 2, 2}}},
		"missing": {{Times: []float64{0}, States: []float64{math.NaN(), math.NaN()}, Start: []float64{0, 0}}},
	} {
		if _, err := Fit(ctx, m, bad, Options[float64]{Steps: 1}); !errors.Is(err, ErrData) {
			t.Errorf("%s: error %v, want ErrData", name, err)
		}
	}
	logs := newNet(t, Config{Scaler: Scaler{Log: []bool{true, true}}})
	if _, err := Fit(ctx, logs, Dataset[float64]{{Times: []float64{0}, States: []float64{1, -1}}}, Options[float64]{Steps: 1}); !errors.Is(err, ErrData) {
		t.Errorf("logarithm of −1: %v", err)
	}
	// dy/dt = +10y³ from 1 blows up at t = 1/20.
	d, err := FromField(newDecay[float64], Config{})
	if err != nil {
		t.Fatal(err)
	}
	d.SetParams([]float64{-10, 0})
	var le *LossError
	var se *odeint.StepError
	if _, err := Fit(ctx, d, data, Options[float64]{Steps: 1}); !errors.As(err, &le) || !errors.As(err, &se) {
		t.Errorf("error %v, want a *LossError of an *odeint.StepError", err)
	}
	if _, err := New[float64](layers.MLP{In: 2, Out: 2}, Config{Scaler: Scaler{Mean: []float64{1}}}); !errors.As(err, &oe) {
		t.Errorf("scaler of the wrong length: %v", err)
	}
}

// Predictions from many goroutines, of several batch sizes, are those of one.
func TestPredictConcurrently(t *testing.T) {
	data := lines(4, rand.New(rand.NewPCG(3, 3)))
	m := newNet(t, Config{Scaler: Standardise(data)})
	times := []float64{0, 0.3, 1}
	starts := []float64{1, 2, 0.5, 0.1, -1, 3}
	var want [4][]float64
	for n := 1; n <= 3; n++ {
		var err error
		if want[n], err = m.Predict(context.Background(), times, starts[:2*n]); err != nil || len(want[n]) != 3*2*n {
			t.Fatal(err, want[n])
		}
	}
	// The first row is the start, up to the rounding of the scaler.
	for i, v := range want[3][:6] {
		if math.Abs(v-starts[i]) > 1e-15 {
			t.Errorf("starts %v", want[3][:6])
		}
	}
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			n := i%3 + 1
			y, err := m.Predict(context.Background(), times, starts[:2*n])
			if err != nil || !slices.Equal(y, want[n]) {
				t.Errorf("%d samples: %v (%v), want %v", n, y, err, want[n])
			}
		})
	}
	group.Wait()
	if _, err := m.Predict(context.Background(), times, starts[:3]); err == nil {
		t.Error("no error for one and a half states")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Predict(ctx, times, starts[:2]); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a cancelled context", err)
	}
}
