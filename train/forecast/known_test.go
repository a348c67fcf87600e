package forecast_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/layers/formula"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/table"
)

// solved returns a table of the solution of a system, of its first so many states.
func solved(t *testing.T, names []string, columns int, f func(dy []float64, t float64, y []float64), y0 []float64, rows int, dt float64) *table.Table {
	t.Helper()
	times := make([]float64, rows)
	for i := range times {
		times[i] = float64(i) * dt
	}
	sol, err := odeint.SolveAt(odeint.NewFunc(len(y0), f), times, y0, odeint.Options{RTol: 1e-10, ATol: 1e-12})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("t," + strings.Join(names[:columns], ",") + "\n")
	for i, at := range times {
		fmt.Fprint(&b, at)
		for _, v := range sol.Row(i)[:columns] {
			fmt.Fprintf(&b, ",%.12g", v)
		}
		b.WriteString("\n")
	}
	return read(t, b.String(), table.Options{File: "solved.csv"})
}

func params(t *testing.T, texts ...string) (all []formula.Param) {
	t.Helper()
	for _, text := range texts {
		p, err := formula.ParseParam(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// The parameters of Lotka and Volterra's equations are found, whatever the scaling.
func TestKnownParameters(t *testing.T) {
	want := map[string]float64{"alpha": 0.7, "beta": 0.05, "delta": 0.02, "gamma": 0.9}
	lv := func(dy []float64, _ float64, y []float64) {
		dy[0] = 0.7*y[0] - 0.05*y[0]*y[1]
		dy[1] = 0.02*y[0]*y[1] - 0.9*y[1]
	}
	tb := solved(t, []string{"hare", "lynx"}, 2, lv, []float64{30, 4}, 41, 0.5)
	for _, log := range []forecast.Choice{forecast.No, forecast.Yes} {
		m, err := forecast.Fit(context.Background(), tb, forecast.Options{
			Equations: "dhare = alpha*hare - beta*hare*lynx\ndlynx = delta*hare*lynx - gamma*lynx", Log: log, Steps: 1500,
			Params: params(t, "alpha=0.5[0,2]", "beta=0.02[0,]", "delta=0.02", "gamma=1[0,5]"),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Parameters {
			if v := figure(t, m, "param_"+p.Name); math.Abs(p.Value-want[p.Name]) > 1e-4*want[p.Name] || v != p.Value {
				t.Errorf("log %v: %s = %v, want %v", log, p.Name, p.Value, want[p.Name])
			}
		}
		if e := figure(t, m, "rmse_scaled_forecast"); len(m.Parameters) != 4 || !(e < 1e-3) {
			t.Errorf("log %v: %d parameters, a forecast error of %v", log, len(m.Parameters), e)
		}
	}
}

// A state that is not observed is found with the rest: the velocity of a pendulum, whose friction is not known and left to
// a network.
func TestKnownWithNetworkAndHiddenState(t *testing.T) {
	pendulum := func(dy []float64, _ float64, y []float64) { dy[0], dy[1] = y[1], -4*math.Sin(y[0])-0.3*y[1] }
	tb := solved(t, []string{"angle", "speed"}, 1, pendulum, []float64{1.2, 0}, 60, 0.1)
	m, err := forecast.Fit(context.Background(), tb, forecast.Options{
		Equations: "dangle = speed; dspeed = -k*sin(angle) + network", Hidden: []int{8}, Decay: 1e-4, Log: forecast.No,
		Params: params(t, "k=3[0,10]"), Starts: map[string]float64{"speed": 0}, Steps: 600, Polish: 150,
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := figure(t, m, "rmse_scaled_forecast"); !(e < 0.05) {
		t.Errorf("a forecast error of %v", e)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := forecast.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	q := forecast.Query{Times: []float64{1}, From: []float64{0.5, 0.2}}
	a, err := m.Predict(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	b, err := back.Predict(context.Background(), q)
	if err != nil || a.Values[0] != b.Values[0] || strings.Join(back.Components(), ",") != "angle,speed" || len(back.Parameters) != 1 {
		t.Errorf("after loading %v, want %v (%v)", b, a, err)
	}
}

func TestKnownFaults(t *testing.T) {
	tb := oscillation(t, 20, 0.5)
	for _, c := range []struct {
		opt  forecast.Options
		want string
	}{
		{forecast.Options{Equations: "dx = v"}, `column "v": there is no equation of this column`},
		{forecast.Options{Equations: "dx = v; dv = -k x"}, "line 1, column 17"},
		{forecast.Options{Equations: "dx = v; dv = -x", Starts: map[string]float64{"x": 1}}, "x is no unobserved state"},
		{forecast.Options{Equations: "dx = v; dv = -x", Params: params(t, "k=1")}, `no equation has a parameter "k"`},
		{forecast.Options{Kind: forecast.Known}, "Known needs equations"},
		{forecast.Options{Kind: forecast.Hamiltonian, Equations: "dx = v; dv = -x"}, "nothing else has them"},
	} {
		if _, err := forecast.Fit(context.Background(), tb, c.opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.opt, err, c.want)
		}
	}
}
