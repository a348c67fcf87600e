package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"

	"github.com/neuralode/neuralode/train/table"
)

// measurements are the time column and the state columns of a table. A value that is missing
// is NaN.
type measurements struct {
	file   string
	time   string   // name of the time column
	states []string // names of the state columns
	clock  *table.Clock
	notes  []string
	t      []float64
	y      []float64 // len(t) rows of len(states)
	lines  []int     // of the file, for each row
}

// minRows is the least number of rows that can be fitted.
const minRows = 3

// readTable reads a table of one trajectory.
func readTable(r io.Reader, opt table.Options) (*measurements, error) {
	opt.MinRows = minRows
	t, err := table.Read(r, opt)
	if err != nil {
		return nil, err
	}
	tr := t.Trajectories[0]
	return &measurements{
		file: t.File, time: t.Time, states: t.States, clock: t.Clock, notes: t.Notes,
		t: tr.Times, y: tr.States, lines: tr.Lines,
	}, nil
}

// axis names the time in figures.
func (d *measurements) axis() string {
	if d.clock == nil {
		return d.time
	}
	return fmt.Sprintf("%s (%v)", d.time, *d.clock)
}

// column returns the values of the k-th state.
func (d *measurements) column(k int) []float64 {
	tr := table.Trajectory{Times: d.t, States: d.y}
	return tr.Column(k, len(d.states))
}

// firstRow identifies the first row, from which a model predicts.
func (d *measurements) firstRow() string {
	h := sha256.New()
	fmt.Fprint(h, d.t[0], d.y[:len(d.states)])
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// check reports what makes the first rows unfit for fitting, with or without
// logarithms.
func (d *measurements) check(rows int, log bool) error {
	if rows < minRows {
		return &table.Error{File: d.file, Reason: fmt.Sprintf("of %d rows %d are held out", len(d.t), len(d.t)-rows),
			Remedy: fmt.Sprintf("at least %d must remain to be fitted: give a smaller -holdout", minRows)}
	}
	for k, name := range d.states {
		present := 0
		for i, v := range d.column(k) {
			if log && v <= 0 {
				return &table.Error{File: d.file, Line: d.lines[i], Column: name, Reason: fmt.Sprintf("%v has no logarithm", v), Remedy: "use -log=false"}
			}
			if i < rows && !math.IsNaN(v) {
				present++
			}
			// Squares of the values are added up.
			if math.Abs(v) > 1e150 {
				return &table.Error{File: d.file, Line: d.lines[i], Column: name, Reason: fmt.Sprintf("%v is too large to be fitted", v),
					Remedy: "give the column in another unit, or leave the cell empty if it means that the value is missing"}
			}
		}
		if present < 2 {
			return &table.Error{File: d.file, Column: name, Reason: fmt.Sprintf("it has %d values in the %d rows to be fitted", present, rows),
				Remedy: "at least 2 are needed; leave the column out by -states"}
		}
	}
	return nil
}
