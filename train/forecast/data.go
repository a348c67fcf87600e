package forecast

import (
	"fmt"
	"math"
	"slices"

	"github.com/neuralode/neuralode/layers/formula"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/table"
)

// dataset is a table as trajectories: the observed columns and, behind them, NaN for what is not
// observed.
type dataset struct {
	table    *table.Table
	states   []string
	controls []string
	latent   int
	hidden   []float64              // starts of what is not observed; nil: 0
	system   *formula.System        // of Known; its states are those of the dataset
	all      train.Dataset[float64] // all rows
	cut      []int                  // how many rows of each are fitted; 0: held out
}

// dim is the length of a state.
func (d *dataset) dim() int { return len(d.states) + d.latent }

// fault is a table.Error about the table as a whole or a trajectory.
func (d *dataset) fault(trajectory int, column, reason, remedy string) error {
	line := 0
	if trajectory >= 0 && len(d.table.Trajectories[trajectory].Lines) > 0 {
		line = d.table.Trajectories[trajectory].Lines[0]
	}
	return &table.Error{File: d.table.File, Line: line, Column: column, Reason: reason, Remedy: remedy}
}

// split separates the columns of a table into states and controls.
func split(t *table.Table, controls []string) (states []string, stateColumns, controlColumns []int, err error) {
	for _, c := range controls {
		i := slices.Index(t.States, c)
		if i < 0 {
			return nil, nil, nil, &table.Error{File: t.File, Column: c, Reason: "there is no such column to be a control",
				Remedy: fmt.Sprintf("the columns are %q", t.States)}
		}
		if slices.Contains(controlColumns, i) {
			return nil, nil, nil, &table.Error{File: t.File, Column: c, Reason: "the column is named twice as a control", Remedy: "name it once"}
		}
		controlColumns = append(controlColumns, i)
	}
	for i, s := range t.States {
		if !slices.Contains(controlColumns, i) {
			states = append(states, s)
			stateColumns = append(stateColumns, i)
		}
	}
	if len(states) == 0 {
		return nil, nil, nil, &table.Error{File: t.File, Reason: "all columns are controls, and none is left to forecast", Remedy: "name fewer controls"}
	}
	return states, stateColumns, controlColumns, nil
}

// newDataset reads the columns of a table and decides what is held out.
func newDataset(t *table.Table, opt *Options) (*dataset, error) {
	states, stateColumns, controlColumns, err := split(t, opt.Controls)
	if err != nil {
		return nil, err
	}
	d := &dataset{table: t, states: states, controls: slices.Clone(opt.Controls)}
	n := len(states)
	if err := d.pair(opt); err != nil {
		return nil, err
	}
	for i := range t.Trajectories {
		tr := &t.Trajectories[i]
		out := train.Trajectory[float64]{Times: tr.Times}
		width := len(t.States)
		for r := range tr.Times {
			row := tr.States[r*width : (r+1)*width]
			for _, c := range stateColumns {
				out.States = append(out.States, row[c])
			}
			for range d.latent {
				out.States = append(out.States, math.NaN())
			}
			for _, c := range controlColumns {
				out.Controls.Values = append(out.Controls.Values, row[c])
			}
		}
		if len(controlColumns) > 0 {
			out.Controls.Times = tr.Times
		}
		for j, c := range controlColumns {
			if !slices.ContainsFunc(tr.Times, func(float64) bool { return true }) || allMissing(tr.States, c, width) {
				return nil, d.fault(i, d.controls[j], "all values of the control are missing", "fill them in, or leave the trajectory out")
			}
		}
		d.all = append(d.all, out)
	}
	if d.cut, err = d.holdout(opt); err != nil {
		return nil, err
	}
	for j := range n {
		if d.missing(j) {
			return nil, d.fault(-1, states[j], "the rows that are fitted have no value in this column", "leave the column out, or hold out less")
		}
	}
	return d, nil
}

// pair counts the components that are not observed.
func (d *dataset) pair(opt *Options) error {
	n := len(d.states)
	switch {
	case opt.Kind == Known:
		return d.know(opt)
	case opt.Kind == Augmented:
		d.latent = opt.Extra
	case opt.Kind.paired() && !opt.Velocities:
		d.latent = n
	case (opt.Kind.paired() || opt.Kind.energy()) && n%2 != 0:
		second := "velocities"
		if !opt.Kind.paired() {
			second = "momenta"
		}
		return d.fault(-1, "", fmt.Sprintf("%d state columns are no pairs of positions and %s", n, second),
			fmt.Sprintf("name the columns: all positions first, then the %s in the same order", second))
	}
	return nil
}

