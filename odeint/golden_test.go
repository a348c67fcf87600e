package odeint

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// trajectory is a reference solution from testdata/golden.json, computed by another
// program: extrapolation of order 16 in 80-bit arithmetic.
type trajectory struct {
	Name       string    `json:"name"`
	U0         []float64 `json:"u0"`
	Ts         []float64 `json:"ts"`
	Trajectory struct {
		Data []float64 `json:"data"`
	} `json:"trajectory"`
}

func golden(t *testing.T) []trajectory {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []trajectory `json:"cases"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

func lotkaVolterra[T Float](d []T, _ float64, y []T) {
	d[0], d[1] = y[0]*2/3-y[0]*y[1]*4/3, y[0]*y[1]-y[1]
}

func spiral[T Float](d []T, _ float64, y []T) {
	d[0], d[1] = -0.1*y[0]+2*y[1], -2*y[0]-0.1*y[1]
}

// doublePendulum has unit masses and lengths and g = 9.8; the state is (θ₁, θ₂, p₁, p₂).
func doublePendulum[T Float](d []T, _ float64, y []T) {
	const g = 9.8
	q1, q2, p1, p2 := float64(y[0]), float64(y[1]), float64(y[2]), float64(y[3])
	s, c := math.Sincos(q1 - q2)
	n := 1 + s*s
	// H = (p₁² + 2p₂² − 2p₁p₂c)/(2n) − 2g cos θ₁ − g cos θ₂
	kin := (p1*p1 + 2*p2*p2 - 2*p1*p2*c) / (2 * n)
	dkin := (p1*p2*s - kin*2*s*c) / n
	d[0], d[1] = T((p1-p2*c)/n), T((2*p2-p1*c)/n)
	d[2], d[3] = T(-dkin-2*g*math.Sin(q1)), T(dkin-g*math.Sin(q2))
}

func goldenField[T Float](name string) VectorField[T] {
	switch name {
	case "linear":
		return NewFunc(2, spiral[T])
	case "double_pendulum", "double_pendulum_long":
		return NewFunc(4, doublePendulum[T])
	}
	return NewFunc(2, lotkaVolterra[T])
}

// The references are right to 1e-15 relative to the state, so that what is seen is the
// error of the solve: that of a step, the tolerance, times the growth of errors over the
// time, which is some ten for all cases but the long pendulum's, where it is 1000.
func TestGolden(t *testing.T) {
	within := func(tol, long float64) map[string]float64 {
		return map[string]float64{
			"lotka_volterra": tol, "lotka_volterra_long": tol, "linear": tol, "double_pendulum": tol, "double_pendulum_long": long,
		}
	}
	t.Run("float64", func(t *testing.T) {
		for _, m := range []Method{Tsit5, Dopri5, Dop853} {
			testGolden[float64](t, Options{Method: m, RTol: 1e-10, ATol: 1e-10}, within(2e-9, 3e-7))
			testGolden[float64](t, Options{Method: m, RTol: 1e-13, ATol: 1e-13}, within(2e-12, 3e-10))
		}
	})
	t.Run("float32", func(t *testing.T) {
		// Rounding of the state, 6e-8 a step, adds up over some hundred steps.
		testGolden[float32](t, Options{RTol: 1e-6, ATol: 1e-6}, within(3e-5, 8e-4))
	})
}

func testGolden[T Float](t *testing.T, o Options, within map[string]float64) {
	for _, c := range golden(t) {
		in, err := New(goldenField[T](c.Name), o)
		if err != nil {
			t.Fatal(err)
		}
		y0 := make([]T, len(c.U0))
		for i, v := range c.U0 {
			y0[i] = T(v)
		}
		var sol Solution[T]
		if err := in.SolveAt(context.Background(), &sol, c.Ts, y0); err != nil {
			t.Fatal(err)
		}
		if len(sol.Y) != len(c.Trajectory.Data) {
			t.Fatalf("%s: %d values, want %d", c.Name, len(sol.Y), len(c.Trajectory.Data))
		}
		worst := 0.0
		for i, want := range c.Trajectory.Data {
			worst = max(worst, math.Abs(float64(sol.Y[i])-want))
		}
		if !(worst <= within[c.Name]) {
			t.Errorf("%v, RTol %g, %s: error %.3g, want at most %g", o.Method, o.RTol, c.Name, worst, within[c.Name])
		}
	}
}

// Values at which independent programs agree, to the digits given, and the closed form of
// the linear case at all its times.
func TestKnownValues(t *testing.T) {
	for _, m := range []Method{Tsit5, Dopri5, Dop853} {
		opt := Options{Method: m, RTol: 1e-10, ATol: 1e-10}
		for _, c := range []struct {
			name   string
			y0     []float64
			t1     float64
			want   []float64
			within float64
		}{
			{"lotka_volterra", []float64{1, 1}, 10, []float64{0.4891491825, 0.4843950327}, 1e-9},
			{
				"double_pendulum", []float64{0.05, -0.05, 0, 0}, 2.5,
				[]float64{-0.0046540215367, 0.0263965168866, -0.1220633492618, 0.1105189840002}, 1e-8,
			},
		} {
			sol, err := Solve(goldenField[float64](c.name), 0, c.t1, c.y0, opt)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.want {
				if got := sol.Last()[i]; !(math.Abs(got-want) <= c.within) {
					t.Errorf("%v, %s: %.13f at %d, want %.13f", m, c.name, got, i, want)
				}
			}
		}

		times := make([]float64, 11)
		for i := range times {
			times[i] = float64(i) / 10
		}
		opt.SaveAt.Times = times
		sol, err := Solve(goldenField[float64]("linear"), 0, 1, []float64{4, -3}, opt)
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range times {
			s, c := math.Sincos(2 * at)
			e := math.Exp(-0.1 * at)
			for j, want := range []float64{e * (4*c - 3*s), e * (-4*s - 3*c)} {
				if got := sol.Row(i)[j]; !(math.Abs(got-want) <= 1e-9) {
					t.Errorf("%v, linear at %v: %.12f, want %.12f", m, at, got, want)
				}
			}
		}
	}
}
