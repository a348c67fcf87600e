package sweep

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/neuralode/neuralode/train/figure"
	"github.com/neuralode/neuralode/train/modelfile"
)

// Table is the results of a sweep in the order of its grid.
type Table struct {
	Grid    Grid
	Numbers []string    // the names of the columns
	Rows    [][]float64 // of each job; NaN where there is no result
	Seconds []float64   // of each job; NaN without a result

	Missing int // jobs without a result
	Failed  int // and jobs whose result is an error
}

// Merge reads all results in a folder. Results of jobs that are not in the grid are left out.
func Merge(dir string, g Grid) (*Table, error) {
	all, err := read(dir)
	if err != nil {
		return nil, err
	}
	return tabulate(g, all), nil
}

// Tabulate makes a table of results that come from elsewhere than a folder. Of several for one job,
// the first without an error counts.
func Tabulate(g Grid, results []Result) *Table {
	all := map[string]Result{}
	for _, r := range results {
		if old, ok := all[r.Job]; !ok || old.Error != "" {
			all[r.Job] = r
		}
	}
	return tabulate(g, all)
}

func tabulate(g Grid, all map[string]Result) *Table {
	t := &Table{Grid: g}
	names := map[string]bool{}
	for i := range g.Len() {
		for name := range all[g.Job(i).String()].Numbers {
			names[name] = true
		}
	}
	for name := range names {
		t.Numbers = append(t.Numbers, name)
	}
	slices.Sort(t.Numbers)
	for i := range g.Len() {
		r, ok := all[g.Job(i).String()]
		switch {
		case !ok:
			t.Missing++
			r.Seconds = math.NaN()
		case r.Error != "":
			t.Failed++
		}
		row := make([]float64, len(t.Numbers))
		for k, name := range t.Numbers {
			row[k] = math.NaN()
			if v, ok := r.Numbers[name]; ok {
				row[k] = v
			}
		}
		t.Rows, t.Seconds = append(t.Rows, row), append(t.Seconds, r.Seconds)
	}
	return t
}

// WriteCSV writes a row for each job: its settings, its numbers, and the seconds it took. What is
// missing is empty.
func (t *Table) WriteCSV(path string) error {
	return modelfile.WriteAtomic(path, func(out io.Writer) error {
		w := csv.NewWriter(out)
		var header []string
		for _, a := range t.Grid {
			header = append(header, a.Name)
		}
		if err := w.Write(append(append(header, t.Numbers...), "seconds")); err != nil {
			return err
		}
		for i, row := range t.Rows {
			var cells []string
			for _, s := range t.Grid.Job(i) {
				cells = append(cells, s.Value)
			}
			for _, v := range append(slices.Clone(row), t.Seconds[i]) {
				cell := ""
				if v == v {
					cell = strconv.FormatFloat(v, 'g', -1, 64)
				}
				cells = append(cells, cell)
			}
			if err := w.Write(cells); err != nil {
				return err
			}
		}
		w.Flush()
		return w.Error()
	})
}

// ErrFigure is returned by Draw for a number or a setting that cannot be drawn.
var ErrFigure = errors.New("sweep: nothing to draw: the setting must be in the grid, its values numbers, and the column in the results")

// Draw draws one number against one setting: a mark for each job, and a line through the medians.
// Number is the name of a column, and setting that of an axis with numbers for values.
func (t *Table) Draw(path, number, setting string) error {
	column := slices.Index(t.Numbers, number)
	axis := slices.IndexFunc(t.Grid, func(a Axis) bool { return a.Name == setting })
	if column < 0 || axis < 0 {
		return ErrFigure
	}
	at := map[float64][]float64{}
	var x, y []float64
	for i, row := range t.Rows {
		v, err := strconv.ParseFloat(t.Grid.Job(i)[axis].Value, 64)
		if err != nil {
			return ErrFigure
		}
		if row[column] == row[column] {
			x, y = append(x, v), append(y, row[column])
			at[v] = append(at[v], row[column])
		}
	}
	if len(x) == 0 {
		return ErrFigure
	}
	var xs, medians []float64
	for v := range at {
		xs = append(xs, v)
	}
	slices.Sort(xs)
	for _, v := range xs {
		slices.Sort(at[v])
		n := len(at[v])
		medians = append(medians, (at[v][(n-1)/2]+at[v][n/2])/2)
	}
	p := figure.New(number, setting, number)
	if slices.Min(y) > 0 {
		p.LogY()
	}
	if xs[0] > 0 && xs[len(xs)-1] > 20*xs[0] {
		p.LogX()
	}
	p.Points("a job", x, y, figure.Rings(figure.Blue))
	p.Line("median", xs, medians, figure.Solid(figure.Orange))
	return figure.Save(path, 6*figure.Inch, 4*figure.Inch, []*figure.Panel{p})
}
