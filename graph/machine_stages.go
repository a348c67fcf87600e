package graph

import (
	"slices"

	G "gorgonia.org/gorgonia"
)

// stages cuts a model at the ops that the compiler does not know. A node's turn is even
// if it is compiled, and odd if it is an unknown op: the nodes of a turn need those of
// lower turns, and, if even, each other.
type stages struct {
	turn      map[*G.Node]int
	ops       map[*G.Node]op
	variables G.Nodes // that are reached, in the order they are met
}

// segment is one program of a model. Its outputs are out, and the gradients of these numbers.
type segment struct {
	in, out G.Nodes
	grads   []int
	foreign bool
}

func newStages() *stages {
	return &stages{turn: make(map[*G.Node]int), ops: make(map[*G.Node]op)}
}

// place gives all nodes below wanted their turns.
func (s *stages) place(wanted G.Nodes) error {
	for _, n := range wanted {
		if err := s.visit(n); err != nil {
			return err
		}
	}
	return nil
}

func (s *stages) visit(n *G.Node) error {
	if _, ok := s.turn[n]; ok {
		return nil
	}
	o, err := decode(n)
	if err != nil {
		return err
	}
	s.ops[n] = o
	turn := 0
	for _, c := range operandsOf(n, o) {
		if err := s.visit(c); err != nil {
			return err
		}
		turn = max(turn, s.turn[c])
	}
	switch o.(type) {
	case nil:
		s.variables = append(s.variables, n)
	case foreignOp:
		turn |= 1
		if slices.ContainsFunc(operandsOf(n, o), func(c *G.Node) bool { return s.turn[c] == turn }) {
			turn += 2
		}
	default:
		turn += turn & 1
	}
	s.turn[n] = turn
	return nil
}

// cut returns the programs that compute nodes and gradients, in the order they run.
func (s *stages) cut(nodes, gradients G.Nodes) []segment {
	last := 0
	for _, t := range s.turn {
		last = max(last, t)
	}
	last += last & 1 // gradients of the last unknown op are stored by a program
	out := make([]G.Nodes, last+1)
	need := func(n *G.Node) {
		if t := s.turn[n]; !slices.Contains(out[t], n) {
			out[t] = append(out[t], n)
		}
	}
	for _, n := range nodes {
		need(n)
	}
	grads := make([][]int, last+1)
	for i, n := range gradients {
		t := s.turn[n]
		t += t & 1
		grads[t] = append(grads[t], i)
	}
	var parts []segment
	for t := last; t >= 0; t-- {
		if t&1 == 1 {
			for _, n := range out[t] {
				p := segment{out: G.Nodes{n}, foreign: true}
				p.in = s.inputs(t, operandsOf(n, s.ops[n]), need)
				parts = append(parts, p)
			}
			continue
		}
		p := segment{out: out[t], grads: grads[t]}
		roots := slices.Clone(out[t])
		for _, i := range grads[t] {
			roots = append(roots, gradients[i])
		}
		if len(roots) > 0 {
			p.in = s.inputs(t, roots, need)
			parts = append(parts, p)
		}
	}
	slices.Reverse(parts)
	return parts
}

// inputs lists the nodes that a program of the given turn for roots reads, and calls need
// for those that others have to compute.
func (s *stages) inputs(turn int, roots G.Nodes, need func(*G.Node)) (in G.Nodes) {
	seen := make(map[*G.Node]bool)
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		o := s.ops[n]
		if o == nil {
			in = append(in, n)
			return
		}
		if s.lent(n) {
			need(childrenOf(n)[0])
			in = append(in, n)
			return
		}
		if s.turn[n] < turn && !remade(o) {
			need(n)
			in = append(in, n)
			return
		}
		for _, c := range operandsOf(n, o) {
			visit(c)
		}
	}
	for _, n := range roots {
		visit(n)
	}
	return in
}

// lent reports whether n is a piece of what an unknown op computed, whose memory it shares.
func (s *stages) lent(n *G.Node) bool {
	if _, ok := s.ops[n].(pieceOp); !ok {
		return false
	}
	_, ok := s.ops[childrenOf(n)[0]].(foreignOp)
	return ok
}

// remade tells of ops that are better computed again than passed on: they cost nothing, or
// give much more than they take.
func remade(o op) bool {
	switch o.(type) {
	case constantOp, sizeOp, repeatOp, reshapeOp, transposeOp, sliceOp, im2colOp:
		return true
	}
	return false
}

// operandsOf are the children of n that its value depends on.
func operandsOf(n *G.Node, o op) G.Nodes {
	children := childrenOf(n)
	switch o.(type) {
	case constantOp, sizeOp:
		return nil // known without them
	case repeatOp:
		return children[:1] // the count is in the op
	case sliceGradOp:
		return children[1:] // of x only the shape matters
	case maxPoolGradOp:
		return append(children[:1:1], children[2]) // the maximum is sought again
	case averagePoolGradOp, upsampleGradOp:
		return children[2:]
	}
	return children
}
