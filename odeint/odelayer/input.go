package odelayer

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
	"github.com/neuralode/neuralode/odeint/control"
)

// Input says how the dynamics of a layer are driven by inputs u(t) through knots, as a
// neural controlled differential equation is. The times of the knots are numbers, their
// values a node, which the gradient goes on to. The dynamics are a module with inputs:
// layers.AppendInput, layers.CDE, or a layers.Custom with ForwardInput.
type Input struct {
	// Kind is how u goes from knot to knot; see package odeint/control.
	Kind control.Kind

	// Channels is the number of inputs of a sample.
	Channels int

	// Times are the ascending times of the knots, one list for all samples or one for
	// each.
	Times [][]float64

	// Rates asks for du/dt too, which a layers.CDE needs.
	Rates bool
}

// FwdInput is Fwd for a layer with Config.Input, driven by knots of these values: a node
// of shape (Batch, knots, Channels), or, if the samples have different numbers of knots, a
// vector with the (knots, Channels) of one sample after the other.
func (l *Layer) FwdInput(u0, values *G.Node) (*G.Node, error) {
	if !l.driven {
		return nil, &ConfigError{What: l.op.name, Faults: []string{"the layer has no inputs; set Config.Input, or call Fwd"}}
	}
	if l.learnables == nil && len(l.params) > 1 {
		return nil, &ConfigError{What: l.op.name, Faults: []string{"the layer is Shared; call FwdWith with the parameters and then the values of the knots"}}
	}
	return l.FwdWith(u0, append(l.learnables[:len(l.learnables):len(l.learnables)], values)...)
}

// knots is the number of knots of all samples, and whether each has as many.
func (in *Input) knots(batch int) (all int, even bool) {
	if len(in.Times) == 1 {
		return batch * len(in.Times[0]), true
	}
	even = true
	for _, ts := range in.Times {
		all += len(ts)
		even = even && len(ts) == len(in.Times[0])
	}
	return all, even
}

// shape is that of the node with the values.
func (in *Input) shape(batch int) tensor.Shape {
	all, even := in.knots(batch)
	if even {
		return tensor.Shape{batch, all / batch, in.Channels}
	}
	return tensor.Shape{all * in.Channels}
}

// path returns the input with all values 0.
func path[T graph.Float](in *Input, batch int) (*control.Path[T], error) {
	all, _ := in.knots(batch)
	return control.New(in.Kind, in.Channels, in.Times, make([]T, all*in.Channels))
}

// faults lists what is wrong with the input of a layer.
func (in *Input) faults(batch int) []string {
	if n := len(in.Times); n != 1 && n != batch {
		return []string{fmt.Sprintf("Input.Times has %d lists for a batch of %d; give one for all samples, or one for each", n, batch)}
	}
	if in.Channels < 1 {
		return []string{fmt.Sprintf("Input.Channels is %d; it must be at least 1", in.Channels)}
	}
	all, _ := in.knots(batch)
	if _, ok := nodes.Size([]int{all, in.Channels}); !ok {
		return []string{fmt.Sprintf("Input has %d knots of %d channels for a batch of %d, which is none or too many", all, in.Channels, batch)}
	}
	if _, err := path[float64](in, batch); err != nil {
		return []string{"Input: " + err.Error()}
	}
	return nil
}

// compileField compiles the dynamics, and gives them their input.
func compileField[T graph.Float](name string, net graph.Module, cfg Config) (graph.CompiledField[T], error) {
	c := graph.FieldConfig{Shape: cfg.Shape, Name: name, Rand: cfg.Rand}
	if cfg.Input == nil {
		return graph.CompileField[T](net, cfg.Batch, c)
	}
	all, _ := cfg.Input.knots(cfg.Batch)
	c.Input = &graph.InputConfig{Channels: cfg.Input.Channels, Rates: cfg.Input.Rates, Knots: all * cfg.Input.Channels}
	field, err := graph.CompileField[T](net, cfg.Batch, c)
	if err != nil {
		return nil, err
	}
	driven, ok := field.(interface{ SetInput(graph.Input[T]) error })
	if !ok {
		return nil, fmt.Errorf("fields of %T take no inputs", net)
	}
	p, err := path[T](cfg.Input, cfg.Batch)
	if err != nil {
		return nil, err
	}
	return field, driven.SetInput(p)
}
