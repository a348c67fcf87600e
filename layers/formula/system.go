package formula

import (
	"fmt"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

// Network is the word for what is not known.
const Network = "network"

// System is a system of differential equations in the units of the data, as a module in the units of a
// model: of scaled states, times and inputs. The zero Units are those of the data.
type System struct {
	Text   string   `json:"text"`             // the equations
	States []string `json:"states"`           // in the order of the state
	Inputs []string `json:"inputs,omitempty"` // in the order of the inputs u(t)
	Params []Param  `json:"params,omitempty"` // those that are not named begin at 1, without bounds
	Units  Units    `json:"units"`

	// Net is the network, of states and inputs in the units of the model side by side to as many numbers as there are
	// states. It is needed where an equation has the word network, placed under "name/network", and what it
	// gives is the rate in the units of the model.
	Net layers.Module `json:"-"`
}

// Units are how a model sees the data: y = Mean + Spread·s, or the exponential of that where Log is set; t = Origin +
// Unit·τ; u = InputMean + InputSpread·v. Nil slices and a Unit of 0 leave things as they are.
type Units struct {
	Mean        []float64 `json:"mean,omitempty"`
	Spread      []float64 `json:"spread,omitempty"`
	Log         []bool    `json:"log,omitempty"`
	Origin      float64   `json:"origin,omitempty"`
	Unit        float64   `json:"unit,omitempty"`
	InputMean   []float64 `json:"input_mean,omitempty"`
	InputSpread []float64 `json:"input_spread,omitempty"`
}

// Parse reads equations and returns the system, whose states are in the order of the equations.
func Parse(text string, inputs []string, params []Param) (*System, error) {
	all, err := parse(text)
	if err != nil {
		return nil, err
	}
	s := &System{Text: text, Inputs: inputs}
	for _, e := range all {
		s.States = append(s.States, e.state.text)
	}
	given := map[string]bool{}
	for _, p := range params {
		if err := p.check(); err != nil {
			return nil, err
		}
		if given[p.Name] {
			return nil, &Error{Reason: fmt.Sprintf("the parameter %s is there twice", p.Name)}
		}
		given[p.Name] = true
	}
	for _, e := range all {
		e.rate.visit(func(t token) {
			if !s.named(t.text) && t.text != Network && t.text != "t" {
				p := Param{Name: t.text, Start: 1}
				if i := slices.IndexFunc(params, func(p Param) bool { return p.Name == t.text }); i >= 0 {
					p = params[i]
				}
				s.Params = append(s.Params, p)
			}
		})
	}
	for _, p := range params {
		if !s.named(p.Name) || slices.Contains(s.States, p.Name) || slices.Contains(s.Inputs, p.Name) {
			var names []string
			for _, q := range s.Params {
				names = append(names, q.Name)
			}
			return nil, &Error{Reason: fmt.Sprintf("no equation has a parameter %q", p.Name), Remedy: fmt.Sprintf("the parameters are %q", names)}
		}
	}
	_, err = s.check()
	return s, err
}

// named reports whether a name is that of a state, an input or a parameter.
func (s *System) named(name string) bool {
	return slices.Contains(s.States, name) || slices.Contains(s.Inputs, name) || slices.ContainsFunc(s.Params, func(p Param) bool { return p.Name == name })
}

// HasNetwork reports whether an equation has the word network.
func (s *System) HasNetwork() bool { return s.uses(Network) }

func (s *System) uses(word string) bool {
	found := false
	all, _ := parse(s.Text)
	for _, e := range all {
		e.rate.visit(func(t token) { found = found || t.text == word })
	}
	return found
}

// check returns the equations in the order of the states, and what is wrong with the system.
func (s *System) check() ([]equation, error) {
	all, err := parse(s.Text)
	if err != nil {
		return nil, err
	}
	n := len(s.States)
	seen := map[string]bool{"t": true, Network: true, "pi": true}
	var params []string
	for _, p := range s.Params {
		params = append(params, p.Name)
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	for _, word := range slices.Concat(s.States, s.Inputs, params) {
		if seen[word] || isFunction(word) {
			return nil, &Error{Reason: fmt.Sprintf("the name %s has two meanings", word), Remedy: "rename a column or a parameter"}
		}
		seen[word] = true
	}
	ordered := make([]equation, n)
	for _, e := range all {
		i := slices.Index(s.States, e.state.text)
		if i < 0 {
			return nil, e.state.fault("", "%s is not a state", e.state.text)
		}
		ordered[i] = e
		var wrong error
		e.rate.visit(func(t token) {
			if !seen[t.text] && wrong == nil {
				wrong = t.fault("", "%s is not known", t.text)
			}
		})
		if wrong != nil {
			return nil, wrong
		}
	}
	for i, e := range ordered {
		if e.rate == nil {
			return nil, &Error{Reason: fmt.Sprintf("there is no equation of %s", s.States[i]), Remedy: fmt.Sprintf("write d%s = …, or leave the column out", s.States[i])}
		}
	}
	u := &s.Units
	positive := func(v []float64) bool {
		return !slices.ContainsFunc(v, func(x float64) bool { return !(x > 0) || x-x != 0 })
	}
	fits := func(length, want int) bool { return length == 0 || length == want }
	if !fits(len(u.Mean), n) || !fits(len(u.Spread), n) || !fits(len(u.Log), n) || !fits(len(u.InputMean), len(s.Inputs)) || !fits(len(u.InputSpread), len(s.Inputs)) ||
		!positive(u.Spread) || !positive(u.InputSpread) || !(u.Unit >= 0) || u.Unit-u.Unit != 0 || u.Origin-u.Origin != 0 {
		return nil, &Error{Reason: "the units do not fit the states, or are not positive"}
	}
	return ordered, nil
}

// StateShape is (len(States)).
func (s System) StateShape() []int { return []int{len(s.States)} }

// Place implements [layers.Module].
func (s System) Place(g *G.ExprGraph, id string, dt tensor.Dtype, r *rand.Rand) (layers.Layer, error) {
	equations, err := s.check()
	if err != nil {
		return nil, err
	}
	c := layers.Custom{State: s.StateShape()}
	for _, p := range s.Params {
		c.Params = append(c.Params, layers.Param{Name: p.Name, Init: layers.Constant(p.raw())})
	}
	if s.HasNetwork() {
		if s.Net == nil {
			return nil, &Error{Reason: "an equation has the word network, and there is none", Remedy: "set Net"}
		}
		c.Modules = append(c.Modules, layers.Member{Name: Network, Module: s.Net})
	}
	rates := func(t, u, y *G.Node, in layers.Parts) (*G.Node, error) {
		b := &builder{Expr: layers.NewExpr(y), system: &s, t: t, u: u, y: y, in: in}
		return b.Result(b.rates(equations))
	}
	switch {
	case len(s.Inputs) > 0:
		c.ForwardInput = func(t, u, _, y *G.Node, in layers.Parts) (*G.Node, error) { return rates(t, u, y, in) }
	case s.uses("t"):
		c.ForwardAt = func(t, y *G.Node, in layers.Parts) (*G.Node, error) { return rates(t, nil, y, in) }
	default:
		c.Forward = func(y *G.Node, in layers.Parts) (*G.Node, error) { return rates(nil, nil, y, in) }
	}
	return c.Place(g, id, dt, r)
}
