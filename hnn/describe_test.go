package hnn_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train"
)

func perceptron(in, out int) layers.MLP {
	return layers.MLP{In: in, Hidden: []int{5}, Out: out, Activation: layers.Tanh}
}

func describable() map[string]hnn.Module {
	return map[string]hnn.Module{
		"network":     hnn.Field{H: perceptron(4, 1), Damping: &hnn.Damping{OnlyMomenta: true, Rank: 1, Of: perceptron(2, 2)}, Conservative: perceptron(4, 1)},
		"separable":   hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Masses: []float64{1, 2}, Learn: true}, V: perceptron(2, 1)}, Damping: &hnn.Damping{L: slices.Repeat([]float64{0.1}, 16)}},
		"rectifier":   hnn.Field{H: hnn.Separable{V: layers.MLP{In: 2, Hidden: []int{3}, Out: 1, Activation: layers.ReLU}, Kinks: true}, Kinks: true},
		"known":       hnn.Field{H: hnn.Sum{hnn.DoublePendulum{Mass1: 2, Gravity: 3, Learn: []string{"mass2"}}, hnn.Harmonic{Degrees: 2, Stiffness: 0.5}}},
		"orbit":       hnn.Field{H: hnn.Sum{hnn.Kepler{Mu: 2}, hnn.HenonHeiles{Lambda: 0.3}}},
		"relativity":  hnn.Field{H: hnn.Sum{hnn.Relativistic{Light: 3}, hnn.Pendulum{Length: 2}}},
		"lagrangian":  hnn.Lagrangian{L: hnn.Mechanical{C: perceptron(2, 4), V: hnn.Angles{Of: perceptron(3, 1), Columns: []int{1}}, Epsilon: 0.1}, Solve: graph.SolveOptions{Factorisation: graph.Cholesky, Ridge: 1e-3}, Damping: &hnn.Damping{Rank: 1}},
		"known L":     hnn.Lagrangian{L: hnn.DoublePendulum{Length1: 2}.Lagrangian()},
		"known sum L": hnn.Lagrangian{L: hnn.Sum{hnn.Kepler{Learn: []string{"mu"}}.Lagrangian(), hnn.Harmonic{Degrees: 2}.Lagrangian()}},
		"port":        hnn.Field{H: perceptron(4, 1), Drive: hnn.Port{G: perceptron(2, 6), Inputs: 3}},
		"velocities":  hnn.Velocities{Field: hnn.Field{H: hnn.MechanicalEnergy{C: perceptron(2, 4), V: perceptron(2, 1)}}},
		"matrix":      hnn.Velocities{Field: hnn.Field{H: perceptron(4, 1)}, C: perceptron(2, 4), Epsilon: 0.5},
	}
}

// A model of each kind is saved, loaded, and predicts the same numbers.
func TestSavedModelsPredictTheSame(t *testing.T) {
	t.Run("float64", testSaved[float64])
	t.Run("float32", testSaved[float32])
}

