package odeint

// saver has what a solve still has to save.
type saver struct {
	times      []float64
	next       int // the first of times that is not saved
	every      int
	start, end bool
}

// check adds what is wrong with the saved times of a solve from t0 to t1.
func (o *saver) check(t0, t1, dir float64, f *faults) {
	lo, hi := min(t0, t1), max(t0, t1)
	for i, t := range o.times {
		if !(t >= lo && t <= hi) {
			f.add("times: %v at %d is outside the interval from %v to %v", t, i, t0, t1)
		} else if i > 0 && !(dir*t > dir*o.times[i-1]) {
			f.add("times: %v at %d does not follow %v in the direction of integration", t, i, o.times[i-1])
		}
	}
}

// first reports whether the initial state is saved.
func (o *saver) first(t0 float64, last bool) bool {
	if len(o.times) > 0 && o.times[0] == t0 {
		o.next = 1
		return true
	}
	return o.start || o.end && last
}

// before reports whether the next saved time lies before the end of the step.
func (o *saver) before(t1, dir float64) bool {
	return o.next < len(o.times) && dir*o.times[o.next] < dir*t1
}

// at reports whether the end t1 of the n-th accepted step is saved; last is the
// end of the solve.
func (o *saver) at(t1 float64, n int, last bool) bool {
	if o.next < len(o.times) && o.times[o.next] == t1 {
		o.next++
		return true
	}
	return o.every > 0 && n%o.every == 0 || o.end && last
}
