package graph

import (
	"runtime"

	"github.com/neuralode/neuralode/internal/vec"
)

// rowRun is the memory that a blocked program runs in.
type rowRun[T Float] struct {
	p         *blocked[T]
	pre, post *frame[T]
	dst, src  [][]T // outputs and inputs of the body
	sums      [][]T
	partial   [][]T // sums of the chunks but the first
	wanted    uint64
	errs      []error // of the chunks
	workers   []*rowWorker[T]
	crew      *crew // nil: not needed so far
	reducing  bool  // the crew's tasks are slices of the sums, not chunks
}

// worthHelp is the cost of a run, in multiply-adds, from which on helpers shorten it:
// about 20 µs of one core.
const worthHelp = 4e5

// worthSharing is the number of additions of chunks' sums from which on they are shared.
const worthSharing = 1 << 14

// rowWorker is the memory of one who runs blocks.
type rowWorker[T Float] struct{ full, tail *frame[T] }

// newRun returns memory for a number of workers, which is at most the number of
// chunks. 0: as many as pay.
func (p *blocked[T]) newRun(workers int) *rowRun[T] {
	r := &rowRun[T]{p: p, dst: make([][]T, len(p.out)), src: make([][]T, len(p.in)), errs: make([]error, p.chunks())}
	if p.pre != nil {
		r.pre = p.pre.newFrame()
	}
	if p.post != nil {
		r.post = p.post.newFrame()
	}
	for i, n := range p.mids {
		r.src[len(p.in)-len(p.mids)+i] = make([]T, n)
	}
	for _, n := range p.sums {
		r.sums = append(r.sums, make([]T, n))
	}
	size := 0
	for _, a := range p.added {
		size += a.size
	}
	if size > 0 {
		for range p.chunks() - 1 {
			r.partial = append(r.partial, make([]T, size))
		}
	}
	if workers == 0 && p.cost >= worthHelp {
		workers = runtime.GOMAXPROCS(0)
	}
	for range max(1, min(workers, p.chunks())) {
		r.workers = append(r.workers, p.newWorker())
	}
	return r
}

// forget drops the caller's slices.
func (w *rowWorker[T]) forget() {
	w.full.forget()
	if w.tail != nil {
		w.tail.forget()
	}
}

func (p *blocked[T]) newWorker() *rowWorker[T] {
	w := &rowWorker[T]{full: p.full.newFrame()}
	if p.tail != nil {
		w.tail = p.tail.newFrame()
	}
	return w
}

// execute is Instance.execute.
func (r *rowRun[T]) execute(wanted uint64) error {
	p := r.p
	r.wanted = wanted
	own := len(p.in) - len(p.mids)
	dst, src := r.dst[:len(p.out)-len(p.sums)], r.src[:own]
	var err error
	if r.pre != nil {
		copy(r.pre.inputs(), src)
		copy(r.pre.outputs(), r.src[own:])
		err = r.pre.execute(wanted)
		r.pre.forget()
	}
	for i, s := range r.sums {
		clear(s)
		r.dst[len(dst)+i] = s
	}
	r.share(false, len(r.workers) > 1)
	if r.wanted&p.sumGroups != 0 && len(r.partial) > 0 {
		r.share(true, len(r.workers) > 1 && len(r.partial)*len(r.partial[0]) >= worthSharing)
	}
	for c, e := range r.errs {
		if err == nil {
			err = e
		}
		r.errs[c] = nil
	}
	if r.post != nil {
		in := r.post.inputs()
		copy(in, r.src)
		copy(in[len(r.src):], r.sums)
		copy(r.post.outputs(), dst)
		if e := r.post.execute(wanted); err == nil {
			err = e
		}
		r.post.forget()
	}
	for _, w := range r.workers {
		w.forget()
	}
	return err
}

// share runs the chunks, or then adds up their sums, with the helpers or without.
func (r *rowRun[T]) share(reducing, helped bool) {
	r.reducing = reducing
	if !helped {
		for c := range r.p.chunks() {
			r.task(0, c)
		}
		return
	}
	if r.crew == nil {
		r.crew = newCrew(len(r.workers), r.p.chunks(), r.task)
	}
	r.crew.run()
}

func (r *rowRun[T]) task(worker, c int) {
	if r.reducing {
		r.reduce(c)
	} else {
		r.chunk(worker, c)
	}
}

// release sends the helpers away; the next run calls others.
func (r *rowRun[T]) release() {
	if r.crew != nil {
		r.crew.end()
		r.crew = nil
	}
}

// chunk runs the blocks of chunk c in the memory of a worker.
func (r *rowRun[T]) chunk(worker, c int) {
	p, w := r.p, r.workers[worker]
	summing := c > 0 && r.wanted&p.sumGroups != 0
	start, end := c*p.chunk, min((c+1)*p.chunk, p.batch)
	for row := start; row < end; row += p.block {
		m, n := w.full, p.block
		if row+n > end {
			m, n = w.tail, end-row
		}
		in, out := m.inputs(), m.outputs()
		for i, s := range r.src {
			if k := p.in[i]; k > 0 && s != nil {
				s = s[row*k : (row+n)*k]
			}
			in[i] = s
		}
		for i, d := range r.dst {
			if k := p.out[i]; k > 0 && d != nil {
				out[i] = d[row*k : (row+n)*k]
			} else {
				out[i] = d
			}
		}
		m.fresh = summing && row == start
		if summing {
			at := 0
			for _, a := range p.added {
				out[a.end] = r.partial[c-1][at:][:a.size]
				at += a.size
			}
		}
		if m.fresh {
			for _, i := range m.code.clears {
				clear(out[i])
			}
		}
		if err := m.execute(r.wanted); err != nil && r.errs[c] == nil {
			r.errs[c] = inBlock(err, row)
		}
	}
}

// reduce adds the chunks' sums to those of the first, in slice c of as many as there are
// chunks.
func (r *rowRun[T]) reduce(c int) {
	size, n := len(r.partial[0]), r.p.chunks()
	lo, hi := sliceEnd(size, c, n), sliceEnd(size, c+1, n)
	at := 0 // where the sums of an output begin
	for _, a := range r.p.added {
		from, to := max(lo, at), min(hi, at+a.size)
		if from < to && a.groups&r.wanted != 0 {
			d := r.dst[a.end][from-at : to-at]
			for _, s := range r.partial {
				vec.Add(d, d, s[from:to])
			}
		}
		at += a.size
	}
}

// sliceEnd is where slice c of n begins in size elements, at a cache line.
func sliceEnd(size, c, n int) int {
	const line = 16
	if c == n {
		return size
	}
	return size / line * c / n * line
}