func testSaved[T graph.Float](t *testing.T) {
	ctx := context.Background()
	for name, module := range describable() {
		cfg := train.Config{Rand: rand.New(rand.NewPCG(1, 2))}
		start := []T{0.4, -0.3, 0.2, 0.1}
		if name == "relativity" {
			start = start[1:3]
		}
		var controls []train.Controls[T]
		if name == "port" {
			cfg.Input = &train.InputConfig{Channels: 3, Kind: control.Linear}
			controls = append(controls, train.Controls[T]{Times: []float64{0, 1}, Values: []T{1, 2, 3, 2, 1, 0}})
		}
		m, err := train.New[T](module, cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		theta := m.Params()
		for i := range theta {
			theta[i] += T(i%3) / 8 // not what the description alone gives
		}
		m.SetParams(theta)
		path := filepath.Join(t.TempDir(), "m.model")
		if err := m.Save(path); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back, err := train.Load[T](path, hnn.Kinds()...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		times := []float64{0, 0.25, 0.5}
		want, err := m.Predict(ctx, times, start, controls...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := back.Predict(ctx, times, start, controls...); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v, %v", name, got, want, err)
		}
		for _, v := range want {
			if v != v {
				t.Errorf("%s: predictions %v", name, want)
			}
		}
	}
}

func TestDescriptions(t *testing.T) {
	for text, m := range map[string]hnn.Module{
		`{"kind":"hnn.field","h":{"kind":"hnn.kepler","degrees":3,"learn":["mu"]}}`:                                          hnn.Field{H: hnn.Kepler{Degrees: 3, Learn: []string{"mu"}}},
		`{"kind":"hnn.lagrangian","l":"tanh","solve":{"factorisation":"Cholesky"}}`:                                          hnn.Lagrangian{L: layers.Tanh, Solve: graph.SolveOptions{Factorisation: graph.Cholesky}},
		`{"kind":"hnn.legendre","l":"tanh"}`:                                                                                 hnn.Legendre{L: layers.Tanh},
		`{"kind":"hnn.lagrangian_energy","l":"tanh"}`:                                                                        hnn.LagrangianEnergy{L: layers.Tanh},
		`{"kind":"hnn.velocities","field":{"damping":{"only_momenta":true,"rank":2},"h":{"kind":"hnn.sum","each":["sin"]}}}`: hnn.Velocities{Field: hnn.Field{H: hnn.Sum{layers.Sin}, Damping: &hnn.Damping{OnlyMomenta: true, Rank: 2}}},
	} {
		data, err := layers.Marshal(m)
		if err != nil || string(data) != text {
			t.Errorf("%s, want %s, %v", data, text, err)
		}
		back, err := layers.Unmarshal([]byte(text), hnn.Kinds()...)
		if err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("%s read as %#v, %v", text, back, err)
		}
	}
	for name, m := range describable() {
		data, err := layers.Marshal(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back, err := layers.Unmarshal(data, hnn.Kinds()...)
		if err != nil {
			t.Errorf("%s: %s: %v", name, data, err)
			continue
		}
		if again, err := layers.Marshal(back); err != nil || string(again) != string(data) {
			t.Errorf("%s, then %s, %v", data, again, err)
		}
	}
}

func TestDescriptionsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		`{"kind":"hnn.field","h":"tanh","kink":true}`:                               `"kink"`,
		`{"kind":"hnn.harmonic","degrees":1000000000}`:                              "at most 4096",
		`{"kind":"hnn.angles","columns":[3,5000]}`:                                  "at most 4096",
		`{"kind":"hnn.kepler","mu":"2"}`:                                            "mu",
		`{"kind":"hnn.field","h":null}`:                                             "kind",
		`{"kind":"hnn.field","damping":7}`:                                          "damping",
		`{"kind":"hnn.lagrangian","solve":{"factorisation":"QR"}}`:                  "factorisation",
		`{"kind":"hnn.lagrangian_of","of":"tanh"}`:                                  "no Lagrangian",
		`{"kind":"hnn.sum","every":[]}`:                                             "every",
		`{"kind":"hnn.lagrangian_of"}`:                                              "known system",
		`{"kind":"hnn.sum","each":[{"kind":"hnn.control"}]}`:                        "hnn.control",
		`{"kind":"hnn.separable","v":{"kind":"mlp","in":2,"out":1,"extra":0}}`:      "extra",
		`{"kind":"hnn.velocities","field":{"h":"tanh","damping":{"degrees":-1e9}}}`: "degrees",
	} {
		if m, err := layers.Unmarshal([]byte(text), hnn.Kinds()...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %#v, %v", text, m, err)
		}
	}
	var config *hnn.ConfigError
	if _, err := layers.Marshal(hnn.Field{H: hnn.Harmonic{Degrees: 5000}}); !errors.As(err, &config) {
		t.Errorf("an energy of 5000 degrees: %v", err)
	}
	if _, err := layers.Marshal(hnn.Field{H: layers.Tanh, Drive: hnn.Control{}}); err == nil {
		t.Error("a Control was written")
	}
}
