package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
)

// Field is the vector field of a Hamiltonian system as a module: it maps states
// z = (q, p), (batch, 2n), to
//
//	dz/dt = (J − R) ∇H(z) + ∇D(z) + F(z),   J = (0 I; −I 0),
//
// of the same shape, where all but H may be left out. With H alone that is
// (∂H/∂p, −∂H/∂q), the Hamiltonian neural network of Greydanus, Dzamba and
// Yosinski (2019) if H is a network; with R and F it is a port-Hamiltonian
// system (van der Schaft and Jeltsema 2014).
//
// The gradients are graph nodes made by [graph.Grad], so the field can be
// differentiated again: training differentiates it with respect to the
// parameters of H. It goes wherever a network goes, and depends on time where
// one of its modules does. Where it is compiled, by odelayer for one, its pairs are
// known, and its halves if H is a [Separable] and the rest is left out.
//
// Its learnables are those of H under the module's own name, then those of
// Damping ("name/L"), Conservative ("name/conservative") and Drive
// ("name/drive").
type Field struct {
	// H is the energy.
	H Module

	// Damping is R; nil means 0, and the energy H is conserved.
	Damping *Damping

	// Conservative is the potential D, of the shape of an energy, of a second part
	// of the field that is a gradient, without J; nil means none. H and D
	// together can represent any smooth field of the plane (Helmholtz
	// decomposition): the field type "both" of Greydanus's program.
	Conservative Module

	// Drive is F, such as G(z)u(t): a module of states to forces, (batch, n),
	// which act on the momenta, or (batch, 2n); nil means none. See [Control], for a known
	// function of time, and [Port], for exogenous inputs.
	Drive Module

	// Kinks accepts energies with kinks, of rectifiers, ELU or absolute values.
	// Otherwise these are an error: the field, made of the energy's derivatives,
	// jumps (ReLU) or has a kink (ELU) wherever a state crosses one, and solvers and
	// gradients lose their accuracy there without notice. Tanh, Softplus, Sigmoid, GELU
	// and SiLU are smooth.
	Kinks bool
}

// Place implements [Module].
func (f Field) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	l, err := f.place(g, name, dt, r)
	switch {
	case err != nil:
		return nil, err
	case takesInput(l.drive):
		return drivenField{l}, nil
	case l.timed():
		return timedField{l}, nil
	}
	return l, nil
}

func (f Field) place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (*placedField, error) {
	if f.H == nil {
		return nil, &ConfigError{What: "Field", Faults: []string{"H is nil; it is the module of the energy"}}
	}
	l := &placedField{name: name, kinks: f.Kinks}
	var err error
	if l.h, err = f.H.Place(g, name, dt, r); err != nil {
		return nil, err
	}
	if f.Damping != nil {
		if l.damping, err = f.Damping.place(g, name, dt, r, nodes.StateShape(f)); err != nil {
			return nil, err
		}
	}
	if f.Conservative != nil {
		if l.conservative, err = f.Conservative.Place(g, nodes.Join(name, "conservative"), dt, r); err != nil {
			return nil, err
		}
	}
	if f.Drive != nil {
		if l.drive, err = f.Drive.Place(g, nodes.Join(name, "drive"), dt, r); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// StateShape is that of H, (2n), or nil if H knows none.
func (f Field) StateShape() []int { return nodes.StateShape(f.H) }

type placedField struct {
	name                   string
	kinks                  bool
	h, conservative, drive Layer
	damping                *placedDamping
}

func (l *placedField) timed() bool {
	return nodes.IsTimed(l.h, l.conservative, l.drive, l.damping.layer())
}

type timedField struct{ *placedField }

func (l timedField) FwdAt(t, z *G.Node) (*G.Node, error) {
	if t == nil {
		panic("hnn: nil node")
	}
	return l.at(t, nil, nil, z)
}

func (l timedField) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: "Field " + l.name, Faults: []string{"the field depends on time; call FwdAt(t, z)"}}
}

type drivenField struct{ *placedField }

func (l drivenField) FwdInput(t, u, du, z *G.Node) (*G.Node, error) { return l.at(t, u, du, z) }

func (l drivenField) Fwd(*G.Node) (*G.Node, error) { return nil, errNeedsInput("Field " + l.name) }

func (l *placedField) Fwd(z *G.Node) (*G.Node, error) { return l.at(nil, nil, nil, z) }

