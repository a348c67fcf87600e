package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/modelfile"
	"github.com/neuralode/neuralode/train/serve"
	"github.com/neuralode/neuralode/train/table"
)

// AboutPredict is the help of Predict.
const AboutPredict = `Predict asks a model that fit has saved. MODEL is its file, or its folder.

  neuralode predict out/fit -until 1930 -every 0.5        from the end of the data it was fitted to
  neuralode predict out/osc -from x=0.3,v=0.9 -until 20   from a state, at time 0 or -at
  neuralode predict out/osc -data new.csv -until 40       from the end of another table
  neuralode predict out/osc -data new.csv -start first    from its first rows, at the times of all rows
  neuralode predict out/osc -query query.json             as the service is asked: from, times, controls …

A model with controls needs those of the time to come: as columns of -data, whose rows after the last known state
are then the times, or as a table -controls. Models of an -ensemble answer with a 90 % band. Nothing is
taken from the model's own data unless the forecast goes on from their end.`

// mostTimes is how many times one forecast may have.
const mostTimes = 10_000_000

// PredictFlags are the flags of Predict.
type PredictFlags struct {
	table      tableFlags
	from       string
	at         string
	until      string
	every      float64
	times      string
	trajectory string
	data       string
	start      string
	controls   string
	query      string
	format     string
	out        string
}

// Bind adds the flags to a set.
func (f *PredictFlags) Bind(fs *flag.FlagSet) {
	fs.StringVar(&f.from, "from", "", "the `state` to start from, as in x=0.3,v=0.9")
	fs.StringVar(&f.at, "at", "", "the `time` of the state -from; empty: the first of -times, or 0")
	fs.StringVar(&f.until, "until", "", "the last `time`; empty: a fifth of the data's length")
	fs.Float64Var(&f.every, "every", 0, "`distance` of times until then; 0: a hundredth of the way")
	fs.StringVar(&f.times, "times", "", "`times`, separated by commas, instead of -until")
	fs.StringVar(&f.trajectory, "trajectory", "", "`id` of the trajectory that goes on; empty: each")
	fs.StringVar(&f.data, "data", "", "`table` whose rows are the starts")
	fs.StringVar(&f.start, "start", "last", "the rows of -data that are starts: `last` of each trajectory, first, or each")
	fs.StringVar(&f.controls, "controls", "", "`table` with the controls of the time to come")
	fs.StringVar(&f.query, "query", "", "JSON `file` with a query as the service takes it; - is the standard input")
	fs.StringVar(&f.format, "format", "csv", "of the answer: `csv` or json")
	fs.StringVar(&f.out, "out", "-", "`file` of the answer; - is the standard output")
	f.table.bind(fs)
}

// forecastOf is one forecast of an answer.
type forecastOf struct {
	id string
	*forecast.Prediction
}

// Run answers for the model in args.
func (f *PredictFlags) Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return experiment.Usagef("predict: %d arguments; give the file or folder of one model", len(args))
	}
	if f.format != "csv" && f.format != "json" {
		return experiment.Usagef("-format %q is unknown; there are csv and json", f.format)
	}
	if err := f.exclude(); err != nil {
		return err
	}
	m, err := forecast.Load(ModelPath(args[0]))
	if err != nil {
		return err
	}
	var answers []forecastOf
	if f.data != "" {
		answers, err = f.fromTable(ctx, m, stderr)
	} else {
		answers, err = f.fromFlags(ctx, m)
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if f.format == "json" {
		err = writeJSON(&b, m, answers)
	} else {
		err = writeCSV(&b, m, answers)
	}
	if err != nil {
		return err
	}
	if f.out == "-" {
		_, err = stdout.Write(b.Bytes())
		return err
	}
	return modelfile.WriteAtomic(f.out, func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}

// exclude finds flags that contradict each other.
func (f *PredictFlags) exclude() error {
	sources := 0
	for _, s := range []string{f.from, f.data, f.query} {
		if s != "" {
			sources++
		}
	}
	switch {
	case sources > 1:
		return experiment.Usagef("-from, -data and -query each say the start; give one of them")
	case f.query != "" && (f.until != "" || f.times != "" || f.every != 0 || f.at != "" || f.trajectory != "" || f.controls != ""):
		return experiment.Usagef("-query says all of the query; leave the other flags out")
	case f.times != "" && (f.until != "" || f.every != 0):
		return experiment.Usagef("-times and -until each say the times; give one of them")
	case f.at != "" && f.from == "":
		return experiment.Usagef("-at is the time of a state -from, which is missing")
	case f.every < 0 || f.every-f.every != 0:
		return experiment.Usagef("-every %v is not positive", f.every)
	case !slices.Contains([]string{"last", "first", "each"}, f.start):
		return experiment.Usagef("-start %q is unknown; there are last, first and each", f.start)
	}
	return nil
}

// ModelPath returns the path of the model at path: of a file itself, of a folder that fit has
// written the model in it.
func ModelPath(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, ModelFile)
	}
	return path
}

