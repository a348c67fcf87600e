package control

import (
	"fmt"
	"math"
	"slices"
)

// Float is the element type of a path.
type Float interface{ float32 | float64 }

// Path is an exogenous input u(t) of a batch of samples, (batch, channels),
// interpolated through knots. It does not change, so that goroutines may share it.
type Path[T Float] struct {
	kind     Kind
	channels int
	values   []T
	grids    []grid
	series   []series // (batch, channels)
	longest  int      // knots of a grid
}

// series is one channel of one sample: its knot k has the value at
// index[k], or at start + k·stride.
type series struct {
	grid          int
	start, stride int
	index         []int
}

func (s *series) at(k int) int {
	if s.index != nil {
		return s.index[k]
	}
	return s.start + k*s.stride
}

// New returns a path of a kind through knots. times holds the ascending times of
// the knots of each sample, or a single list that is for all; values their values,
// (knots, channels) for one sample after the other. NaN is a missing value: the
// channel of that sample has one knot less. Both are copied.
//
// The error is a *PathError that lists all faults.
func New[T Float](kind Kind, channels int, times [][]float64, values []T) (*Path[T], error) {
	p := &Path[T]{kind: kind, channels: channels, values: slices.Clone(values)}
	var faults []string
	fault := func(format string, args ...any) {
		if len(faults) < 10 {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	if kind < Previous || kind > NaturalCubic {
		fault("%v is no kind of path; use Previous, Linear, Hermite or NaturalCubic", kind)
	}
	if channels < 1 {
		fault("%d channels; there must be at least 1", channels)
	}
	if len(times) == 0 {
		fault("no times; give a list for each sample, or one for all")
	}
	total := 0
	for i, ts := range times {
		if len(ts) == 0 {
			fault("sample %d has no knots", i)
		}
		total += len(ts)
		for k, t := range ts {
			if math.IsNaN(t) || math.IsInf(t, 0) || k > 0 && !(t > ts[k-1]) {
				fault("time %d of sample %d is %v; times must be finite and ascend", k, i, t)
				break
			}
		}
	}
	if faults != nil {
		return nil, &PathError{Faults: faults}
	}
	batch, needed := len(times), total*channels
	if batch == 1 {
		batch = len(values) / needed
		needed *= max(batch, 1)
	}
	if len(values) != needed {
		return nil, &PathError{Faults: []string{fmt.Sprintf("%d values for %d knots of %d channels; there must be as many, or a multiple where all samples share the times", len(values), total, channels)}}
	}
	start := 0
	for i := range batch {
		ts := times[min(i, len(times)-1)]
		if i < len(times) {
			p.addGrid(slices.Clone(ts))
		}
		whole := len(p.grids) - 1
		if len(times) == 1 {
			whole = 0
		}
		for c := range channels {
			s := series{grid: whole, start: start + c, stride: channels}
			var seen []int
			for k := range ts {
				switch v := float64(values[start+c+k*channels]); {
				case math.IsInf(v, 0):
					fault("value %d of channel %d of sample %d is %v; values must be finite, or NaN where they are missing", k, c, i, v)
				case !math.IsNaN(v):
					seen = append(seen, k)
				}
			}
			switch {
			case len(seen) == 0:
				fault("channel %d of sample %d has no values; fill it, with 0 for one", c, i)
			case len(seen) < len(ts):
				var own []float64
				for j, k := range seen {
					own = append(own, ts[k])
					seen[j] = s.at(k)
				}
				p.addGrid(own)
				s.grid, s.index = len(p.grids)-1, seen
			}
			p.series = append(p.series, s)
		}
		start += len(ts) * channels
	}
	if faults != nil {
		return nil, &PathError{Faults: faults}
	}
	return p, nil
}

func (p *Path[T]) addGrid(t []float64) {
	p.grids = append(p.grids, newGrid(p.kind, t))
	p.longest = max(p.longest, len(t), 3)
}

// Kind is how the path goes from knot to knot.
func (p *Path[T]) Kind() Kind { return p.kind }

// Channels is the number of inputs of a sample.
func (p *Path[T]) Channels() int { return p.channels }

// Dim is the length of u, batch·Channels.
func (p *Path[T]) Dim() int { return len(p.series) }

// Values are the values of the knots as they were given to New, missing ones
// included. The caller must not change them.
func (p *Path[T]) Values() []T { return p.values }

// Workspace is the length of the scratch that Eval and VJP need.
func (p *Path[T]) Workspace() int { return 2 * p.longest }

// At returns u(t) and du/dt, (batch, channels) each.
func (p *Path[T]) At(t float64) (u, du []T) {
	u, du = make([]T, p.Dim()), make([]T, p.Dim())
	p.Eval(u, du, t, p.values, make([]float64, p.Workspace()))
	return u, du
}

// Eval stores u(t) in u and du/dt in du, (batch, channels) each, for knots with the
// given values, in the order of Values. At a knot where the path or its rate jumps
// they are those to the right. u or du may be nil. scratch has the length Workspace.
func (p *Path[T]) Eval(u, du []T, t float64, values []T, scratch []float64) {
	p.check(u, du, values)
	p.visit(t, scratch, func(i int, s *series, first int, w, dw []float64) {
		x, dx := 0.0, 0.0
		for k, a := range w {
			v := float64(values[s.at(first+k)])
			x += a * v
			dx += dw[k] * v
		}
		if u != nil {
			u[i] = T(x)
		}
		if du != nil {
			du[i] = T(dx)
		}
	})
}

// VJP adds λᵀ∂u/∂values + μᵀ∂(du/dt)/∂values at t to dvalues, in the order of
// Values. lambda and mu are (batch, channels); nil is zero.
func (p *Path[T]) VJP(dvalues []T, t float64, lambda, mu []T, scratch []float64) {
	p.check(lambda, mu, dvalues)
	p.visit(t, scratch, func(i int, s *series, first int, w, dw []float64) {
		var l, m float64
		if lambda != nil {
			l = float64(lambda[i])
		}
		if mu != nil {
			m = float64(mu[i])
		}
		for k := range w {
			dvalues[s.at(first+k)] += T(l*w[k] + m*dw[k])
		}
	})
}

func (p *Path[T]) check(u, du, values []T) {
	if u != nil && len(u) != p.Dim() || du != nil && len(du) != p.Dim() || len(values) != len(p.values) {
		panic("control: slice length mismatch")
	}
}

// visit calls f for each series with the weights of its knots at t.
func (p *Path[T]) visit(t float64, scratch []float64, f func(i int, s *series, first int, w, dw []float64)) {
	if len(scratch) < p.Workspace() {
		panic("control: workspace too short")
	}
	grid, first := -1, 0
	var w, dw []float64
	for i := range p.series {
		s := &p.series[i]
		if s.grid != grid {
			grid = s.grid
			first, w, dw = p.grids[grid].weights(p.kind, t, scratch[:p.longest], scratch[p.longest:])
		}
		f(i, s, first, w, dw)
	}
}

// Jumps returns, in ascending order, the times of the knots at which the path has a
// jump or a kink, or, with rates, at which its rate has one: times a solver of a field that uses
// them had better step onto (odeint.Options.Jumps).
//
// Kinks of higher derivatives are not among them: those of Hermite without rates (its second
// derivative jumps at the knots) and of NaturalCubic (its third does). Tight tolerances with
// methods of high order want the knots in odeint.Options.Jumps too.
func (p *Path[T]) Jumps(rates bool) []float64 {
	var ts []float64
	for _, g := range p.grids {
		n := len(g.t)
		switch {
		case n == 1:
		case p.kind == Previous:
			ts = append(ts, g.t[1:]...)
		case p.kind == Linear, p.kind == Hermite && rates:
			ts = append(ts, g.t...)
		default: // smooth inside
			ts = append(ts, g.t[0], g.t[n-1])
		}
	}
	slices.Sort(ts)
	return slices.Compact(ts)
}
