package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train/modelfile"
)

// kindWeights is the Kind of a file of weights alone.
const kindWeights = "neuralode weights 1"

// Save writes the model to one file, atomically: parameters by their names, and a
// description of network, solver, adjoint and scaler (see train/modelfile). What is Go
// code cannot be described: modules that layers.Marshal
// refuses, a Norm or Controller of the solver. Such a model is saved too, and comes back
// by Model.Load.
func (m *Model[T]) Save(path string) error {
	f, err := m.File()
	if err != nil {
		return err
	}
	return modelfile.Write(path, f)
}

// File returns what Save writes, for files that hold more than one model.
func (m *Model[T]) File() (*modelfile.File, error) {
	d := description{
		Dtype: dtype[T](), Dim: m.dim, Name: m.cfg.Name, Shape: m.cfg.Shape, Scaler: m.Scaler(), Input: describeInput(m.cfg.Input),
		Solve: describeSolve(&m.cfg.Solve), Adj: describeAdjoint(m.cfg.Adjoint),
	}
	if m.module != nil {
		d.Module = describeModule(m.module)
	}
	f := &modelfile.File{Kind: kindModel, Tensors: tensors(m.names(), m.Params())}
	if err := f.Describe(d); err != nil {
		return nil, err
	}
	return f, nil
}

// Load reads a model that was saved. Its numbers are rounded if it was saved as float64
// and T is float32. kinds are modules of other packages that may occur. For a model that
// cannot be described, see Model.Load.
func Load[T Float](path string, kinds ...layers.Kind) (*Model[T], error) {
	f, err := modelfile.Read(path)
	if err != nil {
		return nil, err
	}
	return fromFile[T](path, f, kinds...)
}

// FromFile is Load of what Model.File returned. Errors are those of Load, without a path.
func FromFile[T Float](f *modelfile.File, kinds ...layers.Kind) (*Model[T], error) {
	return fromFile[T]("", f, kinds...)
}

func fromFile[T Float](path string, f *modelfile.File, kinds ...layers.Kind) (*Model[T], error) {
	d, err := describedModel(path, f)
	if err != nil {
		return nil, err
	}
	if d.Module == nil || d.Solve == nil || d.Adj == nil {
		return nil, &modelfile.Error{Path: path, Part: "description", Reason: "the model contains Go code, which is not in the file",
			Remedy: "make the model with New, from the same module and Config, and call its Load"}
	}
	cfg := Config{Shape: d.Shape, Name: d.Name, Scaler: d.Scaler}
	wrong := func(part string, err error) error {
		return &modelfile.Error{Path: path, Part: "description: " + part, Reason: err.Error(), Err: err}
	}
	if err := fits(d.Module, f); err != nil {
		return nil, wrong("module", err)
	}
	module, err := layers.Unmarshal(d.Module, kinds...)
	if err != nil {
		return nil, wrong("module", err)
	}
	if cfg.Solve, err = d.Solve.options(); err != nil {
		return nil, wrong("solve", err)
	}
	if cfg.Adjoint, err = d.Adj.method(); err != nil {
		return nil, wrong("adjoint", err)
	}
	if cfg.Input, err = d.Input.config(); err != nil {
		return nil, wrong("input", err)
	}
	m, err := New[T](module, cfg)
	if err != nil {
		return nil, wrong("model", err)
	}
	if err := read(path, f, m.names(), m.theta); err != nil {
		return nil, err
	}
	return m, nil
}

// Load gives the model the parameters and the scaler of a file that Save wrote for a
// model of the same module. After an error the model is as it was.
func (m *Model[T]) Load(path string) error {
	f, err := modelfile.Read(path)
	if err != nil {
		return err
	}
	d, err := describedModel(path, f)
	if err != nil {
		return err
	}
	var faults faults
	faults.check(d.Dim == m.dim, "states of length %d; the model's have %d", d.Dim, m.dim)
	d.Scaler.check(m.dim, m.cfg.Input.channels(), &faults)
	faults.check(d.Input.is(m.cfg.Input), "other inputs than the model's")
	if err := faults.err(); err != nil {
		return &modelfile.Error{Path: path, Part: "description", Reason: err.Error(), Err: err}
	}
	theta := make([]T, len(m.theta))
	if err := read(path, f, m.names(), theta); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cfg.Scaler = d.Scaler
	copy(m.theta, theta)
	return nil
}

// SaveField writes the parameters of a compiled field by their names.
func SaveField[T Float](path string, f graph.CompiledField[T]) error {
	return modelfile.Write(path, &modelfile.File{Kind: kindWeights, Tensors: tensors(f.Layout(), f.Params())})
}

// LoadField reads what SaveField or Model.Save wrote into the parameters of a field,
// which must have the same names and shapes. After an error they are as they were.
func LoadField[T Float](path string, f graph.CompiledField[T]) error {
	file, err := modelfile.Read(path)
	if err != nil {
		return err
	}
	theta := make([]T, len(f.Params()))
	if err := read(path, file, f.Layout(), theta); err != nil {
		return err
	}
	copy(f.Params(), theta)
	return nil
}

