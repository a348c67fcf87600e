package graph

import (
	"errors"
	"hash"
	"strings"
	"testing"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

func TestArguments(t *testing.T) {
	g, g2 := G.NewGraph(), G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	row := variable(g, tensor.Float64, "row", tensor.Shape{1, 2})
	s := variable(g, tensor.Float64, "s", nil)
	one := variable(g, tensor.Float64, "one", tensor.Shape{1})
	narrow := variable(g, tensor.Float32, "narrow", tensor.Shape{2})
	count := variable(g, tensor.Int, "count", tensor.Shape{2})
	other := variable(g2, tensor.Float64, "other", tensor.Shape{2})
	y := tanh(x)
	var v G.Value
	read := G.Read(y, &v)
	for _, c := range []struct {
		name                string
		outputs, cots, wrts G.Nodes
		want                error
	}{
		{"shape of the cotangent", G.Nodes{y}, G.Nodes{row}, G.Nodes{x}, ErrShape},
		{"scalar for a vector", G.Nodes{y}, G.Nodes{s}, G.Nodes{x}, ErrShape},
		{"vector of one for a scalar", G.Nodes{sumAll(y)}, G.Nodes{one}, G.Nodes{x}, ErrShape},
		{"cotangent of another graph", G.Nodes{y}, G.Nodes{other}, G.Nodes{x}, ErrOtherGraph},
		{"wrt of another graph", G.Nodes{y}, G.Nodes{x}, G.Nodes{other}, ErrOtherGraph},
		{"float32 cotangent", G.Nodes{y}, G.Nodes{narrow}, G.Nodes{x}, ErrDtype},
		{"integer wrt", G.Nodes{y}, G.Nodes{x}, G.Nodes{count}, ErrDtype},
		{"statement", G.Nodes{read}, G.Nodes{x}, G.Nodes{x}, ErrDtype},
		{"missing cotangent", G.Nodes{y}, nil, G.Nodes{x}, nil},
		{"nil output", G.Nodes{nil}, G.Nodes{x}, G.Nodes{x}, nil},
		{"nil wrt", G.Nodes{y}, G.Nodes{x}, G.Nodes{nil}, nil},
	} {
		_, err := VJP(c.outputs, c.cots, c.wrts)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "graph: VJP: ") {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Grad(y, x); !errors.Is(err, ErrShape) {
		t.Errorf("Grad of a vector: %v", err)
	}
	if _, err := Grad(nil, x); err == nil {
		t.Error("Grad of nil: no error")
	}
	if _, err := Grad(variable(g, tensor.Int, "i", nil), x); !errors.Is(err, ErrDtype) {
		t.Errorf("Grad of an integer: %v", err)
	}
	if d, err := VJP(nil, nil, G.Nodes{x}); err != nil || len(d) != 1 {
		t.Errorf("VJP of nothing: %v, %v; want zeros", d, err)
	}
	if d, err := Grad(sumAll(y)); err != nil || len(d) != 0 {
		t.Errorf("Grad by nothing: %v, %v", d, err)
	}
}

// strangerOp is an op of somebody else, x ↦ x, that differentiates as told.
type strangerOp struct {
	name    string
	diff    []bool
	symDiff func(x G.Nodes, g *G.Node) (G.Nodes, error)
}

func (strangerOp) Arity() int { return 1 }
func (strangerOp) Type() hm.Type {
	return hm.NewFnType(hm.TypeVariable('a'), hm.TypeVariable('a'))
}
func (strangerOp) InferShape(s ...G.DimSizer) (tensor.Shape, error) {
	return s[0].(tensor.Shape).Clone(), nil
}
func (strangerOp) Do(v ...G.Value) (G.Value, error) { return G.CloneValue(v[0]) }
func (strangerOp) ReturnsPtr() bool                 { return true }
func (strangerOp) CallsExtern() bool                { return false }
func (strangerOp) OverwritesInput() int             { return -1 }
func (o strangerOp) WriteHash(h hash.Hash)          { h.Write([]byte(o.name)) }
func (o strangerOp) Hashcode() uint32               { return nodes.Base{Name: o.name}.Hashcode() }
func (o strangerOp) String() string                 { return o.name }

type strangerSDOp struct{ strangerOp }

func (o strangerSDOp) DiffWRT(int) []bool { return o.diff }
func (o strangerSDOp) SymDiff(x G.Nodes, _, g *G.Node) (G.Nodes, error) {
	return o.symDiff(x, g)
}

func TestNotDifferentiable(t *testing.T) {
	boom := errors.New("boom")
	yes := []bool{true}
	for _, c := range []struct {
		op    G.Op
		cause error
		text  string
	}{
		{strangerOp{name: "plain"}, nil, "SDOp"},
		{strangerSDOp{strangerOp{"flat", []bool{false}, nil}}, nil, "operand 0"},
		{strangerSDOp{strangerOp{"short", nil, nil}}, nil, "operand 0"},
		{strangerSDOp{strangerOp{"failing", yes, func(G.Nodes, *G.Node) (G.Nodes, error) { return nil, boom }}}, boom, "boom"},
		{strangerSDOp{strangerOp{"panicking", yes, func(G.Nodes, *G.Node) (G.Nodes, error) { panic("kaboom") }}}, nil, "kaboom"},
		{strangerSDOp{strangerOp{"silent", yes, func(G.Nodes, *G.Node) (G.Nodes, error) { return G.Nodes{nil}, nil }}}, nil, "no derivative"},
		{strangerSDOp{strangerOp{"misshapen", yes, func(x G.Nodes, _ *G.Node) (G.Nodes, error) { return G.Nodes{sumAll(x[0])}, nil }}}, ErrShape, "shape"},
	} {
		g := G.NewGraph()
		x := variable(g, tensor.Float64, "x", tensor.Shape{2})
		y := ok(G.ApplyOp(c.op, tanh(x)))
		G.WithName("the " + c.op.String())(y)
		_, err := Grad(sumAll(y), x)
		var de *DerivativeError
		if !errors.As(err, &de) || !errors.Is(err, ErrNotDifferentiable) || c.cause != nil && !errors.Is(err, c.cause) {
			t.Errorf("%v: error %v", c.op, err)
			continue
		}
		if de.Op != c.op.String() || de.Node != "the "+c.op.String() || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: error %+v: %v", c.op, de, err)
		}
		// Where the op is not on the way, it does no harm.
		if _, err := Grad(sumAll(times(x, x)), x); err != nil {
			t.Errorf("%v beside the way: %v", c.op, err)
		}
	}
}

// TestUserOp: an op that knows its derivative is differentiated by it.
func TestUserOp(t *testing.T) {
	double := func(_ G.Nodes, g *G.Node) (G.Nodes, error) {
		d, err := G.Add(g, g)
		return G.Nodes{d}, err
	}
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	y := ok(G.ApplyOp(strangerSDOp{strangerOp{"twofold", []bool{true}, double}}, ok(G.Square(x))))
	wantValues(t, "user op", evaluate(t, grad(t, sumAll(y), x), G.Nodes{x}, []float64{3, 5})[0], 12, 20)
}
