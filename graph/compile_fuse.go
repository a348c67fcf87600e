package graph

import "slices"

// A unit is what one instruction computes: a chain of elementwise values, or
// one other value, or a matrix product with the chain that follows it while
// its rows are in cache.
type unit struct {
	root    *value   // the value that is stored
	chain   []*value // elementwise values in order, the root last; nil for other units
	source  *value   // the product that the chain works on; nil without one
	add     bool     // the value is added to what the output holds
	outputs uint64   // the output groups that need the unit
}

// maxChain bounds a chain, so that the blocks of its operands and intermediate
// results stay in cache.
const maxChain = 32

func elementwiseOp(o op) bool {
	switch o.(type) {
	case unaryOp, binaryOp, gradOp, copyOp:
		return true
	}
	return false
}

// leaf tells whether v needs no instruction.
func (v *value) leaf() bool {
	switch v.do.(type) {
	case inputOp, priorOp, literalOp:
		return true
	}
	return false
}

// use is one operand of a value.
type use struct {
	by *value
	at view
}

// usesOf returns the values below outputs, operands first, and who reads each.
func usesOf(outputs []*value) (order []*value, uses map[*value][]use) {
	uses = make(map[*value][]use)
	seen := make(map[*value]bool)
	var visit func(v *value)
	visit = func(v *value) {
		if seen[v] {
			return
		}
		seen[v] = true
		for _, a := range v.args {
			visit(a.of)
			uses[a.of] = append(uses[a.of], use{v, a})
		}
		order = append(order, v)
	}
	for _, v := range outputs {
		visit(v)
	}
	slices.SortFunc(order, func(a, b *value) int { return a.id - b.id })
	return order, uses
}

// fuse groups the values below outputs into units, in the order of execution.
// A value joins the unit of its readers if it is elementwise, has one reading
// unit, and is read there element by element in storage order; then it never
// leaves the cache. Roots are read by no other value.
func fuse(roots []root) []*unit {
	outputs := make([]*value, len(roots))
	needed := make(map[*value]uint64)
	for i, r := range roots {
		outputs[i] = r.of
		needed[r.of] |= r.groups
	}
	order, uses := usesOf(outputs)
	unitOf := make(map[*value]*unit)
	var units []*unit
	for _, v := range slices.Backward(order) {
		for _, u := range uses[v] {
			needed[v] |= needed[u.by]
		}
		if v.leaf() {
			continue
		}
		reader := soleReader(uses[v], unitOf)
		switch _, product := v.do.(matmulOp); {
		case elementwiseOp(v.do) && reader != nil && len(reader.chain) < maxChain:
			reader.chain = append(reader.chain, v)
			unitOf[v] = reader
		case product && reader != nil && reader.source == nil && (!reader.readsPrior() || len(reader.chain) == 1):
			reader.source = v
			unitOf[v] = reader
		default:
			u := &unit{root: v, outputs: needed[v]}
			if elementwiseOp(v.do) {
				u.chain = []*value{v}
			}
			units = append(units, u)
			unitOf[v] = u
		}
	}
	slices.Reverse(units)
	for _, u := range units {
		slices.Reverse(u.chain)
	}
	return accumulate(units, uses)
}

// soleReader returns the chain that alone reads a value, whole and in storage
// order, or nil.
func soleReader(uses []use, unitOf map[*value]*unit) *unit {
	var reader *unit
	for _, u := range uses {
		r := unitOf[u.by]
		if reader != nil && r != reader || !u.at.whole() {
			return nil
		}
		if !slices.Contains(r.chain, u.by) { // not a chain, or read by its product
			return nil
		}
		reader = r
	}
	return reader
}

// readsPrior tells whether the root adds to what the output holds. A product
// stored there first would destroy it.
func (u *unit) readsPrior() bool {
	return slices.ContainsFunc(u.root.args, func(a view) bool { _, ok := a.of.do.(priorOp); return ok })
}

// accumulate turns "prior + x" for a sum or product x into x added in place.
func accumulate(units []*unit, uses map[*value][]use) []*unit {
	byRoot := make(map[*value]*unit)
	for _, u := range units {
		byRoot[u.root] = u
	}
	gone := make(map[*unit]bool)
	for _, u := range units {
		if len(u.chain) != 1 {
			continue
		}
		sum, ok := u.root.do.(binaryOp)
		if !ok || sum.fn != fnAdd {
			continue
		}
		prior, x := u.root.args[0], u.root.args[1]
		if _, ok := prior.of.do.(priorOp); !ok || !prior.whole() || !x.whole() {
			continue
		}
		if u.source != nil {
			u.add, u.chain = true, nil
			continue
		}
		if sums(x.of.do) && len(uses[x.of]) == 1 && byRoot[x.of] != nil {
			u.add, u.chain, u.source = true, nil, x.of
			gone[byRoot[x.of]] = true
		}
	}
	return slices.DeleteFunc(units, func(u *unit) bool { return gone[u] })
}

// sums tells of ops, other than products, that can add to what the destination holds.
func sums(o op) bool {
	r, ok := o.(reduceOp)
	_, filters := o.(convFiltersOp)
	return ok && !r.max || filters
}
