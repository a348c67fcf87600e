package graph

import (
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

// blocked is a program that runs by blocks of rows: what all rows share first, then
// one block of rows after the other through all instructions, so that intermediate
// results stay in cache, then what needs the sums over all rows.
//
// The rows are dealt out in chunks of several blocks. Sums over rows are formed chunk
// by chunk, and the chunks' sums added in their order. The chunks depend on the
// program alone, and so does every bit of the result.
type blocked[T Float] struct {
	batch, block, chunk int
	cost                float64 // of all rows, in multiply-adds

	pre, post *code[T] // nil: nothing to do
	mids      []int    // sizes of what pre computes
	sums      []int    // sizes of the sums that post reads

	full, tail *code[T] // for block rows, and for those that are left over
	in, out    []int    // elements of a row of the body's inputs and outputs; 0: no rows
	added      []added
	sumGroups  uint64 // the output groups of added
}

// added is an output of the body that rows are summed in.
type added struct {
	end, size int
	groups    uint64
}

// The choice of blocks and chunks.
const (
	blockBytes   = 96 << 10 // what the intermediate results of a block may take
	maxBlock     = 128      // rows
	productBlock = 64       // rows of a product that make reading the other factor pay
	convBytes    = 192      // of a row of pixels, of all images of a block, that fill registers

	maxChunks = 16
	chunkCost = 2e5 // multiply-adds of a chunk at least
	sumCost   = 128 // and for each element of the sums over rows
)

// compileRows returns the program by blocks of rows, or nil if rows depend on each
// other.
func compileRows[T Float](b *builder, r *spec, in, out []int, targets []target) *blocked[T] {
	rows, ok := newRows(r.batch, r.batchInputs, targets)
	if !ok {
		return nil
	}
	rows.turn(b, func(transB bool, n, k int) bool { return vec.CopiesB[T](false, transB, n, k) })
	outputs := r.batchOutputs
	if outputs == nil {
		outputs = rows.outputs(targets, len(out))
	}
	s, ok := newSplit(rows, targets, outputs, len(out))
	if !ok {
		return nil
	}
	p := &blocked[T]{batch: r.batch, cost: s.cost()}
	if len(s.mids) > 0 {
		var pre []target
		for i, v := range s.mids {
			p.mids = append(p.mids, v.size())
			pre = append(pre, target{view: v.all(), end: i, groups: s.groups[v]})
		}
		p.pre = assemble[T](b, pre, len(in), len(pre))
	}
	nIn, nOut := len(in)+len(s.mids), len(out)+len(s.sums)
	p.in, p.out = make([]int, nIn), make([]int, nOut)
	for i, n := range in {
		if r.batchInputs[i] {
			p.in[i] = n / r.batch
		}
	}
	for i, n := range out {
		if outputs[i] {
			p.out[i] = n / r.batch
		}
	}
	seen := make([]bool, nOut)
	for _, t := range s.body {
		if end := t.end; p.out[end] == 0 && !seen[end] {
			seen[end] = true
			p.added = append(p.added, added{end, t.view.size(), t.groups})
			p.sumGroups |= t.groups
		}
	}
	if len(s.rest) > 0 {
		for _, v := range s.sums {
			p.sums = append(p.sums, v.size())
		}
		rest, targets := s.restAt(len(in))
		p.post = assemble[T](rest, targets, nIn+len(s.sums), len(out))
	}
	assembleBody := func(rows int) *code[T] {
		body, targets := s.bodyAt(rows, len(in))
		return assemble[T](body, targets, nIn, nOut)
	}
	least := s.leastBlock()
	together := convBlock[T](s)
	p.layOut(sizeBytes[T](assembleBody(least).arena)/least, max(least, together), together)
	p.full = assembleBody(p.block)
	if left := r.batch % p.block; left > 0 {
		p.tail = assembleBody(left)
	}
	return p
}

// leastBlock is the number of samples that have productBlock rows in every product.
func (s *split) leastBlock() int {
	rows := productBlock
	for _, v := range s.order {
		if _, ok := v.do.(matmulOp); ok && s.kind[v] == perRow {
			rows = min(rows, v.shape[0]/s.batch)
		}
	}
	return min(s.batch, productBlock/rows)
}

// convBlock is the number of samples whose rows of pixels together are long enough for
// convolutions.
func convBlock[T Float](s *split) int {
	samples := 1
	for _, v := range s.order {
		if _, ok := v.do.(convOp); ok && s.kind[v] == perRow {
			samples = max(samples, convBytes/sizeBytes[T](v.shape[3]))
		}
	}
	return min(s.batch, samples, 16)
}

// layOut chooses the blocks, of at least so many samples, and the chunks, of at least as
// many as are together. A sample's intermediate results take that many bytes.
func (p *blocked[T]) layOut(bytes, least, together int) {
	for i := range p.in {
		bytes += sizeBytes[T](p.in[i])
	}
	for i := range p.out {
		bytes += sizeBytes[T](p.out[i])
	}
	most := max(least, min(maxBlock, blockBytes/max(bytes, 1)))
	sums := 0
	for _, a := range p.added {
		sums += a.size
	}
	pay := int(p.cost / max(chunkCost, sumCost*float64(sums)))
	chunks := 1 // a power of two, for so many cores
	for chunks < maxChunks && 2*chunks*together <= min(pay*together, p.batch) {
		chunks *= 2
	}
	p.chunk = (p.batch + chunks - 1) / chunks
	blocks := (p.chunk + most - 1) / most
	p.block = (p.chunk + blocks - 1) / blocks
	p.chunk = p.block * blocks
}

func (p *blocked[T]) chunks() int { return (p.batch + p.chunk - 1) / p.chunk }

func sizeBytes[T Float](n int) int {
	if _, ok := any(T(0)).(float32); ok {
		return 4 * n
	}
	return 8 * n
}

// cost counts the multiply-adds of all rows.
func (s *split) cost() float64 {
	var sum float64
	for _, v := range s.order {
		if s.kind[v] != perRow && s.kind[v] != overRows {
			continue
		}
		n := float64(v.size())
		switch do := v.do.(type) {
		case matmulOp:
			n *= float64(v.args[0].shape[len(v.shape)-1])
		case convOp:
			if do.back {
				n = float64(v.args[0].size())
			}
			n *= float64(v.args[1].shape[1])
		case convFiltersOp:
			n *= float64(v.args[1].size() / v.shape[1])
		case unaryOp:
			if do.fn != fnNeg && do.fn != fnSquare {
				n *= 16
			}
		case reduceOp:
			n = float64(v.args[0].size())
		}
		sum += n
	}
	return sum
}

// copied makes values of a part of the program on a builder of its own.
type copied struct {
	*builder
	of map[*value]*value
}

func (s *split) newPart(in int) copied {
	c := copied{newBuilder(), make(map[*value]*value)}
	for _, v := range s.order {
		switch do := v.do.(type) {
		case literalOp:
			c.put(v, do, v.shape)
		case inputOp:
			if s.kind[v] == shared {
				c.put(v, do, v.shape)
			}
		}
	}
	for i, v := range s.mids {
		c.put(v, inputOp{in + i}, v.shape)
	}
	return c
}

// put makes the copy of v.
func (c copied) put(v *value, do op, shape []int, args ...view) {
	w := &value{id: len(c.values), shape: shape, do: do, args: args}
	c.values = append(c.values, w)
	c.of[v] = w
}

// bodyAt returns the targets of a block of some rows.
func (s *split) bodyAt(rows, in int) (*builder, []target) {
	c := s.newPart(in)
	scaled := func(shape []int, axis int) []int {
		shape = slices.Clone(shape)
		if axis >= 0 {
			shape[axis] = shape[axis] / s.batch * rows
		}
		return shape
	}
	for _, v := range s.order {
		kind := s.kind[v]
		if kind == shared || kind == after {
			continue
		}
		if in, ok := v.do.(inputOp); ok {
			c.put(v, in, scaled(v.shape, 0))
			continue
		}
		args := make([]view, len(v.args))
		for i, a := range v.args {
			args[i] = view{c.of[a.of], a.offset, scaled(a.shape, s.along[v][i]), a.strides}
		}
		axis := -1
		if kind == perRow {
			axis = s.axis[v]
		}
		c.put(v, v.do, scaled(v.shape, axis), args...)
	}
	targets := make([]target, len(s.body))
	for i, t := range s.body {
		axis := -1
		if k := s.kind[t.view.of]; k != overRows {
			axis = firstLong(t.view.shape)
		}
		t.view = view{c.of[t.view.of], t.view.offset, scaled(t.view.shape, axis), t.view.strides}
		targets[i] = t
	}
	return c.builder, targets
}

// restAt returns the targets of what comes after all rows.
func (s *split) restAt(in int) (*builder, []target) {
	c := s.newPart(in)
	for i, v := range s.sums {
		c.put(v, inputOp{in + len(s.mids) + i}, v.shape)
	}
	for _, v := range s.order {
		if s.kind[v] != after {
			continue
		}
		args := make([]view, len(v.args))
		for i, a := range v.args {
			args[i] = view{c.of[a.of], a.offset, a.shape, a.strides}
		}
		c.put(v, v.do, v.shape, args...)
	}
	targets := make([]target, len(s.rest))
	for i, t := range s.rest {
		t.view.of = c.of[t.view.of]
		targets[i] = t
	}
	return c.builder, targets
}
