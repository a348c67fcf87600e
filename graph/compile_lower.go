package graph

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// lowering turns the nodes below the outputs of a program into values. Nodes
// that only rearrange elements (reshape, transpose, slice, repeat) become
// views and cost nothing unless a consumer needs its operand dense.
type lowering struct {
	*builder
	dt      tensor.Dtype
	done    map[*G.Node]view
	unbound []string
	refused []Refusal
}

// lower returns the views that outputs are. Its errors are typed; all unbound
// variables, and all refused ops, are reported at once.
func (b *builder) lower(dt tensor.Dtype, inputs, outputs G.Nodes) ([]view, error) {
	l := &lowering{builder: b, dt: dt, done: make(map[*G.Node]view)}
	for i, n := range inputs {
		if err := l.checkDtype(n); err != nil {
			return nil, err
		}
		if _, twice := l.done[n]; twice {
			return nil, fmt.Errorf("graph: input %q is listed twice; list each node once", n.Name())
		}
		l.done[n] = b.add(inputOp{i}, ints(n.Shape()))
	}
	views := make([]view, len(outputs))
	for i, n := range outputs {
		if err := l.visit(n); err != nil {
			return nil, err
		}
		views[i] = l.done[n]
	}
	switch {
	case len(l.refused) > 0:
		return nil, &RefusedError{Ops: l.refused}
	case len(l.unbound) > 0:
		return nil, &UnboundError{Names: l.unbound}
	}
	return views, nil
}

func ints(s tensor.Shape) []int { return slices.Clone([]int(s)) }

func (l *lowering) checkDtype(n *G.Node) error {
	if n.Type() == nil {
		return fmt.Errorf("graph: node %q is a statement and has no value; list the node it reads", n.Name())
	}
	if dt := n.Dtype(); dt != l.dt {
		return &DtypeError{Node: n.Name(), Got: dt, Want: l.dt}
	}
	return nil
}

// visit lowers n after its operands.
func (l *lowering) visit(n *G.Node) error {
	if _, ok := l.done[n]; ok {
		return nil
	}
	o, err := decode(n)
	if err != nil {
		return err
	}
	if _, ok := o.(statementOp); !ok || n.Type() == nil {
		if err := l.checkDtype(n); err != nil {
			return err
		}
	}
	children := operandsOf(n, o)
	args := make([]view, len(children))
	for i, c := range children {
		if err := l.visit(c); err != nil {
			return err
		}
		args[i] = l.done[c]
	}
	v, err := l.apply(n, o, args)
	if err != nil {
		return err
	}
	if !slices.Equal(v.shape, []int(n.Shape())) {
		return fmt.Errorf("graph: internal error: %v of node %q has shape %v, want %v", n.Op(), n.Name(), v.shape, n.Shape())
	}
	l.done[n] = v
	return nil
}

