package hnn

import (
	"fmt"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
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
	drift, kick *graph.Function[T]
	theta       []T
	layout      []graph.Param
	n           int
	y, f        []T // (q | p) and its slopes
	lambda, dy  []T // cotangents or tangents, of the slopes and of (q | p)
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
	half := func(energy Module, part string, negative bool) (*graph.Function[T], error) {
		c := graph.FieldConfig{Name: nodes.Join(cfg.Name, part), Rand: cfg.Rand, Shape: []int{w / 2}}
		return graph.NewFunction[T](gradient{energy: energy, negative: negative, kinks: s.Kinks}, batch, c)
	}
	drift, err := half(s.kinetic(), "T", false)
	if err != nil {
		return nil, err
	}
	kick, err := half(s.V, "V", true)
	if err != nil {
		return nil, err
	}
	layout := slices.Clone(drift.Layout())
	for _, p := range kick.Layout() {
		p.Offset += drift.NumParams()
		layout = append(layout, p)
	}
	return newSeparable(drift, kick, make([]T, drift.NumParams()+kick.NumParams()), layout), nil
}

// newSeparable moves the parameters of both halves into theta.
func newSeparable[T Float](drift, kick *graph.Function[T], theta []T, layout []graph.Param) *SeparableField[T] {
	dim := drift.InDim() + kick.InDim()
	f := &SeparableField[T]{
		drift: drift, kick: kick, theta: theta, layout: layout, n: drift.InDim() / drift.Batch(),
		y: make([]T, dim), f: make([]T, dim), lambda: make([]T, dim), dy: make([]T, dim),
	}
	first, second := f.split(theta)
	drift.Rebind(first)
	kick.Rebind(second)
	return f
}

// gradient is the module x ↦ ∂E/∂x of an energy E of half the state, or its
// negative.
type gradient struct {
	energy   Module
	negative bool
	kinks    bool
}

// Place implements [Module].
func (m gradient) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	energy, err := m.energy.Place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	l := placedGradient{name: name, energy: energy, negative: m.negative, kinks: m.kinks}
	if nodes.IsTimed(energy) {
		return timedGradient{l}, nil
	}
	return l, nil
}

type placedGradient struct {
	name     string
	energy   Layer
	negative bool
	kinks    bool
}

func (l placedGradient) Learnables() G.Nodes { return l.energy.Learnables() }

func (l placedGradient) Fwd(x *G.Node) (*G.Node, error) { return l.at(nil, x) }

func (l placedGradient) at(t, x *G.Node) (*G.Node, error) {
	d, err := energyGrad(l.name, l.energy, t, x, l.kinks)
	if err != nil || !l.negative {
		return d, err
	}
	b := build(x)
	return b.result(b.Neg(d))
}

type timedGradient struct{ placedGradient }

func (l timedGradient) FwdAt(t, x *G.Node) (*G.Node, error) { return l.at(t, x) }

// Dim is the length of a batch of states, batch·2n.
func (f *SeparableField[T]) Dim() int { return len(f.y) }

// SampleDim is the length of a state, 2n.
func (f *SeparableField[T]) SampleDim() int { return 2 * f.n }

// NumParams is the length of θ.
func (f *SeparableField[T]) NumParams() int { return len(f.theta) }

// Params returns θ itself: what is written to it counts.
func (f *SeparableField[T]) Params() []T { return f.theta }

// Layout says where each learnable is in θ. The caller must not change it.
func (f *SeparableField[T]) Layout() []graph.Param { return f.layout }

// Clone returns a field with buffers and parameters of its own.
func (f *SeparableField[T]) Clone() *SeparableField[T] {
	return newSeparable(f.drift.Clone(), f.kick.Clone(), make([]T, len(f.theta)), f.layout)
}

// CloneField is Clone, for [graph.CompiledField].
func (f *SeparableField[T]) CloneField() graph.CompiledField[T] { return f.Clone() }

// WithBatch returns the field of another number of rows, which shares θ with f.
// Errors are those of graph.Function.WithBatch.
func (f *SeparableField[T]) WithBatch(batch int) (*SeparableField[T], error) {
	drift, err := f.drift.WithBatch(batch)
	if err != nil {
		return nil, err
	}
	kick, err := f.kick.WithBatch(batch)
	if err != nil {
		return nil, err
	}
	return newSeparable(drift, kick, f.theta, f.layout), nil
}

