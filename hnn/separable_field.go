package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/graph"
)

// SeparableField is the vector field of a [Separable] energy, compiled in two
// halves,
//
//	dq/dt = ∂T/∂p (t, p),   dp/dt = −∂V/∂q (t, q),
//
// each with its vector-Jacobian products. It is an odeint.Separable, for the
// explicit symplectic methods, and an odeint.Differentiable, for all others. It
// belongs to one goroutine; see Clone.
//
// After an error, see Err, destinations are NaN.
type SeparableField[T Float] struct {
	drift, kick *function[T]
	theta       []T
	layout      []graph.Param
	n           int
	in, out     []T // (q | p) and its slopes or cotangents
	err         error
}

// NewSeparable compiles the field of a separable energy for batch rows at a
// time. The configuration and the parameters, those of T and then those of V,
// are as in graph.NewField of Field{H: s}.
func NewSeparable[T Float](s Separable, batch int, cfg graph.FieldConfig) (*SeparableField[T], error) {
	if s.V == nil || batch < 1 {
		return nil, &ConfigError{What: "NewSeparable", Faults: []string{fmt.Sprintf("a potential V and a batch of at least 1 are needed; the batch is %d", batch)}}
	}
	w, err := resolve("NewSeparable", s, &cfg)
	if err != nil {
		return nil, err
	}
	f := &SeparableField[T]{n: w / 2, in: make([]T, batch*w), out: make([]T, batch*w)}
	var nodes, more G.Nodes
	if f.drift, nodes, err = compileHalf[T](s.kinetic(), join(cfg.Name, "T"), batch, f.n, false, cfg.Rand); err != nil {
		return nil, err
	}
	if f.kick, more, err = compileHalf[T](s.V, join(cfg.Name, "V"), batch, f.n, true, cfg.Rand); err != nil {
		return nil, err
	}
	f.layout = layout(append(nodes, more...))
	f.theta = make([]T, len(f.drift.theta)+len(f.kick.theta))
	drift, kick := f.split(f.theta)
	f.drift.rebind(drift)
	f.kick.rebind(kick)
	return f, nil
}

// compileHalf compiles x ↦ ∂E/∂x, or its negative, of an energy of half the
// state. It returns the energy's learnables too.
func compileHalf[T Float](energy Module, name string, batch, n int, negative bool, r *rand.Rand) (*function[T], G.Nodes, error) {
	g := G.NewGraph()
	l, err := energy.Place(g, name, dtype[T](), r)
	if err != nil {
		return nil, nil, err
	}
	half := gradient{name, l, negative}
	var f *function[T]
	if isTimed(l) {
		f, err = compile[T](g, timedGradient{half}, batch, n)
	} else {
		f, err = compile[T](g, half, batch, n)
	}
	return f, l.Learnables(), err
}

// gradient is the layer x ↦ ∂E/∂x of an energy E, or its negative.
type gradient struct {
	name     string
	energy   Layer
	negative bool
}

func (l gradient) Learnables() G.Nodes { return l.energy.Learnables() }

func (l gradient) Fwd(x *G.Node) (*G.Node, error) { return l.at(nil, x) }

func (l gradient) at(t, x *G.Node) (*G.Node, error) {
	d, err := energyGrad(l.name, l.energy, t, x)
	if err != nil || !l.negative {
		return d, err
	}
	b := build(x)
	return b.result(b.neg(d))
}

type timedGradient struct{ gradient }

func (l timedGradient) FwdAt(t, x *G.Node) (*G.Node, error) { return l.at(t, x) }

// Dim is the length of a batch of states, batch·2n.
func (f *SeparableField[T]) Dim() int { return len(f.in) }

// SampleDim is the length of a state, 2n.
func (f *SeparableField[T]) SampleDim() int { return 2 * f.n }

// NumParams is the length of θ.
func (f *SeparableField[T]) NumParams() int { return len(f.theta) }

// Params returns θ itself: what is written to it counts.
func (f *SeparableField[T]) Params() []T { return f.theta }

// Layout says where each learnable is in θ.
func (f *SeparableField[T]) Layout() []graph.Param { return append([]graph.Param(nil), f.layout...) }

// Clone returns a field with buffers and parameters of its own.
func (f *SeparableField[T]) Clone() *SeparableField[T] {
	c := *f
	c.theta = make([]T, len(f.theta))
	drift, kick := f.split(c.theta)
	c.drift, c.kick = f.drift.clone(drift), f.kick.clone(kick)
	c.in, c.out = make([]T, len(f.in)), make([]T, len(f.out))
	c.err = nil
	return &c
}

