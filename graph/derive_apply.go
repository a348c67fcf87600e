package graph

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
)

// differentiate applies the rule of an op; panics become errors.
func differentiate(c ruleInput) (ds G.Nodes, err error) {
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
func symDiff(c ruleInput) (G.Nodes, error) {
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
			return nil, fmt.Errorf("its SymDiff gave no derivative with respect to its operand %d, %q; fix SymDiff or DiffWRT", i, c.x[i].Name())
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
		return must(G.Sum(d)), nil
	case d.Shape().TotalSize() == n.Shape().TotalSize():
		return reshaped(d, n.Shape()), nil
	}
	return nil, fmt.Errorf("its SymDiff gave a derivative of shape %v for operand %q of shape %v: %w; fix SymDiff", d.Shape(), n.Name(), n.Shape(), ErrShape)
}
