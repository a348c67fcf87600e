package forecast

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/layers/formula"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/modelfile"
)

// kindForecast is the Kind of a model's file.
const kindForecast = "neuralode forecast 1"

// description is a model in JSON, without its numbers.
type description struct {
	Info      Info            `json:"info"`
	IDs       []string        `json:"ids"`  // of the trajectories
	Kept      bool            `json:"kept"` // the table is in the file
	ModelKind string          `json:"model_kind"`
	Model     json.RawMessage `json:"model"` // of all members
	Members   int             `json:"members"`
}

// keptNumbers is how large a table may be that is kept with the model.
const keptNumbers = 200_000

// Save writes the model to one file, atomically: see train/modelfile. Its tensors are the parameters of
// each member, "0/field/W0" and so on, and
//
//	anchors      (anchors, 3)                 trajectory, row and time at which a solve begins
//	starts       (members, anchors, dim)      the states there
//	ends         (members, trajectories, dim) the states at the last rows
//	losses       (members, steps)             before each step of the training; NaN behind the end of a shorter one
//	noise        (states)                     deviation of the fit from the data, of logarithms if the model sees these
//	drift        (states)                     variance that a forecast gains in a unit of time, likewise
//	trajectories (trajectories, 4)            rows, fitted rows, time of the last fitted row, time of the last row
//	data/times, data/states, data/controls    the table, if it is not large: the rows of all trajectories; NaN is a missing value
func (m *Model) Save(path string) error {
	f, err := m.File()
	if err != nil {
		return err
	}
	return modelfile.Options{AllowNonFinite: true}.Write(path, f)
}

// File returns what Save writes.
func (m *Model) File() (*modelfile.File, error) {
	d := description{Info: m.Info, Members: len(m.members)}
	f := &modelfile.File{Kind: kindForecast}
	for k, member := range m.members {
		one, err := member.File()
		if err != nil {
			return nil, err
		}
		d.ModelKind, d.Model = one.Kind, one.Description
		for _, t := range one.Tensors {
			t.Name = fmt.Sprintf("%d/%s", k, t.Name)
			f.Tensors = append(f.Tensors, t)
		}
	}
	n, dim := len(m.States), m.Dim()
	add := func(name string, data []float64, shape ...int) {
		if data == nil {
			data = []float64{}
		}
		f.Tensors = append(f.Tensors, modelfile.New(name, shape, data))
	}
	var anchors, starts, ends, trajectories, times, states, controls []float64
	for k, a := range m.anchors {
		anchors = append(anchors, float64(a.trajectory), float64(a.row), m.times[k])
	}
	for k := range m.members {
		starts = append(starts, slices.Concat(m.starts[k]...)...)
		ends = append(ends, slices.Concat(m.ends[k]...)...)
	}
	rows := 0
	for i := range m.Trajectories {
		rows += len(m.Trajectories[i].Times)
	}
	keep := rows*(1+n+len(m.Controls)) <= keptNumbers
	rows = 0
	for i := range m.Trajectories {
		tr := m.Trajectories[i]
		if !keep {
			tr.Times, tr.States, tr.Controls = nil, nil, nil
		}
		d.IDs = append(d.IDs, tr.ID)
		trajectories = append(trajectories, float64(len(tr.Times)), float64(tr.Fitted), tr.Cut, tr.End)
		rows += len(tr.Times)
		times, states, controls = append(times, tr.Times...), append(states, tr.States...), append(controls, tr.Controls...)
	}
	add("anchors", anchors, len(m.anchors), 3)
	add("starts", starts, len(m.members), len(m.anchors), dim)
	add("ends", ends, len(m.members), len(m.Trajectories), dim)
	losses, longest := m.history()
	add("losses", losses, len(m.members), longest)
	add("noise", m.noise, n)
	add("drift", m.drift, n)
	add("trajectories", trajectories, len(m.Trajectories), 4)
	if d.Kept = rows > 0; d.Kept {
		add("data/times", times, rows)
		add("data/states", states, rows, n)
		add("data/controls", controls, rows, len(m.Controls))
	}
	return f, f.Describe(d)
}

