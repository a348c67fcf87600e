package forecast

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/layers/formula"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// Setting is what Fit chooses by validation.
type Setting struct {
	Hidden []int   `json:"hidden"`
	Decay  float64 `json:"decay"`
	Log    bool    `json:"log"`
	Linear bool    `json:"linear"`
	Extra  int     `json:"extra,omitempty"` // components that are not observed, where their number was chosen
}

// String is the setting for people: "16, decay 0.002, log".
func (s Setting) String() string {
	var b strings.Builder
	b.WriteString(strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Hidden), " ", "×"), "[]"))
	if len(s.Hidden) == 0 {
		b.WriteString("no network")
	}
	if s.Linear {
		b.WriteString(" + linear")
	}
	if s.Extra > 0 {
		fmt.Fprintf(&b, ", %d unobserved", s.Extra)
	}
	fmt.Fprintf(&b, ", decay %.3g", s.Decay)
	if s.Log {
		b.WriteString(", logarithms")
	}
	return b.String()
}

// network returns the field of a setting for the data in the units of a scaler.
func (o *Options) network(s Setting, d *dataset, scaler *train.Scaler) graph.Module {
	dim, m := d.dim(), len(d.controls)
	half := dim / 2
	mlp := func(in, out int) graph.Module {
		net := layers.MLP{In: in, Hidden: s.Hidden, Out: out, Activation: o.Activation}
		if !s.Linear {
			return net
		}
		linear := layers.Linear{In: in, Out: out, WeightInit: layers.Zeros()}
		if len(s.Hidden) == 0 {
			return linear
		}
		return layers.Sum{linear, net}
	}
	energy := func(in, out int) graph.Module {
		return layers.MLP{In: in, Hidden: s.Hidden, Out: out, Activation: o.Activation}
	}
	var damping *hnn.Damping
	if o.Kind == Damped || o.Kind == DampedLagrangian {
		damping = &hnn.Damping{Degrees: half, OnlyMomenta: true}
	}
	var force graph.Module
	if m > 0 {
		force = hnn.Port{G: layers.Linear{In: half, Out: half * m}, Inputs: m}
	}
	var field graph.Module
	switch {
	case o.Kind == Known:
		system := *d.system
		system.Units = formula.Units{
			Mean: scaler.Mean, Spread: scaler.Spread, Log: scaler.Log, Origin: scaler.Origin, Unit: scaler.Unit,
			InputMean: scaler.InputMean, InputSpread: scaler.InputSpread,
		}
		if system.HasNetwork() {
			system.Net = energy(dim+m, dim)
		}
		return system
	case o.Kind.hamiltonian():
		return hnn.Field{H: energy(dim, 1), Damping: damping, Drive: force}
	case o.Kind.lagrangian():
		return hnn.Lagrangian{
			L: hnn.Mechanical{C: energy(half, half*half), V: energy(half, 1)}, Damping: damping, Force: force,
			Solve: graph.SolveOptions{Factorisation: graph.Cholesky},
		}
	case o.Kind == SecondOrder:
		field = layers.SecondOrder{Of: mlp(dim+m, half), Degrees: half}
	default:
		field = mlp(dim+m, dim)
	}
	if m > 0 {
		field = layers.AppendInput{Of: field, Channels: m}
	}
	return field
}

// model returns an untrained model of a setting in the units of the fitted rows of d.
func (o *Options) model(d *dataset, s Setting, seed uint64, solve odeint.Options) (*train.Model[float64], error) {
	scaler := d.scaler(o.Kind, s.Log)
	if o.Step > 0 {
		solve.H0 = o.Step / scaler.Unit
	}
	cfg := train.Config{
		Shape: []int{d.dim()}, Solve: solve, Adjoint: o.Adjoint, Scaler: scaler,
		Rand: rand.New(rand.NewPCG(seed, 0)),
	}
	if len(d.controls) > 0 {
		cfg.Input = &train.InputConfig{Channels: len(d.controls), Kind: o.Interpolation}
	}
	m, err := train.New[float64](o.network(s, d, &scaler), cfg)
	if err != nil {
		return nil, err
	}
	theta := m.Params()
	for _, p := range m.Layout() {
		part := theta[p.Offset:]
		last := fmt.Sprintf("%d", len(s.Hidden))
		switch name := path.Base(p.Name); {
		case s.Linear && name == "W"+last && len(s.Hidden) > 0, o.Kind.lagrangian() && strings.HasSuffix(p.Name, "/C/W"+last),
			o.Kind == Known && strings.HasSuffix(p.Name, "/"+formula.Network+"/W"+last):
			for i := range p.Shape[0] * p.Shape[1] {
				part[i] *= 0.1
			}
		case o.Kind.lagrangian() && strings.HasSuffix(p.Name, "/C/b"+last):
			for i := range d.dim() / 2 { // a mass matrix of about 1
				part[i*d.dim()/2+i] = 1
			}
		}
	}
	if s.Linear && o.Kind == Node && d.latent == 0 {
		d.linear(m, theta)
	}
	m.SetParams(theta)
	return m, nil
}

// decays returns the ranges of θ whose weights decay: all but those of a linear map beside a
// network and the parameters of known equations.
func decays(layout []graph.Param, kind Kind, s Setting) (ranges [][2]int) {
	for _, p := range layout {
		if name := path.Base(p.Name); s.Linear && (name == "W" || name == "b") || kind == Known && !strings.Contains(p.Name, "/"+formula.Network+"/") {
			continue
		}
		n := 1
		for _, k := range p.Shape {
			n *= k
		}
		ranges = append(ranges, [2]int{p.Offset, p.Offset + n})
	}
	return ranges
}
