package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/train/table"
)

// Float is the set of types a model may compute in.
type Float = graph.Float

// Trajectory is one series of observed states.
type Trajectory[T Float] struct {
	// Times are strictly monotone, at least one.
	Times []float64

	// States has a row of the state's length for each time, (len(Times), dim). NaN
	// is a missing value.
	States []T

	// Weights are the weights of the values in the loss, of the shape of States, or
	// one for each time. Nil: 1.
	Weights []T

	// Start is the state at Times[0] from which the solve starts. Nil: the first row.
	// It must have no missing value, unless starts are learned: a missing one is
	// then guessed from the first value that is there.
	Start []T

	// Controls are the inputs of models that have some; see Config.Input.
	Controls Controls[T]
}

// Dataset is many trajectories of one kind. Their lengths and times may differ.
// Functions that return a Dataset share the memory of its rows with the one they
// were given.
type Dataset[T Float] []Trajectory[T]

// FromTable returns the trajectories of a table that train/table has read.
func FromTable[T Float](t *table.Table) Dataset[T] {
	d := make(Dataset[T], len(t.Trajectories))
	for i, tr := range t.Trajectories {
		d[i] = Trajectory[T]{Times: tr.Times, States: make([]T, len(tr.States))}
		for k, v := range tr.States {
			d[i].States[k] = T(v)
		}
	}
	return d
}

// Dim returns the length of a state, and an error that names the first trajectory
// whose lengths do not agree.
func (d Dataset[T]) Dim() (int, error) {
	if len(d) == 0 {
		return 0, fmt.Errorf("%w: no trajectories", ErrData)
	}
	if len(d[0].Times) == 0 {
		return 0, fmt.Errorf("%w: trajectory 0 has no times", ErrData)
	}
	dim := len(d[0].States) / len(d[0].Times)
	return dim, d.check(dim)
}

// check says what is wrong with trajectories for states of length dim.
func (d Dataset[T]) check(dim int) error {
	for i := range d {
		if err := d[i].check(dim); err != nil {
			return fmt.Errorf("%w: trajectory %d: %w", ErrData, i, err)
		}
	}
	return nil
}

func (tr *Trajectory[T]) check(dim int) error {
	n := len(tr.Times)
	switch {
	case n == 0:
		return fmt.Errorf("no times")
	case dim == 0 || len(tr.States) != n*dim:
		return fmt.Errorf("%d values for %d times and states of length %d; want %d", len(tr.States), n, dim, n*dim)
	case tr.Weights != nil && len(tr.Weights) != n && len(tr.Weights) != n*dim:
		return fmt.Errorf("%d weights; want %d, one for each time, or %d, one for each value", len(tr.Weights), n, n*dim)
	case tr.Start != nil && len(tr.Start) != dim:
		return fmt.Errorf("start of length %d; want %d", len(tr.Start), dim)
	}
	for i, t := range tr.Times {
		if math.IsNaN(t) || math.IsInf(t, 0) {
			return fmt.Errorf("time %v at %d", t, i)
		}
		if i > 1 && (t > tr.Times[i-1]) != (tr.Times[1] > tr.Times[0]) || i > 0 && t == tr.Times[i-1] {
			return fmt.Errorf("time %v at %d does not follow %v; times must be strictly monotone", t, i, tr.Times[i-1])
		}
	}
	for i, v := range tr.States {
		if math.IsInf(float64(v), 0) {
			return fmt.Errorf("value %v in row %d; write NaN for what is missing", v, i/dim)
		}
	}
	for i, w := range tr.Weights {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			return fmt.Errorf("weight %v at %d; weights are finite and not negative", w, i)
		}
	}
	return nil
}

// rows returns the trajectory's rows from lo to hi, without hi, with all its controls.
func (tr *Trajectory[T]) rows(lo, hi int) Trajectory[T] {
	n := len(tr.Times)
	part := func(s []T) []T {
		w := len(s) / n
		return s[lo*w : hi*w : hi*w]
	}
	cut := Trajectory[T]{Times: tr.Times[lo:hi:hi], States: part(tr.States), Controls: tr.Controls}
	if tr.Weights != nil {
		cut.Weights = part(tr.Weights)
	}
	if lo == 0 {
		cut.Start = tr.Start
	}
	return cut
}

