package main

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/modelfile"
)

// modelFile is the name of the file of a saved model: its weights as tensors by name, the
// learned initial state (start), the scales of the states (mean, spread) and of
// time (time: origin and unit) as vectors, and a description.
const modelFile = "model.safetensors"

// kind is what the program writes and reads.
const kind = "neuralode fit 2"

// save writes the model to a folder. Whatever happens, the file there is the one before or
// this one.
func (m *model) save(dir string) error {
	f := &modelfile.File{Kind: kind}
	if err := f.Describe(m.description); err != nil {
		return err
	}
	for _, p := range m.field.Layout() {
		size := 1
		for _, d := range p.Shape {
			size *= d
		}
		f.Tensors = append(f.Tensors, modelfile.New(p.Name, p.Shape, m.field.Params()[p.Offset:p.Offset+size]))
	}
	for _, v := range m.vectors() {
		f.Tensors = append(f.Tensors, modelfile.New(v.name, []int{len(v.values)}, v.values))
	}
	if err := modelfile.Write(filepath.Join(dir, modelFile), f); err != nil {
		return fmt.Errorf("saving the model: %w", err)
	}
	return nil
}

// vector is a named array of one axis.
type vector struct {
	name   string
	values []float64
}

// vectors are the numbers of the model that are not parameters of the network.
func (m *model) vectors() []vector {
	return []vector{
		{"start", m.start},
		{"mean", m.scale.Mean},
		{"spread", m.scale.Spread},
		{"time", []float64{m.scale.Origin, m.scale.Unit}},
	}
}

// load reads the model that was saved in a folder.
func load(dir string) (*model, error) {
	path := filepath.Join(dir, modelFile)
	m, err := read(path)
	if err != nil {
		var own *modelfile.Error
		if errors.As(err, &own) && own.Path == "" {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return nil, fmt.Errorf("loading a model: %w", err)
	}
	return m, nil
}

func read(path string) (*model, error) {
	f, err := modelfile.Read(path)
	if err != nil {
		return nil, err
	}
	fault := func(part, reason, remedy string) error {
		return &modelfile.Error{Path: path, Part: part, Reason: reason, Remedy: remedy}
	}
	if f.Kind != kind {
		return nil, fault("", fmt.Sprintf("it is of kind %q, not %q", f.Kind, kind), "load a model that this program saved")
	}
	var d description
	if err := f.Decode(&d); err != nil {
		return nil, err
	}
	if field, reason := d.fault(); field != "" {
		return nil, fault("description: "+field, reason, "load a model that this program saved")
	}
	// The network is made only if the file holds all of it.
	held := 0
	for _, t := range f.Tensors {
		held += t.Len()
	}
	if n := d.weights(); n != float64(held-3*len(d.States)-2) {
		return nil, fault("description: network", fmt.Sprintf("it has %.0f weights, the file %d", n, held-3*len(d.States)-2), "load a model that this program saved")
	}
	n := len(d.States)
	m, err := newModel(d, scale{Log: d.Log, Mean: make([]float64, n), Spread: make([]float64, n)}, make([]float64, n))
	if err != nil {
		return nil, err
	}
	tensor := func(name string, shape []int, dst []float64) error {
		t, ok := f.Tensor(name)
		if !ok {
			return fault("tensor "+name, "it is missing", "load a model that this program saved")
		}
		if !slices.Equal(t.Shape, shape) || t.Float64 == nil {
			return fault("tensor "+name, fmt.Sprintf("it has shape %v, the model needs %v, in F64", t.Shape, shape), "load a model that this program saved")
		}
		copy(dst, t.Float64)
		return nil
	}
	for _, p := range m.field.Layout() {
		if err := tensor(p.Name, p.Shape, m.field.Params()[p.Offset:]); err != nil {
			return nil, err
		}
	}
	vectors := m.vectors()
	for _, v := range vectors {
		if err := tensor(v.name, []int{len(v.values)}, v.values); err != nil {
			return nil, err
		}
	}
	time := vectors[len(vectors)-1].values // a copy, unlike the others
	m.scale.Origin, m.scale.Unit = time[0], time[1]
	for _, v := range append(slices.Clone(m.scale.Spread), m.scale.Unit) {
		if !(v > 0) {
			return nil, fault("tensors spread and time", fmt.Sprintf("the scale %v is not positive", v), "load a model that this program saved")
		}
	}
	return m, nil
}

// fault returns the first field of a description whose value is impossible, and why.
func (d *description) fault() (field, reason string) {
	_, solver := experiment.Solver(d.Solver)
	_, adjoint := experiment.Adjoint(d.Adjoint)
	n := len(d.States)
	seen := map[string]bool{d.Time: true}
	for _, s := range d.States {
		if seen[s] {
			return "states", fmt.Sprintf("the column %q is there twice", s)
		}
		seen[s] = true
	}
	for _, c := range []struct {
		ok    bool
		field string
		value any
	}{
		{n > 0, "states", d.States},
		{d.Network.In == n && d.Network.Out == n, "network", fmt.Sprintf("from %d to %d for %d states", d.Network.In, d.Network.Out, n)},
		{!slices.ContainsFunc(d.Network.Hidden, func(w int) bool { return w < 1 }), "network.hidden", d.Network.Hidden},
		{solver == nil, "solver", d.Solver},
		{adjoint == nil, "adjoint", d.Adjoint},
		{d.Tolerance > 0 && d.Tolerance < 1, "tolerance", d.Tolerance},
		{d.Step >= 0 && !math.IsInf(d.Step, 0), "step", d.Step},
		{d.Holdout >= 0, "holdout", d.Holdout},
		{d.Steps >= 0, "steps", d.Steps},
		{d.Clock == nil || d.Clock.Unit > 0, "clock", d.Clock},
	} {
		if !c.ok {
			return c.field, fmt.Sprintf("the value %v is impossible", c.value)
		}
	}
	return "", ""
}

// weights returns how many weights the network has. A float64 does not overflow.
func (d *description) weights() float64 {
	sum, in := 0.0, float64(d.Network.In)
	for _, w := range append(slices.Clone(d.Network.Hidden), d.Network.Out) {
		sum += in * float64(w)
		if !d.Network.NoBias {
			sum += float64(w)
		}
		in = float64(w)
	}
	return sum
}
