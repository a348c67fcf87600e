package adjoint

import (
	"unsafe"

	"github.com/neuralode/neuralode/odeint"
)

// checkpoints are states at the starts of some steps of a solve. Forwards they are taken
// as the solve goes, without knowing how many steps there will be: of every step, and when
// the memory is full every second one is dropped and their distance doubled. Backwards the
// steps in between are taken again from the checkpoint before them, and the memory that has
// become free holds further checkpoints at the places that are best for it (Griewank &
// Walther 2000, Algorithm 799: revolve, ACM Trans. Math. Softw. 26, 19–45).
type checkpoints[T odeint.Float] struct {
	n, size int // components of a state; how many states fit
	stride  int // distance of the checkpoints of the forward solve

	times []stepTimes
	slots []checkpoint[T] // in the order of their steps
	used  int
	y     [2][]T // states on the way
	step  odeint.Step[T]
}

// stepTimes are the times of an odeint.Step.
type stepTimes struct {
	t0, t1, h, lo, hi float64
	stiff             bool
}

// checkpoint is the state at the start of a step.
type checkpoint[T odeint.Float] struct {
	index int
	y     []T
}

func newCheckpoints[T odeint.Float](n, bytes int) *checkpoints[T] {
	return &checkpoints[T]{n: n, size: bytes / sizeOf[T](n), y: [2][]T{make([]T, n), make([]T, n)}}
}

// begin forgets the last solve.
func (c *checkpoints[T]) begin() { c.times, c.used, c.stride = c.times[:0], 0, 1 }

// observe takes a step of the forward solve.
func (c *checkpoints[T]) observe(s *odeint.Step[T]) {
	i := len(c.times)
	c.times = append(c.times, stepTimes{t0: s.T0, t1: s.T1, h: s.H, lo: s.Lo, hi: s.Hi, stiff: s.Stiff})
	if i%c.stride != 0 {
		return
	}
	if c.used == c.size {
		c.thin()
		if i%c.stride != 0 {
			return
		}
	}
	copy(c.push(i), s.Y0)
}

// thin drops every second checkpoint.
func (c *checkpoints[T]) thin() {
	c.stride *= 2
	kept := 0
	for i := range c.used {
		if c.slots[i].index%c.stride == 0 {
			c.slots[kept], c.slots[i] = c.slots[i], c.slots[kept]
			kept++
		}
	}
	c.used = kept
}

// push returns the memory of a new checkpoint, that of step i.
func (c *checkpoints[T]) push(i int) []T {
	if c.used == len(c.slots) {
		c.slots = append(c.slots, checkpoint[T]{y: make([]T, c.n)})
	}
	slot := &c.slots[c.used]
	slot.index = i
	c.used++
	return slot.y
}

// rewind prepares for going back: half of the memory is for the checkpoints that the way
// back takes, unless there is one for every step.
func (c *checkpoints[T]) rewind() {
	if c.stride > 1 && c.used > c.size/2 {
		c.thin()
	}
}

// at returns the times of step i.
func (c *checkpoints[T]) at(i int) odeint.Step[T] {
	t := c.times[i]
	return odeint.Step[T]{T0: t.t0, T1: t.t1, H: t.h, Lo: t.lo, Hi: t.hi, Stiff: t.stiff}
}

// seek returns the state at the start of step i. It belongs to c until the next call. Steps
// are sought from the last to the first.
func (c *checkpoints[T]) seek(p *pass[T], i int) ([]T, error) {
	for c.slots[c.used-1].index > i {
		c.used--
	}
	for {
		last := c.slots[c.used-1]
		ahead := i - last.index
		if ahead == 0 {
			return last.y, nil
		}
		if c.used == c.size {
			copy(c.y[0], last.y)
			return c.advance(p, last.index, i)
		}
		next := last.index + spread(ahead+1, c.size-c.used+1)
		copy(c.y[0], last.y)
		y, err := c.advance(p, last.index, next)
		if err != nil {
			return nil, err
		}
		copy(c.push(next), y)
	}
}

// advance takes the steps from step i, whose start is in y[0], to the start of step j.
func (c *checkpoints[T]) advance(p *pass[T], i, j int) ([]T, error) {
	for ; i < j; i++ {
		k := c.step.K
		c.step = c.at(i)
		c.step.Y0, c.step.Y1, c.step.K = c.y[0], c.y[1], k[:0]
		if err := p.retake(&c.step, false); err != nil {
			return nil, err
		}
		c.y[0], c.y[1] = c.y[1], c.y[0]
		if p.ev != nil {
			copy(c.y[0], p.ev.after(i))
		}
	}
	return c.y[0], nil
}

// spread is how many steps to go from a checkpoint to the next one, so that the steps up
// to the one n ahead can be reversed with the fewest repetitions by as many checkpoints as
// slots, the first one included.
func spread(n, slots int) int {
	s := float64(slots)
	// binomial(s+r, s) steps can be reversed with none taken more than r times.
	most, fewer := 1.0, 0.0 // for r and r − 1
	r := 0.0
	for most < float64(n) {
		r++
		fewer, most = most, most*(s+r)/r
	}
	// binomial(s+r−2, s−1) are the least that the rest has to have.
	rest := fewer * s / max(s+r-1, 1)
	return max(1, int(min(fewer, float64(n)-rest, float64(n-1))))
}

func (c *checkpoints[T]) bytes() int {
	return sizeOf[T](len(c.slots)*c.n+2*c.n+cap(c.step.K)) + cap(c.times)*int(unsafe.Sizeof(stepTimes{}))
}