// fromFlags answers -from, -query, or goes on from the end of the model's data.
func (f *PredictFlags) fromFlags(ctx context.Context, m *forecast.Model) ([]forecastOf, error) {
	if f.query != "" {
		r, err := readQuery(f.query)
		if err != nil {
			return nil, err
		}
		return ask(ctx, m, "", r, nil)
	}
	r := &serve.Request{Trajectory: f.trajectory, Every: f.every}
	var err error
	for _, text := range list(f.times) {
		t, err := moment("times", text, m.Clock)
		if err != nil {
			return nil, err
		}
		r.Times = append(r.Times, t)
	}
	if f.until != "" {
		until, err := moment("until", f.until, m.Clock)
		if err != nil {
			return nil, err
		}
		r.Until = &until
	}
	controls, err := f.readControls(m)
	if err != nil {
		return nil, err
	}
	if f.from != "" {
		state, err := parseState(f.from, m)
		if err != nil {
			return nil, err
		}
		switch {
		case f.at != "":
			at, err := moment("at", f.at, m.Clock)
			if err != nil {
				return nil, err
			}
			r.FromTime = &at
		case len(r.Times) == 0 && m.Clock != nil:
			return nil, experiment.Usagef("the model's times are dates; say the date of the state by -at")
		case len(r.Times) == 0:
			r.FromTime = &serve.Moment{}
		}
		if r.Until == nil && r.Times == nil {
			return nil, experiment.Usagef("say until when by -until, or the -times")
		}
		r.Trajectory = ""
		// The names of the columns alone can be in a request; the rest of the state is put in below.
		r.From = map[string]float64{}
		for j, name := range m.States {
			r.From[name] = state[j]
		}
		return ask(ctx, m, "", r, &extra{state: state, controls: controls})
	}
	var answers []forecastOf
	for i := range m.Trajectories {
		tr := &m.Trajectories[i]
		if f.trajectory != "" && tr.ID != f.trajectory {
			continue
		}
		one := *r
		one.Trajectory = tr.ID
		if one.Until == nil && one.Times == nil {
			first := tr.End - 1
			if len(tr.Times) > 1 {
				first = tr.Times[0]
			}
			one.Until = &serve.Moment{Number: tr.End + (tr.End-first)/5}
		}
		a, err := ask(ctx, m, tr.ID, &one, &extra{controls: controls})
		if err != nil {
			return nil, err
		}
		answers = append(answers, a...)
	}
	if answers == nil {
		return nil, experiment.Usagef("there is no trajectory %q; the model has %d", f.trajectory, len(m.Trajectories))
	}
	return answers, nil
}

// extra is what a request cannot say.
type extra struct {
	state    []float64 // with unobserved components
	controls train.Controls[float64]
}

func ask(ctx context.Context, m *forecast.Model, id string, r *serve.Request, more *extra) ([]forecastOf, error) {
	q, err := r.Query(m, mostTimes)
	if err != nil {
		return nil, err
	}
	if more != nil {
		q.Controls = more.controls
		if more.state != nil {
			q.From = more.state
		}
	}
	p, err := m.Predict(ctx, q)
	if err != nil {
		return nil, err
	}
	return []forecastOf{{id, p}}, nil
}

func readQuery(path string) (*serve.Request, error) {
	var data []byte
	var err error
	if path == "-" {
		data, err = io.ReadAll(io.LimitReader(os.Stdin, 64<<20))
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	r := new(serve.Request)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		line := 1 + bytes.Count(data[:min(d.InputOffset(), int64(len(data)))], []byte("\n"))
		return nil, fmt.Errorf("%s:%d: %w", path, line, err)
	}
	return r, nil
}

