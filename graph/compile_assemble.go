package graph

import "slices"

// fold replaces computed constants by literals: it compiles what depends on no
// input and runs it.
func fold[T Float](b *builder, views []view) error {
	roots := make([]*value, len(views))
	for i, v := range views {
		roots[i] = v.of
	}
	order, uses := usesOf(roots)
	fixed := make(map[*value]bool)
	for _, v := range order {
		fixed[v] = true
		switch v.do.(type) {
		case inputOp, priorOp, foreignOp:
			fixed[v] = false
		}
		for _, a := range v.args {
			fixed[v] = fixed[v] && fixed[a.of]
		}
	}
	var edge []*value // constants that are needed at run time
	for _, v := range order {
		if !fixed[v] || v.leaf() {
			continue
		}
		if slices.Contains(roots, v) || slices.ContainsFunc(uses[v], func(u use) bool { return !fixed[u.by] }) {
			edge = append(edge, v)
		}
	}
	if len(edge) == 0 {
		return nil
	}
	targets := make([]target, len(edge))
	dst := make([][]T, len(edge))
	for i, v := range edge {
		targets[i] = target{view: v.all(), end: i, groups: 1}
		dst[i] = make([]T, v.size())
	}
	m := assemble[T](b, targets, 0, len(edge)).newFrame()
	copy(m.outputs(), dst)
	if err := m.execute(1); err != nil {
		return err
	}
	for i, v := range edge {
		data := make([]float64, len(dst[i]))
		for k, x := range dst[i] {
			data[k] = float64(x)
		}
		v.do, v.args = literalOp{data}, nil
	}
	return nil
}

// target is a value to be stored in an output, or added to what it holds. One
// output may be added to by several targets.
type target struct {
	view   view
	end    int // number of the output
	add    bool
	groups uint64 // the output groups that it belongs to
}

// terms splits what is added to an output where a term is a product or a sum,
// which can be accumulated in place.
func (t target) terms() []target {
	sum, ok := t.view.of.do.(binaryOp)
	if !ok || !t.add || sum.fn != fnAdd || !t.view.whole() {
		return []target{t}
	}
	accumulates := false
	for _, a := range t.view.of.args {
		if !a.whole() {
			return []target{t}
		}
		switch do := a.of.do.(type) {
		case matmulOp:
			accumulates = true
		case reduceOp:
			accumulates = accumulates || !do.max
		case binaryOp:
			more := t
			more.view = a
			accumulates = accumulates || len(more.terms()) > 1
		}
	}
	if !accumulates {
		return []target{t}
	}
	var all []target
	for _, a := range t.view.of.args {
		term := t
		term.view = a
		all = append(all, term.terms()...)
	}
	return all
}

// assemble makes the code that stores targets, for the given numbers of inputs
// and outputs.
func assemble[T Float](b *builder, targets []target, in, out int) *code[T] {
	c := &code[T]{in: in, out: out}
	roots := b.roots(targets)
	units := fuse(roots)
	direct := make(map[*value]int)
	for _, r := range roots {
		direct[r.of] = r.end
	}
	pl := layOut(units, direct)

	for _, l := range pl.constants {
		data := make([]T, len(l))
		for i, x := range l {
			data[i] = T(x)
		}
		c.constants = append(c.constants, data)
	}
	c.arena = pl.arena
	refs := func(v *value) ref {
		switch at := pl.place[v]; at.kind {
		case inOutput:
			return ref{bufOutputs + at.at, 0}
		case inConstant:
			return ref{bufOutputs + out + at.at, 0}
		case inInput:
			return ref{bufOutputs + out + len(c.constants) + at.at, 0}
		default:
			return ref{bufArena, at.at}
		}
	}
	var begun []int // outputs that something is added to
	for _, u := range units {
		c.add(u, refs)
		first := false
		if end, ok := direct[u.root]; ok && (u.add || u.readsPrior()) && !slices.Contains(begun, end) {
			begun = append(begun, end)
			if first = u.add; !first {
				c.clears = append(c.clears, end)
			}
		}
		c.firsts = append(c.firsts, first)
	}
	return c
}

// root is a value that is stored in an output from the start.
type root struct {
	of     *value
	end    int // number of the output
	groups uint64
}

// roots returns, for each target, a value that can be stored in the output from
// the start. A value that is read elsewhere, or is not computed, or has another
// layout, is copied.
func (b *builder) roots(targets []target) []root {
	readers := make(map[*value]int)
	all := make([]*value, len(targets))
	for i, t := range targets {
		all[i] = t.view.of
		readers[t.view.of]++
	}
	_, uses := usesOf(all)
	var roots []root
	for _, t := range targets {
		v := t.view
		if t.add {
			if c, ok := constantIn(v); ok && c == 0 {
				continue
			}
			prior := b.add(priorOp{t.end}, v.shape)
			sum := &value{id: len(b.values), shape: v.shape, do: binaryOp{fnAdd}, args: []view{prior, v}}
			b.values = append(b.values, sum)
			v = sum.all()
		} else if !v.whole() || v.of.leaf() || len(uses[v.of]) > 0 || readers[v.of] > 1 {
			c := &value{id: len(b.values), shape: v.shape, do: copyOp{}, args: []view{v}}
			b.values = append(b.values, c)
			v = c.all()
		}
		roots = append(roots, root{v.of, t.end, t.groups})
	}
	return roots
}

// add appends the instruction of a unit.
func (c *code[T]) add(u *unit, refs func(*value) ref) {
	var in instruction[T]
	v := u.root
	if u.source != nil {
		v = u.source
	}
	switch v.do.(type) {
	case matmulOp:
		mm := newMatmul[T](u, refs)
		if mm.then != nil {
			c.reserve(mm.then)
		}
		in = mm
	case reduceOp:
		in = newReduction[T](u, refs)
	case copyOp:
		if len(u.chain) == 1 {
			in = newCopying[T](u, refs)
			break
		}
		in = c.reserve(newChain[T](u, refs))
	case joinOp:
		in = newJoining[T](u, refs)
	case foreignOp:
		in = newForeign[T](u, refs)
	case factorOp:
		in = newFactoring[T](u, refs)
	case solveOp, logDetOp:
		in = newSolving[T](u, refs)
	case convOp:
		conv := newConvolution[T](u, refs)
		c.scratch = max(c.scratch, conv.plan.Scratch())
		in = conv
	case convFiltersOp:
		conv := newConvFilters[T](u, refs)
		c.scratch = max(c.scratch, conv.plan.Scratch())
		in = conv
	case im2colOp, col2imOp, maxPoolOp, maxPoolGradOp, averagePoolOp, averagePoolGradOp:
		in = newImage[T](u, refs)
	default:
		in = c.reserve(newChain[T](u, refs))
	}
	c.instructions = append(c.instructions, in)
	c.needs = append(c.needs, u.outputs)
}

// reserve makes room for the blocks of a chain.
func (c *code[T]) reserve(ch *chain[T]) *chain[T] {
	c.scratch = max(c.scratch, ch.scratch())
	c.regs = max(c.regs, ch.regs)
	return ch
}
