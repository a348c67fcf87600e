package report

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/table"
)

// spring is x″ = −x − 0.2x′ from (1, 0), with a nameless and a driven relative.
func spring(t *testing.T, opt forecast.Options, head string, rows func(i int) string) *forecast.Model {
	t.Helper()
	var b strings.Builder
	b.WriteString(head + "\n")
	for i := range 40 {
		b.WriteString(rows(i) + "\n")
	}
	how := table.Options{File: "dir/spring.csv"}
	if strings.HasPrefix(head, "id,") {
		how.ID, how.Time = "id", "t"
	}
	tb, err := table.Read(strings.NewReader(b.String()), how)
	if err != nil {
		t.Fatal(err)
	}
	if opt.Steps == 0 {
		opt.Steps, opt.Polish = 20, 40
	}
	opt.Log, opt.Decay = forecast.No, -1
	m, err := forecast.Fit(context.Background(), tb, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func state(t float64) (x, v float64) {
	w := math.Sqrt(0.99)
	e := math.Exp(-t / 10)
	return e * (math.Cos(w*t) + math.Sin(w*t)/(10*w)), -e * math.Sin(w*t) / w
}

func plain(t *testing.T, opt forecast.Options) *forecast.Model {
	return spring(t, opt, "t,x,v", func(i int) string {
		x, v := state(float64(i) / 4)
		return fmt.Sprintf("%v,%.12g,%.12g", float64(i)/4, x, v)
	})
}

// htmlOf writes the report of a model and checks what holds for all: parts in their order, drawings that are
// XML, numbers that are finite, and nothing from elsewhere.
func htmlOf(t *testing.T, m *forecast.Model, sections ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(context.Background(), &b, m); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	at := 0
	for _, s := range sections {
		i := strings.Index(text[at:], `<section id="`+s+`">`)
		if i < 0 {
			t.Fatalf("there is no section %s, or it is out of order", s)
		}
		at += i
	}
	for _, bad := range []string{"NaN", "Inf", "http://", "https://", "src="} {
		if i := strings.Index(text, bad); i >= 0 {
			t.Errorf("%q in %q", bad, text[max(0, i-80):min(len(text), i+80)])
		}
	}
	drawings := 0
	for rest := text; ; drawings++ {
		i := strings.Index(rest, `<svg class="chart`)
		if i < 0 {
			break
		}
		d := xml.NewDecoder(strings.NewReader(rest[i:]))
		depth := 0
		for {
			token, err := d.Token()
			if err != nil {
				t.Fatalf("drawing %d: %v", drawings, err)
			}
			if _, ok := token.(xml.StartElement); ok {
				depth++
			} else if _, ok := token.(xml.EndElement); ok {
				if depth--; depth == 0 {
					break
				}
			}
		}
		rest = rest[i+5:]
	}
	if drawings < 3 {
		t.Errorf("%d drawings only", drawings)
	}
	return text
}

func TestReport(t *testing.T) {
	m := plain(t, forecast.Options{Hidden: []int{4}, Linear: forecast.Yes, Ensemble: 2})
	text := htmlOf(t, m, "errors", "fit", "phase", "residuals", "training", "dynamics", "parameters", "figures")
	for _, want := range []string{"linear differential equation", "class=\"band\"", "class=\"arrow\"", "spring.csv", "held out", "not stiff", "rmse_forecast"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if strings.Contains(text, "dir/") {
		t.Error("the folder of the data is told")
	}
	dir := t.TempDir()
	if err := WriteFile(context.Background(), filepath.Join(dir, "r.html"), m); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "r.html")); err != nil || string(data) != text {
		t.Errorf("the file differs (%v)", err)
	}
	if err := Figure(context.Background(), filepath.Join(dir, "r.png"), m); err != nil {
		t.Error(err)
	}
	if s, err := os.Stat(filepath.Join(dir, "r.png")); err != nil || s.Size() < 10_000 {
		t.Errorf("the picture: %v (%v)", s, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Write(ctx, io.Discard, m); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Models of all shapes have reports: unobserved velocities, inputs, many trajectories, dates, a single state.
func TestReportOfOthers(t *testing.T) {
	one := forecast.Options{Hidden: []int{4}, Linear: forecast.Yes, Ensemble: 2, Steps: 5, Polish: 5}
	second := one
	second.Kind = forecast.SecondOrder
	x := func(i int) string { x, _ := state(float64(i) / 4); return fmt.Sprintf("%v,%.12g", float64(i)/4, x) }
	if text := htmlOf(t, spring(t, second, "t,x", x), "errors", "fit", "phase", "dynamics"); !strings.Contains(text, "dx/dt against x") {
		t.Error("the velocity is not drawn")
	}
	htmlOf(t, spring(t, one, "t,x", x), "errors", "fit", "residuals", "dynamics")
	driven := one
	driven.Controls = []string{"u"}
	if text := htmlOf(t, spring(t, driven, "t,x,u", func(i int) string { return x(i) + fmt.Sprintf(",%g", math.Sin(float64(i))) }), "errors", "fit", "dynamics"); !strings.Contains(text, "u, an input") {
		t.Error("the input is not drawn")
	}
	known := one
	known.Kind, known.Linear, known.Hidden, known.Equations = forecast.Known, forecast.No, nil, "dx = v; dv = -k*x - c*v"
	if text := htmlOf(t, spring(t, known, "t,x", x), "errors", "fit", "phase", "parameters"); !strings.Contains(text, "<td>k</td>") || !strings.Contains(text, "dv = -k*x - c*v</pre>") || !strings.Contains(text, "v against x") {
		t.Error("the equations and their parameters are not there")
	}
	dates := spring(t, one, "day,x", func(i int) string {
		x, _ := state(float64(i) / 4)
		return time.Date(2024, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) + fmt.Sprintf(",%.12g", x)
	})
	if text := htmlOf(t, dates, "errors", "fit", "dynamics"); !strings.Contains(text, "Jan</text>") || !strings.Contains(text, "days since 2024-01-01") {
		t.Error("there are no dates")
	}
	many := one
	many.HoldoutIDs = []string{"c&d"}
	text := htmlOf(t, spring(t, many, "id,t,x", func(i int) string {
		id := []string{"a", "<b>", "c&d"}[i%3]
		x, _ := state(float64(i) / 4)
		return fmt.Sprintf("%s,%v,%.12g", id, float64(i)/4, x)
	}), "errors", "fit", "dynamics")
	if !strings.Contains(text, "x, &lt;b&gt;") || !strings.Contains(text, "x, c&amp;d") {
		t.Error("the trajectories are not named")
	}
}

// The eigenvalues that the report draws are those of the true system: of x″ = −x − 0.2x′ they have the
// absolute value 1, in units of the data.
func TestEigenvalues(t *testing.T) {
	m := plain(t, forecast.Options{Hidden: []int{}, Linear: forecast.Yes, Steps: -1, Polish: 200})
	r := &reporter{m: m, unit: "t"}
	s, err := r.system()
	if err != nil {
		t.Fatal(err)
	}
	jac := mat.NewDense(2, 2, nil)
	s.jacobian(jac, s.start, s.y0)
	// det is the product of the eigenvalues, the trace their sum.
	if det, trace := mat.Det(jac)/(s.unit*s.unit), (jac.At(0, 0)+jac.At(1, 1))/s.unit; math.Abs(det-1) > 1e-3 || math.Abs(trace+0.2) > 1e-3 {
		t.Errorf("determinant %v and trace %v, want 1 and −0.2", det, trace)
	}
	var d [2]float64
	s.slopes(d[:], 0, []float64{0.3, 0.5})
	if math.Abs(d[0]-0.5) > 1e-3 || math.Abs(d[1]+0.3+0.1) > 1e-3 {
		t.Errorf("slopes %v, want 0.5 and −0.4", d)
	}
}

// An alternating series has the autocorrelation (−1)ᵏ(n−k)/n; the pieces of a series are not joined; noise stays within
// the bound 19 times of 20.
func TestAutocorrelation(t *testing.T) {
	alternating := make([]float64, 100)
	for i := range alternating {
		alternating[i] = 1 - 2*float64(i%2)
	}
	acf, bound := autocorrelation([][]float64{alternating})
	for k, v := range acf {
		if want := (1 - 2*float64(k%2)) * float64(100-k) / 100; math.Abs(v-want) > 1e-12 {
			t.Errorf("lag %d: %v, want %v", k, v, want)
		}
	}
	if len(acf) != maxLags+1 || math.Abs(bound-0.196) > 1e-12 {
		t.Errorf("%d lags, bound %v", len(acf), bound)
	}
	if acf, _ := autocorrelation([][]float64{{1, -1, math.NaN(), 1, -1}, {1, -1, 1, -1}}); math.Abs(acf[1]+5.0/8) > 1e-12 {
		t.Errorf("lag 1 with a gap: %v, want −5/8", acf[1])
	}
	if acf, _ := autocorrelation([][]float64{{2, 2, 2, 2}}); acf != nil {
		t.Errorf("a constant: %v", acf)
	}
	r := rand.New(rand.NewPCG(1, 2))
	noise, outside := make([]float64, 2000), 0
	for i := range noise {
		noise[i] = r.NormFloat64()
	}
	acf, bound = autocorrelation([][]float64{noise})
	for _, v := range acf[1:] {
		if math.Abs(v) > bound {
			outside++
		}
	}
	if outside > 4 {
		t.Errorf("%d of %d lags of noise are outside", outside, maxLags)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", -0.25: "−0.25", 1234.56: "1235", 123456: "123456", 1e7: "1·10⁷", -2.5e-7: "−2.5·10⁻⁷", math.NaN(): "–", 0.12345: "0.1235"} {
		if got := short(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	if v := math.NaN(); short(v) != "–" {
		t.Error(short(v))
	}
	var got []string
	for _, k := range ticks(-0.11, 0.52, 6) {
		got = append(got, k.text)
	}
	if strings.Join(got, " ") != "0 0.2 0.4" {
		t.Errorf("ticks %v", got)
	}
	clock := &table.Clock{Origin: time.Date(1949, 1, 1, 0, 0, 0, 0, time.UTC), Unit: 24 * time.Hour}
	got = nil
	for _, k := range dateTicks(clock, 0, 365.25*12, 8) {
		got = append(got, k.text)
	}
	if strings.Join(got, " ") != "1950 1952 1954 1956 1958 1960" {
		t.Errorf("dates %v", got)
	}
	if ticks(math.Inf(-1), 1, 5) != nil || ticks(1, 1, 5) != nil {
		t.Error("ticks of nothing")
	}
}

// A chart of nothing, of one point, of far and missing values is a chart.
func TestChartOfLittle(t *testing.T) {
	nan := math.NaN()
	for _, c := range []*chart{
		{}, {logY: true}, {zero: true, legend: true},
	} {
		c.line("a", "fit", []float64{nan, 1, 2}, []float64{1, nan, math.Inf(1)})
		if s := string(c.svg()); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s", s)
		}
		c.points("b", "held", []float64{3}, []float64{5})
		c.band("c", []float64{3, 4}, []float64{-1e300, 1}, []float64{1e300, 2})
		if s := string(c.svg()); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s", s)
		}
	}
}