// parseState reads x=0.3,v=0.9. Unobserved components that are not named are 0.
func parseState(text string, m *forecast.Model) ([]float64, error) {
	components := m.Components()
	state := make([]float64, len(components))
	given := make([]bool, len(components))
	for _, item := range list(text) {
		name, value, ok := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		i := slices.Index(components, name)
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		switch {
		case !ok:
			return nil, experiment.Usagef("-from %q: %q is not like %s=0.5", text, item, components[0])
		case i < 0:
			return nil, experiment.Usagef("-from %q: the model has no %q; it has %q", text, name, components)
		case given[i]:
			return nil, experiment.Usagef("-from %q: %s is there twice", text, name)
		case err != nil || v-v != 0:
			return nil, experiment.Usagef("-from %q: %q is not a number", text, value)
		}
		state[i], given[i] = v, true
	}
	for i, name := range m.States {
		if !given[i] {
			return nil, experiment.Usagef("-from %q: %s is missing; a start needs each of %q", text, name, m.States)
		}
	}
	return state, nil
}

// options are how a table with columns of the model is read.
func (f *PredictFlags) options(m *forecast.Model, columns []string) (table.Options, error) {
	opt, err := f.table.options()
	if err != nil {
		return opt, err
	}
	opt.States, opt.Clock = columns, m.Clock
	if opt.Time == "" {
		opt.Time = m.Time
	}
	if m.Time == "" {
		opt.Time = ""
	}
	return opt, nil
}

// readControls reads the table -controls, which has one trajectory.
func (f *PredictFlags) readControls(m *forecast.Model) (u train.Controls[float64], err error) {
	if f.controls == "" {
		return u, nil
	}
	if len(m.Controls) == 0 {
		return u, experiment.Usagef("-controls for a model that has none")
	}
	opt, err := f.options(m, m.Controls)
	if err != nil {
		return u, err
	}
	t, err := table.ReadFile(f.controls, opt)
	if err != nil {
		return u, err
	}
	if len(t.Trajectories) != 1 {
		return u, &table.Error{File: t.File, Column: t.ID, Reason: "controls of several trajectories", Remedy: "give them as columns of -data"}
	}
	return train.Controls[float64]{Times: t.Trajectories[0].Times, Values: t.Trajectories[0].States}, nil
}

// fromTable answers -data.
func (f *PredictFlags) fromTable(ctx context.Context, m *forecast.Model, stderr io.Writer) ([]forecastOf, error) {
	opt, err := f.options(m, slices.Concat(m.States, m.Controls))
	if err != nil {
		return nil, err
	}
	if opt.ID == "" {
		opt.ID = f.idColumn(m)
	}
	t, err := table.ReadFile(f.data, opt)
	if err != nil {
		return nil, err
	}
	for _, note := range t.Notes {
		fmt.Fprintf(stderr, "%s: %s\n", t.File, note)
	}
	controls, err := f.readControls(m)
	if err != nil {
		return nil, err
	}
	var answers []forecastOf
	sum, count := 0.0, 0
	for i := range t.Trajectories {
		tr := &t.Trajectories[i]
		if f.trajectory != "" && tr.ID != f.trajectory {
			continue
		}
		starts, err := f.starts(m, t, tr)
		if err != nil {
			return nil, err
		}
		for _, row := range starts {
			q, err := f.tableQuery(m, t, tr, row)
			if err != nil {
				return nil, err
			}
			if f.controls != "" {
				q.Controls = controls
			}
			p, err := m.Predict(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", t.File, tr.Lines[row], err)
			}
			id := tr.ID
			if f.start == "each" {
				id = strings.TrimPrefix(fmt.Sprintf("%s/%d", tr.ID, tr.Lines[row]), "/")
			}
			answers = append(answers, forecastOf{id, p})
			s, n := squares(p, tr, len(t.States))
			sum, count = sum+s, count+n
		}
	}
	if answers == nil {
		return nil, experiment.Usagef("%s has no trajectory %q", t.File, f.trajectory)
	}
	if count > 0 {
		fmt.Fprintf(stderr, "%s: root mean square error %.6g over %d values after the starts\n", t.File, math.Sqrt(sum/float64(count)), count)
	}
	return answers, nil
}

// idColumn is the model's id column if the table has it too.
func (f *PredictFlags) idColumn(m *forecast.Model) string {
	if m.ID == "" || m.ID == "file" {
		return ""
	}
	opt, err := f.options(m, slices.Concat(m.States, m.Controls))
	if err != nil {
		return ""
	}
	opt.ID = m.ID
	if _, err := table.ReadFile(f.data, opt); err != nil {
		return ""
	}
	return m.ID
}

