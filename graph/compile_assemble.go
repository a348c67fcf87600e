package graph

import "slices"

// fold replaces computed constants by literals: it compiles what depends on no
// input and runs it.
func fold[T Float](b *builder, views []view) {
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
		return
	}
	all := make([]view, len(edge))
	dst := make([][]T, len(edge))
	for i, v := range edge {
		all[i] = v.all()
		dst[i] = make([]T, v.size())
	}
	m := assemble[T](b, all, nil, nil).NewInstance()
	m.run(dst, nil, 1)
	for i, v := range edge {
		data := make([]float64, len(dst[i]))
		for k, x := range dst[i] {
			data[k] = float64(x)
		}
		v.do, v.args = literalOp{data}, nil
	}
}

// assemble makes the program that stores views in its outputs.
func assemble[T Float](b *builder, views []view, add []bool, groups []uint) *Program[T] {
	p := &Program[T]{}
	if groups == nil {
		groups = make([]uint, len(views))
	}
	for _, v := range views {
		p.out = append(p.out, v.size())
	}
	roots, ends, groups := b.outputs(views, add, groups)
	units := fuse(roots, groups)
	direct := make(map[*value]int)
	for i, v := range roots {
		direct[v] = ends[i]
	}
	pl := layOut(units, direct)

	for _, c := range pl.constants {
		data := make([]T, len(c))
		for i, x := range c {
			data[i] = T(x)
		}
		p.constants = append(p.constants, data)
	}
	p.arena = pl.arena
	refs := func(v *value) ref {
		switch at := pl.place[v]; at.kind {
		case inOutput:
			return ref{bufOutputs + at.at, 0}
		case inConstant:
			return ref{bufOutputs + len(p.out) + at.at, 0}
		case inInput:
			return ref{bufOutputs + len(p.out) + len(p.constants) + at.at, 0}
		default:
			return ref{bufArena, at.at}
		}
	}
	for _, u := range units {
		p.add(u, refs)
	}
	return p
}

// The buffers of an instance are the arena, the outputs, the constants and the
// inputs.
const (
	bufArena = iota
	bufOutputs
)

// outputs returns, for each view that must be stored, a value that can be
// stored in the output from the start, and the number of that output. A value
// that is read elsewhere, or is not computed, or has another layout, is copied.
func (b *builder) outputs(views []view, add []bool, groups []uint) (roots []*value, ends []int, kept []uint) {
	readers := make(map[*value]int)
	all := make([]*value, len(views))
	for i, v := range views {
		all[i] = v.of
		readers[v.of]++
	}
	_, uses := usesOf(all)
	for i, v := range views {
		if add != nil && add[i] {
			if c, ok := constantIn(v); ok && c == 0 {
				continue
			}
			prior := b.add(priorOp{i}, v.shape)
			v = b.add(binaryOp{fnAdd}, v.shape, prior, v)
		} else if !v.whole() || v.of.leaf() || len(uses[v.of]) > 0 || readers[v.of] > 1 {
			c := &value{id: len(b.values), shape: v.shape, do: copyOp{}, args: []view{v}}
			b.values = append(b.values, c)
			v = c.all()
		}
		roots, ends, kept = append(roots, v.of), append(ends, i), append(kept, groups[i])
	}
	return roots, ends, kept
}

// add appends the instruction of a unit.
func (p *Program[T]) add(u *unit, refs func(*value) ref) {
	var in instruction[T]
	v := u.root
	if u.source != nil {
		v = u.source
	}
	switch v.do.(type) {
	case matmulOp:
		mm := newMatmul[T](u, refs)
		if mm.then != nil {
			p.reserve(mm.then)
		}
		in = mm
	case reduceOp:
		in = newReduction[T](u, refs)
	case copyOp:
		if len(u.chain) == 1 {
			in = newCopying[T](u, refs)
			break
		}
		in = p.reserve(newChain[T](u, refs))
	case concatOp, placeOp:
		in = newJoining[T](u, refs)
	case foreignOp:
		in = newForeign[T](u, refs)
	case im2colOp, col2imOp, maxPoolOp, maxPoolGradOp, averagePoolOp, averagePoolGradOp:
		in = newImage[T](u, refs)
	default:
		in = p.reserve(newChain[T](u, refs))
	}
	p.instructions = append(p.instructions, in)
	p.needs = append(p.needs, u.outputs)
}

// reserve makes room for the blocks of a chain.
func (p *Program[T]) reserve(c *chain[T]) *chain[T] {
	p.scratch = max(p.scratch, c.scratch())
	p.regs = max(p.regs, c.regs)
	return c
}
