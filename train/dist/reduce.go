package dist

import "fmt"

// small is up to how many numbers in all are gathered by every rank, which then adds them itself:
// one message less for vectors whose time is latency.
const small = 1 << 12

// Reducer adds vectors over the blocks of a group. Its buffers are reused; it is used by one
// goroutine at a time. A nil Comm is a group of one.
type Reducer struct {
	Comm Comm

	send, recv             []float64
	sendCounts, recvCounts []int
	slots                  [][]float64
	nodes                  []node
}

// node is a subtree of the tree over blocks: those from at on, width of them, fewer at the end.
type node struct{ at, width int }

// Sum stores in dst, on every rank, the sum of n vectors of its length, one for each block. own are
// those of this rank's blocks, Range(n, Size, Rank), and are overwritten. The order of additions is
// fixed by n alone: neighbouring blocks are added, then neighbouring sums, and so on.
//
// Each rank sends about len(dst) numbers for every subtree that its blocks fill, one of them if n
// and Size are powers of two, and as many for the sums.
func (r *Reducer) Sum(dst []float64, n int, own [][]float64) error {
	size, rank := 1, 0
	if r.Comm != nil {
		size, rank = r.Comm.Size(), r.Comm.Rank()
	}
	lo, hi := Range(n, size, rank)
	if len(own) != hi-lo {
		panic(fmt.Sprintf("dist: %d vectors; this rank has the blocks from %d to %d", len(own), lo, hi))
	}
	for _, v := range own {
		if len(v) != len(dst) {
			panic("dist: vectors of different lengths")
		}
	}
	if len(r.slots) < n {
		r.slots = make([][]float64, n)
	}
	slots := r.slots[:n]
	clear(slots)
	copy(slots[lo:hi], own)
	if n == 0 || len(dst) == 0 {
		clear(dst)
		return nil
	}
	nodes, total := appendNodes(r.nodes[:0], lo, hi, n), 0
	for _, nd := range nodes {
		fold(slots[nd.at:min(nd.at+nd.width, n)])
	}
	if size == 1 {
		copy(dst, slots[0])
		return nil
	}
	r.sendCounts, r.recvCounts = resized(r.sendCounts, size), resized(r.recvCounts, size)
	nodes = nodes[:0]
	for s := range size {
		a, b := Range(n, size, s)
		before := len(nodes)
		nodes = appendNodes(nodes, a, b, n)
		r.recvCounts[s] = len(nodes) - before // for now: of nodes
		total += len(nodes) - before
	}
	r.nodes = nodes
	if total*len(dst) <= small {
		return r.gather(dst, slots, lo, total)
	}
	return r.slices(dst, slots, lo, total)
}

// gather lets every rank get all nodes.
func (r *Reducer) gather(dst []float64, slots [][]float64, lo, total int) error {
	p := len(dst)
	r.send = r.send[:0]
	for _, v := range slots[lo:] {
		if v != nil {
			r.send = append(r.send, v...)
		}
	}
	for s := range r.recvCounts {
		r.recvCounts[s] *= p
	}
	r.recv = resized(r.recv, total*p)
	if err := r.Comm.AllGather(r.recv, r.send, r.recvCounts); err != nil {
		return err
	}
	for i, nd := range r.nodes {
		slots[nd.at] = r.recv[i*p : (i+1)*p]
	}
	fold(slots)
	copy(dst, slots[0])
	return nil
}

// slices lets every rank add one piece of the vectors, and then gathers the pieces.
func (r *Reducer) slices(dst []float64, slots [][]float64, lo, total int) error {
	p, size := len(dst), len(r.recvCounts)
	a, b := Range(p, size, r.Comm.Rank())
	r.send = r.send[:0]
	for s := range size {
		before := len(r.send)
		from, to := Range(p, size, s)
		for _, v := range slots[lo:] {
			if v != nil {
				r.send = append(r.send, v[from:to]...)
			}
		}
		r.sendCounts[s] = len(r.send) - before
		r.recvCounts[s] *= b - a
	}
	r.recv = resized(r.recv, total*(b-a))
	if err := r.Comm.AllToAll(r.recv, r.recvCounts, r.send, r.sendCounts); err != nil {
		return err
	}
	for i, nd := range r.nodes {
		slots[nd.at] = r.recv[i*(b-a) : (i+1)*(b-a)]
	}
	fold(slots)
	for s := range size {
		from, to := Range(p, size, s)
		r.recvCounts[s] = to - from
	}
	return r.Comm.AllGather(dst, slots[0], r.recvCounts)
}

// fold adds, level by level, each slot's right neighbour to it if both are there, and empties the
// neighbour.
func fold(slots [][]float64) {
	n := len(slots)
	for w := 1; w < n; w *= 2 {
		for i := 0; i+w < n; i += 2 * w {
			left, right := slots[i], slots[i+w]
			if left == nil || right == nil {
				continue
			}
			right = right[:len(left)]
			for k := range left {
				left[k] += right[k]
			}
			slots[i+w] = nil
		}
	}
}

// appendNodes appends the largest subtrees that the blocks from lo to hi of n fill.
func appendNodes(nodes []node, lo, hi, n int) []node {
	for lo < hi {
		width := lo & -lo
		if lo == 0 {
			for width = 1; width < n; {
				width *= 2
			}
		}
		for min(lo+width, n) > hi {
			width /= 2
		}
		nodes = append(nodes, node{lo, width})
		lo += width
	}
	return nodes
}

// resized returns a slice of length n, s if it is large enough.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
