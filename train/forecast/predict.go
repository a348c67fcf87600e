package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/neuralode/neuralode/train"
)

// ErrQuery is matched by errors about a query that does not make sense for the model.
var ErrQuery = errors.New("forecast: unusable query")

// Query asks for states at times. Nothing is taken from the data but what is said here.
type Query struct {
	// Times at which states are wanted, strictly monotone, in the units of the table's time column or,
	// for dates, of Info.Clock.
	Times []float64

	// From is the state at FromTime, as many numbers as there are state columns, or with those of the unobserved
	// components behind them, which are 0 otherwise. Nil: the forecast goes on from the end of
	// the trajectory's data, where the model's own state is the start.
	From     []float64
	FromTime float64

	// Trajectory is which one the forecast goes on from, counted from 0.
	Trajectory int

	// Controls are the inputs from the start on, for models that have some.
	Controls train.Controls[float64]
}

// Prediction is the answer to a Query.
type Prediction struct {
	Times  []float64
	States []string
	Values []float64 // (times, states): the median of the ensemble

	// Low and High are the 90 % band of an ensemble, of the shape of Values; nil for a single
	// model.
	Low, High []float64

	Members [][]float64 // what each member says, of the shape of Values
}

// Predict answers a query. The errors are ErrQuery and those of the solves of all members; one member that cannot
// be solved is left out of an ensemble.
func (m *Model) Predict(ctx context.Context, q Query) (*Prediction, error) {
	n, dim := len(m.States), m.Dim()
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrQuery, fmt.Sprintf(format, args...))
	}
	if len(q.Times) == 0 {
		return nil, wrong("no times")
	}
	begin := q.FromTime
	switch {
	case q.From == nil && (q.Trajectory < 0 || q.Trajectory >= len(m.Trajectories)):
		return nil, wrong("trajectory %d of %d", q.Trajectory, len(m.Trajectories))
	case q.From == nil:
		begin = m.Trajectories[q.Trajectory].End
		if first := min(q.Times[0], q.Times[len(q.Times)-1]); first < begin {
			return nil, wrong("time %v is before the end of the data, %v, where the forecast begins; say From where to begin instead", first, begin)
		}
	case len(q.From) != n && len(q.From) != dim:
		return nil, wrong("a state of %d numbers; the model has %d: %q", len(q.From), n, m.States)
	}
	if len(m.Controls) > 0 && len(q.Controls.Times) == 0 {
		return nil, wrong("the model is driven by %q, of which nothing is said", m.Controls)
	}
	if len(m.Controls) == 0 && len(q.Controls.Times) > 0 {
		return nil, wrong("controls for a model that has none")
	}
	for i, v := range q.From {
		if v-v != 0 {
			return nil, wrong("%s is %v at the start", m.name(i), v)
		}
		if m.Setting.Log && i < n && v <= 0 {
			return nil, wrong("%s is %v at the start; the model sees logarithms, and a start must be positive", m.name(i), v)
		}
	}
	if math.IsNaN(begin) || math.IsInf(begin, 0) {
		return nil, wrong("the start is at time %v", begin)
	}
	times, skip := q.Times, 0
	if times[0] != begin {
		times, skip = append([]float64{begin}, times...), 1
	}
	for i, t := range times {
		if i > 0 && (t == times[i-1] || (t > times[i-1]) != (times[1] > times[0])) || t-t != 0 {
			return nil, wrong("time %v after %v; times must go one way from the start, at %v", t, times[max(0, i-1)], begin)
		}
	}
	var controls []train.Controls[float64]
	if len(m.Controls) > 0 {
		controls = append(controls, q.Controls)
	}
	all := make([][]float64, len(m.members))
	var failed error
	solved := 0
	for k, member := range m.members {
		start := make([]float64, dim)
		copy(start, q.From)
		if q.From == nil {
			start = m.ends[k][q.Trajectory]
		}
		if slices.ContainsFunc(start, func(v float64) bool { return v-v != 0 }) {
			failed = errors.Join(failed, wrong("the model's solve ends before the end of the data; say From where to begin instead"))
			continue
		}
		y, err := member.Predict(ctx, times, start, controls...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			failed = err
		} else {
			solved++
		}
		all[k] = slices.Repeat([]float64{math.NaN()}, len(times)*dim)
		copy(all[k], y)
		all[k] = all[k][skip*dim:]
	}
	if solved == 0 {
		return nil, failed
	}
	for k := range all {
		if all[k] == nil {
			all[k] = slices.Repeat([]float64{math.NaN()}, len(q.Times)*dim)
		}
	}
	if q.From == nil {
		if cut := m.Trajectories[q.Trajectory].Cut; cut == cut {
			begin = cut
		}
	}
	return m.prediction(q.Times, all, func(t float64) float64 { return math.Abs(t - begin) }), nil
}

