package odeint

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

func TestStabilityInterval(t *testing.T) {
	for m, want := range map[*Tableau]float64{Tsit5: 3.5068, Dopri5: 3.3066, RK4: 2.7853, Euler: 2} {
		if got := stabilityInterval(m); math.Abs(got-want) > 2e-3 {
			t.Errorf("%v: %v, want %v", m, got, want)
		}
	}
}

// Auto costs what Tsit5 does where nothing is stiff, and little more than Kvaerno5 where all
// is; where both occur it hands over both ways.
func TestAuto(t *testing.T) {
	vdp := func(mu float64) VectorField[float64] {
		return NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], mu*(1-y[0]*y[0])*y[1]-y[0] })
	}
	solve := func(f VectorField[float64], m Method, end float64) *Solution[float64] {
		sol, err := Solve(f, 0, end, []float64{2, 0}, Options{Method: m, SaveAt: SaveAt{Times: []float64{end / 3, end}, Keep: Dense}})
		if err != nil {
			t.Fatal(m, err)
		}
		return sol
	}
	easy, auto := solve(vdp(1), Tsit5, 20), solve(vdp(1), Auto{}, 20)
	t.Logf("μ = 1: %v; %v", easy.Stats, auto.Stats)
	if auto.Stats.Switches != 0 || auto.Stats != easy.Stats {
		t.Errorf("μ = 1: %v, Tsit5 %v", auto.Stats, easy.Stats)
	}
	p := odetest.StiffProblems()[0]
	hard, err := Solve[float64](p, 0, p.T, p.Y0, Options{Method: Kvaerno5})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Solve[float64](p, 0, p.T, p.Y0, Options{Method: Auto{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ε = 1e-6: %v; %v", hard.Stats, got.Stats)
	if float64(got.Stats.NFE) > 1.3*float64(hard.Stats.NFE) || got.Stats.Switches == 0 || p.Digits(got.Last(), 1e-6) < 5 {
		t.Errorf("ε = 1e-6: %v, Kvaerno5 %v", got.Stats, hard.Stats)
	}
	// μ = 100 over two jumps, which are not stiff.
	want, both := solve(vdp(100), Kvaerno5.With(1e-6), 200), solve(vdp(100), Auto{}, 200)
	t.Logf("μ = 100: %v", both.Stats)
	stiff := 0
	for i := range both.NumSteps() {
		if both.Step(i).Stiff {
			stiff++
		}
	}
	if both.Stats.Switches < 2 || stiff == 0 || stiff == both.NumSteps() {
		t.Errorf("μ = 100: %v, %d stiff steps", both.Stats, stiff)
	}
	for i := range 2 {
		if d := math.Abs(both.Row(i)[0] - want.Row(i)[0]); d > 1e-3 {
			t.Errorf("μ = 100, at %v: off by %.3g", both.T[i], d)
		}
	}
	var y [2]float64
	if err := both.At(y[:], 66); err != nil || math.Abs(y[0]) > 2.1 {
		t.Errorf("dense output %v, %v", y, err)
	}
	for _, o := range []Options{{Method: Auto{NonStiff: Bosh3}}, {Method: Auto{NonStiff: RK4}}, {Method: Auto{}, Controller: Fixed{}, H0: 0.1}} {
		if _, err := Solve(vdp(1), 0, 1, []float64{2, 0}, o); err == nil {
			t.Errorf("%+v passes", o)
		}
	}
}
