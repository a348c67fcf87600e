package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/modelfile"
)

// quick runs the program and returns what it printed.
func quick(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	err := run(ctx, args, &out, io.Discard)
	return out.String(), err
}

func metrics(t *testing.T, dir string) map[string]float64 {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]float64
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func contents(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestQuick(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	out, err := quick(context.Background(), "-quick", "-seed", "3", "-out", dir)
	if err != nil {
		t.Fatal(err)
	}
	m := metrics(t, dir)
	for _, name := range []string{
		"rmse_log_in_sample", "rmse_log_forecast", "rmse_log_forecast_of_mean", "rmse_in_sample", "rmse_forecast",
		"loss", "seconds", "steps", "nfe_forward", "nfe_backward", "seed",
	} {
		if _, ok := m[name]; !ok {
			t.Errorf("metrics.json has no %q", name)
		}
		if !strings.Contains(out, name) {
			t.Errorf("%q is not printed", name)
		}
	}
	// The bar of the full run; it holds after a few hundred steps.
	if m["rmse_log_in_sample"] > 0.25 || m["seed"] != 3 || m["steps"] < 300 {
		t.Errorf("metrics %v", m)
	}
	if lines := strings.Count(contents(t, dir, "predictions.csv"), "\n"); lines != 22 {
		t.Errorf("predictions.csv has %d lines, want 22", lines)
	}
	if _, err := png.Decode(strings.NewReader(contents(t, dir, "fit.png"))); err != nil {
		t.Error(err)
	}
}

// A saved model predicts the same bits, and its training goes on from where it was.
func TestLoadPredictsTheSame(t *testing.T) {
	first, second, third := t.TempDir(), t.TempDir(), t.TempDir()
	ctx := context.Background()
	if _, err := quick(ctx, "-epochs", "60", "-polish", "0", "-holdout", "6", "-out", first); err != nil {
		t.Fatal(err)
	}
	if _, err := quick(ctx, "-load", first, "-epochs", "0", "-polish", "0", "-out", second); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"predictions.csv", modelFile, "fit.png"} {
		if contents(t, first, name) != contents(t, second, name) {
			t.Errorf("%s differs after loading", name)
		}
	}
	if _, err := quick(ctx, "-load", first, "-epochs", "0", "-polish", "40", "-out", third); err != nil {
		t.Fatal(err)
	}
	before, after := metrics(t, first), metrics(t, third)
	if !(after["rmse_log_in_sample"] < before["rmse_log_in_sample"]) {
		t.Errorf("in-sample error %v before, %v after going on", before["rmse_log_in_sample"], after["rmse_log_in_sample"])
	}
	m, err := load(third)
	if err != nil || m.Steps != 100 || m.Holdout != 6 {
		t.Errorf("steps %d, holdout %d (%v)", m.Steps, m.Holdout, err)
	}
}

// Flags that are not part of the model's shape may change when it is loaded.
func TestLoadOverride(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	ctx := context.Background()
	if _, err := quick(ctx, "-epochs", "5", "-polish", "0", "-out", first); err != nil {
		t.Fatal(err)
	}
	_, err := quick(ctx, "-load", first, "-epochs", "0", "-polish", "2", "-out", second,
		"-solver", "dopri5", "-adjoint", "backsolve", "-tol", "1e-4", "-holdout", "2", "-step", "0.5")
	if err != nil {
		t.Fatal(err)
	}
	m, err := load(second)
	if err != nil {
		t.Fatal(err)
	}
	if m.Solver != "dopri5" || m.Adjoint != "backsolve" || m.Tolerance != 1e-4 || m.Holdout != 2 || m.Step != 0.5 {
		t.Errorf("%+v", m.description)
	}
	if n := strings.Count(contents(t, second, "predictions.csv"), "forecast"); n != 2 {
		t.Errorf("%d rows are forecast, want 2", n)
	}
}

// The same seed gives the same files, another seed others.
func TestSeed(t *testing.T) {
	var files []string
	for _, seed := range []string{"1", "1", "2"} {
		dir := t.TempDir()
		if _, err := quick(context.Background(), "-epochs", "5", "-polish", "5", "-seed", seed, "-out", dir); err != nil {
			t.Fatal(err)
		}
		files = append(files, contents(t, dir, modelFile))
	}
	if files[0] != files[1] || files[0] == files[2] {
		t.Errorf("seeds 1 and 1 equal: %v; 1 and 2 equal: %v", files[0] == files[1], files[0] == files[2])
	}
}

