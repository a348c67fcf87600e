package formula

import (
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/layers"
)

// builder makes nodes of expressions.
type builder struct {
	*layers.Expr
	system  *System
	t, u, y *G.Node
	in      layers.Parts

	names map[string]*G.Node // of states, inputs, parameters and the time, in the units of the data
	net   *G.Node            // (batch, states)
}

// affine is mean + spread·x.
func (b *builder) affine(x *G.Node, mean, spread []float64, i int) *G.Node {
	if len(spread) > 0 && spread[i] != 1 {
		x = b.Scale(spread[i], x)
	}
	if len(mean) > 0 && mean[i] != 0 {
		x = b.Shift(x, mean[i])
	}
	return x
}

// rates returns the rates of the scaled states.
func (b *builder) rates(equations []equation) *G.Node {
	s := b.system
	unit := s.Units.Unit
	if unit == 0 {
		unit = 1
	}
	b.names = map[string]*G.Node{}
	for i, name := range s.States {
		y := b.affine(b.Columns(b.y, i, i+1), s.Units.Mean, s.Units.Spread, i)
		if b.log(i) {
			y = b.Exp(y)
		}
		b.names[name] = y
	}
	for i, name := range s.Inputs {
		b.names[name] = b.affine(b.Columns(b.u, i, i+1), s.Units.InputMean, s.Units.InputSpread, i)
	}
	for i, p := range s.Params {
		b.names[p.Name] = b.param(p, b.in.Params[i])
	}
	if b.t != nil {
		t := b.t
		if unit != 1 {
			t = b.Scale(unit, t)
		}
		if s.Units.Origin != 0 {
			t = b.Shift(t, s.Units.Origin)
		}
		b.names["t"] = t
	}
	if len(b.in.Layers) > 0 {
		x := b.y
		if len(s.Inputs) > 0 {
			x = b.Concat(b.y, b.u)
		}
		b.net = b.Apply(b.in.Layers[0], nil, x)
	}
	var all []*G.Node
	for i, e := range equations {
		factor := unit
		if len(s.Units.Spread) > 0 {
			factor /= s.Units.Spread[i]
		}
		if b.net != nil {
			network := b.Columns(b.net, i, i+1)
			if factor != 1 {
				network = b.Scale(1/factor, network)
			}
			if b.log(i) {
				network = b.Mul(network, b.names[e.state.text])
			}
			b.names[Network] = network
		}
		rate := b.node(e.rate)
		if b.log(i) {
			rate = b.Div(rate, b.names[e.state.text])
		}
		if factor != 1 {
			rate = b.Scale(factor, rate)
		}
		if !b.varies(e.rate) && !b.log(i) {
			// A number or a parameter for all samples.
			rate = b.Add(b.Scale(0, b.Columns(b.y, i, i+1)), rate)
		}
		all = append(all, rate)
	}
	return b.Concat(all...)
}

func (b *builder) log(i int) bool { return len(b.system.Units.Log) > 0 && b.system.Units.Log[i] }

// varies reports whether an expression differs from sample to sample.
func (b *builder) varies(n *node) bool {
	found := false
	n.visit(func(t token) {
		found = found || !slices.ContainsFunc(b.system.Params, func(p Param) bool { return p.Name == t.text })
	})
	return found
}

// param is the value of a parameter; see Param.Value.
func (b *builder) param(p Param, raw *G.Node) *G.Node {
	switch {
	case p.Low != nil && p.High != nil:
		return b.Shift(b.Scale(*p.High-*p.Low, b.Activate(layers.Sigmoid, raw)), *p.Low)
	case p.Low != nil:
		return b.Shift(b.Exp(raw), *p.Low)
	case p.High != nil:
		return b.Shift(b.Neg(b.Exp(raw)), *p.High)
	case p.Start != 0:
		return b.Scale(p.Start, raw)
	}
	return raw
}

// node makes nodes of an expression.
func (b *builder) node(n *node) *G.Node {
	if n.op == "number" {
		return b.Const(n.value)
	}
	if n.op == "name" {
		return b.names[n.name.text]
	}
	number := func(i int) (float64, bool) { return n.args[i].value, n.args[i].op == "number" }
	switch n.op {
	case "+", "-":
		if v, ok := number(1); ok {
			if n.op == "-" {
				v = -v
			}
			return b.Shift(b.node(n.args[0]), v)
		}
		if n.op == "+" {
			if v, ok := number(0); ok {
				return b.Shift(b.node(n.args[1]), v)
			}
			return b.Add(b.node(n.args[0]), b.node(n.args[1]))
		}
		return b.Sub(b.node(n.args[0]), b.node(n.args[1]))
	case "*":
		for i := range 2 {
			if v, ok := number(i); ok {
				return b.Scale(v, b.node(n.args[1-i]))
			}
		}
		return b.Mul(b.node(n.args[0]), b.node(n.args[1]))
	case "/":
		if v, ok := number(1); ok {
			return b.Scale(1/v, b.node(n.args[0]))
		}
		if v, ok := number(0); ok {
			return b.Scale(v, b.Inverse(b.node(n.args[1])))
		}
		return b.Div(b.node(n.args[0]), b.node(n.args[1]))
	case "^":
		return b.power(n)
	}
	x := b.node(n.args[0])
	switch n.op {
	case "neg":
		return b.Neg(x)
	case "sin":
		return b.Sin(x)
	case "cos":
		return b.Cos(x)
	case "tan":
		return b.Div(b.Sin(x), b.Cos(x))
	case "exp":
		return b.Exp(x)
	case "log":
		return b.Log(x)
	case "sqrt":
		return b.Sqrt(x)
	case "tanh":
		return b.Activate(layers.Tanh, x)
	case "abs":
		return b.Abs(x)
	}
	panic("formula: unknown operation")
}

// power is x^p: a product for small whole p, which negative x have too, and exp(p log x) for a p that is not
// a number.
func (b *builder) power(n *node) *G.Node {
	x := b.node(n.args[0])
	p := n.args[1]
	if p.op != "number" {
		return b.Exp(b.Mul(b.node(p), b.Log(x)))
	}
	if p.value == math.Trunc(p.value) && math.Abs(p.value) <= 16 && p.value != 0 {
		result, square := (*G.Node)(nil), x
		for k := int(math.Abs(p.value)); k > 0; k >>= 1 {
			if k&1 == 1 {
				if result == nil {
					result = square
				} else {
					result = b.Mul(result, square)
				}
			}
			if k > 1 {
				square = b.Square(square)
			}
		}
		if p.value < 0 {
			return b.Inverse(result)
		}
		return result
	}
	return b.Pow(x, p.value)
}