// Load reads a model that was saved.
func Load(path string) (*Model, error) {
	f, err := modelfile.Options{AllowNonFinite: true}.Read(path)
	if err != nil {
		return nil, err
	}
	m, err := FromFile(f)
	if own, ok := err.(*modelfile.Error); ok && own.Path == "" {
		own.Path = path
	}
	return m, err
}

// Modules are the kinds of modules that a model may be made of, for [train.Load] and
// [layers.Unmarshal].
func Modules() []layers.Kind { return append(hnn.Kinds(), formula.Kinds()...) }

// FromFile is Load of what Model.File returned. Everything is checked; a fault is a
// *modelfile.Error.
func FromFile(f *modelfile.File) (*Model, error) {
	fault := func(part, format string, args ...any) error {
		return &modelfile.Error{Part: part, Reason: fmt.Sprintf(format, args...), Remedy: "load a model that neuralode fit has saved"}
	}
	if f.Kind != kindForecast {
		return nil, fault("", "it is a %q, not a %q", f.Kind, kindForecast)
	}
	var d description
	if err := f.Decode(&d); err != nil {
		return nil, err
	}
	m := &Model{Info: d.Info}
	if part, reason := d.fault(); part != "" {
		return nil, fault("description: "+part, "%s", reason)
	}
	n, dim := len(m.States), m.Dim()
	used := 0
	tensor := func(name string, finite bool, shape ...int) ([]float64, error) {
		t, ok := f.Tensor(name)
		switch {
		case !ok:
			return nil, fault("tensor "+name, "it is missing")
		case !slices.Equal(t.Shape, shape) || t.Float64 == nil:
			return nil, fault("tensor "+name, "it has shape %v, and should have %v, in F64", t.Shape, shape)
		case finite && slices.ContainsFunc(t.Float64, func(v float64) bool { return v-v != 0 }):
			return nil, fault("tensor "+name, "a number is not finite")
		case slices.ContainsFunc(t.Float64, func(v float64) bool { return math.IsInf(v, 0) }):
			return nil, fault("tensor "+name, "a number is infinite")
		}
		used++
		return t.Float64, nil
	}
	t, ok := f.Tensor("anchors")
	if !ok || len(t.Shape) != 2 || t.Shape[0] < 1 {
		return nil, fault("tensor anchors", "it is missing, or empty")
	}
	count := t.Shape[0]
	anchors, err := tensor("anchors", true, count, 3)
	if err != nil {
		return nil, err
	}
	starts, err := tensor("starts", true, d.Members, count, dim)
	if err != nil {
		return nil, err
	}
	ends, err := tensor("ends", false, d.Members, len(d.IDs), dim)
	if err != nil {
		return nil, err
	}
	if t, ok := f.Tensor("losses"); ok && len(t.Shape) == 2 {
		losses, err := tensor("losses", false, d.Members, t.Shape[1])
		if err != nil {
			return nil, err
		}
		m.setHistory(losses, d.Members)
	}
	if m.noise, err = tensor("noise", false, n); err != nil {
		return nil, err
	}
	if m.drift, err = tensor("drift", false, n); err != nil {
		return nil, err
	}
	trajectories, err := tensor("trajectories", false, len(d.IDs), 4)
	if err != nil {
		return nil, err
	}
	var rows int
	var times, states, controls []float64
	if d.Kept {
		t, _ := f.Tensor("data/times")
		rows = len(t.Float64)
		if times, err = tensor("data/times", true, rows); err == nil {
			if states, err = tensor("data/states", false, rows, n); err == nil {
				controls, err = tensor("data/controls", false, rows, len(m.Controls))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	whole := func(v float64, below int) bool { return v == math.Trunc(v) && v >= 0 && v < float64(below) }
	at := 0
	for i, id := range d.IDs {
		v := trajectories[4*i:]
		if !whole(v[0], 1<<40) || !whole(v[1], 1<<40) || v[0] > float64(rows-at) || d.Kept && v[1] > v[0] || v[3]-v[3] != 0 || (v[2] != v[2]) != (v[1] == 0) {
			return nil, fault("tensor trajectories", "row %d does not make sense", i)
		}
		tr := Trajectory{ID: id, Fitted: int(v[1]), Cut: v[2], End: v[3]}
		if k := int(v[0]); k > 0 {
			tr.Times, tr.States, tr.Controls = times[at:at+k:at+k], states[at*n:(at+k)*n], controls[at*len(m.Controls):(at+k)*len(m.Controls)]
			if len(m.Controls) == 0 {
				tr.Controls = nil
			}
			for r := 1; r < k; r++ {
				if !(tr.Times[r] > tr.Times[r-1]) {
					return nil, fault("tensor data/times", "time %v follows %v", tr.Times[r], tr.Times[r-1])
				}
			}
			at += k
		}
		m.Trajectories = append(m.Trajectories, tr)
	}
	if at != rows {
		return nil, fault("tensor trajectories", "%d rows, and %d of the data", at, rows)
	}
	for k := range count {
		v := anchors[3*k:]
		if !whole(v[0], len(d.IDs)) || !whole(v[1], 1<<40) {
			return nil, fault("tensor anchors", "row %d does not make sense", k)
		}
		m.anchors = append(m.anchors, anchor{int(v[0]), int(v[1])})
		m.times = append(m.times, v[2])
		if a := m.anchors; k > 0 && (a[k].trajectory < a[k-1].trajectory || a[k].trajectory == a[k-1].trajectory && !(m.times[k] > m.times[k-1])) {
			return nil, fault("tensor anchors", "rows %d and %d are not in order", k-1, k)
		}
	}
	for i := range d.Members {
		one := &modelfile.File{Kind: d.ModelKind, Description: d.Model}
		prefix := fmt.Sprintf("%d/", i)
		for _, t := range f.Tensors {
			if name, ok := strings.CutPrefix(t.Name, prefix); ok {
				t.Name = name
				one.Tensors = append(one.Tensors, t)
				used++
				for _, v := range modelfile.Values[float64](t) {
					if v-v != 0 {
						return nil, fault("tensor "+prefix+name, "a number is not finite")
					}
				}
			}
		}
		member, err := train.FromFile[float64](one, Modules()...)
		if err != nil {
			return nil, &modelfile.Error{Part: fmt.Sprintf("member %d", i), Reason: err.Error(), Err: err, Remedy: "load a model that neuralode fit has saved"}
		}
		log := len(member.Scaler().Log) > 0
		if member.Dim() != dim || member.Channels() != len(m.Controls) || log != m.Setting.Log {
			return nil, fault("description: model", "it does not fit the columns")
		}
		m.members = append(m.members, member)
		m.starts = append(m.starts, cut(starts[i*count*dim:(i+1)*count*dim], dim))
		m.ends = append(m.ends, cut(ends[i*len(d.IDs)*dim:(i+1)*len(d.IDs)*dim], dim))
	}
	if used != len(f.Tensors) {
		return nil, fault("", "%d tensors, of which %d belong to the model", len(f.Tensors), used)
	}
	return m, nil
}

// cut divides numbers into rows.
func cut(v []float64, width int) (rows [][]float64) {
	for len(v) > 0 {
		rows = append(rows, v[:width:width])
		v = v[width:]
	}
	return rows
}

// fault says what is wrong with a description by itself.
func (d *description) fault() (part, reason string) {
	i := &d.Info
	switch {
	case !slices.Contains(Kinds(), i.Kind):
		return "kind", fmt.Sprintf("there is no kind %q", i.Kind)
	case len(i.States) == 0:
		return "states", "there are none"
	case i.Latent < 0 || i.Latent > 1<<20:
		return "latent", fmt.Sprint(i.Latent)
	case len(i.Unobserved) != i.Latent:
		return "unobserved", fmt.Sprintf("%d names of %d components", len(i.Unobserved), i.Latent)
	case d.Members < 1 || d.Members > 1<<16:
		return "members", fmt.Sprint(d.Members)
	case len(d.IDs) == 0:
		return "ids", "there are none"
	case i.Clock != nil && i.Clock.Unit <= 0:
		return "clock", fmt.Sprintf("the unit %v is not positive", i.Clock.Unit)
	}
	seen := map[string]bool{}
	for _, name := range slices.Concat([]string{i.Time}, i.States, i.Unobserved, i.Controls) {
		if seen[name] {
			return "states", fmt.Sprintf("the column %q is there twice", name)
		}
		seen[name] = true
	}
	return "", ""
}
