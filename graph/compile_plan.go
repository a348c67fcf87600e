package graph

import "slices"

// storage says where a value lives: in the caller's slice, among the constants,
// or in the instance's arena.
type storage struct {
	kind storageKind
	at   int // number of the input, output or constant; offset in the arena
}

type storageKind uint8

const (
	inArena storageKind = iota
	inInput
	inOutput
	inConstant
)

// plan is the layout of an instance's memory.
type plan struct {
	place     map[*value]storage
	constants [][]float64
	arena     int // elements
}

// arenaAlign keeps arena values on cache lines of their own.
const arenaAlign = 16

// layOut decides where the values of units live. direct[v] is the output that
// v is stored in from the start.
func layOut(units []*unit, direct map[*value]int) *plan {
	p := &plan{place: make(map[*value]storage)}
	last := make(map[*value]int) // the last unit that reads a value
	for i, u := range units {
		for _, a := range u.operands() {
			last[a.of] = i
		}
	}
	var free spaces
	for i, u := range units {
		operands := u.operands()
		for _, a := range operands {
			p.leaf(a.of)
		}
		dying := make(map[*value]bool)
		for _, a := range operands {
			if p.place[a.of].kind == inArena && last[a.of] == i {
				dying[a.of] = true
			}
		}
		if j, ok := direct[u.root]; ok {
			p.place[u.root] = storage{inOutput, j}
		} else if v := u.inPlace(dying); v != nil {
			p.place[u.root] = p.place[v]
			delete(dying, v)
		} else {
			var at int
			at, p.arena = free.take(aligned(u.root.size()), p.arena)
			p.place[u.root] = storage{inArena, at}
		}
		for v := range dying {
			free.give(p.place[v].at, aligned(v.size()))
		}
	}
	return p
}

func aligned(n int) int { return (n + arenaAlign - 1) / arenaAlign * arenaAlign }

func (p *plan) leaf(v *value) {
	if _, ok := p.place[v]; ok {
		return
	}
	switch do := v.do.(type) {
	case inputOp:
		p.place[v] = storage{inInput, do.index}
	case priorOp:
		p.place[v] = storage{inOutput, do.index}
	case literalOp:
		p.place[v] = storage{inConstant, len(p.constants)}
		p.constants = append(p.constants, do.data)
	}
}

// operands returns what the unit reads from memory.
func (u *unit) operands() []view {
	var from []*value
	switch {
	case u.chain == nil && u.source == nil:
		from = []*value{u.root}
	case u.source != nil:
		from = append(slices.Clone(u.chain), u.source)
	default:
		from = u.chain
	}
	return u.readBy(from)
}

// readBy returns the operands of some of the unit's values that are not
// computed in the unit.
func (u *unit) readBy(values []*value) []view {
	var views []view
	for _, v := range values {
		for _, a := range v.args {
			if a.of != u.source && !slices.Contains(u.chain, a.of) {
				views = append(views, a)
			}
		}
	}
	return views
}

// inPlace returns a dying operand that the unit may overwrite: one that is
// only read element by element, each before its place is written.
func (u *unit) inPlace(dying map[*value]bool) *value {
	if u.chain == nil || u.source != nil {
		return nil
	}
	var found *value
	for _, a := range u.operands() {
		if dying[a.of] && a.of.size() == u.root.size() && found == nil {
			found = a.of
		}
	}
	if found != nil {
		for _, a := range u.operands() {
			if a.of == found && !a.whole() {
				return nil
			}
		}
	}
	return found
}

// spaces is the free part of the arena, sorted by position.
type spaces []struct{ at, n int }

// take returns the position of n elements: the tightest gap, or new room at
// the end of the arena, whose size it returns too.
func (f *spaces) take(n, end int) (at, newEnd int) {
	best := -1
	for i, s := range *f {
		if s.n >= n && (best < 0 || s.n < (*f)[best].n) {
			best = i
		}
	}
	if best < 0 {
		if k := len(*f) - 1; k >= 0 && (*f)[k].at+(*f)[k].n == end {
			at = (*f)[k].at
			*f = (*f)[:k]
			return at, at + n
		}
		return end, end + n
	}
	s := &(*f)[best]
	at = s.at
	s.at += n
	s.n -= n
	if s.n == 0 {
		*f = slices.Delete(*f, best, best+1)
	}
	return at, end
}

// give returns n elements to the free ones and joins neighbours.
func (f *spaces) give(at, n int) {
	i := 0
	for i < len(*f) && (*f)[i].at < at {
		i++
	}
	*f = slices.Insert(*f, i, struct{ at, n int }{at, n})
	if i+1 < len(*f) && at+n == (*f)[i+1].at {
		(*f)[i].n += (*f)[i+1].n
		*f = slices.Delete(*f, i+1, i+2)
	}
	if i > 0 && (*f)[i-1].at+(*f)[i-1].n == at {
		(*f)[i-1].n += (*f)[i].n
		*f = slices.Delete(*f, i, i+1)
	}
}