// Every flag that has a say in the training changes its result.
func TestFlagsMatter(t *testing.T) {
	weights := func(args ...string) string {
		dir := t.TempDir()
		if _, err := quick(context.Background(), append([]string{"-epochs", "4", "-polish", "3", "-out", dir}, args...)...); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return contents(t, dir, modelFile)
	}
	seen := map[string]string{weights(): "default"}
	for _, args := range []string{
		"-hidden 8", "-hidden 16,16", "-activation softplus", "-solver dopri5", "-solver rk4", "-solver rk4 -step 0.5",
		"-adjoint interpolating", "-adjoint backsolve", "-tol 1e-3", "-epochs 5", "-polish 4", "-lr 0.02", "-decay 0",
		"-log=false", "-normalise=false", "-holdout 3", "-states hare", "-states lynx,hare",
	} {
		w := weights(strings.Fields(args)...)
		if other, ok := seen[w]; ok {
			t.Errorf("%s gives the weights of %s", args, other)
		}
		seen[w] = args
	}
}

func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := quick(ctx, "-quick", "-out", dir)
	if code := experiment.Report("fit", err, io.Discard); code != experiment.ExitInterrupted {
		t.Errorf("exit code %d (%v)", code, err)
	}
	for _, name := range []string{"fit.png", "predictions.csv", "metrics.json", modelFile} {
		contents(t, dir, name)
	}
	if _, err := load(dir); err != nil {
		t.Error(err)
	}
}

