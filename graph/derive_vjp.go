package graph

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// What a derivative can be refused for. The errors returned wrap these.
var (
	// ErrNotDifferentiable: an op on the way has no derivative; the error is
	// a *DerivativeError.
	ErrNotDifferentiable = errors.New("not differentiable")
	// ErrOtherGraph: nodes of different graphs.
	ErrOtherGraph = errors.New("nodes of different graphs")
	// ErrShape: a shape is not the one that is needed.
	ErrShape = errors.New("wrong shape")
	// ErrDtype: an element type other than float32 or float64, or both.
	ErrDtype = errors.New("wrong element type")
	// ErrName: a constant has a number for a name that it is not; Gorgonia
	// would take it for that number.
	ErrName = errors.New("misleading name of a constant")
)

// DerivativeError tells which op could not be differentiated. It is
// ErrNotDifferentiable, and whatever Err is, to errors.Is.
type DerivativeError struct {
	Op   string // the op as Gorgonia prints it
	Node string // the name of the node
	Err  error  // why
}

func (e *DerivativeError) Error() string {
	return fmt.Sprintf("graph: cannot differentiate op %s of node %q: %v", e.Op, e.Node, e.Err)
}

// Unwrap returns ErrNotDifferentiable and the cause.
func (e *DerivativeError) Unwrap() []error { return []error{ErrNotDifferentiable, e.Err} }

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
	ds, err := differentiate(call{n: n, op: p.ops[n], x: children, g: g, want: want})
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
		d = made(G.Add(sum, d))
	}
	p.adjoint[n] = d
}

// differentiate applies the rule of an op; panics become errors.
func differentiate(c call) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	c.x = slices.Clone(c.x)
	for i, x := range c.x {
		c.x[i] = ownMemory(x)
	}
	return rule(c)
}

// ownMemory replaces Gorgonia's reshape, which shares the memory of its operand,
// by ours. Used as an operand in a derivative, Gorgonia's would be the place
// where its TapeMachine puts the result, on top of what was reshaped.
func ownMemory(x *G.Node) *G.Node {
	if !sharesMemory(x) {
		return x
	}
	return reshaped(childrenOf(x)[0], x.Shape())
}

// symDiff asks a Gorgonia op for its own derivative.
func symDiff(c call) (G.Nodes, error) {
	sd, ok := c.n.Op().(G.SDOp)
	if !ok {
		return nil, errors.New("it is not a gorgonia.SDOp; use ops that are, or give it DiffWRT and SymDiff")
	}
	diff := sd.DiffWRT(len(c.x))
	for i, want := range c.want {
		if want && (i >= len(diff) || !diff[i]) {
			return nil, fmt.Errorf("it has no derivative with respect to its operand %d, %q; keep what you differentiate by out of that operand", i, c.x[i].Name())
		}
	}
	ds, err := sd.SymDiff(c.x, c.n, c.g)
	if err != nil {
		return nil, err
	}
	for i, want := range c.want {
		if want && (i >= len(ds) || ds[i] == nil) {
			return nil, fmt.Errorf("its SymDiff gave no derivative with respect to its operand %d, %q; mend SymDiff or DiffWRT", i, c.x[i].Name())
		}
	}
	return ds, nil
}

// fit gives a derivative the shape of the node it belongs to.
func fit(d, n *G.Node) (_ *G.Node, err error) {
	defer recoverInto(&err)
	switch {
	case slices.Equal(d.Shape(), n.Shape()):
		return d, nil
	case n.IsScalar():
		return made(G.Sum(d)), nil
	case d.Shape().TotalSize() == n.Shape().TotalSize():
		return reshaped(d, n.Shape()), nil
	}
	return nil, fmt.Errorf("its SymDiff gave a derivative of shape %v for operand %q of shape %v: %w; mend SymDiff", d.Shape(), n.Name(), n.Shape(), ErrShape)
}

// topological returns the nodes that outputs are computed from, outputs
// included and operands first. The order depends on nothing but the graph.
func topological(outputs G.Nodes) (order G.Nodes) {
	type frame struct {
		n    *G.Node
		next int
	}
	seen := make(map[*G.Node]bool)
	for _, out := range outputs {
		if seen[out] {
			continue
		}
		seen[out] = true
		stack := []frame{{n: out}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if children := childrenOf(top.n); top.next < len(children) {
				c := children[top.next]
				top.next++
				if !seen[c] {
					seen[c] = true
					stack = append(stack, frame{n: c})
				}
				continue
			}
			order = append(order, top.n)
			stack = stack[:len(stack)-1]
		}
	}
	return order
}

// warmUp lets Gorgonia hash its package-level constants, which it does on
// first use without synchronisation.
var warmUp = sync.OnceFunc(func() {
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		g := G.NewGraph()
		x := G.NewScalar(g, dt, G.WithName("x"))
		for _, f := range []func(*G.Node) (*G.Node, error){G.Rectify, G.Tanh, G.Square, G.Cube, G.Log2} {
			y := made(f(x))
			if _, err := y.Op().(G.SDOp).SymDiff(childrenOf(y), y, y); err != nil {
				panic(failure{err})
			}
		}
	}
})

// failure carries an error through a panic to recoverInto.
type failure struct{ err error }

// made unwraps the result of a Gorgonia function; recoverInto sees its error.
func made(n *G.Node, err error) *G.Node {
	if err != nil {
		panic(failure{err})
	}
	return n
}

// recoverInto turns a panic, ours or one of Gorgonia's many, into an error.
func recoverInto(err *error) {
	switch p := recover().(type) {
	case nil:
	case failure:
		*err = p.err
	default:
		*err = fmt.Errorf("panic: %v", p)
	}
}
