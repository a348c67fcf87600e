package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
	"github.com/neuralode/neuralode/train/modelfile"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestSaveAndLoad(t *testing.T) {
	t.Run("float64", testSaveAndLoad[float64])
	t.Run("float32", testSaveAndLoad[float32])
}

func testSaveAndLoad[T Float](t *testing.T) {
	nets := map[string]graph.Module{
		"mlp": layers.MLP{In: 2, Hidden: []int{5, 3}, Out: 2, Activation: layers.GELU},
		"sequential": layers.Sequential{
			layers.AppendTime{Of: layers.Linear{In: 3, Out: 4, NoBias: true}}, layers.Swish, layers.Linear{In: 4, Out: 2},
		},
	}
	configs := []Config{
		{},
		{
			Solve:   odeint.Options{Method: odeint.Dopri5, RTol: 1e-5, ATols: []float64{1e-6, 1e-7}, HMax: 0.5, Jumps: []float64{0.25}},
			Adjoint: adjoint.Interpolating{ParamsInNorm: true}, Name: "net", Shape: []int{2},
			Scaler: Scaler{Mean: []float64{1, 2}, Spread: []float64{3, 4}, Log: []bool{false, true}, Origin: 5, Unit: 6},
		},
		{Solve: odeint.Options{Method: odeint.GaussLegendre4, H0: 0.1}, Adjoint: adjoint.Discrete{Memory: adjoint.Inverse{}}},
		{Solve: odeint.Options{Method: odeint.RK4, Steps: 3}, Adjoint: adjoint.Discrete{Memory: adjoint.Checkpoints{Bytes: 1 << 12}}},
	}
	times, y0 := []float64{5, 6, 8}, []T{0.5, 1.5}
	for name, net := range nets {
		for i, cfg := range configs {
			cfg.Rand = rand.New(rand.NewPCG(1, uint64(i)))
			if cfg.Shape == nil && name == "sequential" {
				cfg.Shape = []int{2}
			}
			m, err := New[T](net, cfg)
			if err != nil {
				t.Fatal(err)
			}
			want, err := m.Predict(context.Background(), times, y0)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "model.safetensors")
			if err := m.Save(path); err != nil {
				t.Fatal(err)
			}
			back, err := Load[T](path)
			if err != nil {
				t.Fatalf("%s %d: %v", name, i, err)
			}
			got, err := back.Predict(context.Background(), times, y0)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s %d: loaded %v (%v), want %v", name, i, got, err, want)
			}
			if back.cfg.Adjoint != m.cfg.Adjoint || back.cfg.Solve.HMax != cfg.Solve.HMax || back.cfg.Solve.Method != cfg.Solve.Method {
				t.Errorf("%s %d: loaded %+v, want %+v", name, i, back.cfg, m.cfg)
			}
			// Into another model of the same network.
			cfg.Rand, cfg.Scaler = rand.New(rand.NewPCG(9, 9)), Scaler{}
			into, err := New[T](net, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if err := into.Load(path); err != nil {
				t.Fatal(err)
			}
			if got, err = into.Predict(context.Background(), times, y0); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s %d: loaded into a model %v (%v), want %v", name, i, got, err, want)
			}
		}
	}
}

// What is Go code is saved, and needs the code when it is loaded.
func TestSaveCode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	m, err := FromField(newDecay[float64], Config{})
	if err != nil {
		t.Fatal(err)
	}
	m.SetParams([]float64{3, 4})
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	var fe *modelfile.Error
	if _, err := Load[float64](path); !errors.As(err, &fe) {
		t.Errorf("error %v, want a *modelfile.Error", err)
	}
	back, err := FromField(newDecay[float64], Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Load(path); err != nil || !slices.Equal(back.Params(), []float64{3, 4}) {
		t.Errorf("parameters %v (%v)", back.Params(), err)
	}
	// A network does not take them.
	net := newNet(t, Config{})
	before := net.Params()
	if err := net.Load(path); !errors.As(err, &fe) || !slices.Equal(net.Params(), before) {
		t.Errorf("error %v, want a *modelfile.Error, and no change", err)
	}
}

// A network that claims to be larger than its file is not built.
func TestLoadTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := newNet(t, Config{}).Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := modelfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := f.Decode(&d); err != nil {
		t.Fatal(err)
	}
	for _, module := range []graph.Module{
		layers.MLP{In: 2, Hidden: []int{math.MaxInt32}, Out: 2}, layers.Sequential{layers.Linear{In: math.MaxInt32, Out: math.MaxInt32}},
	} {
		d.Module = describeModule(module)
		if err := f.Describe(d); err != nil {
			t.Fatal(err)
		}
		if err := modelfile.Write(path, f); err != nil {
			t.Fatal(err)
		}
		var fe *modelfile.Error
		if _, err := Load[float64](path); !errors.As(err, &fe) {
			t.Errorf("error %v, want a *modelfile.Error", err)
		}
	}
}

