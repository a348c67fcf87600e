package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/modelfile"
)

// report predicts and writes all files.
func (f *fit) report(ctx context.Context, elapsed time.Duration, stdout io.Writer) error {
	cost := f.path.Work()               // of the training alone
	saved := f.model.save(f.config.Out) // before anything else can fail
	x := f.model.vector()
	z, err := f.predict(ctx, x, f.model.scale.times(f.data.t))
	if err != nil {
		fmt.Fprintf(stdout, "The forecast ends early: %v\n", err)
	}
	y := f.model.scale.inverse(z)
	m := f.metrics(z, y)
	if loss, err := f.objective(f.rows-1)(ctx, nil, x); err == nil {
		m.Set("loss", loss)
	}
	m.Set("seconds", elapsed.Seconds())
	m.SetInt("steps", f.steps)
	m.SetInt("nfe_forward", cost.NFEForward)
	m.SetInt("nfe_backward", cost.NFEBackward)
	m.SetUint("seed", f.model.Seed)
	var written []string
	var faults []error
	for _, file := range []struct {
		name  string
		write func(path string) error
	}{
		{modelFile, func(string) error { return saved }},
		{"predictions.csv", func(path string) error {
			return modelfile.WriteAtomic(path, func(w io.Writer) error { return f.writePredictions(w, y) })
		}},
		{"metrics.json", m.WriteFile},
		{"fit.png", func(path string) error { return f.draw(ctx, x, path) }},
	} {
		if err := file.write(filepath.Join(f.config.Out, file.name)); err != nil {
			faults = append(faults, fmt.Errorf("%s is not written: %w", file.name, err))
		} else {
			written = append(written, file.name)
		}
	}
	fmt.Fprint(stdout, m)
	if len(written) > 0 {
		fmt.Fprintf(stdout, "Written to %s: %s\n", f.config.Out, strings.Join(written, ", "))
	}
	return errors.Join(faults...)
}

// predict returns z at times, NaN where the solve did not get to.
func (f *fit) predict(ctx context.Context, x, times []float64) ([]float64, error) {
	z, err := f.path.Predict(ctx, x, times)
	for len(z) < len(times)*len(f.data.states) {
		z = append(z, math.NaN())
	}
	return z, err
}

// metrics compares predictions, z and y, with the data: in units of the data; scaled, which
// makes states of different units comparable if they are normalised; and in
// logarithms, if the model has them. A forecast that says the mean of the fitted rows is
// there for comparison.
func (f *fit) metrics(z, y []float64) *experiment.Metrics {
	n := len(f.data.states)
	split := f.rows * n
	m := new(experiment.Metrics)
	m.Set("rmse_in_sample", train.RMSE(y[:split], f.data.y[:split]))
	m.Set("rmse_forecast", train.RMSE(y[split:], f.data.y[split:]))
	s := f.model.scale
	scaled := s.states(f.data.y)
	m.Set("rmse_scaled_in_sample", train.RMSE(z[:split], scaled[:split]))
	m.Set("rmse_scaled_forecast", train.RMSE(z[split:], scaled[split:]))
	if !f.model.Log {
		m.Set("rmse_forecast_of_mean", train.RMSE(f.meanOf(f.data.y), f.data.y[split:]))
		return m
	}
	s.Log = false // from here on the states are their logarithms
	predicted := s.inverse(z)
	observed := make([]float64, len(f.data.y))
	for i, v := range f.data.y {
		observed[i] = math.Log(v)
	}
	m.Set("rmse_log_in_sample", train.RMSE(predicted[:split], observed[:split]))
	m.Set("rmse_log_forecast", train.RMSE(predicted[split:], observed[split:]))
	m.Set("rmse_log_forecast_of_mean", train.RMSE(f.meanOf(observed), observed[split:]))
	return m
}

// meanOf returns, for each row that is held out, the mean of the fitted rows of v.
func (f *fit) meanOf(v []float64) []float64 {
	n := len(f.data.states)
	mean := make([]float64, n)
	for k := range mean {
		sum, present := 0.0, 0
		for i := range f.rows {
			if x := v[i*n+k]; !math.IsNaN(x) {
				sum += x
				present++
			}
		}
		mean[k] = sum / float64(present)
	}
	var rows []float64
	for range len(f.data.t) - f.rows {
		rows = append(rows, mean...)
	}
	return rows
}

// writePredictions writes a row for each row of the data: the time, whether it was fitted or
// is forecast, and for each state what was observed and what the model says.
func (f *fit) writePredictions(w io.Writer, y []float64) error {
	number := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	out := csv.NewWriter(w)
	header := []string{f.data.time, "part"}
	for _, name := range f.data.states {
		header = append(header, name, name+"_model")
	}
	if err := out.Write(header); err != nil {
		return err
	}
	n := len(f.data.states)
	for i, t := range f.data.t {
		part := "fit"
		if i >= f.rows {
			part = "forecast"
		}
		record := []string{number(t), part}
		for k := range n {
			record = append(record, number(f.data.y[i*n+k]), number(y[i*n+k]))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
