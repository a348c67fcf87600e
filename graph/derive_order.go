package graph

import G "gorgonia.org/gorgonia"

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
