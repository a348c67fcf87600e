package forecast_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/table"
)

// oscillator is x″ = −x − 0.2x′ from (1, 0), which is e^(−t/10)(cos ωt + sin(ωt)/10ω).
func oscillator(t float64) (x, v float64) {
	w := math.Sqrt(0.99)
	e := math.Exp(-t / 10)
	return e * (math.Cos(w*t) + math.Sin(w*t)/(10*w)), -e * math.Sin(w*t) / w
}

func read(t testing.TB, text string, opt table.Options) *table.Table {
	t.Helper()
	tb, err := table.Read(strings.NewReader(text), opt)
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func oscillation(t *testing.T, rows int, dt float64) *table.Table {
	t.Helper()
	var b strings.Builder
	b.WriteString("t,x,v\n")
	for i := range rows {
		x, v := oscillator(float64(i) * dt)
		fmt.Fprintf(&b, "%v,%.15g,%.15g\n", float64(i)*dt, x, v)
	}
	return read(t, b.String(), table.Options{File: "osc.csv"})
}

func figure(t *testing.T, m *forecast.Model, name string) float64 {
	t.Helper()
	v, ok := m.Figures.Get(name)
	if !ok {
		t.Fatalf("no figure %s", name)
	}
	return v
}

// With nothing chosen by the user, a noise-free damped oscillation is forecast to 0.1 %.
func TestDefaultsOnADampedOscillator(t *testing.T) {
	m, err := forecast.Fit(context.Background(), oscillation(t, 60, 0.25), forecast.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e := figure(t, m, "rmse_scaled_forecast"); !(e < 1e-3) {
		t.Errorf("forecast error of %v standard deviations", e)
	}
	if len(m.Choices) < 2 || !strings.Contains(m.Choices[0], "chosen") {
		t.Errorf("choices %q", m.Choices)
	}
	p, err := m.Predict(context.Background(), forecast.Query{Times: []float64{15, 17.5, 20}})
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range p.Times {
		x, v := oscillator(at)
		if math.Hypot(p.Values[2*i]-x, p.Values[2*i+1]-v) > 1e-3 {
			t.Errorf("at %v: %v, want %v %v", at, p.Values[2*i:2*i+2], x, v)
		}
	}
	// From another state, backwards: the equation is linear.
	x1, v1 := oscillator(1)
	x0, v0 := oscillator(0.5)
	p, err = m.Predict(context.Background(), forecast.Query{Times: []float64{-0.5}, From: []float64{2 * x1, 2 * v1}, FromTime: 0})
	if err != nil {
		t.Fatal(err)
	}
	if math.Hypot(p.Values[0]-2*x0, p.Values[1]-2*v0) > 2e-3 {
		t.Errorf("backwards: %v, want %v %v", p.Values, 2*x0, 2*v0)
	}
}

// quick are options of a training that is short.
func quick() forecast.Options {
	return forecast.Options{Hidden: []int{8}, Decay: 1e-3, Log: forecast.No, Linear: forecast.Yes, Steps: 60, Polish: 20}
}

func TestSaveAndLoad(t *testing.T) {
	opt := quick()
	opt.Ensemble = 3
	m, err := forecast.Fit(context.Background(), oscillation(t, 40, 0.25), opt)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := forecast.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	q := forecast.Query{Times: []float64{10, 11, 12.5}}
	a, err := m.Predict(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	b, err := back.Predict(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Values, b.Values) || !slices.Equal(a.Low, b.Low) || !slices.Equal(a.High, b.High) {
		t.Errorf("after loading: %v, want %v", b, a)
	}
	for i := range a.Values {
		if !(a.Low[i] < a.Values[i] && a.Values[i] < a.High[i]) {
			t.Errorf("band %v … %v around %v", a.Low[i], a.High[i], a.Values[i])
		}
	}
	f, err := m.Fitted(context.Background(), 0, []float64{0, 0.3, 7})
	if err != nil {
		t.Fatal(err)
	}
	g, err := back.Fitted(context.Background(), 0, []float64{0, 0.3, 7})
	if err != nil || !slices.Equal(f.Values, g.Values) {
		t.Errorf("fitted after loading: %v, want %v; %v", g, f, err)
	}
	ja, _ := m.Figures.MarshalJSON()
	jb, _ := back.Figures.MarshalJSON()
	if !bytes.Equal(ja, jb) {
		t.Errorf("figures %s, want %s", jb, ja)
	}
}

// The same seed gives the same bits, another seed others.
func TestSeeds(t *testing.T) {
	values := func(seed uint64) []float64 {
		opt := quick()
		opt.Seed = seed
		m, err := forecast.Fit(context.Background(), oscillation(t, 40, 0.25), opt)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(context.Background(), forecast.Query{Times: []float64{11}})
		if err != nil {
			t.Fatal(err)
		}
		return p.Values
	}
	a, b, c := values(1), values(1), values(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("%v and %v with one seed, %v with another", a, b, c)
	}
}

func TestFaults(t *testing.T) {
	const text = "t,x,v\n0,1,2\n1,2,3\n2,3,4\n"
	for _, c := range []struct {
		opt  forecast.Options
		want string
	}{
		{forecast.Options{Kind: "magic"}, `Kind is "magic"; there are node`},
		{forecast.Options{Controls: []string{"u"}}, `column "u": there is no such column to be a control; the columns are ["x" "v"]`},
		{forecast.Options{Controls: []string{"x", "x"}}, "named twice"},
		{forecast.Options{Controls: []string{"x", "v"}}, "none is left to forecast"},
		{forecast.Options{Controls: []string{"v"}, Kind: forecast.Hamiltonian}, "1 state columns are no pairs of positions and momenta"},
		{forecast.Options{Holdout: 2}, "leaves less than 2 to fit"},
		{forecast.Options{HoldoutIDs: []string{"a"}}, `no trajectory "a" to hold out`},
		{forecast.Options{Resume: true}, "Resume without Checkpoint"},
		{forecast.Options{Decay: math.NaN(), Ensemble: -1}, "Decay is NaN; Ensemble is -1"},
	} {
		_, err := forecast.Fit(context.Background(), read(t, text, table.Options{File: "a.csv"}), c.opt)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.opt, err, c.want)
		}
	}
}

func TestQueryFaults(t *testing.T) {
	m, err := forecast.Fit(context.Background(), oscillation(t, 20, 0.5), forecast.Options{Hidden: []int{4}, Decay: -1, Log: forecast.No, Linear: forecast.No, Steps: 3, Polish: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    forecast.Query
		want string
	}{
		{forecast.Query{}, "no times"},
		{forecast.Query{Times: []float64{1}}, "time 1 is before the end of the data, 9.5"},
		{forecast.Query{Times: []float64{11, 10}}, "times must go one way"},
		{forecast.Query{Times: []float64{11}, Trajectory: 1}, "trajectory 1 of 1"},
		{forecast.Query{Times: []float64{11}, From: []float64{1}}, "a state of 1 numbers"},
		{forecast.Query{Times: []float64{11}, From: []float64{1, math.NaN()}}, "v is NaN at the start"},
		{forecast.Query{Times: []float64{11}, Controls: train.Controls[float64]{Times: []float64{0}, Values: []float64{0}}}, "has none"},
	} {
		if _, err := m.Predict(context.Background(), c.q); !errors.Is(err, forecast.ErrQuery) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.q, err, c.want)
		}
	}
}

var tableOptions = table.Options{File: "small.csv"}

// A single column that goes up and down is no state of one equation: an unobserved component is added.
func TestSingleColumnIsAugmented(t *testing.T) {
	var b strings.Builder
	b.WriteString("t,x\n")
	for i := range 60 {
		x, _ := oscillator(float64(i) / 4)
		fmt.Fprintf(&b, "%v,%.15g\n", float64(i)/4, x)
	}
	m, err := forecast.Fit(context.Background(), read(t, b.String(), tableOptions), forecast.Options{Hidden: []int{8}, Decay: 1e-3, Steps: 300, Polish: 200})
	if err != nil {
		t.Fatal(err)
	}
	if e := figure(t, m, "rmse_scaled_forecast"); m.Kind != forecast.Augmented || m.Dim() < 2 || len(m.Components()) != m.Dim() || !(e < 1e-3) {
		t.Errorf("%s of %q, a forecast error of %v", m.Kind, m.Components(), e)
	}
}
