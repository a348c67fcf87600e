package graph

import (
	"errors"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ruleInput is one application of a derivative rule: n = op(x…) with cotangent g.
// Only the operands with want need a derivative; the others may be nil.
type ruleInput struct {
	n    *G.Node
	op   op
	x    G.Nodes
	g    *G.Node
	want []bool
}

// rule returns the cotangents of the operands: by a rule of ours where
// Gorgonia's own is wrong, missing, or cannot be differentiated again, by
// SymDiff otherwise.
func rule(c ruleInput) (G.Nodes, error) {
	switch o := c.op.(type) {
	case unaryOp:
		switch o.fn {
		case fnLog2:
			return c.log2(), nil
		case fnInvSqrt:
			return c.inverseSqrt(), nil
		}
	case binaryOp:
		if o.fn == fnPow {
			return c.power(), nil
		}
	case productOp:
		if o.kind == outer {
			return c.outer(), nil
		}
	case tensordotOp:
		return c.tensordot(o), nil
	case maxOp:
		return c.max(o), nil
	case repeatOp:
		return c.repeat(o), nil
	case reshapeOp:
		return c.reshape(), nil
	case sliceGradOp:
		return c.sliceGrad()
	case atOp:
		return c.at(o), nil
	case concatOp:
		return c.concat(o), nil
	case softmaxGradOp:
		return c.softmaxGrad(o), nil
	case col2imOp:
		return c.col2im(o), nil
	case maxPoolOp:
		return c.pool(poolRoute, o.window), nil
	case maxPoolGradOp:
		return c.poolGrad(poolPick, o.window), nil
	case averagePoolOp:
		return c.pool(poolSpread, o.window), nil
	case averagePoolGradOp:
		return c.poolGrad(poolAverage, o.window), nil
	case globalAveragePoolOp:
		return c.globalAveragePool(), nil
	case upsampleGradOp:
		return c.upsampleGrad(o)
	case batchNormOp:
		return c.batchNorm(o)
	case groupNormOp:
		return c.groupNorm(o), nil
	case groupNormGradOp:
		return nil, errStockGradient
	case dropoutOp:
		return c.dropout(o)
	case identityOp:
		return G.Nodes{c.g}, nil
	}
	return symDiff(c)
}

// errStockGradient: the node was made by gorgonia.Grad, whose gradient op has
// no derivative of its own.
var errStockGradient = errors.New("it is a gradient that gorgonia.Grad built and that has no derivative; build it with graph.Grad instead")

// constantOperand reports whether the i-th operand does not move the result,
// or moves it only in jumps.
func constantOperand(o op, i int) bool {
	switch o := o.(type) {
	case unaryOp:
		return o.fn == fnSign || o.fn == fnCeil || o.fn == fnFloor
	case binaryOp:
		return o.fn >= fnLt && o.fn <= fnNe
	case sizeOp:
		return true
	case repeatOp:
		return i > 0 // the count
	case sliceGradOp, softmaxGradOp:
		return i == 0 // only its shape counts
	case maxPoolGradOp, averagePoolGradOp, upsampleGradOp:
		return i < 2 // where the maximum is, the shapes
	case constantOp: // zerosOp has an operand for its shape
		return true
	case foreignOp:
		switch o := o.op.(type) {
		case deviationOp:
			return true
		case poolOp:
			return i < o.Arity()-1 // where the maximum is, the shapes
		}
	}
	return false
}

// log2: d/dx log₂x = 1/(x ln 2).
func (c ruleInput) log2() G.Nodes {
	x := c.x[0]
	return G.Nodes{quotient(c.g, product(x, constant(x, math.Ln2)))}
}

// inverseSqrt: d/dx x^(-1/2) = -y³/2.
func (c ruleInput) inverseSqrt() G.Nodes {
	half := constant(c.g, -0.5)
	return G.Nodes{product(product(c.g, half), must(G.Cube(c.n)))}
}

// power: ∂(x^p)/∂x = p x^(p-1), ∂(x^p)/∂p = x^p ln x. A constant p gives no
// power lower than needed, and x = 0 no 0·∞ in the derivative by p.
func (c ruleInput) power() G.Nodes {
	x, p := c.x[0], c.x[1]
	ds := make(G.Nodes, 2)
	if c.want[0] {
		ds[0] = product(c.g, powerSlope(x, p))
	}
	if c.want[1] {
		atZero := must(G.Eq(x, constant(x, 0), true))
		ds[1] = product(c.g, product(c.n, logarithm(must(G.Add(x, atZero)))))
	}
	return ds
}

func powerSlope(x, p *G.Node) *G.Node {
	if v, ok := constantOf(p); ok && p.IsScalar() {
		switch v {
		case 0:
			return constant(x, 0)
		case 1:
			return constant(x, 1)
		case 2:
			return product(x, constant(x, 2))
		}
		return product(constant(x, v), must(G.Pow(x, constant(x, v-1))))
	}
	return product(p, must(G.Pow(x, must(G.Sub(p, constant(p, 1))))))
}

// constantOf returns the value of a scalar constant node.
func constantOf(n *G.Node) (float64, bool) {
	if c, ok := n.Op().(interface{ Value() G.Value }); ok {
		return number(c.Value())
	}
	return 0, false
}

// outer: n = x yᵀ, so dx = g y and dy = gᵀ x.
func (c ruleInput) outer() G.Nodes {
	return G.Nodes{must(G.Mul(c.g, c.x[1])), must(G.Mul(c.x[0], c.g))}
}

// tensordot: with the contracted axes of x moved last and those of y first it
// is the matrix product n = x y, so dx = g yᵀ and dy = xᵀ g.
func (c ruleInput) tensordot(o tensordotOp) G.Nodes {
	permX := append(others(c.x[0].Dims(), o.aAxes), o.aAxes...)
	permY := append(slices.Clone(o.bAxes), others(c.x[1].Dims(), o.bAxes)...)
	x, y := transposed(c.x[0], permX), transposed(c.x[1], permY)
	k := 1
	for _, a := range o.aAxes {
		k *= c.x[0].Shape()[a]
	}
	m, n := x.Shape().TotalSize()/k, y.Shape().TotalSize()/k
	g := reshaped(c.g, tensor.Shape{m, n})
	back := func(d, like *G.Node, perm []int) *G.Node {
		return transposed(reshaped(d, like.Shape()), inverse(perm))
	}
	ds := make(G.Nodes, 2)
	if c.want[0] {
		yt := transposed(reshaped(y, tensor.Shape{k, n}), []int{1, 0})
		ds[0] = back(must(G.Mul(g, yt)), x, permX)
	}
	if c.want[1] {
		xt := transposed(reshaped(x, tensor.Shape{m, k}), []int{1, 0})
		ds[1] = back(must(G.Mul(xt, g)), y, permY)
	}
	return ds
}

// max: every one of k equal maxima gets g/k, which is in the subgradient.
func (c ruleInput) max(o maxOp) G.Nodes {
	x := c.x[0]
	hit := must(G.Eq(x, spreadOver(c.n, x, o.axes), true))
	share := quotient(c.g, sumAxes(hit, o.axes))
	return G.Nodes{product(hit, spreadOver(share, x, o.axes))}
}

// repeat: each element collects the cotangents of its copies.
func (c ruleInput) repeat(o repeatOp) G.Nodes {
	in := c.x[0].Shape()
	if c.g.Dims() <= 3 && (o.axis >= len(in) || in[o.axis] == 1) {
		return G.Nodes{reshaped(must(G.Sum(c.g, o.axis)), in)}
	}
	before, after := 1, 1
	for i, d := range in {
		if i <= o.axis {
			before *= d
		} else {
			after *= d
		}
	}
	d := must(G.Sum(reshaped(c.g, tensor.Shape{before, o.count, after}), 1))
	return G.Nodes{reshaped(d, in)}
}

// reshape: back to the shape of the operand.
func (c ruleInput) reshape() G.Nodes {
	return G.Nodes{reshaped(c.g, c.x[0].Shape())}
}

// sliceGrad: the derivative of writing a slice is reading it.
func (c ruleInput) sliceGrad() (G.Nodes, error) {
	ds, err := c.n.Op().(G.SDOp).SymDiff(c.x, c.n, c.g)
	if err != nil {
		return nil, err
	}
	return G.Nodes{nil, ds[1]}, nil
}

// at: zeros with g at the coordinates.
func (c ruleInput) at(o atOp) G.Nodes {
	x := c.x[0]
	at := 0
	for i, d := range x.Shape() {
		at = at*d + o.coords[i]
	}
	flat := reshaped(x, tensor.Shape{x.Shape().TotalSize()})
	d := embed(flat, reshaped(c.g, tensor.Shape{1}), 0, at)
	return G.Nodes{reshaped(d, x.Shape())}
}

// concat: each operand gets its part.
func (c ruleInput) concat(o concatOp) G.Nodes {
	ds := make(G.Nodes, len(c.x))
	start := 0
	for i, x := range c.x {
		end := start + x.Shape()[o.axis]
		if c.want[i] {
			ds[i] = part(c.g, o.axis, start, end)
		}
		start = end
	}
	return ds
}

// softmaxGrad differentiates the derivative of a softmax, whose operands are x,
// y = softmax(x) and g: y ⊙ (g − Σ g⊙y), or g − exp(y) ⊙ Σ g for the logarithm.
func (c ruleInput) softmaxGrad(o softmaxGradOp) G.Nodes {
	y, g := c.x[1], c.x[2]
	total := func(v *G.Node) *G.Node { return spreadOver(sumAxes(v, []int{o.axis}), v, []int{o.axis}) }
	ds := make(G.Nodes, 3)
	if o.log {
		e := product(must(G.Exp(y)), c.g)
		ds[1] = must(G.Neg(product(e, total(g))))
		ds[2] = difference(c.g, total(e))
		return ds
	}
	yg := product(y, c.g)
	ds[1] = difference(product(c.g, difference(g, total(product(g, y)))), product(g, total(yg)))
	ds[2] = product(y, difference(c.g, total(yg)))
	return ds
}

// col2im: its transpose is im2col.
func (c ruleInput) col2im(o col2imOp) G.Nodes {
	w := o.window
	return G.Nodes{must(G.Im2Col(c.g, tensor.Shape{w.h, w.w}, tensor.Shape{w.padH, w.padW},
		tensor.Shape{w.strideH, w.strideW}, tensor.Shape{w.dilationH, w.dilationW}))}
}

// pool: the pools are linear in g, given where the maxima are.
func (c ruleInput) pool(kind poolKind, w window) G.Nodes {
	return G.Nodes{applyPool(kind, w, c.x[0], c.n, c.g)}
}

// poolGrad: the transpose of the gradient of a pool, with operands x, y and g,
// is the pool itself, at the places chosen by x.
func (c ruleInput) poolGrad(kind poolKind, w window) G.Nodes {
	return G.Nodes{nil, nil, applyPool(kind, w, c.x[0], c.x[1], c.g)}
}

// globalAveragePool: every pixel gets an equal share.
func (c ruleInput) globalAveragePool() G.Nodes {
	s := c.x[0].Shape()
	share := quotient(reshaped(c.g, tensor.Shape{s[0] * s[1], 1}), constant(c.g, float64(s[2]*s[3])))
	like := reshaped(c.x[0], tensor.Shape{s[0] * s[1], s[2] * s[3]})
	return G.Nodes{reshaped(spreadOver(share, like, []int{1}), s)}
}

// upsampleGrad: the transpose of adding up the copies is making them.
func (c ruleInput) upsampleGrad(o upsampleGradOp) (G.Nodes, error) {
	d, err := G.Upsample2D(c.g, o.scale)
	return G.Nodes{nil, nil, d}, err
}

// dropout: what was kept was divided by 1 − probability. The output tells what
// was kept; an input that is 0 counts as dropped.
func (c ruleInput) dropout(o dropoutOp) (G.Nodes, error) {
	switch {
	case len(c.x) != 1:
		return nil, errStockGradient
	case !o.training || o.probability == 0:
		return G.Nodes{c.g}, nil
	case o.probability >= 1:
		return G.Nodes{zerosLike(c.x[0])}, nil
	}
	kept := must(G.Ne(c.n, constant(c.n, 0), true))
	return G.Nodes{product(c.g, product(kept, constant(c.n, 1/(1-o.probability))))}, nil
}
