package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
)

// Lagrangian is the vector field of a Lagrangian system as a module: it maps states
// z = (q, v), (batch, 2n), positions and velocities, to (v, a) with
//
//	(∂²L/∂v²) a = ∂L/∂q − (∂²L/∂v∂q) v − ∂²L/∂v∂t + F(z) − R v,
//
// the Lagrangian neural network of Cranmer, Greydanus, Hoyer, Battaglia, Spergel and Ho
// (2020) if L is a network. It needs no momenta, at the price of the system of n
// equations that [graph.Solve] solves in every evaluation; training takes third
// derivatives of L.
//
// Compile it with graph.CompileField, give it to odelayer, or use it as a layer. Where
// ∂²L/∂v² is singular an evaluation fails with a [*graph.SingularError].
//
// Its learnables are those of L under the module's own name, then those of Damping
// ("name/L") and of Force ("name/force").
type Lagrangian struct {
	// L is the Lagrangian, a module of (q, v) to (batch, 1), each row by itself: a
	// network, the Lagrangian() of a known system, a [Mechanical], a [Sum] of such.
	L Module

	// Force is F, the generalised forces: a module of states to (batch, n). It may
	// depend on time or, like a [Port], on exogenous inputs. Nil means none.
	Force Module

	// Damping is R = DDᵀ with learned D, a friction proportional to the velocities
	// (Rayleigh): dE/dt = −|Dᵀv|². Its OnlyMomenta is taken for set. Nil means none.
	Damping *Damping

	// Solve is how the accelerations are solved for. The zero value is LU without a
	// ridge, for any L; Cholesky is for an L that is convex in v, such as [Mechanical].
	Solve graph.SolveOptions

	// Kinks accepts an L with kinks, as in [Field].
	Kinks bool
}

// Place implements [Module].
func (m Lagrangian) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if m.L == nil {
		return nil, &ConfigError{What: "Lagrangian", Faults: []string{"L is nil; it is the module of the Lagrangian"}}
	}
	l := &placedLagrangian{name: name, solve: m.Solve, kinks: m.Kinks}
	var err error
	if l.l, err = m.L.Place(g, name, dt, r); err != nil {
		return nil, err
	}
	if m.Damping != nil {
		d := *m.Damping
		d.OnlyMomenta = true
		if l.damping, err = d.place(g, name, dt, r, nodes.StateShape(m.L)); err != nil {
			return nil, err
		}
	}
	if m.Force != nil {
		if l.force, err = m.Force.Place(g, nodes.Join(name, "force"), dt, r); err != nil {
			return nil, err
		}
	}
	switch {
	case takesInput(l.force):
		return drivenLagrangian{l}, nil
	case nodes.IsTimed(l.l, l.force, l.damping.layer()):
		return timedLagrangian{l}, nil
	}
	return l, nil
}

// StateShape is that of L, (2n), or nil if L knows none.
func (m Lagrangian) StateShape() []int { return nodes.StateShape(m.L) }

type placedLagrangian struct {
	name     string
	l, force Layer
	damping  *placedDamping
	solve    graph.SolveOptions
	kinks    bool
}

func (l *placedLagrangian) Learnables() G.Nodes {
	all := append(G.Nodes(nil), l.l.Learnables()...)
	if l.damping != nil {
		all = append(all, l.damping.learnables()...)
	}
	if l.force != nil {
		all = append(all, l.force.Learnables()...)
	}
	return all
}

func (l *placedLagrangian) Fwd(z *G.Node) (*G.Node, error) { return l.at(nil, nil, nil, z) }

type timedLagrangian struct{ *placedLagrangian }

func (l timedLagrangian) FwdAt(t, z *G.Node) (*G.Node, error) { return l.at(t, nil, nil, z) }

func (l timedLagrangian) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: "Lagrangian " + l.name, Faults: []string{"the field depends on time; call FwdAt(t, z)"}}
}

type drivenLagrangian struct{ *placedLagrangian }

func (l drivenLagrangian) FwdInput(t, u, du, z *G.Node) (*G.Node, error) { return l.at(t, u, du, z) }

