package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
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

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/modelfile"
)

// fit runs the program and returns what it printed.
func fit(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	err := Fit(ctx, args, &out, io.Discard)
	return out.String(), err
}

// fitted is fit of arguments that must work.
func fitted(t *testing.T, args ...string) string {
	t.Helper()
	out, err := fit(context.Background(), args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out
}

func contents(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func metrics(t *testing.T, dir string) map[string]float64 {
	t.Helper()
	var m map[string]float64
	if err := json.Unmarshal([]byte(contents(t, dir, MetricsFile)), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// write makes a file in a folder.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestQuick(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	out := fitted(t, "-quick", "-seed", "3", "-out", dir)
	m := metrics(t, dir)
	for _, name := range []string{
		"rmse_log_in_sample", "rmse_log_forecast", "rmse_log_forecast_of_mean", "rmse_in_sample", "rmse_forecast",
		"rmse_scaled_in_sample", "rmse_scaled_forecast", "loss", "seconds", "steps", "nfe_forward", "nfe_backward", "seed",
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
	if lines := strings.Count(contents(t, dir, PredictionsFile), "\n"); lines != 22 {
		t.Errorf("predictions.csv has %d lines, want 22", lines)
	}
	if lines := strings.Count(contents(t, dir, CurveFile), "\n"); lines != curvePoints+2 {
		t.Errorf("curve.csv has %d lines, want %d", lines, curvePoints+2)
	}
	if _, err := png.Decode(strings.NewReader(contents(t, dir, FigureFile))); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err == nil {
		t.Error("the checkpoints of a finished training are still there")
	}
}

// The file of predictions says what the model says.
func TestPredictionsAreTheModels(t *testing.T) {
	dir := t.TempDir()
	fitted(t, "-epochs", "50", "-polish", "20", "-out", dir)
	m, err := forecast.Load(filepath.Join(dir, ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(contents(t, dir, PredictionsFile))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Fitted(context.Background(), 0, m.Trajectories[0].Times)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows[1:] {
		part := "fit"
		if i >= 16 {
			part = "forecast"
		}
		want := []string{number(1900 + float64(i)), part, number(m.Trajectories[0].States[2*i]), number(p.Values[2*i]), number(m.Trajectories[0].States[2*i+1]), number(p.Values[2*i+1])}
		if !slices.Equal(row, want) {
			t.Fatalf("row %d is %q, want %q", i, row, want)
		}
	}
	if want := []string{"year", "part", "hare", "hare_model", "lynx", "lynx_model"}; !slices.Equal(rows[0], want) {
		t.Errorf("header %q, want %q", rows[0], want)
	}
	// The forecast goes on from where the rows end.
	q, err := m.Predict(context.Background(), forecast.Query{Times: []float64{1920, 1921}})
	if err != nil {
		t.Fatal(err)
	}
	if d := train.RMSE(q.Values[:2], p.Values[40:]); d > 1e-9 {
		t.Errorf("at the end of the data %v, want %v", q.Values[:2], p.Values[40:])
	}
}

// The same seed gives the same files, another seed others.
func TestSeed(t *testing.T) {
	var files []string
	for _, seed := range []string{"1", "1", "2"} {
		dir := t.TempDir()
		fitted(t, "-epochs", "5", "-polish", "5", "-seed", seed, "-out", dir)
		files = append(files, contents(t, dir, ModelFile))
	}
	if files[0] != files[1] || files[0] == files[2] {
		t.Errorf("seeds 1 and 1 equal: %v; 1 and 2 equal: %v", files[0] == files[1], files[0] == files[2])
	}
}

// Every flag that has a say in the training changes its result.
func TestFlagsMatter(t *testing.T) {
	predictions := func(args ...string) string {
		dir := t.TempDir()
		fitted(t, append([]string{"-epochs", "4", "-polish", "3", "-out", dir}, args...)...)
		return contents(t, dir, CurveFile)
	}
	seen := map[string]string{predictions(): "default"}
	for _, args := range []string{
		"-hidden 8", "-hidden 16,16", "-activation softplus", "-solver dopri5", "-solver rk4", "-solver rk4 -step 0.5", "-solver kvaerno5",
		"-adjoint interpolating", "-adjoint backsolve", "-tol 1e-3", "-epochs 5", "-polish 4", "-lr 0.02", "-decay 0",
		"-logarithms no", "-linear yes", "-holdout 3", "-holdout 10%", "-states hare", "-states lynx,hare", "-model augmented", "-model augmented -extra 1",
		"-model second-order", "-model second-order -velocities", "-model hnn", "-model damped-hnn", "-model lagrangian -velocities", "-control lynx",
		"-control lynx -interpolation previous", "-control lynx -interpolation hermite", "-control hare", "-ensemble 2",
	} {
		p := predictions(strings.Fields(args)...)
		if other, ok := seen[p]; ok {
			t.Errorf("%s gives the curve of %s", args, other)
		}
		seen[p] = args
	}
}

func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	stop := time.AfterFunc(50*time.Millisecond, cancel)
	defer stop.Stop()
	out, err := fit(ctx, "-epochs", "10000000", "-out", dir)
	if code := experiment.Report("fit", err, io.Discard); code != experiment.ExitInterrupted {
		t.Errorf("exit code %d (%v)", code, err)
	}
	for _, name := range []string{FigureFile, PredictionsFile, MetricsFile, ModelFile, CurveFile} {
		if !strings.Contains(out, name) {
			t.Errorf("%s is not said to be written", name)
		}
		contents(t, dir, name)
	}
	if _, err := forecast.Load(filepath.Join(dir, ModelFile)); err != nil {
		t.Error(err)
	}
}

// A training that is resumed ends with the bits of one that was not interrupted.
func TestResume(t *testing.T) {
	whole, parts := t.TempDir(), t.TempDir()
	args := func(dir string, more ...string) []string {
		return append([]string{"-epochs", "300", "-polish", "-1", "-ensemble", "2", "-out", dir}, more...)
	}
	fitted(t, args(whole)...)
	ctx, cancel := context.WithCancel(context.Background())
	var f FitFlags
	fs := experiment.Flags("fit", "")
	f.Bind(fs)
	if err := fs.Parse(args(parts)); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(30*time.Millisecond, cancel)
	defer stop.Stop()
	_ = f.Run(ctx, nil, io.Discard, io.Discard) // where it was interrupted does not matter
	if _, err := fit(context.Background(), args(parts, "-resume", "-seed", "5")...); err != nil && !strings.Contains(err.Error(), "of another training") {
		t.Errorf("another seed is resumed: %v", err)
	}
	fitted(t, args(parts, "-resume")...)
	if contents(t, whole, PredictionsFile) != contents(t, parts, PredictionsFile) {
		t.Error("the predictions differ after an interruption")
	}
}

// A folder that cannot be written to is found before the training, and a file that cannot be
// written is not said to be written.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "file", "")
	out, err := fit(context.Background(), "-out", filepath.Join(file, "x"))
	if _, ok := err.(*modelfile.Error); !ok || out != "" {
		t.Errorf("printed %q (%v)", out, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "out", FigureFile, "x"), 0o777); err != nil {
		t.Fatal(err)
	}
	out, err = fit(context.Background(), "-epochs", "2", "-polish", "-1", "-out", filepath.Join(dir, "out"))
	if err == nil || !strings.Contains(err.Error(), "fit.png is not written") || !strings.Contains(out, "model.safetensors, metrics.json, predictions.csv, curve.csv\n") {
		t.Errorf("printed %q (%v)", out, err)
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
	fitted(t, "-quick", "-data", write(t, dir, "data.csv", b.String()), "-out", dir, "-holdout", "4")
	if m := metrics(t, dir); !(m["rmse_in_sample"] < 0.2) {
		t.Errorf("metrics %v", m)
	}
	if !strings.Contains(contents(t, dir, PredictionsFile), "\n0,fit,,") {
		t.Error("the missing value of the first row is not empty in predictions.csv")
	}
}

// Many trajectories, told apart by a column of text, of different length and with times of their own.
func TestTrajectories(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("subject;t;x\n")
	for i, name := range []string{"ann", "bob", "cleo"} {
		for k := range 8 + i {
			at := float64(k) * (0.3 + 0.1*float64(i))
			fmt.Fprintf(&b, "%s;%s;%s\n", name, strings.Replace(fmt.Sprint(at), ".", ",", 1), strings.Replace(fmt.Sprint((2+float64(i))*math.Exp(-at)), ".", ",", 1))
		}
	}
	data := write(t, dir, "data.csv", b.String())
	out := fitted(t, "-quick", "-data", data, "-id", "subject", "-holdout", "2", "-holdout-id", "bob", "-hidden", "4", "-logarithms", "no", "-linear", "yes", "-out", dir)
	if !strings.Contains(out, "in 3 trajectories; 13 are held out, among them 1 whole trajectories") || !strings.Contains(out, "decimal comma") && !strings.Contains(out, "comma") {
		t.Errorf("printed %s", out)
	}
	// x′ = −x is linear, and so is the model: bob's x is forecast from its first value.
	if e := metrics(t, dir)["rmse_forecast"]; !(e < 0.05) {
		t.Errorf("a forecast error of %v", e)
	}
	rows := strings.Split(contents(t, dir, PredictionsFile), "\n")
	if rows[0] != "subject,t,part,x,x_model" || !strings.HasPrefix(rows[9], "bob,0,forecast,3,3") {
		t.Errorf("%q … %q", rows[0], rows[9])
	}
}

// Several files are trajectories.
func TestSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a.csv", "t,x\n0,1\n1,2\n2,3\n3,4\n")
	b := write(t, dir, "b.csv", "t,x\n0,5\n2,7\n3,8\n")
	c := write(t, dir, "c.csv", "t,y\n0,5\n2,7\n")
	var f FitFlags
	fs := experiment.Flags("fit", "")
	f.Bind(fs)
	if err := fs.Parse([]string{"-quick", "-hidden", "4", "-epochs", "10", "-polish", "-1", "-out", dir, "-json"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Run(context.Background(), []string{a, b}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r struct {
		Data    string
		Figures map[string]float64
		Files   []string
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || !strings.Contains(r.Data, "in 2 trajectories") || len(r.Files) != 5 || r.Figures["rows_fitted"] != 7 {
		t.Errorf("%s: %v", &out, err)
	}
	if err := f.Run(context.Background(), []string{a, c}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), `the columns are ["y"]`) {
		t.Errorf("files with other columns: %v", err)
	}
}

// Equations from the command line and from a file.
func TestKnown(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("t,x\n")
	for i := range 20 {
		fmt.Fprintf(&b, "%v,%.15g\n", float64(i)/4, 2*math.Exp(-float64(i)/8))
	}
	data := write(t, dir, "x.csv", b.String())
	for _, known := range []string{"dx = -k*x", "@" + write(t, dir, "x.txt", "# decay\nx' = -k*x\n")} {
		out := fitted(t, "-data", data, "-known", known, "-param", "k=2[0,3]", "-epochs", "100", "-logarithms", "no", "-out", dir)
		if k := metrics(t, dir)["param_k"]; math.Abs(k-0.5) > 1e-5 || !strings.Contains(out, "\nk = 0.5") {
			t.Errorf("%s: k = %v, printed %s", known, k, out)
		}
	}
}

func TestLogs(t *testing.T) {
	dir := t.TempDir()
	events := filepath.Join(dir, "events")
	fitted(t, "-epochs", "5", "-polish", "2", "-ensemble", "2", "-out", dir, "-log", "tensorboard:"+events)
	for _, run := range []string{"training-member-1-of-2", "training-member-2-of-2"} {
		if files, err := filepath.Glob(filepath.Join(events, run, "events.out.tfevents.*")); err != nil || len(files) != 1 {
			t.Errorf("%s: %q, %v", run, files, err)
		}
	}
	file := filepath.Join(dir, "logs", "loss.csv")
	fitted(t, "-epochs", "5", "-polish", "2", "-out", dir, "-log", file)
	rows, err := csv.NewReader(strings.NewReader(contents(t, dir, "logs/loss.csv"))).ReadAll()
	if err != nil || len(rows) != 8 || rows[1][0] != "training" || rows[5][2] != "4" || rows[1][4] == "" {
		t.Errorf("%q, %v", rows, err)
	}
	fitted(t, "-epochs", "5", "-polish", "2", "-out", dir, "-log", file+".jsonl")
	lines := strings.Split(strings.TrimSpace(contents(t, dir, "logs/loss.csv.jsonl")), "\n")
	var last struct {
		Step     int
		Loss     float64
		GradNorm *float64 `json:"grad_norm"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 7 || last.Step != 6 || fmt.Sprintf("%.9g", last.Loss) != fmt.Sprintf("%.9g", metrics(t, dir)["loss"]) {
		t.Errorf("%q: %+v, %v", lines, last, err)
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	bad := write(t, dir, "bad.csv", "t,a\n0,1\n1,x\n")
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
		{"-model magic", experiment.ExitUsage, "second-order"},
		{"-interpolation magic", experiment.ExitUsage, "hermite"},
		{"-logarithms magic", experiment.ExitUsage, "auto, yes and no"},
		{"-separator magic", experiment.ExitUsage, "-separator"},
		{"-known dhare=hare dlynx=lynx", experiment.ExitUsage, "unexpected argument"},
		{"-known dhare=hare;dlynx=x+", experiment.ExitFailure, "line 1, column 20"},
		{"-known dhare=hare -model hnn", experiment.ExitUsage, "different things"},
		{"-known @nowhere", experiment.ExitUsage, ""},
		{"-param a=1", experiment.ExitUsage, "-known"},
		{"-model known", experiment.ExitUsage, "-known"},
		{"-param a=1[2,3]", experiment.ExitUsage, ""},
		{"-start S", experiment.ExitUsage, ""},
		{"-hidden 16,x", experiment.ExitUsage, `"x"`},
		{"-tol 0", experiment.ExitUsage, "-tol"},
		{"-step -1", experiment.ExitUsage, "-step"},
		{"-lr 0", experiment.ExitUsage, "-lr"},
		{"-holdout -1", experiment.ExitUsage, "-holdout"},
		{"-holdout 100%", experiment.ExitUsage, "-holdout"},
		{"-ensemble 0", experiment.ExitUsage, "-ensemble"},
		{"-resume -seed 9", experiment.ExitOK, ""},
		{"-data " + bad, experiment.ExitFailure, bad + `:3: column "a"`},
		{"-data " + bad + "x", experiment.ExitFailure, "no such file"},
		{"-holdout 20", experiment.ExitFailure, "less than 2 to fit"},
		{"-states bear", experiment.ExitFailure, `"bear"`},
		{"-control bear", experiment.ExitFailure, `"bear"`},
		{"-model hnn -states hare", experiment.ExitFailure, "no pairs"},
	} {
		var stderr bytes.Buffer
		err := Fit(context.Background(), append(strings.Fields(c.args), "-epochs", "2", "-polish", "-1", "-out", dir), io.Discard, &stderr)
		code := experiment.Report("fit", err, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d, printed %q; want %d and %q", c.args, code, stderr.String(), c.code, c.want)
		}
	}
}

// On what is no terminal there is a line every ten seconds.
func TestProgressWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	now := time.Now()
	p.began, p.last, p.now = now, now, func() time.Time { return now }
	for i := range 100 {
		now = now.Add(time.Second)
		p.event(forecast.Event{Stage: "training", Run: "member 1 of 2", Step: train.Step{Step: i, Loss: 0.25}, Done: i + 1, Total: 200})
	}
	p.done()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 10 || strings.TrimSpace(lines[4]) != "25 %  training member 1 of 2: step 50, loss 0.25, about 2m30s left" {
		t.Errorf("%q", lines)
	}
}

func TestThinned(t *testing.T) {
	if v := thinned([]float64{0, 1, 2, 3, 4, 5, 6}, 3); !slices.Equal(v, []float64{0, 3, 6}) {
		t.Error(v)
	}
}

// FuzzFitFlags reads command lines of any content: one that is refused is a wrong usage, and what
// is accepted makes sense.
func FuzzFitFlags(f *testing.F) {
	for _, line := range []string{
		"", "-h", "-quick -out x", "-hidden 16,16 -activation gelu -holdout 3", "-time t -states x,y -logarithms no",
		"-hidden 99999999999999999999", "-tol NaN", "-step Inf", "-lr -1", "-seed -1", "-states ,", "-epochs 0x10", "-holdout 1e99", "-control a,b -control c", "-separator ;",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var flags FitFlags
		fs := experiment.Flags("fit", "")
		flags.Bind(fs)
		if err := experiment.Parse(fs, strings.Fields(line), io.Discard); err != nil {
			return
		}
		opt, err := flags.options()
		if err == nil {
			_, err = flags.table.options()
		}
		if err != nil {
			if code := experiment.Report("fit", err, io.Discard); code != experiment.ExitUsage {
				t.Errorf("%q: exit code %d: %v", line, code, err)
			}
			return
		}
		if !(opt.Rate > 0) || opt.Ensemble < 1 || math.IsNaN(opt.Holdout) || math.IsNaN(opt.Decay) {
			t.Errorf("%q: accepted as %+v", line, opt)
		}
		for _, w := range opt.Hidden {
			if w < 1 {
				t.Errorf("%q: a width of %d", line, w)
			}
		}
	})
}
