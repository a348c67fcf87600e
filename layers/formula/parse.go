package formula

import (
	"math"
	"strings"
)

// node is an expression.
type node struct {
	op    string // "number", "name", "+", "-", "*", "/", "^", "neg", or a function's name
	value float64
	name  token
	args  []*node
}

// functions are those that expressions may have.
var functions = []string{"sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "abs"}

func isFunction(s string) bool {
	for _, f := range functions {
		if f == s {
			return true
		}
	}
	return false
}

// equation is the rate of a state.
type equation struct {
	state token
	rate  *node
}

type parser struct {
	tokens []token
	depth  int
	terms  int
}

// parse reads equations.
func parse(text string) ([]equation, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	var all []equation
	for {
		for p.peek().kind == stop {
			p.next()
		}
		if p.peek().kind == end {
			break
		}
		e, err := p.equation()
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if other.state.text == e.state.text {
				return nil, e.state.fault("join them", "there is a second equation of %s", e.state.text)
			}
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return nil, &Error{Line: 1, Column: 1, Reason: "there is no equation", Remedy: "write one like dx = -x"}
	}
	return all, nil
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// take reads a sign, if it is next.
func (p *parser) take(s string) bool {
	if t := p.peek(); t.kind == sign && t.text == s {
		p.next()
		return true
	}
	return false
}

const howTo = "write an equation like dx = -x, dx/dt = -x or x' = -x"

// equation reads dx = …, dx/dt = … or x' = ….
func (p *parser) equation() (e equation, err error) {
	e.state = p.next()
	if e.state.kind != name {
		return e, e.state.fault(howTo, "an equation begins with %v", e.state)
	}
	if !p.take("'") {
		rest, ok := strings.CutPrefix(e.state.text, "d")
		if !ok || rest == "" {
			return e, e.state.fault(howTo, "%v is not the rate of a state", e.state)
		}
		e.state.text = rest
		if p.take("/") {
			if t := p.next(); t.text != "dt" {
				return e, t.fault(howTo, "%v after d%s/", t, rest)
			}
		}
	}
	if !p.take("=") {
		return e, p.peek().fault(howTo, "%v where = should be", p.peek())
	}
	if e.rate, err = p.sum(); err != nil {
		return e, err
	}
	if t := p.peek(); t.kind != end && t.kind != stop {
		remedy := "separate equations by ; or line breaks"
		if t.kind == name || t.kind == num || t.text == "(" {
			remedy = "write * between factors"
		}
		return e, t.fault(remedy, "%v after the expression", t)
	}
	return e, nil
}

func (p *parser) sum() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.peek().fault("take it apart", "more than %d expressions lie in each other", maxDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.product()
	for err == nil {
		op := p.peek().text
		if p.peek().kind != sign || op != "+" && op != "-" {
			break
		}
		p.next()
		var right *node
		if right, err = p.product(); err == nil {
			left, err = p.join(op, left, right)
		}
	}
	return left, err
}

func (p *parser) product() (*node, error) {
	left, err := p.unary()
	for err == nil {
		op := p.peek().text
		if p.peek().kind != sign || op != "*" && op != "/" {
			break
		}
		p.next()
		var right *node
		if right, err = p.unary(); err == nil {
			left, err = p.join(op, left, right)
		}
	}
	return left, err
}

// unary reads signs and a power: −x^2 is −(x^2).
func (p *parser) unary() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.peek().fault("take it apart", "more than %d expressions lie in each other", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.take("-") {
		x, err := p.unary()
		if err != nil {
			return nil, err
		}
		return p.join("neg", x)
	}
	if p.take("+") {
		return p.unary()
	}
	base, err := p.atom()
	if err != nil || !p.take("^") {
		return base, err
	}
	exponent, err := p.unary() // to the right: x^y^z is x^(y^z)
	if err != nil {
		return nil, err
	}
	return p.join("^", base, exponent)
}

func (p *parser) atom() (*node, error) {
	t := p.next()
	switch {
	case t.kind == num:
		return &node{op: "number", value: t.value}, nil
	case t.kind == name && t.text == "pi":
		return &node{op: "number", value: math.Pi}, nil
	case t.kind == name && isFunction(t.text):
		if !p.take("(") {
			return nil, t.fault("write "+t.text+"(…)", "the function %s without parentheses", t.text)
		}
		x, err := p.inner(t)
		if err != nil {
			return nil, err
		}
		return p.join(t.text, x)
	case t.kind == name && p.peek().kind == sign && p.peek().text == "(":
		return nil, t.fault("there are "+strings.Join(functions, ", ")+"; write * between factors", "there is no function %q", t.text)
	case t.kind == name:
		if p.terms++; p.terms > maxTerms {
			return nil, t.fault("", "more than %d terms", maxTerms)
		}
		return &node{op: "name", name: t}, nil
	case t.kind == sign && t.text == "(":
		return p.inner(t)
	}
	return nil, t.fault("", "%v where a number, a name or a parenthesis should be", t)
}

// inner reads what follows an open parenthesis.
func (p *parser) inner(open token) (*node, error) {
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.peek().fault("", "%v where the parenthesis of line %d, column %d should be closed", p.peek(), open.line, open.column)
	}
	return x, nil
}

// join makes an expression, and a number of it if all its parts are numbers.
func (p *parser) join(op string, args ...*node) (*node, error) {
	if p.terms++; p.terms > maxTerms {
		return nil, p.peek().fault("", "more than %d terms", maxTerms)
	}
	n := &node{op: op, args: args}
	for _, a := range args {
		if a.op != "number" {
			return n, nil
		}
	}
	v := n.eval(nil)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, p.peek().fault("", "what is before %v is %v", p.peek(), v)
	}
	return &node{op: "number", value: v}, nil
}

// eval computes an expression in plain numbers.
func (n *node) eval(value func(name string) float64) float64 {
	var v [2]float64
	for i, a := range n.args {
		v[i] = a.eval(value)
	}
	switch n.op {
	case "number":
		return n.value
	case "name":
		return value(n.name.text)
	case "+":
		return v[0] + v[1]
	case "-":
		return v[0] - v[1]
	case "*":
		return v[0] * v[1]
	case "/":
		return v[0] / v[1]
	case "^":
		return math.Pow(v[0], v[1])
	case "neg":
		return -v[0]
	}
	return function(n.op, v[0])
}

func function(name string, x float64) float64 {
	return map[string]func(float64) float64{
		"sin": math.Sin, "cos": math.Cos, "tan": math.Tan, "exp": math.Exp, "log": math.Log, "sqrt": math.Sqrt, "tanh": math.Tanh, "abs": math.Abs,
	}[name](x)
}

// visit calls f for every name of an expression.
func (n *node) visit(f func(t token)) {
	if n.op == "name" {
		f(n.name)
	}
	for _, a := range n.args {
		a.visit(f)
	}
}