func (l drivenLagrangian) Fwd(*G.Node) (*G.Node, error) {
	return nil, errNeedsInput("Lagrangian " + l.name)
}

func (l *placedLagrangian) at(t, u, du, z *G.Node) (*G.Node, error) {
	m, err := motionOf(l.name, l.l, t, z, l.kinks)
	if err != nil {
		return nil, err
	}
	b := build(z)
	mass, rhs, err := m.equations(b, t, nodes.IsTimed(l.l))
	if err != nil {
		return nil, fmt.Errorf("hnn: Lagrangian %s: %w", l.name, err)
	}
	if l.damping != nil {
		if _, rhs, err = l.damping.apply(b, t, m.q, nil, rhs, nil, m.v); err != nil {
			return nil, err
		}
	}
	if l.force != nil {
		f, err := forwardInput(l.force, t, u, du, z)
		if err != nil {
			return nil, err
		}
		if !f.Shape().Eq(m.v.Shape()) {
			return nil, &ShapeError{What: "Lagrangian " + l.name + ": the result of Force", Got: f.Shape().Clone(), Want: fmt.Sprint(m.v.Shape())}
		}
		rhs = b.Add(rhs, f)
	}
	if b.Err() != nil {
		return nil, b.Err()
	}
	a, err := graph.Solve(mass, rhs, l.solve)
	if err != nil {
		return nil, fmt.Errorf("hnn: Lagrangian %s: %w", l.name, err)
	}
	return b.result(b.concat(m.v, a))
}

// motion is a Lagrangian at a state, with its first derivatives.
type motion struct {
	q, v   *G.Node // (batch, n)
	l      *G.Node // (batch, 1)
	lq, lv *G.Node // ∂L/∂q and the momenta ∂L/∂v
}

func motionOf(name string, lagrangian Layer, t, z *G.Node, kinks bool) (m motion, err error) {
	n, err := checkState("Lagrangian "+name, z)
	if err != nil {
		return m, err
	}
	b := build(z)
	m.q, m.v = b.columns(z, 0, n), b.columns(z, n, 2*n)
	state := b.concat(m.q, m.v)
	if b.Err() != nil {
		return m, b.Err()
	}
	if m.l, err = nodes.Forward(lagrangian, t, state); err != nil {
		return m, err
	}
	g, err := gradOf(name, m.l, z.Shape()[0], kinks, m.q, m.v)
	if err != nil {
		return m, err
	}
	m.lq, m.lv = g[0], g[1]
	return m, nil
}

// equations returns ∂²L/∂v², (batch, n, n), and the right-hand side without forces,
// (batch, n).
func (m motion) equations(b builder, t *G.Node, timed bool) (mass, rhs *G.Node, err error) {
	batch, n := m.v.Shape()[0], m.v.Shape()[1]
	var rows *G.Node
	for j := range n {
		column := b.columns(m.lv, j, j+1)
		sum := b.Unary("Sum", func(x *G.Node) (*G.Node, error) { return G.Sum(x) }, column)
		if b.Err() != nil {
			return nil, nil, b.Err()
		}
		row, err := graph.Grad(sum, m.v)
		if err != nil {
			return nil, nil, err
		}
		if j == 0 {
			rows = row[0]
		} else {
			rows = b.concat(rows, row[0])
		}
	}
	mass = b.Reshape(rows, tensor.Shape{batch, n, n})
	along, err := graph.JVP(G.Nodes{m.lv}, G.Nodes{m.q}, G.Nodes{m.v})
	if err != nil {
		return nil, nil, err
	}
	rhs = b.Sub(m.lq, along[0])
	if timed {
		ones := make([]float64, batch)
		for i := range ones {
			ones[i] = 1
		}
		one := b.Do("ones", func() (*G.Node, error) { return nodes.Tensor(t, ones, batch, 1) }, t)
		if b.Err() != nil {
			return nil, nil, b.Err()
		}
		if along, err = graph.JVP(G.Nodes{m.lv}, G.Nodes{t}, G.Nodes{one}); err != nil {
			return nil, nil, err
		}
		rhs = b.Sub(rhs, along[0])
	}
	return mass, rhs, b.Err()
}