// FieldWithBatch is WithBatch, for [graph.CompiledField].
func (f *SeparableField[T]) FieldWithBatch(batch int) (graph.CompiledField[T], error) {
	g, err := f.WithBatch(batch)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Fork returns the field of one state for another goroutine: it shares θ with f. Its dynamic
// type is *SeparableField. It makes a SeparableField an odeint.Forker.
func (f *SeparableField[T]) Fork() (interface {
	Dim() int
	Eval(dydt []T, t float64, y []T)
}, error) {
	g, err := f.WithBatch(1)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// split cuts a vector like θ in the parts of T and V; nil in nils.
func (f *SeparableField[T]) split(theta []T) (drift, kick []T) {
	if theta == nil {
		return nil, nil
	}
	if len(theta) != len(f.theta) {
		panic("hnn: slice length mismatch")
	}
	n := f.drift.NumParams()
	return theta[:n:n], theta[n:]
}

// Drift stores dq/dt at momenta p in dq, both (batch, n).
func (f *SeparableField[T]) Drift(dq []T, t float64, p []T) { f.drift.Eval(dq, t, p) }

// Kick stores dp/dt at positions q in dp, both (batch, n).
func (f *SeparableField[T]) Kick(dp []T, t float64, q []T) { f.kick.Eval(dp, t, q) }

// DriftVJP stores λᵀ∂(dq/dt)/∂p in dp and adds λᵀ∂(dq/dt)/∂θ to dtheta; dq/dt goes
// to dq. Destinations that are nil are not wanted and cost nothing.
func (f *SeparableField[T]) DriftVJP(dq, dp, dtheta []T, t float64, p, lambda []T) {
	theta, _ := f.split(dtheta)
	f.drift.VJP(dq, dp, theta, t, p, lambda)
}

// KickVJP stores λᵀ∂(dp/dt)/∂q in dq and adds λᵀ∂(dp/dt)/∂θ to dtheta; dp/dt goes to
// dp. Destinations that are nil are not wanted and cost nothing.
func (f *SeparableField[T]) KickVJP(dp, dq, dtheta []T, t float64, q, lambda []T) {
	_, theta := f.split(dtheta)
	f.kick.VJP(dp, dq, theta, t, q, lambda)
}

// Eval stores the slopes of a batch of states y, rows (q, p), in dydt.
func (f *SeparableField[T]) Eval(dydt []T, t float64, y []T) {
	f.apart(f.y, y)
	q, p := halves(f.y)
	dq, dp := halves(f.f)
	f.Drift(dq, t, p)
	f.Kick(dp, t, q)
	f.together(dydt, f.f)
}

// VJP stores λᵀ∂f/∂y in dy and adds λᵀ∂f/∂θ to dtheta; f(t, y) goes to dydt.
// Destinations that are nil are not wanted and cost nothing.
func (f *SeparableField[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	f.apart(f.y, y)
	f.apart(f.lambda, lambda)
	q, p := halves(f.y)
	lambdaQ, lambdaP := halves(f.lambda)
	var slopeQ, slopeP, dq, dp []T
	if dydt != nil {
		slopeQ, slopeP = halves(f.f)
	}
	if dy != nil {
		dq, dp = halves(f.dy)
	}
	f.DriftVJP(slopeQ, dp, dtheta, t, p, lambdaQ)
	f.KickVJP(slopeP, dq, dtheta, t, q, lambdaP)
	if dydt != nil {
		f.together(dydt, f.f)
	}
	if dy != nil {
		f.together(dy, f.dy)
	}
}

// JVP stores ∂f/∂y v in ddydt: how the slopes change as y moves along v.
func (f *SeparableField[T]) JVP(ddydt []T, t float64, y, v []T) { f.Tangent(nil, ddydt, t, y, v, nil) }

// Tangent stores ∂f/∂y v + ∂f/∂θ w in ddydt, and f(t, y) in dydt unless that is nil.
// v or w may be nil for zero, not both.
func (f *SeparableField[T]) Tangent(dydt, ddydt []T, t float64, y, v, w []T) {
	f.apart(f.y, y)
	q, p := halves(f.y)
	ddq, ddp := halves(f.dy)
	var slopeQ, slopeP, vq, vp []T
	if dydt != nil {
		slopeQ, slopeP = halves(f.f)
	}
	if v != nil {
		f.apart(f.lambda, v)
		vq, vp = halves(f.lambda)
	}
	wDrift, wKick := f.split(w)
	f.drift.JVP(slopeQ, ddq, t, p, vp, wDrift)
	f.kick.JVP(slopeP, ddp, t, q, vq, wKick)
	if dydt != nil {
		f.together(dydt, f.f)
	}
	f.together(ddydt, f.dy)
}

// TangentVJP stores the derivative of λᵀ(∂f/∂y)v with respect to y in dy and adds that with
// respect to θ to dtheta, which may be nil.
func (f *SeparableField[T]) TangentVJP(dy, dtheta []T, t float64, y, v, lambda []T) {
	f.apart(f.y, y)
	f.apart(f.lambda, lambda)
	f.apart(f.f, v)
	q, p := halves(f.y)
	lambdaQ, lambdaP := halves(f.lambda)
	vq, vp := halves(f.f)
	dq, dp := halves(f.dy)
	wDrift, wKick := f.split(dtheta)
	f.drift.TangentVJP(dp, wDrift, t, p, vp, lambdaQ)
	f.kick.TangentVJP(dq, wKick, t, q, vq, lambdaP)
	f.together(dy, f.dy)
}

// Autonomous reports whether the slopes are the same at all times.
func (f *SeparableField[T]) Autonomous() bool { return f.drift.Autonomous() && f.kick.Autonomous() }

// Err returns the first error of either half since the last call of Err.
func (f *SeparableField[T]) Err() error {
	drift, kick := f.drift.Err(), f.kick.Err()
	if drift != nil {
		return drift
	}
	return kick
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
