package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/modelfile"
	"github.com/neuralode/neuralode/train/table"
)

// The names of the files that Fit writes.
const (
	ModelFile       = "model.safetensors"
	PredictionsFile = "predictions.csv" // the model at the rows of the table
	CurveFile       = "curve.csv"       // the model at many times, as it is drawn
	MetricsFile     = "metrics.json"
	FigureFile      = "fit.png"
)

// outputs is what a fit leaves behind.
type outputs struct {
	model   *forecast.Model
	table   *table.Table
	metrics forecast.Figures
	dir     string
	label   func(state string) string // with its unit
}

// write writes all files, says which, and what could not be written.
func (o *outputs) write(ctx context.Context) (written []string, err error) {
	curves, failed := o.curves(ctx)
	for _, file := range []struct {
		name  string
		write func(path string) error
	}{
		{ModelFile, o.model.Save}, // before anything else can fail
		{MetricsFile, o.writeMetrics},
		{PredictionsFile, func(path string) error { return o.writePredictions(ctx, path) }},
		{CurveFile, func(path string) error {
			if failed != nil {
				return failed
			}
			return o.writeCurves(path, curves)
		}},
		{FigureFile, func(path string) error {
			if failed != nil {
				return failed
			}
			return o.draw(path, curves)
		}},
	} {
		if e := file.write(filepath.Join(o.dir, file.name)); e != nil {
			err = errors.Join(err, fmt.Errorf("%s is not written: %w", file.name, e))
		} else {
			written = append(written, file.name)
		}
	}
	return written, err
}

func (o *outputs) writeMetrics(path string) error {
	data, err := json.MarshalIndent(o.metrics, "", "  ")
	if err != nil {
		return err
	}
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// header names the columns of a file of states: those of the table come first where it has an
// id.
func (o *outputs) header(band bool, names func(state string) []string) []string {
	var h []string
	if o.table.ID != "" {
		h = append(h, o.table.ID)
	}
	h = append(h, o.table.Time, "part")
	for _, s := range o.model.States {
		h = append(h, names(s)...)
		if band {
			h = append(h, s+"_low", s+"_high")
		}
	}
	return h
}

// record is a row of such a file: what was predicted, with its band, each state behind what was
// observed unless that is nil.
func (o *outputs) record(i int, t float64, p *forecast.Prediction, r int, observed []float64) []string {
	var record []string
	if o.table.ID != "" {
		record = append(record, o.model.Trajectories[i].ID)
	}
	part := "fit"
	if tr := &o.model.Trajectories[i]; tr.Fitted == 0 || t > tr.Cut {
		part = "forecast"
	}
	record = append(record, stamp(t, o.model.Clock), part)
	n := len(o.model.States)
	for j := range n {
		if observed != nil {
			record = append(record, number(observed[j]))
		}
		record = append(record, number(p.Values[r*n+j]))
		if p.Low != nil {
			record = append(record, number(p.Low[r*n+j]), number(p.High[r*n+j]))
		}
	}
	return record
}

// writePredictions writes observed and predicted states at the rows of the table.
func (o *outputs) writePredictions(ctx context.Context, path string) error {
	m := o.model
	n := len(m.States)
	band := len(m.Members()) > 1
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write(o.header(band, func(s string) []string { return []string{s, s + "_model"} })); err != nil {
			return err
		}
		for i := range m.Trajectories {
			tr := &m.Trajectories[i]
			p, err := m.Fitted(ctx, i, tr.Times)
			if err != nil {
				return err
			}
			for r, t := range tr.Times {
				if err := out.Write(o.record(i, t, p, r, tr.States[r*n:(r+1)*n])); err != nil {
					return err
				}
			}
		}
		out.Flush()
		return out.Error()
	})
}

// curvePoints is how many points a drawn curve has; curvesDrawn how many trajectories are drawn.
const (
	curvePoints = 600
	curvesDrawn = 4
)

// curves returns the model of the first trajectories at many times, among them that of the cut.
func (o *outputs) curves(ctx context.Context) ([]*forecast.Prediction, error) {
	var all []*forecast.Prediction
	for i := range o.model.Trajectories[:min(curvesDrawn, len(o.model.Trajectories))] {
		tr := &o.model.Trajectories[i]
		first, cut := tr.Times[0], tr.Times[0]
		if tr.Fitted > 0 {
			cut = tr.Cut
		}
		p, err := o.model.Fitted(ctx, i, grid(first, cut, tr.End))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// grid divides the times from first to last, the cut being one of them.
func grid(first, cut, last float64) (t []float64) {
	if last == first {
		return []float64{first}
	}
	split := int(curvePoints * (cut - first) / (last - first))
	for i := range split {
		t = append(t, first+(cut-first)*float64(i)/float64(split))
	}
	rest := max(1, curvePoints-split)
	t = append(t, cut)
	for i := 1; cut < last && i <= rest; i++ {
		t = append(t, cut+(last-cut)*float64(i)/float64(rest))
	}
	return t
}

func (o *outputs) writeCurves(path string, curves []*forecast.Prediction) error {
	band := len(o.model.Members()) > 1
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write(o.header(band, func(s string) []string { return []string{s} })); err != nil {
			return err
		}
		for i, p := range curves {
			for r, t := range p.Times {
				if err := out.Write(o.record(i, t, p, r, nil)); err != nil {
					return err
				}
			}
		}
		out.Flush()
		return out.Error()
	})
}

// result is what -json prints.
type result struct {
	Data     string           `json:"data"`
	Notes    []string         `json:"notes,omitempty"`
	Choices  []string         `json:"choices"`
	Figures  forecast.Figures `json:"figures"`
	Verdict  string           `json:"verdict"`
	Out      string           `json:"out"`
	Files    []string         `json:"files"`
	Finished bool             `json:"finished"`
}

// printFigures prints numbers for reading, a line each.
func printFigures(w io.Writer, f forecast.Figures) {
	width := 0
	for _, v := range f {
		width = max(width, len(v.Name))
	}
	for _, v := range f {
		fmt.Fprintf(w, "  %-*s  %.6g\n", width, v.Name, v.Value)
	}
}

// describe says what the table has.
func describe(m *forecast.Model, t *table.Table) string {
	held, whole := 0, 0
	for i := range m.Trajectories {
		tr := &m.Trajectories[i]
		if tr.Fitted == 0 {
			whole++
		}
		held += len(tr.Times) - tr.Fitted
	}
	text := fmt.Sprintf("%s: %d rows of %s over %s", t.File, t.Rows(), strings.Join(m.States, ", "), t.Time)
	if len(m.Controls) > 0 {
		text += ", driven by " + strings.Join(m.Controls, ", ")
	}
	if n := len(m.Trajectories); n > 1 {
		text += fmt.Sprintf(", in %d trajectories", n)
	}
	switch {
	case held > 0 && len(m.Trajectories) == 1:
		text += fmt.Sprintf("; the last %d are held out", held)
	case held > 0:
		text += fmt.Sprintf("; %d are held out", held)
		if whole > 0 {
			text += fmt.Sprintf(", among them %d whole trajectories", whole)
		}
	}
	return text
}
