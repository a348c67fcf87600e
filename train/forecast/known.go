package forecast

import (
	"fmt"
	"math"
	"slices"

	"github.com/neuralode/neuralode/layers/formula"
)

// Parameter is a parameter of known equations as it was found.
type Parameter struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"` // the median of the ensemble
	Least float64 `json:"least"` // of the ensemble
	Most  float64 `json:"most"`
}

// know reads the equations: their states that are columns come first, in the order of the table.
func (d *dataset) know(opt *Options) error {
	s, err := formula.Parse(opt.Equations, d.controls, opt.Params)
	if err != nil {
		return err
	}
	order := slices.Clone(d.states)
	for _, name := range d.states {
		if !slices.Contains(s.States, name) {
			return d.fault(-1, name, "there is no equation of this column", fmt.Sprintf("write d%s = …, name it as a control, or leave it out: name the state columns", name))
		}
	}
	for _, name := range s.States {
		if !slices.Contains(order, name) {
			order = append(order, name)
			d.hidden = append(d.hidden, opt.Starts[name])
		}
	}
	for name := range opt.Starts {
		if !slices.Contains(order[len(d.states):], name) {
			return d.fault(-1, "", fmt.Sprintf("%s is no unobserved state, whose start could be given", name), fmt.Sprintf("those are %q", order[len(d.states):]))
		}
	}
	s.States = order
	d.latent = len(d.hidden)
	d.system = s
	return nil
}

// unobserved names the components of a state that are no columns.
func (d *dataset) unobserved(kind Kind) []string {
	if d.system != nil {
		return d.system.States[len(d.states):]
	}
	var all []string
	for i := range d.latent {
		if kind.paired() {
			all = append(all, "d"+d.states[i]+"/dt")
		} else {
			all = append(all, fmt.Sprintf("hidden%d", i+1))
		}
	}
	return all
}

// parameters returns those of the equations as the members of the model have found them.
func (d *dataset) parameters(m *Model) (all []Parameter) {
	if d.system == nil {
		return nil
	}
	for _, p := range d.system.Params {
		var values []float64
		for _, member := range m.members {
			theta := member.Params()
			for _, l := range member.Layout() {
				if l.Name == "field/"+p.Name {
					values = append(values, p.Value(theta[l.Offset]))
				}
			}
		}
		slices.Sort(values)
		k := len(values)
		if k == 0 {
			continue
		}
		all = append(all, Parameter{p.Name, (values[k/2] + values[(k-1)/2]) / 2, values[0], values[k-1]})
	}
	return all
}

// hiddenSpread is the unit of an unobserved state.
func (d *dataset) hiddenSpread(i int) float64 {
	if i < len(d.hidden) {
		return max(1, math.Abs(d.hidden[i]))
	}
	return 1
}