// prediction joins what the members say, (times, dim) each; ahead is how far a time is from what was fitted.
func (m *Model) prediction(times []float64, all [][]float64, ahead func(t float64) float64) *Prediction {
	n, dim := len(m.States), m.Dim()
	median, sd := m.combine(all)
	p := &Prediction{Times: times, States: m.States, Members: make([][]float64, len(all))}
	for r := range times {
		for j := range n {
			at := r*dim + j
			p.Values = append(p.Values, median[at])
			if len(all) > 1 {
				lo, hi := m.band(j, median[at], sd[at], ahead(times[r]))
				p.Low, p.High = append(p.Low, lo), append(p.High, hi)
			}
			for k := range all {
				p.Members[k] = append(p.Members[k], all[k][at])
			}
		}
	}
	return p
}

// Fitted returns what the model says of a trajectory of its table, at ascending times from its first row on, also beyond its
// last one. In a long trajectory each stretch has a start of its own; one that was held out as a whole starts from
// its first values. Models with controls, and trajectories held out, need the data, see [Trajectory].
func (m *Model) Fitted(ctx context.Context, trajectory int, times []float64) (*Prediction, error) {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrQuery, fmt.Sprintf(format, args...))
	}
	if trajectory < 0 || trajectory >= len(m.Trajectories) {
		return nil, wrong("trajectory %d of %d", trajectory, len(m.Trajectories))
	}
	tr := &m.Trajectories[trajectory]
	if len(m.Controls) > 0 && tr.Times == nil {
		return nil, wrong("the controls of the data are not kept with the model, whose table was too large")
	}
	var controls []train.Controls[float64]
	if len(m.Controls) > 0 {
		controls = append(controls, train.Controls[float64]{Times: tr.Times, Values: tr.Controls})
	}
	var of []int // anchors
	for k, a := range m.anchors {
		if a.trajectory == trajectory {
			of = append(of, k)
		}
	}
	begins := m.times
	start := func(member, anchor int) []float64 { return m.starts[member][anchor] }
	if len(of) == 0 {
		if tr.Times == nil {
			return nil, wrong("trajectory %d was held out as a whole, and its data are not kept with the model, whose table was too large", trajectory)
		}
		first := m.first(tr)
		of, begins, start = []int{0}, tr.Times[:1], func(int, int) []float64 { return first }
	}
	if !slices.IsSorted(times) || len(times) == 0 || times[0] < begins[of[0]] {
		return nil, wrong("times must ascend from the first row, %v", begins[of[0]])
	}
	dim := m.Dim()
	all := make([][]float64, len(m.members))
	for k, member := range m.members {
		lo := 0
		for s, a := range of {
			hi := len(times)
			if s+1 < len(of) {
				hi, _ = slices.BinarySearch(times, begins[of[s+1]])
			}
			piece := append([]float64{begins[a]}, times[lo:hi]...)
			skip := 1
			if hi > lo && piece[1] == piece[0] {
				piece, skip = piece[1:], 0
			}
			var y []float64
			if hi > lo {
				y, _ = member.Predict(ctx, piece, start(k, a), controls...)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
			}
			part := slices.Repeat([]float64{math.NaN()}, (hi-lo)*dim)
			copy(part, y[min(len(y), skip*dim):])
			all[k] = append(all[k], part...)
			lo = hi
		}
	}
	begin := tr.Cut
	if begin != begin {
		begin = begins[of[0]]
	}
	return m.prediction(times, all, func(t float64) float64 { return max(0, t-begin) }), nil
}

// first guesses the state at the first row of a trajectory.
func (m *Model) first(tr *Trajectory) []float64 {
	n := len(m.States)
	d := &dataset{states: m.States, latent: m.Latent, cut: []int{len(tr.Times)}}
	one := train.Trajectory[float64]{Times: tr.Times}
	for r := range tr.Times {
		one.States = append(one.States, tr.States[r*n:(r+1)*n]...)
		one.States = append(one.States, make([]float64, m.Latent)...)
	}
	d.all = train.Dataset[float64]{one}
	return d.guess(0, 0, len(tr.Times), m.Kind.paired())
}

// Components names the components of a state: the observed columns, and behind them what is not
// observed: "dx/dt" for the velocity of x, or "hidden1" and so on.
func (m *Model) Components() []string { return slices.Concat(m.States, m.Unobserved) }

// name is that of a component of a state.
func (m *Model) name(i int) string { return m.Components()[i] }

// Complete returns a state with its unobserved components: velocities are difference quotients to the row before the
// given one, or after it, where the column has values there; everything else is 0. value is the
// value of a column at a row, NaN where it is missing.
func (m *Model) Complete(observed []float64, times []float64, value func(row, column int) float64, row int) []float64 {
	n := len(m.States)
	state := make([]float64, m.Dim())
	copy(state, observed)
	if !m.Kind.paired() || m.Latent != n {
		return state
	}
	for j := range n {
		for _, step := range []int{-1, 1} {
			r := row + step
			for r >= 0 && r < len(times) && value(r, j) != value(r, j) {
				r += step
			}
			if r >= 0 && r < len(times) {
				state[n+j] = (value(r, j) - state[j]) / (times[r] - times[row])
				break
			}
		}
	}
	return state
}