func TestSaveField(t *testing.T) {
	path := filepath.Join(t.TempDir(), "field.safetensors")
	field := func(seed uint64) *graph.Field[float64] {
		f, err := graph.NewField[float64](layers.MLP{In: 2, Hidden: []int{3}, Out: 2}, 4, graph.FieldConfig{Rand: rand.New(rand.NewPCG(seed, 0))})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := field(1), field(2)
	if err := SaveField[float64](path, a); err != nil {
		t.Fatal(err)
	}
	if err := LoadField[float64](path, b); err != nil || !slices.Equal(a.Params(), b.Params()) {
		t.Errorf("%v, want %v (%v)", b.Params(), a.Params(), err)
	}
}

func TestSaveLayers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "layers.safetensors")
	build := func(seed uint64) (layers.Layer, layers.Layer) {
		g, r := G.NewGraph(), rand.New(rand.NewPCG(seed, 0))
		ode, err := odelayer.New(g, "ode", layers.MLP{In: 2, Hidden: []int{3}, Out: 2}, odelayer.Config{Batch: 1, Times: []float64{0, 1}, Rand: r})
		if err != nil {
			t.Fatal(err)
		}
		head, err := layers.Linear{In: 2, Out: 3}.Place(g, "head", tensor.Float64, r)
		if err != nil {
			t.Fatal(err)
		}
		return ode, head
	}
	a, b := build(1)
	if err := SaveLayers(path, a, b); err != nil {
		t.Fatal(err)
	}
	c, d := build(2)
	if err := LoadLayers(path, c, d); err != nil {
		t.Fatal(err)
	}
	for i, pair := range [][2]layers.Layer{{a, c}, {b, d}} {
		want, _ := layers.Weights(pair[0])
		got, _ := layers.Weights(pair[1])
		for k := range want {
			if !slices.Equal(got[k].Data, want[k].Data) {
				t.Errorf("layer %d: %v, want %v", i, got[k], want[k])
			}
		}
	}
	var fe *modelfile.Error
	if err := LoadLayers(path, c); !errors.As(err, &fe) {
		t.Errorf("error %v for one layer of two, want a *modelfile.Error", err)
	}
}

// A training that is interrupted and resumed ends with the bits of one that is not.
func TestResume(t *testing.T) {
	t.Run("float64", testResume[float64])
	t.Run("float32", testResume[float32])
}

func testResume[T Float](t *testing.T) {
	var data Dataset[T]
	for _, tr := range lines(9, rand.New(rand.NewPCG(3, 3))) {
		states := make([]T, len(tr.States))
		for i, v := range tr.States {
			states[i] = T(v)
		}
		data = append(data, Trajectory[T]{Times: tr.Times, States: states})
	}
	training, val := data[:7], data[7:]
	for name, opt := range map[string]Options[T]{
		"adam":    {Steps: 40, BatchSize: 3, Average: 0.9, Validation: val, ValidateEvery: 3},
		"sgd":     {Steps: 40, Optimizer: SGD{Rate: 0.05, Momentum: 0.9}, Schedule: Cosine(0.05, 0, 40), Clip: 1, LearnStarts: true},
		"horizon": {Steps: 40, Horizon: GrowingHorizon(1, 4, 30), L2: 1e-3},
	} {
		model := func() *Model[T] {
			m, err := New[T](layers.MLP{In: 2, Hidden: []int{8}, Out: 2}, Config{Scaler: Standardise(training)})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		whole := model()
		want, err := Fit(context.Background(), whole, training, opt)
		if err != nil {
			t.Fatal(err)
		}
		opt.Checkpoint, opt.CheckpointEvery, opt.Resume = filepath.Join(t.TempDir(), "state"), 7, true
		// Once stopped by a hook at step 16, once killed at step 30, whose last save was at 28.
		for i, kill := range []bool{false, true} {
			stop, at := errors.New("stop"), []int{16, 30}[i]
			o := opt
			var saved []byte
			o.Hook = func(s Step) error {
				if kill && s.Step == 29 {
					if saved, err = os.ReadFile(opt.Checkpoint); err != nil {
						t.Fatal(err)
					}
				}
				if s.Step == at {
					return stop
				}
				return nil
			}
			if _, err := Fit(context.Background(), model(), training, o); !errors.Is(err, stop) {
				t.Fatal(err)
			}
			if kill {
				if err := os.WriteFile(opt.Checkpoint, saved, 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}
		resumed := model()
		opt.Rand = rand.New(rand.NewPCG(77, 77)) // the order of the minibatches is in the file
		got, err := Fit(context.Background(), resumed, training, opt)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(resumed.Params(), whole.Params()) || !slices.Equal(got.Losses, want.Losses) || got.Loss != want.Loss || got.Best != want.Best {
			t.Errorf("%s: resumed %+v, want %+v", name, got.Report, want.Report)
		}
		if !slices.EqualFunc(got.Starts, want.Starts, slices.Equal) {
			t.Errorf("%s: starts %v, want %v", name, got.Starts, want.Starts)
		}
		opt.Optimizer = SGD{Momentum: 0.1}
		if name == "sgd" {
			opt.Optimizer = Adam{}
		}
		if _, err := Fit(context.Background(), model(), training, opt); !errors.Is(err, errState) {
			t.Errorf("%s: error %v for another optimiser, want errState", name, err)
		}
	}
}

// A folder that cannot be written ends nothing, but is an error in the end.
func TestCheckpointFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Optimizer{Adam{}, LBFGS{}} {
		r, err := Minimize(context.Background(), rosenbrock, []float64{0, 0}, MinimizeOptions{Steps: 3, Optimizer: o, Checkpoint: filepath.Join(file, "state"), CheckpointEvery: 1})
		if err == nil || r.Steps != 3 {
			t.Errorf("%v: error %v after %d steps", o, err, r.Steps)
		}
	}
}

func TestResumeLBFGS(t *testing.T) {
	o := MinimizeOptions{Steps: 10, Optimizer: LBFGS{}, Checkpoint: filepath.Join(t.TempDir(), "state"), Resume: true}
	x := []float64{-1.2, 1}
	first, err := Minimize(context.Background(), rosenbrock, x, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Steps, x = 60, []float64{-1.2, 1}
	second, err := Minimize(context.Background(), rosenbrock, x, o)
	if err != nil || second.Loss > 1e-20 || !slices.Equal(second.Losses[:10], first.Losses) {
		t.Errorf("report %+v (%v)", second, err)
	}
}