// starts are the rows of a trajectory from which forecasts begin.
func (f *PredictFlags) starts(m *forecast.Model, t *table.Table, tr *table.Trajectory) ([]int, error) {
	var complete []int
	for r := range tr.Times {
		whole := true
		for j := range m.States {
			v := tr.States[r*len(t.States)+j]
			whole = whole && v == v
		}
		if whole {
			complete = append(complete, r)
		}
	}
	if complete == nil {
		return nil, &table.Error{File: t.File, Line: tr.Lines[0], Reason: fmt.Sprintf("no row of the trajectory has all of %q", m.States), Remedy: "fill in the missing values of one row, to start from"}
	}
	switch f.start {
	case "first":
		return complete[:1], nil
	case "each":
		return complete, nil
	}
	return complete[len(complete)-1:], nil
}

// tableQuery is the query for one start.
func (f *PredictFlags) tableQuery(m *forecast.Model, t *table.Table, tr *table.Trajectory, row int) (forecast.Query, error) {
	width, n := len(t.States), len(m.States)
	q := forecast.Query{FromTime: tr.Times[row], From: slices.Clone(tr.States[row*width : row*width+n])}
	q.From = m.Complete(q.From, tr.Times, func(r, j int) float64 { return tr.States[r*width+j] }, row)
	if len(m.Controls) > 0 {
		q.Controls.Times = tr.Times
		for r := range tr.Times {
			q.Controls.Values = append(q.Controls.Values, tr.States[r*width+n:(r+1)*width]...)
		}
	}
	r := &serve.Request{FromTime: &serve.Moment{Number: q.FromTime}, Every: f.every, From: map[string]float64{}}
	for j, name := range m.States {
		r.From[name] = q.From[j]
	}
	for _, text := range list(f.times) {
		at, err := moment("times", text, m.Clock)
		if err != nil {
			return q, err
		}
		r.Times = append(r.Times, at)
	}
	switch {
	case f.until != "":
		until, err := moment("until", f.until, m.Clock)
		if err != nil {
			return q, err
		}
		r.Until = &until
	case r.Times != nil:
	case f.start == "first" && len(tr.Times) > 1:
		q.Times = tr.Times[row:]
		return q, nil
	case row+1 < len(tr.Times):
		q.Times = tr.Times[row+1:]
		return q, nil
	default:
		return q, experiment.Usagef("%s has no rows after the start in line %d; say until when by -until, or the -times", t.File, tr.Lines[row])
	}
	asked, err := r.Query(m, mostTimes)
	q.Times = asked.Times
	return q, err
}

// squares sums the squared errors of a forecast at rows of its trajectory, after the start.
func squares(p *forecast.Prediction, tr *table.Trajectory, width int) (sum float64, count int) {
	n := len(p.States)
	for i, t := range p.Times {
		r, ok := slices.BinarySearch(tr.Times, t)
		if !ok || i == 0 && len(p.Times) > 1 {
			continue
		}
		for j := range n {
			if d := p.Values[i*n+j] - tr.States[r*width+j]; d == d {
				sum += d * d
				count++
			}
		}
	}
	return sum, count
}

// writeCSV writes answers as a table.
func writeCSV(w io.Writer, m *forecast.Model, answers []forecastOf) error {
	out := csv.NewWriter(w)
	id := m.ID
	if id == "" {
		id = "id"
	}
	named := len(answers) > 1 || answers[0].id != ""
	var header []string
	if named {
		header = append(header, id)
	}
	header = append(header, m.Time)
	for _, s := range m.States {
		header = append(header, s)
		if answers[0].Low != nil {
			header = append(header, s+"_low", s+"_high")
		}
	}
	if err := out.Write(header); err != nil {
		return err
	}
	n := len(m.States)
	for _, a := range answers {
		for i, t := range a.Times {
			var record []string
			if named {
				record = append(record, a.id)
			}
			record = append(record, stamp(t, m.Clock))
			for j := range n {
				record = append(record, number(a.Values[i*n+j]))
				if a.Low != nil {
					record = append(record, number(a.Low[i*n+j]), number(a.High[i*n+j]))
				}
			}
			if err := out.Write(record); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// writeJSON writes the answer as the service does, or a list of answers with their ids.
func writeJSON(w io.Writer, m *forecast.Model, answers []forecastOf) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if len(answers) == 1 && answers[0].id == "" {
		return e.Encode(serve.AnswerOf(m, answers[0].Prediction))
	}
	type one struct {
		ID string `json:"id"`
		serve.Answer
	}
	var all []one
	for _, a := range answers {
		all = append(all, one{a.id, serve.AnswerOf(m, a.Prediction)})
	}
	return e.Encode(all)
}
