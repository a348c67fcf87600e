package hnn_test

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/hnn"
)

func TestDriftOf(t *testing.T) {
	const n = 20001
	times := make([]float64, n)
	for i := range times {
		times[i] = 3 + 0.05*float64(i)
	}
	measure := func(h func(t float64) float64) hnn.Drift {
		e := make([]float64, n)
		for i, s := range times {
			e[i] = h(s)
		}
		return hnn.DriftOf(times, e)
	}
	close := func(what string, got, want, tol float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tol) {
			t.Errorf("%s: %v, want %v ± %v", what, got, want, tol)
		}
	}

	line := measure(func(s float64) float64 { return 1e6 - 1e-7*(s-3) })
	close("slope of a line", line.Slope, -1e-7, 1e-13)
	close("deviation of a line", line.MaxDeviation, 1e-4, 1e-9)
	close("mean of a line", line.Mean, 1e6-5e-5, 1e-9)
	if math.Abs(line.Sigma()) < 1000 {
		t.Errorf("a line is %v standard errors from flat", line.Sigma())
	}

	flat := measure(func(float64) float64 { return 7 })
	if flat.Slope != 0 || flat.Sigma() != 0 || flat.MaxDeviation != 0 || flat.Amplitude != 0 || flat.Mean != 7 || flat.Start != 7 {
		t.Errorf("constant: %+v", flat)
	}

	wave := func(s float64) float64 { return 2 + 0.01*math.Sin(1.7*(s-3)) }
	bounded := measure(wave)
	close("amplitude", bounded.Amplitude, 0.01, 1e-4)
	close("deviation", bounded.MaxDeviation, 0.01, 1e-6)
	if s := math.Abs(bounded.Sigma()); s > 1 {
		t.Errorf("a bounded oscillation is %v standard errors from flat", s)
	}

	drifting := measure(func(s float64) float64 { return wave(s) + 1e-5*(s-3) })
	close("slope under an oscillation", drifting.Slope, 1e-5, 1e-7)
	close("amplitude over a slope", drifting.Amplitude, 0.01, 1e-4)
	if s := drifting.Sigma(); s < 10 {
		t.Errorf("a drift of one amplitude in 1000 is %v standard errors from flat", s)
	}

	// Independent noise: the standard error is σ √12 / (√n T), known from 50 blocks
	// to some 10 %.
	r := rng(1)
	noise := measure(func(float64) float64 { return r.NormFloat64() })
	want := math.Sqrt(12./n) / 1000
	close("standard error", noise.StdErr, want, 0.25*want)
	if s := math.Abs(noise.Sigma()); s > 3 {
		t.Errorf("noise is %v standard errors from flat", s)
	}

	// Autoregressive noise of correlation 0.9 has the error √19 times that.
	ar := 0.
	coloured := measure(func(float64) float64 { ar = 0.9*ar + math.Sqrt(0.19)*r.NormFloat64(); return ar })
	close("standard error of coloured noise", coloured.StdErr, math.Sqrt(19)*want, 0.25*math.Sqrt(19)*want)

	// A random walk wanders off without a drift.
	walk := 0.
	if d := measure(func(float64) float64 { walk += r.NormFloat64(); return walk }); math.Abs(d.Sigma()) > 3 {
		t.Errorf("a random walk is %v standard errors from flat", d.Sigma())
	}

	if d := measure(func(s float64) float64 { return math.Sqrt(500 - s) }); !math.IsNaN(d.MaxDeviation) || !math.IsNaN(d.Slope) || !math.IsNaN(d.Sigma()) || !math.IsNaN(d.Amplitude) {
		t.Errorf("NaN on the way is lost: %+v", d)
	}
}
