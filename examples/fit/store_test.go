package main

import (
	"encoding/json"
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
	d := got.description
	d.WeightsSHA256 = ""
	if !reflect.DeepEqual(d, want.description) {
		t.Errorf("description %+v, want %+v", d, want.description)
	}
}

func TestSaveLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	m := testModel(t, 1)
	if err := m.save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, m)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v (%v), want two files", entries, err)
	}
}

// A crash after any of a save's steps leaves the old model or the new one.
func TestSaveCrash(t *testing.T) {
	old, next := testModel(t, 1), testModel(t, 2)
	next.Steps, next.Tolerance = 99, 1e-3
	steps := len(next.saveSteps(""))
	for n := range steps + 1 {
		dir := t.TempDir()
		if err := old.save(dir); err != nil {
			t.Fatal(err)
		}
		for _, step := range next.saveSteps(dir)[:n] {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := load(dir)
		if err != nil {
			t.Errorf("after %d of %d steps: %v", n, steps, err)
			continue
		}
		if got.Steps == old.Steps {
			same(t, got, old)
		} else {
			same(t, got, next)
		}
		if n == steps && got.Steps != next.Steps {
			t.Error("a complete save left the old model")
		}
		// Whatever the crash left, the next save works.
		if err := next.save(dir); err != nil {
			t.Error(err)
		} else if got, err = load(dir); err != nil {
			t.Error(err)
		} else {
			same(t, got, next)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	edit := func(change func(d *description)) func(dir string) error {
		return func(dir string) error {
			file := filepath.Join(dir, modelFile)
			d, err := readDescription(file)
			if err != nil {
				return err
			}
			change(&d)
			b, err := json.Marshal(d)
			if err != nil {
				return err
			}
			return os.WriteFile(file, b, 0o644)
		}
	}
	for _, c := range []struct {
		name   string
		damage func(dir string) error
		want   string
	}{
		{"no weights", func(dir string) error { return os.Remove(filepath.Join(dir, weightsFile)) }, weightsFile},
		{"no description", func(dir string) error { return os.Remove(filepath.Join(dir, modelFile)) }, modelFile},
		{"not JSON", func(dir string) error { return os.WriteFile(filepath.Join(dir, modelFile), []byte("{"), 0o644) }, modelFile},
		{"other format", edit(func(d *description) { d.Format = "neuralode fit 99" }), "format"},
		{"cut weights", func(dir string) error { return os.Truncate(filepath.Join(dir, weightsFile), 100) }, "saved with"},
		{"cut weights beside the rest of a crash", func(dir string) error {
			b, err := os.ReadFile(filepath.Join(dir, modelFile))
			return errors.Join(err, os.WriteFile(filepath.Join(dir, nextFile), b, 0o644), os.Truncate(filepath.Join(dir, weightsFile), 100))
		}, "saved with"},
		{"cut weights, unchecked", func(dir string) error {
			return errors.Join(os.Truncate(filepath.Join(dir, weightsFile), 100), edit(func(d *description) { d.WeightsSHA256 = "" })(dir))
		}, "zip"},
		{"other widths", edit(func(d *description) { d.Network.Hidden = []int{5, 4} }), "shape"},
		{"other depth", edit(func(d *description) { d.Network.Hidden = []int{5, 3, 2} }), "W3"},
		{"other states", edit(func(d *description) { d.States = []string{"a"} }), "does not fit 1 states"},
		{"impossible network", edit(func(d *description) { d.Network.Hidden = []int{-1} }), "Hidden"},
	} {
		dir := t.TempDir()
		if err := testModel(t, 1).save(dir); err != nil {
			t.Fatal(err)
		}
		if err := c.damage(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := load(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, err := load(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