// start returns a copy of the state at the first time. With guess, missing values are
// replaced by the first ones that are there.
func (tr *Trajectory[T]) start(dim int, guess bool) ([]T, error) {
	y := make([]T, dim)
	copy(y, tr.States)
	if tr.Start != nil {
		copy(y, tr.Start)
	}
	for j := range y {
		for i := j; guess && y[j] != y[j] && i < len(tr.States); i += dim {
			y[j] = tr.States[i]
		}
		if y[j] != y[j] || math.IsInf(float64(y[j]), 0) {
			return nil, fmt.Errorf("%w: component %d of the first state is %v; set Start, or Options.LearnStarts", ErrData, j, y[j])
		}
	}
	return y, nil
}

// weight returns the weight of value k of row i in trajectories of width dim.
func (tr *Trajectory[T]) weight(i, k, dim int) float64 {
	switch len(tr.Weights) {
	case 0:
		return 1
	case len(tr.Times):
		return float64(tr.Weights[i])
	}
	return float64(tr.Weights[i*dim+k])
}

// Split divides the trajectories at random into two sets; the second has
// round(fraction·len(d)) of them. The order within each is that of d. A nil r means
// rand.New(rand.NewPCG(0, 0)).
func (d Dataset[T]) Split(fraction float64, r *rand.Rand) (first, second Dataset[T]) {
	if !(fraction >= 0 && fraction <= 1) {
		panic("train: fraction of a split outside [0, 1]")
	}
	order := shuffled(len(d), r)
	n := int(math.Round(fraction * float64(len(d))))
	chosen := order[:n]
	for i := range d {
		if slices.Contains(chosen, i) {
			second = append(second, d[i])
		} else {
			first = append(first, d[i])
		}
	}
	return first, second
}

// SplitTime divides every trajectory at time t. The first set has the rows up to and
// including t. The second has whole trajectories whose values up to t are missing:
// solved from the same starts, it judges the forecast. Trajectories without a row
// on one side are absent from that set. Before and after are meant in the direction
// of a trajectory's times.
func (d Dataset[T]) SplitTime(t float64) (before, after Dataset[T]) {
	for i := range d {
		tr := &d[i]
		n := len(tr.Times)
		if n == 0 {
			continue
		}
		dir := 1.0
		if tr.Times[n-1] < tr.Times[0] {
			dir = -1
		}
		m := 0
		for m < n && dir*tr.Times[m] <= dir*t {
			m++
		}
		if m > 0 {
			before = append(before, tr.rows(0, m))
		}
		if m == n {
			continue
		}
		rest, dim := *tr, len(tr.States)/n
		if rest.Start == nil {
			rest.Start = tr.States[:dim:dim]
		}
		rest.States = slices.Clone(tr.States)
		for j := range m * dim {
			rest.States[j] = T(math.NaN())
		}
		after = append(after, rest)
	}
	return before, after
}

// Windows cuts every trajectory into pieces of length rows, one every stride rows,
// each a trajectory of its own that starts at its first row. Short pieces make training
// on long or chaotic series easier. Trajectories shorter than length stay whole.
func (d Dataset[T]) Windows(length, stride int) Dataset[T] {
	if length < 2 || stride < 1 {
		panic("train: windows of less than 2 rows or with a stride of less than 1")
	}
	var w Dataset[T]
	for i := range d {
		n := len(d[i].Times)
		if n <= length {
			w = append(w, d[i])
			continue
		}
		for lo := 0; lo+length <= n; lo += stride {
			w = append(w, d[i].rows(lo, lo+length))
		}
	}
	return w
}

// Uniform returns trajectories that share their times. states has the axes (time,
// trajectory, component), as a batched solve saves them, with dim components.
func Uniform[T Float](times []float64, states []T, dim int) Dataset[T] {
	if dim < 1 || len(times) == 0 || len(states)%(len(times)*dim) != 0 {
		panic("train: length of states is not a multiple of len(times)·dim")
	}
	n := len(states) / (len(times) * dim)
	d := make(Dataset[T], n)
	for k := range d {
		d[k] = Trajectory[T]{Times: times, States: make([]T, len(times)*dim)}
		for i := range times {
			copy(d[k].States[i*dim:(i+1)*dim], states[(i*n+k)*dim:])
		}
	}
	return d
}

// shuffled returns the numbers below n in random order.
func shuffled(n int, r *rand.Rand) []int {
	if r == nil {
		r = rand.New(rand.NewPCG(0, 0))
	}
	return r.Perm(n)
}
