package dist

import (
	"fmt"
	"sync"
)

// Local returns a group of n ranks within this process, each for a goroutine of its own.
func Local(n int) []Comm {
	if n < 1 {
		panic("dist: a group of less than one")
	}
	g := &group{n: n, parts: make([][]float64, n), counts: make([][]int, n), bytes: make([][]byte, n)}
	g.changed = sync.NewCond(&g.mu)
	comms := make([]Comm, n)
	for i := range comms {
		comms[i] = &local{g, i}
	}
	return comms
}

// group is what the ranks share.
type group struct {
	n       int
	mu      sync.Mutex
	changed *sync.Cond
	arrived int
	turn    int // how many barriers all have passed
	err     error

	// What each rank shows to the others between two barriers.
	parts  [][]float64
	counts [][]int
	bytes  [][]byte
}

type local struct {
	g    *group
	rank int
}

func (c *local) Rank() int { return c.rank }
func (c *local) Size() int { return c.g.n }

func (c *local) Barrier() error {
	g := c.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	turn := g.turn
	if g.arrived++; g.arrived == g.n {
		g.arrived = 0
		g.turn++
		g.changed.Broadcast()
		return nil
	}
	for g.turn == turn && g.err == nil {
		g.changed.Wait()
	}
	if g.turn == turn {
		return g.err
	}
	return nil
}

func (c *local) Abort(err error) {
	g := c.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = fmt.Errorf("%w by rank %d: %w", ErrAborted, c.rank, err)
	}
	g.changed.Broadcast()
}

func (c *local) AllGather(all, part []float64, counts []int) error {
	g := c.g
	g.parts[c.rank] = part
	if err := c.Barrier(); err != nil {
		return err
	}
	at := 0
	for r, p := range g.parts {
		if len(p) != counts[r] {
			panic("dist: AllGather with a part of another length than its count")
		}
		at += copy(all[at:], p)
	}
	return c.Barrier()
}

func (c *local) AllToAll(recv []float64, recvCounts []int, send []float64, sendCounts []int) error {
	g := c.g
	g.parts[c.rank], g.counts[c.rank] = send, sendCounts
	if err := c.Barrier(); err != nil {
		return err
	}
	at := 0
	for r, p := range g.parts {
		from := 0
		for _, n := range g.counts[r][:c.rank] {
			from += n
		}
		n := g.counts[r][c.rank]
		if n != recvCounts[r] {
			panic("dist: AllToAll with counts that do not agree")
		}
		at += copy(recv[at:], p[from:from+n])
	}
	return c.Barrier()
}

func (c *local) Broadcast(buf []byte, root int) error {
	g := c.g
	g.bytes[c.rank] = buf
	if err := c.Barrier(); err != nil {
		return err
	}
	if c.rank != root {
		if len(g.bytes[root]) != len(buf) {
			panic("dist: Broadcast of different lengths")
		}
		copy(buf, g.bytes[root])
	}
	return c.Barrier()
}
