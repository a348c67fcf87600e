package train

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train/modelfile"
)

// kindModel is the Kind of a model's file.
const kindModel = "neuralode model 1"

// description is a model in JSON, without its numbers.
type description struct {
	Dtype  string             `json:"dtype"`
	Dim    int                `json:"dim"`
	Name   string             `json:"name,omitempty"`
	Shape  []int              `json:"shape,omitempty"`
	Scaler Scaler             `json:"scaler"`
	Input  *inputDescription  `json:"input,omitempty"`
	Module json.RawMessage    `json:"module,omitempty"` // absent: not describable
	Solve  *solveDescription  `json:"solve,omitempty"`  // absent: not describable
	Adj    *methodDescription `json:"adjoint,omitempty"`
}

// inputDescription is InputConfig.
type inputDescription struct {
	Channels int    `json:"channels"`
	Kind     string `json:"kind"`
	Rates    bool   `json:"rates,omitempty"`
}

func describeInput(in *InputConfig) *inputDescription {
	if in == nil {
		return nil
	}
	return &inputDescription{in.Channels, in.Kind.String(), in.Rates}
}

// config is the inverse of describeInput.
func (d *inputDescription) config() (*InputConfig, error) {
	if d == nil {
		return nil, nil
	}
	if d.Channels > maxChannels {
		return nil, fmt.Errorf("%d channels; at most %d", d.Channels, maxChannels)
	}
	for _, k := range []control.Kind{control.Previous, control.Linear, control.Hermite, control.NaturalCubic} {
		if k.String() == d.Kind {
			return &InputConfig{Channels: d.Channels, Kind: k, Rates: d.Rates}, nil
		}
	}
	return nil, fmt.Errorf("the kind %q of controls is unknown", d.Kind)
}

// maxChannels bounds what a file may ask for.
const maxChannels = 1 << 20

// is reports whether the description is that of in.
func (d *inputDescription) is(in *InputConfig) bool {
	other := describeInput(in)
	return d == other || d != nil && other != nil && *d == *other
}

// solveDescription are odeint.Options.
type solveDescription struct {
	Method      string    `json:"method,omitempty"`
	Omega       float64   `json:"omega,omitempty"` // of Tao's method
	Order       int       `json:"order,omitempty"` // of Tao's method
	RTol        float64   `json:"rtol,omitempty"`
	ATol        float64   `json:"atol,omitempty"`
	RTols       []float64 `json:"rtols,omitempty"`
	ATols       []float64 `json:"atols,omitempty"`
	H0          float64   `json:"h0,omitempty"`
	Steps       int       `json:"steps,omitempty"`
	HMin        float64   `json:"hmin,omitempty"`
	HMax        float64   `json:"hmax,omitempty"`
	MaxSteps    int       `json:"max_steps,omitempty"`
	Stops       []float64 `json:"stops,omitempty"`
	Jumps       []float64 `json:"jumps,omitempty"`
	Compensated bool      `json:"compensated,omitempty"`
}

// methodDescription is an adjoint.Method: its name, and the fields that its type has.
type methodDescription struct {
	Name   string          `json:"name"`
	Fields json.RawMessage `json:"fields,omitempty"`
}

// methods are odeint's methods that a name stands for.
func methods() []odeint.Method {
	var all []odeint.Method
	for _, m := range odeint.Tableaus() {
		all = append(all, m)
	}
	for _, m := range odeint.Splittings() {
		all = append(all, m)
	}
	for _, m := range odeint.ESDIRKs() {
		all = append(all, m)
	}
	for _, m := range odeint.Rosenbrocks() {
		all = append(all, m)
	}
	all = append(all, odeint.Auto{}, odeint.Auto{Stiff: odeint.Rodas5P})
	for _, m := range odeint.ImplicitRKs() {
		all = append(all, m)
	}
	return all
}

