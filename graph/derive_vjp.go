package graph

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Grad returns the gradients of a scalar node with respect to the nodes wrt,
// each in the shape of its node. It is VJP with the cotangent 1.
func Grad(scalar *G.Node, wrt ...*G.Node) (G.Nodes, error) {
	if scalar == nil {
		return nil, errors.New("graph: Grad of a nil node")
	}
	if !scalar.IsScalar() {
		return nil, fmt.Errorf("graph: Grad of node %q of shape %v: %w; use Sum or Mean first, or VJP",
			scalar.Name(), scalar.Shape(), ErrShape)
	}
	if _, err := checkArguments(G.Nodes{scalar}, G.Nodes{scalar}, wrt); err != nil {
		return nil, fmt.Errorf("graph: Grad: %w", err)
	}
	one, err := seed(scalar)
	if err != nil {
		return nil, fmt.Errorf("graph: Grad: %w", err)
	}
	return VJP(G.Nodes{scalar}, G.Nodes{one}, wrt)
}

func seed(scalar *G.Node) (one *G.Node, err error) {
	defer recoverInto(&err)
	return constant(scalar, 1), nil
}

// VJP returns, for every node w of wrt, the vector–Jacobian product
// Σᵢ (∂outputs[i]/∂w)ᵀ cotangents[i], in the shape of w, as new nodes of the
// same graph. They are ordinary nodes: they can be differentiated again, to any
// order, and a graph can be differentiated as often as needed.
//
// Outputs need not be scalar, and wrt may be any node, an intermediate one too;
// a node that the outputs do not depend on gets zeros. Each cotangent has the
// shape and element type of its output. A result may be a cotangent itself, and
// two results may be the same node.
//
// The graph's own gradient fields (Node.Deriv) are neither read nor written.
// Comparisons, Sign, Ceil, Floor and integers count as constant. Where Max,
// MaxPool2D and MaxBetween meet equal elements they take one element of the
// subgradient: the mean over the equal ones, the first one, and the first
// operand. The training mode of BatchNorm and Dropout is the one they are in
// when VJP is called.
//
// Errors: ErrOtherGraph, ErrShape, ErrDtype, ErrName, and a *DerivativeError
// that names the op and node when something on the way has no derivative. Nodes
// added before an error was met stay in the graph, without effect on its results.
//
// VJP may be called from several goroutines on different graphs, not on one.
func VJP(outputs, cotangents, wrt G.Nodes) (G.Nodes, error) {
	gradients, err := reverse(outputs, cotangents, wrt)
	if err == nil || errors.As(err, new(*DerivativeError)) {
		return gradients, err
	}
	return nil, fmt.Errorf("graph: VJP: %w", err)
}

func reverse(outputs, cotangents, wrt G.Nodes) (gradients G.Nodes, err error) {
	defer recoverInto(&err)
	warmUp()
	dt, err := checkArguments(outputs, cotangents, wrt)
	if err != nil || len(wrt) == 0 {
		return nil, err
	}
	if err := reserveNumbers(wrt[0].Graph(), dt); err != nil {
		return nil, err
	}
	p := pass{dt: dt, adjoint: make(map[*G.Node]*G.Node), ops: make(map[*G.Node]op)}
	if err := p.analyse(outputs, wrt); err != nil {
		return nil, err
	}
	for i, n := range outputs {
		p.accumulate(n, cotangents[i])
	}
	for _, n := range slices.Backward(p.order) {
		if err := p.propagate(n); err != nil {
			return nil, err
		}
	}
	for _, w := range wrt {
		d := p.adjoint[w]
		if d == nil {
			d = zerosLike(w)
		}
		gradients = append(gradients, d)
	}
	return gradients, nil
}

// pass is one reverse pass over a graph.
type pass struct {
	dt      tensor.Dtype
	order   G.Nodes // what the outputs are computed from, operands first
	ops     map[*G.Node]op
	active  map[*G.Node]bool    // depends on a wrt through derivatives that are not zero
	adjoint map[*G.Node]*G.Node // cotangent collected so far
}

// analyse fills order, ops and active.
func (p *pass) analyse(outputs, wrt G.Nodes) error {
	p.order = topological(outputs)
	p.active = make(map[*G.Node]bool, len(p.order))
	for _, w := range wrt {
		p.active[w] = true
	}
	for _, n := range p.order {
		o, err := decode(n)
		if err != nil {
			return err
		}
		p.ops[n] = o
		for i, c := range childrenOf(n) {
			if p.active[c] && !p.constantIn(n, i) {
				p.active[n] = true
			}
		}
	}
	return nil
}

// constantIn reports whether the derivative of n with respect to its i-th
// operand is zero everywhere.
func (p *pass) constantIn(n *G.Node, i int) bool {
	c := childrenOf(n)[i]
	if c.Type() == nil || n.Type() == nil {
		return false
	}
	return c.Dtype() != p.dt || n.Dtype() != p.dt || constantOperand(p.ops[n], i)
}

// propagate hands the cotangent of n to its operands.
func (p *pass) propagate(n *G.Node) error {
	g := p.adjoint[n]
	children := childrenOf(n)
	want := make([]bool, len(children))
	for i, c := range children {
		want[i] = p.active[c] && !p.constantIn(n, i)
	}
	if g == nil || !slices.Contains(want, true) {
		return nil
	}
	ds, err := differentiate(ruleInput{n: n, op: p.ops[n], x: children, g: g, want: want})
	for i, c := range children {
		if err != nil {
			break
		}
		if !want[i] {
			continue
		}
		var d *G.Node
		if d, err = fit(ds[i], c); err == nil {
			p.accumulate(c, d)
		}
	}
	if err != nil {
		return &DerivativeError{Op: n.Op().String(), Node: n.Name(), Err: err}
	}
	return nil
}

func (p *pass) accumulate(n, d *G.Node) {
	if sum := p.adjoint[n]; sum != nil {
		d = must(G.Add(sum, d))
	}
	p.adjoint[n] = d
}