func (l *placedField) Learnables() G.Nodes {
	all := append(G.Nodes(nil), l.h.Learnables()...)
	if l.damping != nil {
		all = append(all, l.damping.learnables()...)
	}
	for _, m := range []Layer{l.conservative, l.drive} {
		if m != nil {
			all = append(all, m.Learnables()...)
		}
	}
	return all
}

func (l *placedField) at(t, u, du, z *G.Node) (*G.Node, error) {
	n, err := checkState("Field "+l.name, z)
	if err != nil {
		return nil, err
	}
	hq, hp, err := l.gradient(t, z, n)
	if err != nil {
		return nil, err
	}
	b := build(z)
	dq, dp := hp, b.Neg(hq)
	if l.damping != nil {
		if dq, dp, err = l.damping.apply(b, t, b.columns(z, 0, n), dq, dp, hq, hp); err != nil {
			return nil, err
		}
	}
	if l.drive == nil && l.conservative == nil {
		return b.result(b.concat(dq, dp))
	}

	var whole G.Nodes
	if l.drive != nil {
		f, err := forwardInput(l.drive, t, u, du, z)
		if err != nil {
			return nil, err
		}
		switch s := f.Shape(); {
		case s.Eq(tensor.Shape{z.Shape()[0], n}):
			dp = b.Add(dp, f)
		case s.Eq(z.Shape()):
			whole = append(whole, f)
		default:
			return nil, &ShapeError{What: "Field " + l.name + ": the result of Drive", Got: s.Clone(), Want: fmt.Sprintf("(batch, %d) or (batch, %d)", n, 2*n)}
		}
	}
	if l.conservative != nil {
		d, err := energyGrad(l.name, l.conservative, t, z, l.kinks)
		if err != nil {
			return nil, err
		}
		whole = append(whole, d)
	}
	dz := b.concat(dq, dp)
	for _, w := range whole {
		dz = b.Add(dz, w)
	}
	return b.result(dz)
}

// gradient returns ∂H/∂q and ∂H/∂p, both (batch, n).
func (l *placedField) gradient(t, z *G.Node, n int) (hq, hp *G.Node, err error) {
	b := build(z)
	split, ok := l.h.(splitLayer)
	if !ok {
		g, err := energyGrad(l.name, l.h, t, z, l.kinks)
		if err != nil {
			return nil, nil, err
		}
		hq, hp = b.columns(g, 0, n), b.columns(g, n, 2*n)
		return hq, hp, b.Err()
	}
	q, p := b.columns(z, 0, n), b.columns(z, n, 2*n)
	if b.Err() != nil {
		return nil, nil, b.Err()
	}
	e, err := split.energyOf(t, q, p)
	if err != nil {
		return nil, nil, err
	}
	g, err := gradOf(l.name, e, z.Shape()[0], l.kinks, q, p)
	if err != nil {
		return nil, nil, err
	}
	return g[0], g[1], nil
}

// energyGrad returns the gradient of an energy with respect to the whole state.
func energyGrad(name string, h Layer, t, z *G.Node, kinks bool) (*G.Node, error) {
	e, err := nodes.Forward(h, t, z)
	if err != nil {
		return nil, err
	}
	g, err := gradOf(name, e, z.Shape()[0], kinks, z)
	if err != nil {
		return nil, err
	}
	return g[0], nil
}

// gradOf differentiates energies. Each row's energy depends on that row alone,
// so the gradient of their sum holds the gradient of each. Kinks are refused unless
// they are accepted.
func gradOf(name string, energy *G.Node, batch int, kinks bool, wrt ...*G.Node) (G.Nodes, error) {
	if err := checkColumn(name+": the energy", energy, batch); err != nil {
		return nil, err
	}
	if !kinks {
		found, err := graph.Kinks(G.Nodes{energy}, wrt)
		if err != nil {
			return nil, fmt.Errorf("hnn: %s: %w", name, err)
		}
		if len(found) > 0 {
			return nil, &ConfigError{What: "the energy of " + name, Faults: []string{fmt.Sprintf("it is not smooth (%s): its field jumps or has kinks, where solvers and gradients lose their accuracy; use a smooth activation, such as Tanh or Softplus, or set Kinks to accept it", found[0])}}
		}
	}
	sum, err := G.Sum(energy)
	if err != nil {
		return nil, fmt.Errorf("hnn: %s: %w", name, err)
	}
	g, err := graph.Grad(sum, wrt...)
	if err != nil {
		return nil, fmt.Errorf("hnn: %s: gradient of the energy: %w", name, err)
	}
	return g, nil
}