// describeSolve returns nil for options that hold code or a method without a name of
// odeint's.
func describeSolve(o *odeint.Options) *solveDescription {
	if o.Norm != nil || o.Controller != nil {
		return nil
	}
	d := &solveDescription{
		RTol: o.RTol, ATol: o.ATol, RTols: o.RTols, ATols: o.ATols, H0: o.H0, Steps: o.Steps, HMin: o.HMin, HMax: o.HMax,
		MaxSteps: o.MaxSteps, Stops: o.Stops, Jumps: o.Jumps, Compensated: o.Compensated,
	}
	switch m := o.Method.(type) {
	case nil:
	case *odeint.Tao:
		d.Method, d.Omega, d.Order = "tao", m.Omega, m.Order
	default:
		if !slices.Contains(methods(), o.Method) {
			return nil
		}
		d.Method = o.Method.String()
	}
	return d
}

// options is the inverse of describeSolve.
func (d *solveDescription) options() (odeint.Options, error) {
	o := odeint.Options{
		RTol: d.RTol, ATol: d.ATol, RTols: d.RTols, ATols: d.ATols, H0: d.H0, Steps: d.Steps, HMin: d.HMin, HMax: d.HMax,
		MaxSteps: d.MaxSteps, Stops: d.Stops, Jumps: d.Jumps, Compensated: d.Compensated,
	}
	switch d.Method {
	case "":
		return o, nil
	case "tao":
		o.Method = &odeint.Tao{Omega: d.Omega, Order: d.Order}
		return o, nil
	}
	all := methods()
	i := slices.IndexFunc(all, func(m odeint.Method) bool { return m.String() == d.Method })
	if i < 0 {
		return o, fmt.Errorf("the method %q is unknown", d.Method)
	}
	o.Method = all[i]
	return o, nil
}

// discreteDescription is adjoint.Discrete.
type discreteDescription struct {
	Memory string `json:"memory,omitempty"`
	Bytes  int    `json:"bytes,omitempty"` // of checkpoints
}

// memories are the kinds of memory that a name stands for.
func (d discreteDescription) memories() []adjoint.Memory {
	return []adjoint.Memory{adjoint.Stages{}, adjoint.States{}, adjoint.Checkpoints{Bytes: d.Bytes}, adjoint.Inverse{}}
}

func describeAdjoint(m adjoint.Method) *methodDescription {
	var described any = m
	switch m := m.(type) {
	case adjoint.Discrete:
		d := discreteDescription{}
		if m.Memory != nil {
			d.Memory = m.Memory.String()
		}
		if c, ok := m.Memory.(adjoint.Checkpoints); ok {
			d.Bytes = c.Bytes
		}
		described = d
	case adjoint.Interpolating:
		if m.Solve != nil {
			return nil
		}
	case adjoint.Backsolve:
		if m.Solve != nil {
			return nil
		}
	}
	fields, err := json.Marshal(described)
	if err != nil {
		return nil
	}
	return &methodDescription{m.String(), fields}
}

func (d *methodDescription) method() (adjoint.Method, error) {
	read := func(v any) error {
		if d.Fields == nil {
			return nil
		}
		return modelfile.DecodeJSON(d.Fields, v)
	}
	switch d.Name {
	case adjoint.Discrete{}.String():
		var m discreteDescription
		if err := read(&m); err != nil || m.Memory == "" {
			return adjoint.Discrete{}, err
		}
		for _, memory := range m.memories() {
			if memory.String() == m.Memory {
				return adjoint.Discrete{Memory: memory}, nil
			}
		}
		return nil, fmt.Errorf("the memory %q of the adjoint method is unknown", m.Memory)
	case adjoint.Interpolating{}.String():
		var m adjoint.Interpolating
		err := read(&m)
		return m, err
	case adjoint.Backsolve{}.String():
		var m adjoint.Backsolve
		err := read(&m)
		return m, err
	}
	return nil, fmt.Errorf("the adjoint method %q is unknown", d.Name)
}

// describeModule returns nil for modules that hold Go code.
func describeModule(m graph.Module) json.RawMessage {
	data, err := layers.Marshal(m)
	if err != nil {
		return nil
	}
	return data
}