func allMissing(v []float64, column, width int) bool {
	for i := column; i < len(v); i += width {
		if v[i] == v[i] {
			return false
		}
	}
	return true
}

// missing reports whether the fitted rows have no value of a component.
func (d *dataset) missing(j int) bool {
	dim := d.dim()
	for i := range d.all {
		if !allMissing(d.all[i].States[:d.cut[i]*dim], j, dim) {
			return false
		}
	}
	return true
}

// holdout returns how many rows of each trajectory are fitted.
func (d *dataset) holdout(opt *Options) ([]int, error) {
	cut := make([]int, len(d.all))
	for _, id := range opt.HoldoutIDs {
		if !slices.ContainsFunc(d.table.Trajectories, func(t table.Trajectory) bool { return t.ID == id }) {
			return nil, d.fault(-1, d.table.ID, fmt.Sprintf("there is no trajectory %q to hold out", id), "name one that the table has")
		}
	}
	fitted := 0
	for i := range d.all {
		n := len(d.all[i].Times)
		if slices.Contains(opt.HoldoutIDs, d.table.Trajectories[i].ID) {
			continue
		}
		held := 0
		switch {
		case opt.Holdout >= 1:
			held = int(opt.Holdout)
		case opt.Holdout > 0:
			held = int(math.Round(opt.Holdout * float64(n)))
		case opt.Holdout == 0 && n >= 10:
			held = int(math.Round(0.2 * float64(n)))
		}
		cut[i] = n - held
		if held > 0 && cut[i] < 2 {
			return nil, d.fault(i, "", fmt.Sprintf("holding out %d of %d rows leaves less than 2 to fit", held, n), "hold out less")
		}
		if cut[i] >= 2 {
			fitted++
		}
	}
	if fitted == 0 {
		return nil, d.fault(-1, "", "no trajectory has 2 rows to fit", "a model needs at least two rows of one trajectory; name an id column only if it tells trajectories apart")
	}
	return cut, nil
}

// held reports whether any row is held out.
func (d *dataset) held() bool {
	for i := range d.all {
		if d.cut[i] < len(d.all[i].Times) {
			return true
		}
	}
	return false
}

// rows is the number of rows that are fitted.
func (d *dataset) rows() int {
	n := 0
	for _, c := range d.cut {
		n += c
	}
	return n
}

// An anchor is where a solve begins: a trajectory and one of its rows.
type anchor struct{ trajectory, row int }

// windowRows is the longest stretch that is solved at once while training.
const windowRows = 200

// windows cuts the fitted rows of all trajectories into stretches, the last row of one being the
// first of the next, with a guess of each start.
func (d *dataset) windows(velocities bool) (train.Dataset[float64], []anchor) {
	var set train.Dataset[float64]
	var anchors []anchor
	dim := d.dim()
	for i := range d.all {
		n := d.cut[i]
		if n < 2 {
			continue
		}
		pieces := (n-2)/(windowRows-1) + 1
		for k := range pieces {
			lo, hi := k*(n-1)/pieces, (k+1)*(n-1)/pieces+1
			tr := &d.all[i]
			set = append(set, train.Trajectory[float64]{
				Times: tr.Times[lo:hi], States: tr.States[lo*dim : hi*dim], Controls: tr.Controls,
				Start: d.guess(i, lo, hi, velocities),
			})
			anchors = append(anchors, anchor{i, lo})
		}
	}
	return set, anchors
}

// guess returns a start for a solve from row lo of a trajectory, made of what is there up to row
// hi: the first value of each column, and difference quotients for velocities.
func (d *dataset) guess(i, lo, hi int, velocities bool) []float64 {
	n, dim := len(d.states), d.dim()
	tr := &d.all[i]
	start := make([]float64, dim)
	copy(start[n:], d.hidden)
	for j := range n {
		first := -1
		for r := lo; r < hi; r++ {
			v := tr.States[r*dim+j]
			if v != v {
				continue
			}
			if first < 0 {
				start[j], first = v, r
				continue
			}
			if velocities && d.latent == n {
				start[n+j] = (v - start[j]) / (tr.Times[r] - tr.Times[first])
			}
			break
		}
		if first < 0 { // nothing in this stretch
			start[j] = d.mean(j)
		}
	}
	return start
}

// mean is that of a column over the fitted rows.
func (d *dataset) mean(j int) float64 {
	sum, n, dim := 0.0, 0, d.dim()
	for i := range d.all {
		for r := range d.cut[i] {
			if v := d.all[i].States[r*dim+j]; v == v {
				sum += v
				n++
			}
		}
	}
	return sum / float64(n)
}
