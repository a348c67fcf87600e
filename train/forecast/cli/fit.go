package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/neuralode/neuralode/train/dist"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/modelfile"
	"github.com/neuralode/neuralode/train/table"
)

// AboutFit is the help of Fit.
const AboutFit = `Fit learns a Neural ODE from tables of measurements and forecasts how they go on. Without DATA it
fits the pelts of lynx and hare, 1900 to 1915, and forecasts 1916 to 1920.

A table is a CSV file or the like, its first column the time: numbers, dates or timestamps. Several files
are several trajectories, and so are the values of an -id column. Values may be missing, and times irregular. The last
rows are held out and judge the forecast, beside simple baselines.

Written are the model, the metrics, the predictions, the curve that is drawn, and the figure.`

// Run fits the tables in the files, or the lynx and hare if there are none.
func (f *FitFlags) Run(ctx context.Context, files []string, stdout, stderr io.Writer) error {
	began := time.Now()
	builtIn := len(files) == 0
	f.defaults(files)
	opt, err := f.options()
	if err != nil {
		return err
	}
	topt, err := f.table.options()
	if err != nil {
		return err
	}
	if topt.States != nil {
		topt.States = append(topt.States, f.controls...)
	}
	first := f.Comm == nil || f.Comm.Rank() == 0
	if !first {
		stdout, stderr = io.Discard, io.Discard
	}
	t, log, err := f.prepare(files, topt, first)
	if err = together(f.Comm, err); err != nil {
		return err
	}
	if !f.json {
		for _, note := range t.Notes {
			fmt.Fprintf(stdout, "%s: %s\n", t.File, note)
		}
	}
	checkpoint := filepath.Join(f.Out, "checkpoint")
	opt.Checkpoint, opt.Resume = checkpoint, f.resume
	progress := newProgress(stderr)
	var logged error
	opt.Progress = func(e forecast.Event) {
		progress.event(e)
		if log != nil && logged == nil {
			logged = log.Log(e)
		}
	}
	m, trained := forecast.Fit(ctx, t, opt)
	progress.done()
	if log != nil {
		logged = errors.Join(logged, log.Close())
	}
	if m == nil {
		if ctx.Err() != nil {
			return experiment.Stopped(trained, 0, f.Out)
		}
		return trained
	}
	if !first {
		return trained
	}
	// What there is by now is written even if the training was cut short.
	o := &outputs{model: m, table: t, dir: f.Out, label: func(state string) string {
		if builtIn {
			return state + " (thousand pelts)"
		}
		return state
	}}
	o.metrics = append(o.metrics, m.Figures...)
	o.metrics.Set("seed", float64(f.Seed))
	o.metrics.Set("seconds", time.Since(began).Seconds())
	written, failed := o.write(context.WithoutCancel(ctx))
	if trained == nil && failed == nil {
		failed = os.RemoveAll(checkpoint)
	}
	if err := f.print(stdout, o, written, trained == nil); err != nil {
		return err
	}
	if trained != nil {
		steps, _ := m.Figures.Get("steps")
		trained = experiment.Stopped(trained, int(steps), f.Out)
	}
	return errors.Join(trained, failed, logged)
}

// prepare reads the tables and, on the first process, finds out whether files can be written, before the
// training and not after.
func (f *FitFlags) prepare(files []string, topt table.Options, first bool) (t *table.Table, log logger, err error) {
	if first {
		if err := modelfile.Probe(f.Out); err != nil {
			return nil, nil, err
		}
	}
	if t, err = read(files, topt); err != nil {
		return nil, nil, err
	}
	if first && f.log != "" {
		log, err = openLog(f.log)
	}
	return t, log, err
}

// together returns an error on all processes if one of them has one.
func together(c dist.Comm, err error) error {
	if c == nil {
		return err
	}
	for rank := range c.Size() {
		var text []byte
		if err != nil {
			text = []byte(err.Error())
		}
		text, failed := dist.Share(c, text, rank)
		switch {
		case failed != nil:
			return failed
		case len(text) > 0 && rank == c.Rank():
			return err
		case len(text) > 0:
			return &dist.RankError{Rank: rank, Text: string(text)}
		}
	}
	return nil
}

// defaults fills in what depends on the data.
func (f *FitFlags) defaults(files []string) {
	if len(files) == 0 {
		if !f.given("holdout") {
			f.holdout = "5"
		}
		if f.Out == "" {
			f.Out = filepath.Join("out", "fit")
		}
	}
	if f.Out == "" {
		base := filepath.Base(files[0])
		f.Out = filepath.Join("out", strings.TrimSuffix(base, filepath.Ext(base)))
	}
}

// print prints the result.
func (f *FitFlags) print(w io.Writer, o *outputs, written []string, finished bool) error {
	m := o.model
	if f.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(result{
			Data: describe(m, o.table), Notes: o.table.Notes, Choices: m.Choices, Figures: o.metrics, Verdict: m.Verdict,
			Out: filepath.ToSlash(f.Out), Files: written, Finished: finished,
		})
	}
	fmt.Fprintln(w, describe(m, o.table))
	choices := m.Choices
	if !f.explain {
		choices = choices[:min(3, len(choices))]
	}
	for _, c := range choices {
		fmt.Fprintln(w, c)
	}
	printFigures(w, o.metrics)
	for _, p := range m.Parameters {
		fmt.Fprintf(w, "%s = %.6g", p.Name, p.Value)
		if p.Least < p.Most {
			fmt.Fprintf(w, ", from %.6g to %.6g in the ensemble", p.Least, p.Most)
		}
		fmt.Fprintln(w)
	}
	if m.Verdict != "" {
		fmt.Fprintln(w, m.Verdict)
	}
	if len(written) > 0 {
		fmt.Fprintf(w, "Written to %s: %s\n", f.Out, strings.Join(written, ", "))
	}
	return nil
}

// Fit is the program "fit" with flags alone, the table's file being one of them.
func Fit(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var f FitFlags
	fs := experiment.Flags("fit", AboutFit)
	f.Bind(fs)
	data := fs.String("data", "", "CSV `file`; empty: the lynx and hare that come with the program")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	var files []string
	if *data != "" {
		files = []string{*data}
	}
	return f.Run(ctx, files, stdout, stderr)
}
