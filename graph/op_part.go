package graph

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Part returns elements start … end-1 of an axis of x, which keeps its axes. It
// does what gorgonia.Slice does, but two parts are never confused: Gorgonia takes
// slices of one node for equal when their bounds are equal modulo 256, as those
// of the halves of a state of 512. Errors: ErrShape if the bounds are not inside.
func Part(x *G.Node, axis, start, end int) (y *G.Node, err error) {
	if s := x.Shape(); axis < 0 || axis >= len(s) || start < 0 || end <= start || end > s[axis] {
		return nil, fmt.Errorf("graph: part %d:%d of axis %d of %q of shape %v: %w; stay inside the shape",
			start, end, axis, x.Name(), s, ErrShape)
	}
	defer recoverInto(&err)
	return part(x, axis, start, end), nil
}

func part(x *G.Node, axis, start, end int) *G.Node { return must(nodes.Part(x, axis, start, end)) }

func embed(x, g *G.Node, axis, start int) *G.Node { return must(nodes.Embed(x, g, axis, start)) }
