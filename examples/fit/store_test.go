package main

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train/modelfile"
)

func testModel(t *testing.T, seed uint64) *model {
	t.Helper()
	m, err := newModel(description{
		Time: "year", States: []string{"a", "b"}, Log: true,
		Network: layers.MLP{In: 2, Hidden: []int{5, 3}, Out: 2, Activation: layers.Softplus},
		Solver:  "dopri5", Tolerance: 1e-5, Adjoint: "interpolating", Holdout: 4, Seed: seed, Steps: 12,
	}, scale{Log: true, Origin: 1900, Unit: 1.0 / 3, Mean: []float64{0.1, math.Pi}, Spread: []float64{2, 1e-300}},
		[]float64{-0.7, float64(seed)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same checks that two models are equal, every number bit for bit.
func same(t *testing.T, got, want *model) {
	t.Helper()
	if !slices.Equal(got.vector(), want.vector()) {
		t.Errorf("weights and start differ:\n%v\n%v", got.vector(), want.vector())
	}
	if !reflect.DeepEqual(got.scale, want.scale) {
		t.Errorf("scale %+v, want %+v", got.scale, want.scale)
	}
	if !reflect.DeepEqual(got.description, want.description) {
		t.Errorf("description %+v, want %+v", got.description, want.description)
	}
}

func TestSaveLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	for _, seed := range []uint64{1, 2} {
		m := testModel(t, seed)
		if err := m.save(dir); err != nil {
			t.Fatal(err)
		}
		got, err := load(dir)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, m)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want one file", entries, err)
	}
}

// Every field of a file is checked, also where the checksum is right.
func TestLoadErrors(t *testing.T) {
	edit := func(change func(d *description)) func(f *modelfile.File) {
		return func(f *modelfile.File) {
			var d description
			if err := f.Decode(&d); err != nil {
				t.Fatal(err)
			}
			change(&d)
			if err := f.Describe(d); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(old, new string) func(f *modelfile.File) {
		return func(f *modelfile.File) {
			if !strings.Contains(string(f.Description), old) {
				t.Fatalf("%s has no %s", f.Description, old)
			}
			f.Description = []byte(strings.Replace(string(f.Description), old, new, 1))
		}
	}
	tensor := func(name string, change func(t *modelfile.Tensor)) func(f *modelfile.File) {
		return func(f *modelfile.File) {
			for i := range f.Tensors {
				if f.Tensors[i].Name == name {
					change(&f.Tensors[i])
				}
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(f *modelfile.File)
		want   string
	}{
		{"other kind", func(f *modelfile.File) { f.Kind = "neuralode fit 99" }, "neuralode fit 99"},
		{"no description", func(f *modelfile.File) { f.Description = nil }, "has none"},
		{"unknown key", replace(`"holdout"`, `"hold_out"`), `"hold_out" is unknown`},
		{"key of other case", replace(`"hidden"`, `"Hidden"`), `"Hidden" is unknown`},
		{"holdout -5", edit(func(d *description) { d.Holdout = -5 }), "holdout: the value -5"},
		{"steps -1", edit(func(d *description) { d.Steps = -1 }), "steps"},
		{"tolerance 0", edit(func(d *description) { d.Tolerance = 0 }), "tolerance"},
		{"step -1", edit(func(d *description) { d.Step = -1 }), "step"},
		{"solver", edit(func(d *description) { d.Solver = "magic" }), "solver"},
		{"adjoint", edit(func(d *description) { d.Adjoint = "" }), "adjoint"},
		{"huge widths", edit(func(d *description) { d.Network.Hidden = []int{200000, 200000} }), "weights, the file"},
		{"overflowing widths", edit(func(d *description) { d.Network.Hidden = []int{math.MaxInt, math.MaxInt} }), "weights, the file"},
		{"other widths", edit(func(d *description) { d.Network.Hidden = []int{5, 4} }), "weights, the file"},
		{"other states", edit(func(d *description) { d.States = []string{"a"} }), "network"},
		{"no states", edit(func(d *description) { d.States = nil }), "states"},
		{"same states", edit(func(d *description) { d.States = []string{"a", "a"} }), "twice"},
		{"impossible network", edit(func(d *description) { d.Network.Hidden = []int{-1} }), "network.hidden"},
		{"spread 0", tensor("spread", func(t *modelfile.Tensor) { t.Float64[1] = 0 }), "the scale 0 is not positive"},
		{"unit -1", tensor("time", func(t *modelfile.Tensor) { t.Float64[1] = -1 }), "the scale -1 is not positive"},
		{"no start", tensor("start", func(t *modelfile.Tensor) { t.Name = "begin" }), "tensor start: it is missing"},
		{"narrow mean", tensor("mean", func(t *modelfile.Tensor) { *t = modelfile.New("mean", []int{2}, make([]float32, 2)) }), "in F64"},
		{"shape", tensor("mean", func(t *modelfile.Tensor) { t.Shape = []int{2, 1} }), "it has shape [2 1]"},
	} {
		dir := t.TempDir()
		if err := testModel(t, 1).save(dir); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, modelFile)
		f, err := modelfile.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		c.damage(f)
		if err := modelfile.Write(path, f); err != nil {
			t.Fatal(err)
		}
		if _, err := load(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, err := load(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
