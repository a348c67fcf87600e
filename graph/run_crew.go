package graph

import (
	"runtime"
	"sync/atomic"
)

// crew is a set of goroutines that help one caller with jobs of a fixed number of
// tasks. A task goes to whoever is free, the caller among them, so a helper that
// gets no processor delays nobody. Between jobs helpers look out for the next one
// for a tenth of a millisecond and then sleep.
type crew struct {
	do    func(worker, task int) // worker 0 is the caller
	tasks int64

	helpers []helper
	job     atomic.Uint64 // number of the job
	next    atomic.Int64  // task to be taken
	done    atomic.Int64  // tasks that are finished
	ended   atomic.Bool

	caller   sleeper
	finished func() bool
}

type helper struct{ sleeper }

// sleeper is one who can sleep until roused.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{} // of one element
}

// rest sleeps unless ready; whoever makes ready true must call rouse afterwards.
func (s *sleeper) rest(ready func() bool) {
	s.asleep.Store(true)
	if ready() && s.asleep.CompareAndSwap(true, false) {
		return
	}
	<-s.wake
}

// rouse ends the sleep, if there is one.
func (s *sleeper) rouse() {
	if s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// await returns when ready is true: it looks for a tenth of a millisecond, then sleeps.
func (s *sleeper) await(ready func() bool) {
	const rounds, looks = 600, 64 // about 100 µs: a solver does so much between two evaluations of a large state
	for !ready() {
		for range rounds {
			for range looks {
				if ready() {
					return
				}
			}
			runtime.Gosched()
		}
		s.rest(ready)
	}
}

// newCrew starts workers−1 helpers for jobs of tasks tasks.
func newCrew(workers, tasks int, do func(worker, task int)) *crew {
	c := &crew{do: do, tasks: int64(tasks), helpers: make([]helper, workers-1)}
	c.caller.wake = make(chan struct{}, 1)
	c.finished = func() bool { return c.done.Load() == c.tasks }
	c.next.Store(c.tasks)
	for i := range c.helpers {
		c.helpers[i].wake = make(chan struct{}, 1)
		go c.help(i)
	}
	return c
}

// run does all tasks of a job.
func (c *crew) run() {
	c.done.Store(0)
	c.next.Store(0)
	c.job.Add(1)
	for i := range c.helpers {
		c.helpers[i].rouse()
	}
	c.work(0)
	c.caller.await(c.finished)
}

// work takes tasks while there are any.
func (c *crew) work(worker int) {
	for {
		t := c.next.Add(1) - 1
		if t >= c.tasks {
			return
		}
		c.do(worker, int(t))
		if c.done.Add(1) == c.tasks {
			c.caller.rouse()
		}
	}
}

// help is the life of a helper.
func (c *crew) help(i int) {
	var seen uint64
	called := func() bool { return c.job.Load() != seen }
	for {
		c.helpers[i].await(called)
		seen = c.job.Load()
		if c.ended.Load() {
			return
		}
		c.work(i + 1)
	}
}

// end releases the helpers.
func (c *crew) end() {
	c.ended.Store(true)
	c.job.Add(1)
	for i := range c.helpers {
		c.helpers[i].rouse()
	}
}
