package graph

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// checkArguments returns the element type of all nodes.
func checkArguments(outputs, cotangents, wrt G.Nodes) (dt tensor.Dtype, err error) {
	if len(outputs) != len(cotangents) {
		return dt, fmt.Errorf("%d outputs but %d cotangents; give one for each", len(outputs), len(cotangents))
	}
	var first *G.Node
	for _, list := range []struct {
		name  string
		nodes G.Nodes
	}{{"outputs", outputs}, {"cotangents", cotangents}, {"wrt", wrt}} {
		for i, n := range list.nodes {
			if n == nil {
				return dt, fmt.Errorf("%s[%d] is nil", list.name, i)
			}
			t, err := floatType(n)
			if err != nil {
				return dt, fmt.Errorf("%s[%d]: %w", list.name, i, err)
			}
			if first == nil {
				first, dt = n, t
			}
			if n.Graph() != first.Graph() || n.Graph() == nil {
				return dt, fmt.Errorf("%s[%d], %q: %w; build all of them on one gorgonia.ExprGraph (constants with its AddNode)", list.name, i, n.Name(), ErrOtherGraph)
			}
			if t != dt {
				return dt, fmt.Errorf("%s[%d], %q, is %v among %v: %w; use one element type in a graph", list.name, i, n.Name(), t, dt, ErrDtype)
			}
		}
	}
	for i, n := range outputs {
		if c := cotangents[i]; !sameShape(n, c) {
			return dt, fmt.Errorf("cotangents[%d], %q, has shape %v, its output %v: %w; reshape the cotangent", i, c.Name(), c.Shape(), n.Shape(), ErrShape)
		}
	}
	return dt, nil
}

// checkTangents checks the tangents of nodes that were checked.
func checkTangents(wrt, tangents G.Nodes) error {
	if _, err := checkArguments(nil, nil, append(tangents[:len(tangents):len(tangents)], wrt...)); err != nil {
		return fmt.Errorf("tangents: %w", err)
	}
	for i, n := range wrt {
		if v := tangents[i]; !sameShape(n, v) {
			return fmt.Errorf("tangents[%d], %q, has shape %v, its node %v: %w; reshape the tangent", i, v.Name(), v.Shape(), n.Shape(), ErrShape)
		}
	}
	return nil
}

func sameShape(a, b *G.Node) bool {
	return slices.Equal(a.Shape(), b.Shape()) && a.IsScalar() == b.IsScalar()
}

func floatType(n *G.Node) (tensor.Dtype, error) {
	if n.Type() == nil {
		return tensor.Dtype{}, fmt.Errorf("%q is a statement without a value: %w", n.Name(), ErrDtype)
	}
	dt := n.Dtype()
	if dt != tensor.Float32 && dt != tensor.Float64 {
		return dt, fmt.Errorf("%q is of %v: %w; use float32 or float64", n.Name(), dt, ErrDtype)
	}
	return dt, nil
}

// reserveNumbers makes the numbers that Gorgonia's own derivatives use safe.
// Gorgonia takes constants of equal name for equal, so a constant called "2"
// that is not 2 would enter its derivatives silently. And once its own 1 is in a
// graph, a later Log(Add(x, 1)) deletes the sum, even if it is used elsewhere;
// an own constant of that name keeps Gorgonia's out.
func reserveNumbers(g *G.ExprGraph, dt tensor.Dtype) error {
	numbers := map[string]float64{"0": 0, "1": 1, "2": 2, "3": 3}
	numbers[fmt.Sprint(math.Ln2)] = math.Ln2
	numbers[fmt.Sprint(float32(math.Ln2))] = float64(float32(math.Ln2))
	hasOne := false
	for _, n := range g.AllNodes() {
		c, ok := n.Op().(interface{ Value() G.Value })
		if !ok {
			continue
		}
		want, taken := numbers[n.Name()]
		if !taken {
			continue
		}
		if got, ok := number(c.Value()); !ok || got != want || n.Dtype() != dt {
			return fmt.Errorf("a constant %v of type %v is named %q: %w; give it another name", c.Value(), n.Type(), n.Name(), ErrName)
		}
		hasOne = hasOne || want == 1
	}
	switch {
	case hasOne:
	case dt == tensor.Float32:
		g.AddNode(G.NewConstant(float32(1)))
	default:
		g.AddNode(G.NewConstant(float64(1)))
	}
	return nil
}

func number(v G.Value) (float64, bool) {
	switch v := v.(type) {
	case *G.F64:
		return float64(*v), true
	case *G.F32:
		return float64(*v), true
	}
	return 0, false
}