// CloneField is Clone, for [graph.CompiledField].
func (f *SeparableField[T]) CloneField() graph.CompiledField[T] { return f.Clone() }

// split cuts a vector like θ in the parts of T and V; nil in nils.
func (f *SeparableField[T]) split(theta []T) (drift, kick []T) {
	if theta == nil {
		return nil, nil
	}
	if len(theta) != len(f.theta) {
		panic("hnn: slice length mismatch")
	}
	n := len(f.drift.theta)
	return theta[:n:n], theta[n:]
}

// Drift stores dq/dt at momenta p in dq, both (batch, n).
func (f *SeparableField[T]) Drift(dq []T, t float64, p []T) { f.note(f.drift.at(dq, t, p)) }

// Kick stores dp/dt at positions q in dp, both (batch, n).
func (f *SeparableField[T]) Kick(dp []T, t float64, q []T) { f.note(f.kick.at(dp, t, q)) }

// DriftVJP stores λᵀ∂(dq/dt)/∂p in dp and adds λᵀ∂(dq/dt)/∂θ to dtheta; dq/dt goes
// to dq. Destinations that are nil are not wanted.
func (f *SeparableField[T]) DriftVJP(dq, dp, dtheta []T, t float64, p, lambda []T) {
	theta, _ := f.split(dtheta)
	f.note(f.drift.pull(dq, dp, theta, t, p, lambda))
}

// KickVJP stores λᵀ∂(dp/dt)/∂q in dq and adds λᵀ∂(dp/dt)/∂θ to dtheta; dp/dt goes to
// dp. Destinations that are nil are not wanted.
func (f *SeparableField[T]) KickVJP(dp, dq, dtheta []T, t float64, q, lambda []T) {
	_, theta := f.split(dtheta)
	f.note(f.kick.pull(dp, dq, theta, t, q, lambda))
}

// Eval stores the slopes of a batch of states y, rows (q, p), in dydt.
func (f *SeparableField[T]) Eval(dydt []T, t float64, y []T) {
	f.apart(f.in, y)
	q, p := halves(f.in)
	dq, dp := halves(f.out)
	f.Drift(dq, t, p)
	f.Kick(dp, t, q)
	f.together(dydt, f.out)
}

// VJP stores λᵀ∂f/∂y in dy and adds λᵀ∂f/∂θ to dtheta, unless that is nil; f(t, y)
// goes to dydt unless that is nil.
func (f *SeparableField[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	f.apart(f.in, y)
	f.apart(f.out, lambda)
	q, p := halves(f.in)
	lambdaQ, lambdaP := halves(f.out)
	theta, rest := f.split(dtheta)
	f.note(f.drift.pull(nil, nil, theta, t, p, lambdaQ))
	f.note(f.kick.pull(nil, nil, rest, t, q, lambdaP))
	if dydt != nil {
		copy(lambdaQ, f.drift.spareY)
		copy(lambdaP, f.kick.spareY)
		f.together(dydt, f.out)
	}
	copy(q, f.kick.spareX)
	copy(p, f.drift.spareX)
	f.together(dy, f.in)
}

// Err returns the first error of an evaluation since the last call of Err.
func (f *SeparableField[T]) Err() error {
	err := f.err
	f.err = nil
	return err
}

func (f *SeparableField[T]) note(err error) {
	if f.err == nil {
		f.err = err
	}
}

// apart stores the q of all rows of y in the first half of dst and their p in
// the second.
func (f *SeparableField[T]) apart(dst, y []T) {
	if len(y) != len(dst) {
		panic("hnn: slice length mismatch")
	}
	q, p := halves(dst)
	for i := 0; i < len(q); i += f.n {
		copy(q[i:i+f.n], y[2*i:])
		copy(p[i:i+f.n], y[2*i+f.n:])
	}
}

// together undoes apart.
func (f *SeparableField[T]) together(y, src []T) {
	if len(y) != len(src) {
		panic("hnn: slice length mismatch")
	}
	q, p := halves(src)
	for i := 0; i < len(q); i += f.n {
		copy(y[2*i:], q[i:i+f.n])
		copy(y[2*i+f.n:], p[i:i+f.n])
	}
}

func halves[T any](x []T) (q, p []T) { return x[:len(x)/2], x[len(x)/2:] }
