package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/serve"
)

// predict runs the program and returns what it printed.
func predict(args ...string) (stdout, stderr string, code int) {
	var f PredictFlags
	fs := experiment.Flags("predict", "")
	f.Bind(fs)
	var out, errs bytes.Buffer
	// The model comes first, so that the flags follow.
	err := fs.Parse(args[1:])
	if err == nil {
		err = f.Run(context.Background(), args[:1], &out, &errs)
	}
	code = experiment.Report("predict", err, &errs)
	return out.String(), errs.String(), code
}

// answered is predict of what must work, as numbers.
func answered(t *testing.T, args ...string) (header []string, rows [][]float64) {
	t.Helper()
	out, errs, code := predict(args...)
	if code != 0 {
		t.Fatalf("%q: %s", args, errs)
	}
	all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range all[1:] {
		var row []float64
		for _, s := range record {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				v = math.NaN()
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return all[0], rows
}

// decay makes a folder with a model of x′ = −x/2 + u, u = 1 from t = 2 on.
func decay(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("t,x,u\n")
	for i := range 21 {
		at := float64(i) / 4
		x, u := 3*math.Exp(-at/2), 0
		if at >= 2 {
			u = 1
			x = 2 + (3*math.Exp(-1)-2)*math.Exp(-(at-2)/2)
		}
		fmt.Fprintf(&b, "%v,%.15g,%d\n", at, x, u)
	}
	fitted(t, append([]string{"-data", write(t, dir, "decay.csv", b.String()), "-control", "u", "-interpolation", "previous", "-linear", "yes", "-logarithms", "no",
		"-hidden", "2", "-decay", "0.1", "-epochs", "100", "-holdout", "0", "-out", dir}, args...)...)
	return dir
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Forecasts are those of the equation that the data are of.
func TestPredictWithControls(t *testing.T) {
	dir := decay(t)
	controls := write(t, dir, "future.csv", "t,u\n0,1\n1,0\n")
	// x′ = −x/2 + 1 for one unit of time from x = 1, then without the force.
	header, rows := answered(t, dir, "-from", "x=1", "-until", "2", "-every", "0.5", "-controls", controls)
	if strings.Join(header, ",") != "t,x" || len(rows) != 5 {
		t.Fatalf("%q %v", header, rows)
	}
	at1 := 2 - math.Exp(-0.5)
	for i, want := range []float64{1, 2 - math.Exp(-0.25), at1, at1 * math.Exp(-0.25), at1 * math.Exp(-0.5)} {
		near(t, fmt.Sprint("at ", rows[i][0]), rows[i][1], want, 2e-3)
	}
	// The same from a table, whose rows without a state are the future.
	next := write(t, dir, "next.csv", "t,x,u\n-1,5,0\n0,1,1\n1,,0\n2,,0\n")
	header, table := answered(t, dir, "-data", next)
	if strings.Join(header, ",") != "t,x" || len(table) != 2 || table[0][1] != rows[2][1] || table[1][1] != rows[4][1] {
		t.Errorf("from a table %q %v, want %v", header, table, rows)
	}
	// A table of one row is enough.
	_, one := answered(t, dir, "-data", write(t, dir, "one.csv", "t,x,u\n0,1,1\n"), "-times", "0.5")
	near(t, "one row", one[0][1], rows[1][1], 1e-6) // of the solver
	// Each row is a start of its own.
	header, each := answered(t, dir, "-data", write(t, dir, "each.csv", "t,x,u\n0,1,1\n0.25,2,1\n"), "-start", "each", "-times", "0.5")
	if strings.Join(header, ",") != "id,t,x" || len(each) != 2 || each[1][0] != 3 {
		t.Errorf("each row %q %v", header, each)
	}
	near(t, "second row", each[1][2], 2, 2e-3)
	// From the first row, at all rows, with the error beside.
	out, errs, code := predict(dir, "-data", filepath.Join(dir, "decay.csv"), "-start", "first")
	if code != 0 || strings.Count(out, "\n") != 22 || !strings.Contains(errs, "over 20 values after the starts") {
		t.Errorf("%q, %q", out, errs)
	}
}

func TestPredictJSON(t *testing.T) {
	dir := decay(t, "-ensemble", "2")
	query := write(t, dir, "query.json", `{"from": {"x": 1}, "from_time": 0, "times": [0, 0.5], "control_times": [0], "controls": {"u": [1]}}`)
	out, errs, code := predict(dir, "-query", query, "-format", "json")
	var a serve.Answer
	if err := json.Unmarshal([]byte(out), &a); code != 0 || err != nil || len(a.States["x"]) != 2 || len(a.Low["x"]) != 2 {
		t.Fatalf("%s, %s", out, errs)
	}
	near(t, "JSON", a.States["x"][1], 2-math.Exp(-0.25), 2e-3)
	if !(a.Low["x"][1] < a.States["x"][1] && a.States["x"][1] < a.High["x"][1]) {
		t.Errorf("the band %v … %v", a.Low, a.High)
	}
	file := filepath.Join(dir, "answers", "a.csv")
	if out, errs, code := predict(dir, "-from", "x=1", "-times", "0,1", "-out", file, "-controls", write(t, dir, "u.csv", "t,u\n0,0\n")); code != 0 || out != "" {
		t.Errorf("%s, %s", out, errs)
	}
	if got := contents(t, dir, "answers/a.csv"); !strings.HasPrefix(got, "t,x,x_low,x_high\n0,1,") {
		t.Errorf("%s", got)
	}
}

// A model of dates is asked by dates and answers with dates.
func TestPredictDates(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("day,x\n")
	for i := range 12 {
		day := time.Date(2024, 2, 20+i, 0, 0, 0, 0, time.UTC) // to 2 March, over a leap day
		fmt.Fprintf(&b, "%s,%v\n", day.Format(time.DateOnly), 10-float64(i))
	}
	fitted(t, "-data", write(t, dir, "days.csv", b.String()), "-hidden", "4", "-epochs", "20", "-polish", "-1", "-logarithms", "no", "-out", dir)
	out, errs, code := predict(dir, "-until", "2024-03-05", "-every", "1")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || lines[0] != "day,x" || !strings.HasPrefix(lines[1], "2024-03-02,") || !strings.HasPrefix(lines[len(lines)-1], "2024-03-05,") {
		t.Errorf("%q, %s", lines, errs)
	}
	if _, errs, code := predict(dir, "-from", "x=1", "-until", "2024-03-05"); code != 2 || !strings.Contains(errs, "-at") {
		t.Errorf("%d, %s", code, errs)
	}
	if _, errs, code := predict(dir, "-until", "5 March"); code != 2 || !strings.Contains(errs, "2006-01-02") {
		t.Errorf("%d, %s", code, errs)
	}
}

// Velocities that are not observed have names.
func TestPredictVelocities(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("t,x\n")
	for i := range 25 {
		fmt.Fprintf(&b, "%v,%.15g\n", float64(i)/4, math.Cos(float64(i)/4))
	}
	fitted(t, "-data", write(t, dir, "x.csv", b.String()), "-model", "second-order", "-linear", "yes", "-hidden", "2", "-decay", "0.1", "-holdout", "0", "-epochs", "200", "-out", dir)
	_, rows := answered(t, dir, "-from", "x=0,dx/dt=2", "-until", "1.5", "-every", "0.5")
	for _, r := range rows {
		near(t, fmt.Sprint("at ", r[0]), r[1], 2*math.Sin(r[0]), 0.02)
	}
	m, err := forecast.Load(filepath.Join(dir, ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	y := m.Complete([]float64{1}, []float64{0, 1, 3}, func(r, _ int) float64 { return []float64{5, math.NaN(), 1}[r] }, 2)
	near(t, "difference quotient", y[1], -4.0/3, 1e-12)
}

func TestPredictFaults(t *testing.T) {
	dir := decay(t)
	bad := write(t, dir, "bad.json", "{\n\"from\": {\"x\": 1},\n\"tims\": [1]}")
	empty := write(t, dir, "empty.csv", "t,x,u\n0,,1\n1,,1\n")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{filepath.Join(dir, "nowhere")}, 1, "no such file"},
		{[]string{write(t, dir, "no.safetensors", "hello")}, 1, "no.safetensors"},
		{[]string{dir}, 1, `the model is driven by ["u"]`},
		{[]string{dir, "-from", "x=1"}, 2, "-until"},
		{[]string{dir, "-from", "y=1", "-until", "2"}, 2, `the model has no "y"; it has ["x"]`},
		{[]string{dir, "-from", "x", "-until", "2"}, 2, `"x" is not like x=0.5`},
		{[]string{dir, "-from", "x=1,x=2", "-until", "2"}, 2, "twice"},
		{[]string{dir, "-from", "x=NaN", "-until", "2"}, 2, "not a number"},
		{[]string{dir, "-from", "x=1", "-until", "2", "-every", "-1"}, 2, "-every"},
		{[]string{dir, "-from", "x=1", "-until", "2", "-times", "3"}, 2, "-times and -until"},
		{[]string{dir, "-from", "x=1", "-data", "a.csv"}, 2, "one of them"},
		{[]string{dir, "-at", "1"}, 2, "-at"},
		{[]string{dir, "-until", "2024-01-01"}, 2, "the model's times are numbers"},
		{[]string{dir, "-query", bad}, 1, `bad.json:3: json: unknown field "tims"`},
		{[]string{dir, "-data", empty, "-until", "3"}, 1, `empty.csv:2: no row of the trajectory has all of ["x"]`},
		{[]string{dir, "-format", "xml"}, 2, "csv and json"},
		{[]string{dir, "-start", "middle"}, 2, "last, first and each"},
		{[]string{dir, "-trajectory", "ann"}, 2, `no trajectory "ann"`},
	} {
		if _, errs, code := predict(c.args...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%q: code %d, %q; want %d, %q", c.args[1:], code, errs, c.code, c.want)
		}
	}
}