// The model is saved while it is trained, in both phases.
func TestSavedInEveryPhase(t *testing.T) {
	defer func(d time.Duration) { saveEvery = d }(saveEvery)
	saveEvery = 0
	for _, args := range []string{"-epochs 5 -polish 0", "-epochs 0 -polish 5"} {
		dir := t.TempDir()
		c, err := parse(append(strings.Fields(args), "-out", dir), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		f, err := prepare(c, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.train(context.Background()); err != nil {
			t.Fatal(err)
		}
		m, err := load(dir)
		if err != nil || m.Steps != 5 {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// A folder that cannot be written to is found before the training, and a file that cannot be
// written is not said to be written.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var own *modelfile.Error
	if out, err := quick(context.Background(), "-out", filepath.Join(file, "x")); !errors.As(err, &own) || out != "" {
		t.Errorf("printed %q (%v)", out, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "out", "fit.png", "x"), 0o777); err != nil {
		t.Fatal(err)
	}
	out, err := quick(context.Background(), "-epochs", "2", "-polish", "0", "-out", filepath.Join(dir, "out"))
	if err == nil || !strings.Contains(err.Error(), "fit.png is not written") || !strings.Contains(out, "model.safetensors, predictions.csv, metrics.json\n") {
		t.Errorf("printed %q (%v)", out, err)
	}
}

// With a table that begins elsewhere a loaded model predicts from there.
func TestLoadWithNewTable(t *testing.T) {
	dir := t.TempDir()
	table := func(name, rows string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("t,x,v\n"+rows), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var rows strings.Builder
	for i := range 20 {
		fmt.Fprintf(&rows, "%d,%v,%v\n", i, math.Cos(float64(i)/3), -math.Sin(float64(i)/3))
	}
	old := table("old.csv", rows.String())
	if _, err := quick(context.Background(), "-epochs", "20", "-polish", "20", "-data", old, "-out", dir); err != nil {
		t.Fatal(err)
	}
	next := table("next.csv", "100,-3,2\n101,0,0\n102,0,0\n")
	out, err := quick(context.Background(), "-load", dir, "-epochs", "0", "-polish", "0", "-data", next, "-out", filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	if p := contents(t, filepath.Join(dir, "out"), "predictions.csv"); !strings.Contains(p, "\n100,fit,-3,-3,2,2\n") {
		t.Errorf("predictions %s", p)
	}
	if !strings.Contains(out, "predictions start from it") {
		t.Errorf("printed %q", out)
	}
}

func TestThinned(t *testing.T) {
	if v := thinned([]float64{0, 1, 2, 3, 4, 5, 6}, 3); !slices.Equal(v, []float64{0, 3, 6}) {
		t.Error(v)
	}
}

func TestMissingValues(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("day,first,second,third\n")
	for i := range 20 {
		x, y, z := fmt.Sprint(math.Sin(float64(i)/3)), fmt.Sprint(math.Cos(float64(i)/3)), "1"
		if i%5 == 0 {
			x = ""
		}
		if i%4 == 1 {
			y = "NA"
		}
		fmt.Fprintf(&b, "%d,%s,%s,%s\n", 7*i, x, y, z)
	}
	file := filepath.Join(dir, "data.csv")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := quick(context.Background(), "-quick", "-data", file, "-out", dir, "-holdout", "4"); err != nil {
		t.Fatal(err)
	}
	if m := metrics(t, dir); !(m["rmse_in_sample"] < 0.2) {
		t.Errorf("metrics %v", m)
	}
	if !strings.Contains(contents(t, dir, "predictions.csv"), "\n0,fit,,") {
		t.Error("the missing value of the first row is not empty in predictions.csv")
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.csv")
	if err := os.WriteFile(bad, []byte("t,a\n0,1\n1,x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"-h", experiment.ExitOK, ""},
		{"-nonsense", experiment.ExitUsage, ""},
		{"-solver magic", experiment.ExitUsage, "tsit5"},
		{"-adjoint magic", experiment.ExitUsage, "discrete"},
		{"-activation magic", experiment.ExitUsage, "tanh"},
		{"-hidden 16,x", experiment.ExitUsage, `"x"`},
		{"-epochs -1", experiment.ExitUsage, "-epochs"},
		{"-polish -1", experiment.ExitUsage, "-polish"},
		{"-tol 0", experiment.ExitUsage, "-tol"},
		{"-step -1", experiment.ExitUsage, "-step"},
		{"-lr 0", experiment.ExitUsage, "-lr"},
		{"-decay -1", experiment.ExitUsage, "-decay"},
		{"-holdout -1", experiment.ExitUsage, "-holdout"},
		{"-load x -hidden 4", experiment.ExitUsage, "-hidden"},
		{"-load x -seed 4", experiment.ExitUsage, "-seed"},
		{"-load " + dir, experiment.ExitFailure, modelFile},
		{"-data " + bad, experiment.ExitFailure, bad + `:3: column "a"`},
		{"-data " + bad + "x", experiment.ExitFailure, "no such file"},
		{"-holdout 20", experiment.ExitFailure, "held out"},
		{"-states bear", experiment.ExitFailure, `"bear"`},
	} {
		var stderr bytes.Buffer
		err := run(context.Background(), append(strings.Fields(c.args), "-out", dir), io.Discard, &stderr)
		if errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: help is an error", c.args)
		}
		code := experiment.Report("fit", err, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d, printed %q; want %d and %q", c.args, code, stderr.String(), c.code, c.want)
		}
	}
}

func TestScale(t *testing.T) {
	nan := math.NaN()
	d := &measurements{states: []string{"a", "b"}, t: []float64{5, 7, 9, 11}, y: []float64{1, nan, 3, 4, 5, 4, 100, 100}}
	s := newScale(d, 3, false, true)
	// a = 1, 3, 5: mean 3, deviation √(8/3); b = 4, 4: constant.
	if s.Origin != 5 || !slices.Equal(s.Mean, []float64{3, 4}) || math.Abs(s.Spread[0]-math.Sqrt(8.0/3)) > 1e-15 || s.Spread[1] != 1 {
		t.Errorf("scale %+v", s)
	}
	// Slopes of z: 1/spread twice and 0; their root mean square is the inverse of the unit.
	if want := math.Sqrt(1.5) * s.Spread[0]; math.Abs(s.Unit-want) > 1e-14 {
		t.Errorf("unit %v, want %v", s.Unit, want)
	}
	back := s.inverse(s.states(d.y))
	for i, v := range d.y {
		if math.Abs(back[i]-v) > 1e-13 || math.IsNaN(v) != math.IsNaN(back[i]) {
			t.Errorf("there and back: %v, want %v", back, d.y)
			break
		}
	}
	if s := newScale(d, 3, true, false); s.Unit != 1 || s.Mean[0] != 0 || math.Abs(s.inverse(s.states(d.y))[6]-100) > 1e-12 {
		t.Errorf("scale with logarithms alone %+v", s)
	}
}

// A model that runs away is reported, with what was reached.
func TestForecastEndsEarly(t *testing.T) {
	m := testModel(t, 1)
	m.Solver, m.Adjoint = "rk4", "discrete"
	x := m.vector()
	for i := range x {
		x[i] = 1e308
	}
	m.set(x)
	d := &measurements{states: m.States, t: []float64{1900, 1901, 1902}, y: []float64{1, 1, 1, 1, 1, 1}}
	path, err := m.trajectory(d, 3)
	if err != nil {
		t.Fatal(err)
	}
	f := &fit{data: d, rows: 3, model: m, path: path}
	z, err := f.predict(context.Background(), m.vector(), m.scale.times(d.t))
	if !errors.Is(err, odeint.ErrNonFinite) || len(z) != 6 || !math.IsNaN(z[5]) {
		t.Errorf("%v (%v)", z, err)
	}
}