// SaveLayers writes the weights of layers on a Gorgonia graph: odelayer's and others. Their
// names must differ.
func SaveLayers(path string, all ...layers.Layer) error {
	f := &modelfile.File{Kind: kindWeights}
	for _, l := range all {
		weights, err := layers.Weights(l)
		if err != nil {
			return err
		}
		for _, w := range weights {
			f.Tensors = append(f.Tensors, modelfile.Tensor{Name: w.Name, Shape: w.Shape, Float64: w.Data})
		}
	}
	return modelfile.Write(path, f)
}

// LoadLayers reads what SaveLayers wrote into the weights of the same layers, whose
// memory stays. All is checked before the first is changed.
func LoadLayers(path string, all ...layers.Layer) error {
	f, err := modelfile.Read(path)
	if err != nil {
		return err
	}
	used := 0
	given := make([][]layers.Weight, len(all))
	for i, l := range all {
		if given[i], err = layers.Weights(l); err != nil {
			return err
		}
		for k, w := range given[i] {
			t, err := find(path, f, w.Name, w.Shape)
			if err != nil {
				return err
			}
			given[i][k].Data = modelfile.Values[float64](t)
			used++
		}
	}
	if used != len(f.Tensors) {
		return &modelfile.Error{Path: path, Reason: fmt.Sprintf("%d tensors for layers with %d", len(f.Tensors), used), Remedy: "pass all layers that were saved"}
	}
	for i, l := range all {
		if err := layers.SetWeights(l, given[i]); err != nil {
			return err
		}
	}
	return nil
}

// describedModel reads the description of a model.
func describedModel(path string, f *modelfile.File) (d description, err error) {
	if f.Kind != kindModel {
		return d, &modelfile.Error{Path: path, Reason: fmt.Sprintf("it is a %q, not a %q", f.Kind, kindModel), Remedy: "read it with what wrote it"}
	}
	return d, f.Decode(&d)
}

// fits compares the size of a network with the file, before memory is asked for it.
func fits(module json.RawMessage, f *modelfile.File) error {
	var v any
	if err := json.Unmarshal(module, &v); err != nil {
		return err
	}
	have := 0.0
	for _, t := range f.Tensors {
		have += float64(len(t.Float32) + len(t.Float64))
	}
	if want := size(v); want > have {
		return fmt.Errorf("a network of at least %g parameters, and a file with %g", want, have)
	}
	return nil
}

// size is the number of weights of all linear layers in a description, not counting
// biases: of widths "in", "hidden" and "out".
func size(v any) float64 {
	n := 0.0
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += size(e)
		}
	case map[string]any:
		in, _ := v["in"].(float64)
		hidden, _ := v["hidden"].([]any)
		for _, h := range append(slices.Clone(hidden), v["out"]) {
			if out, ok := h.(float64); ok {
				n += math.Abs(in * out)
				in = out
			}
		}
		for _, e := range v {
			n += size(e)
		}
	}
	return n
}

// names returns the layout of θ, one parameter called "theta" if the field tells none.
func (m *Model[T]) names() []graph.Param {
	if m.layout != nil || len(m.theta) == 0 {
		return m.layout
	}
	return []graph.Param{{Name: "theta", Shape: []int{len(m.theta)}}}
}

// tensors cuts θ into its parameters.
func tensors[T Float](layout []graph.Param, theta []T) []modelfile.Tensor {
	all := make([]modelfile.Tensor, len(layout))
	for i, p := range layout {
		part := theta[p.Offset : p.Offset+elements(p.Shape)]
		all[i] = modelfile.Tensor{Name: p.Name, Shape: p.Shape}
		switch part := any(part).(type) {
		case []float32:
			all[i].Float32 = part
		case []float64:
			all[i].Float64 = part
		}
	}
	return all
}

// read fills θ from a file that has its parameters and no others.
func read[T Float](path string, f *modelfile.File, layout []graph.Param, theta []T) error {
	for _, p := range layout {
		t, err := find(path, f, p.Name, p.Shape)
		if err != nil {
			return err
		}
		for k, v := range modelfile.Values[T](t) {
			if math.IsInf(float64(v), 0) {
				return &modelfile.Error{Path: path, Part: "tensor " + p.Name, Reason: "a number is too large for float32", Remedy: "load the model as float64"}
			}
			theta[p.Offset+k] = v
		}
	}
	if len(f.Tensors) != len(layout) {
		return &modelfile.Error{Path: path, Reason: fmt.Sprintf("%d tensors for a model with %d parameters", len(f.Tensors), len(layout)), Remedy: "load it into the network that was saved"}
	}
	return nil
}

// find returns the tensor of a parameter.
func find(path string, f *modelfile.File, name string, shape []int) (modelfile.Tensor, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return t, &modelfile.Error{Path: path, Part: "tensor " + name, Reason: "it is missing", Remedy: "load it into the network that was saved, placed under the same name"}
	}
	if !slices.Equal(t.Shape, shape) {
		return t, &modelfile.Error{Path: path, Part: "tensor " + name, Reason: fmt.Sprintf("shape %v, want %v", t.Shape, shape), Remedy: "load it into the network that was saved"}
	}
	return t, nil
}

// elements is the number of elements of a shape.
func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func dtype[T Float]() string {
	if _, single := any(T(0)).(float32); single {
		return "float32"
	}
	return "float64"
}