// apply returns the value of n from those of its operands.
func (l *lowering) apply(n *G.Node, o op, x []view) (view, error) {
	shape := ints(n.Shape())
	switch o := o.(type) {
	case nil:
		l.unbound = append(l.unbound, n.Name())
		return l.number(0, shape), nil
	case constantOp:
		return l.constant(o, n)
	case sizeOp:
		return l.number(float64(o.size), shape), nil
	case unaryOp:
		return l.unary(o.fn, x[0]), nil
	case binaryOp:
		return l.binary(o.fn, spread(x[0], shape), spread(x[1], shape)), nil
	case productOp:
		return l.product(o, x[0], x[1], shape), nil
	case tensordotOp:
		return l.tensordot(o, x[0], x[1], shape), nil
	case sumOp:
		return l.reshape(l.reduce(false, x[0], o.axes), shape), nil
	case maxOp:
		return l.reshape(l.reduce(true, x[0], o.axes), shape), nil
	case repeatOp:
		return l.repeat(o, x[0], shape), nil
	case reshapeOp:
		if y, ok := l.convolved(x[0], shape); ok {
			return y, nil
		}
		return l.reshape(x[0], shape), nil
	case transposeOp:
		return x[0].permute(o.perm), nil
	case sliceOp:
		return x[0].slice(o), nil
	case sliceGradOp:
		return l.place(o.sliceOp, x[0], shape), nil
	case atOp:
		return at(x[0], o.coords), nil
	case concatOp:
		return l.concat(o.axis, shape, x), nil
	case softmaxOp:
		return l.softmax(o, x[0]), nil
	case softmaxGradOp:
		return l.softmaxGrad(o, x[1], x[2]), nil
	case col2imOp:
		if d, ok := l.convolvedBack(o, x[0], shape); ok {
			return d, nil
		}
		return l.add(o, shape, l.dense(x[0])), nil
	case im2colOp, maxPoolOp, maxPoolGradOp, averagePoolOp, averagePoolGradOp:
		for i := range x {
			x[i] = l.dense(x[i])
		}
		return l.add(o, shape, x...), nil
	case globalAveragePoolOp:
		sum := l.reduce(false, x[0], []int{2, 3})
		mean := l.binary(fnDiv, sum, l.number(float64(x[0].shape[2]*x[0].shape[3]), sum.shape))
		return l.reshape(mean, shape), nil
	case upsampleOp:
		return l.reshape(upsampled(x[0], o.scale), shape), nil
	case upsampleGradOp:
		six := []int{shape[0], shape[1], shape[2], o.scale, shape[3], o.scale}
		return l.reduce(false, l.reshape(x[0], six), []int{3, 5}), nil
	case groupNormOp:
		y, _ := l.groupNorm(o, x[0])
		return l.reshape(y, shape), nil
	case groupNormGradOp:
		return l.reshape(l.groupNormGrad(o.groupNormOp, x[0], x[1]), shape), nil
	case solveOp:
		return l.add(o, shape, l.factors(n, o.opt, x[0]), l.dense(x[1])), nil
	case logDetOp:
		return l.add(o, shape, l.factors(n, o.opt, x[0])), nil
	case pieceOp:
		return l.reshape(x[0].slice(sliceOp{start: o.start, step: 1, count: sizeOf(shape)}), shape), nil
	case identityOp:
		return x[0], nil
	case convertOp:
		return x[0], nil // both dtypes were checked
	case dropoutOp:
		if !o.training {
			return x[0], nil
		}
		return l.refuse(n, "it draws random numbers in training; switch it to evaluation"), nil
	case batchNormOp:
		if o.training {
			return l.refuse(n, "it updates its statistics in training; call SetTesting on the op"), nil
		}
		return l.foreign(n, x), nil
	case randomOp:
		return l.refuse(n, "it draws random numbers; make them an input"), nil
	case statementOp:
		return view{}, fmt.Errorf("graph: node %q is a statement and has no value; list the node it reads", n.Name())
	case foreignOp:
		return l.foreign(n, x), nil
	}
	return view{}, fmt.Errorf("graph: internal error: no lowering for %T of node %q", o, n.Name())
}

// factors are the factors of the matrices a that node n solves with.
func (l *lowering) factors(n *G.Node, opt SolveOptions, a view) view {
	return l.add(factorOp{opt, n.Name()}, []int{a.shape[0], factorSize(a.shape[1])}, l.dense(a))
}

// refuse records an op that no program may contain and substitutes zeros, so
// that all refusals are reported.
func (l *lowering) refuse(n *G.Node, reason string) view {
	l.refused = append(l.refused, Refusal{Op: fmt.Sprint(n.Op()), Node: n.Name(), Reason: reason})
	return l.number(0, ints(n.Shape()))
}

func (l *lowering) constant(o constantOp, n *G.Node) (view, error) {
	shape := ints(n.Shape())
	if o.value == nil {
		return l.number(0, shape), nil
	}
	data := rowMajorData(o.value)
	var xs []float64
	switch d := data.(type) {
	case float64:
		xs = []float64{d}
	case float32:
		xs = []float64{float64(d)}
	case []float64:
		xs = slices.Clone(d)
	case []float32:
		for _, x := range d {
			xs = append(xs, float64(x))
		}
	}
	if len(xs) != sizeOf(shape) {
		return view{}, fmt.Errorf("graph: constant %q of shape %v holds %T of %d elements", n.Name(), shape, data, len(xs))
	}
	for _, x := range xs {
		if math.Float64bits(x) != math.Float64bits(xs[0]) {
			return l.literal(shape, xs...), nil
		}
	}
	return l.number(xs[0], shape), nil
}

// rowMajorData returns the elements of a value in row-major order: a number or
// a slice, which must not be changed.
func rowMajorData(v G.Value) any {
	if d, ok := v.(*tensor.Dense); ok && (d.RequiresIterator() || !d.DataOrder().IsRowMajor() || d.DataOrder().IsTransposed()) {
		v = d.Materialize()
	}
	return v.Data()
}
