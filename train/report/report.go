package report

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/modelfile"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// A section of the page has figures with a text above them.
type section struct {
	ID, Title, Text string
	Charts          []template.HTML
	Rows            [][]string // a table, the first row its head
	Wide            bool       // a chart over the whole width
}

// WriteFile writes the report of a model to one HTML file, atomically.
func WriteFile(ctx context.Context, path string, m *forecast.Model) error {
	var b bytes.Buffer
	if err := Write(ctx, &b, m); err != nil {
		return err
	}
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}

// Write writes the report of a model as HTML. A part that can not be had, such as the fit of a table that was
// too large to be kept with the model, is left out with a sentence that says so. The error is ctx's or
// w's.
func Write(ctx context.Context, w io.Writer, m *forecast.Model) error {
	r := &reporter{m: m, unit: m.Time}
	if m.Clock != nil {
		r.unit = m.Clock.String()
	}
	data := struct {
		Title, Verdict, File, Kind string
		Equations                  string
		Choices                    []string
		Sections                   []section
	}{Title: strings.Join(m.States, ", "), Verdict: m.Verdict, File: path.Base(m.Info.File), Kind: r.kind(), Equations: m.Equations, Choices: m.Choices}
	for _, part := range []func(context.Context) section{r.errors, r.fit, r.phase, r.residuals, r.training, r.dynamics, r.parameters, r.figures} {
		s := part(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.Title != "" {
			data.Sections = append(data.Sections, s)
		}
	}
	return page.Execute(w, data)
}

// reporter makes the parts of the report.
type reporter struct {
	m    *forecast.Model
	unit string // of time
}

// kind describes the model in a few words.
func (r *reporter) kind() string {
	m := r.m
	what := map[forecast.Kind]string{
		forecast.Node: "Neural ODE", forecast.Augmented: "augmented Neural ODE", forecast.SecondOrder: "Neural ODE of second order", forecast.Hamiltonian: "Hamiltonian network",
		forecast.Damped: "damped Hamiltonian network", forecast.Lagrangian: "Lagrangian network", forecast.DampedLagrangian: "damped Lagrangian network",
		forecast.Known: "known equations",
	}[m.Kind]
	if what == "" {
		what = string(m.Kind)
	}
	text := fmt.Sprintf("%s (%s), %d parameters", what, m.Setting, m.Members()[0].NumParams())
	if n := len(m.Members()); n > 1 {
		text += fmt.Sprintf(", ensemble of %d", n)
	}
	if n := len(m.Trajectories); n > 1 {
		text += fmt.Sprintf(", %d trajectories", n)
	}
	if len(m.Controls) > 0 {
		text += ", driven by " + strings.Join(m.Controls, ", ")
	}
	return text
}

// A baseline's name in figures, and for people.
var baselines = [][2]string{{"", "this model"}, {"mean", "mean of the data"}, {"persistence", "last value"}, {"linear", "linear differential equation"}, {"seasonal", "last period"}}

// errors is the table of errors with the baselines beside.
func (r *reporter) errors(context.Context) section {
	kinds := []struct{ prefix, title string }{
		{"rmse_forecast", "Forecast, units of the data"}, {"rmse_scaled_forecast", "Forecast, standard deviations"}, {"rmse_log_forecast", "Forecast, logarithms"}, {"rmse_backtest", "From earlier times, standard deviations"},
	}
	head := []string{"Root mean square error"}
	var columns [][]float64
	best := 0.0
	var bars []bar
	for _, k := range kinds {
		if _, ok := r.m.Figures.Get(k.prefix); !ok {
			continue
		}
		head = append(head, k.title)
		var column []float64
		for _, b := range baselines {
			name := k.prefix
			if b[0] != "" {
				name += "_of_" + b[0]
			}
			v, _ := r.m.Figures.Get(name)
			column = append(column, v)
			if k.prefix == "rmse_scaled_forecast" && v == v {
				bars = append(bars, bar{b[1], v, b[0] == ""})
				best = max(best, v)
			}
		}
		columns = append(columns, column)
	}
	s := section{ID: "errors", Title: "Is it any good?", Text: "Errors over the rows that were held out, which nothing was chosen by, beside what simple forecasts give."}
	if len(columns) == 0 {
		s.Text = "No rows were held out, so nothing is known about the forecast. Fit again without -holdout 0 to judge it."
		return s
	}
	s.Rows = append(s.Rows, head)
	for i, b := range baselines {
		row, any := []string{b[1]}, false
		for _, c := range columns {
			row = append(row, short(c[i]))
			any = any || c[i] == c[i]
		}
		if any {
			s.Rows = append(s.Rows, row)
		}
	}
	if cover, ok := r.m.Figures.Get("band_coverage_forecast"); ok {
		s.Text += fmt.Sprintf(" The 90 %% band holds %.0f %% of the values held out.", 100*cover)
	}
	if len(bars) > 1 {
		s.Charts = append(s.Charts, drawBars("Forecast error, standard deviations of the data", bars))
	}
	return s
}

// parameters lists those of known equations, and otherwise the arrays of the first member.
func (r *reporter) parameters(context.Context) section {
	if all := r.m.Parameters; len(all) > 0 {
		s := section{ID: "parameters", Title: "Parameters", Text: "What was found for the parameters of the equations: the median of the ensemble, the least and the largest of it."}
		s.Rows = [][]string{{"Name", "Value", "Least", "Largest"}}
		for _, p := range all {
			s.Rows = append(s.Rows, []string{p.Name, short(p.Value), short(p.Least), short(p.Most)})
		}
		return s
	}
	s := section{ID: "parameters", Title: "Parameters", Text: "The arrays of the first member, as its file has them."}
	s.Rows = [][]string{{"Name", "Shape", "Numbers", "Root mean square", "Least", "Largest"}}
	member := r.m.Members()[0]
	theta := member.Params()
	for _, p := range member.Layout() {
		n := 1
		var shape []string
		for _, d := range p.Shape {
			n *= d
			shape = append(shape, fmt.Sprint(d))
		}
		v := theta[p.Offset : p.Offset+n]
		if n == 0 {
			continue
		}
		rms, lo, hi := spread(v)
		s.Rows = append(s.Rows, []string{p.Name, strings.Join(shape, " × "), fmt.Sprint(n), short(rms), short(lo), short(hi)})
	}
	return s
}

// figures lists all that was measured.
func (r *reporter) figures(context.Context) section {
	s := section{ID: "figures", Title: "All figures", Rows: [][]string{{"Name", "Value"}}}
	for _, f := range r.m.Figures {
		s.Rows = append(s.Rows, []string{f.Name, short(f.Value)})
	}
	return s
}

// without is a section that says why it is empty.
func without(id, title string, err error) section {
	reason := "The table was too large to be kept with the model."
	if err != nil && !errors.Is(err, context.Canceled) {
		reason = "It could not be computed: " + err.Error() + "."
	}
	return section{ID: id, Title: title, Text: reason}
}
