package odeint

import (
	"context"
	"errors"
	"math"
	"math/cmplx"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

func TestESDIRKTableaus(t *testing.T) {
	for _, m := range ESDIRKs() {
		if err := m.Check(); err != nil {
			t.Error(err)
		}
		for _, part := range []func(m *ESDIRK) [][]float64{
			func(m *ESDIRK) [][]float64 { return [][]float64{m.C} },
			func(m *ESDIRK) [][]float64 { return m.A },
			func(m *ESDIRK) [][]float64 { return [][]float64{m.E} },
			func(m *ESDIRK) [][]float64 { return m.P },
		} {
			for i, row := range part(m) {
				for j, x := range row {
					if x == 0 {
						continue
					}
					bad := *m
					bad.A, bad.P, bad.C, bad.E = cloneRows(m.A), cloneRows(m.P), slices.Clone(m.C), slices.Clone(m.E)
					part(&bad)[i][j] += 1e-6
					if bad.Check() == nil {
						t.Errorf("%v: coefficient %d, %d + 1e-6 passes", m, i, j)
					}
				}
			}
		}
		// A-stable: |R| is at most 1 on the imaginary axis, and L-stable: R falls beyond all bounds.
		for x := 1e-3; x < 1e6; x *= 1.05 {
			if r := cmplx.Abs(m.amplification(complex(0, x))); r > 1+1e-12 {
				t.Errorf("%v: |R(%.3gi)| = 1 + %.3g", m, x, r-1)
			}
		}
		if r := cmplx.Abs(m.amplification(-1e8)); r > 1e-6 {
			t.Errorf("%v: R(−1e8) = %v", m, r)
		}
	}
	bad := []*ESDIRK{nil, {}, {A: [][]float64{{1}, {1, 1}}}, {A: [][]float64{{0}, {1, 0}, {1, 1, 2}}}, {A: [][]float64{{0}, {1, math.NaN()}}, Kappa: -1}}
	for _, m := range bad {
		if _, err := Solve(NewFunc(1, func(d []float64, _ float64, _ []float64) { d[0] = 0 }), 0, 1, []float64{1}, Options{Method: m}); err == nil {
			t.Errorf("%+v passes", m)
		}
	}
}

// amplification is R(z): what a step makes of y' = λy, y = 1, with z = hλ.
func (m *ESDIRK) amplification(z complex128) complex128 {
	var k []complex128 // h times the slopes
	for i, row := range m.A {
		y := complex128(1)
		for j, v := range k {
			y += complex(row[j], 0) * v
		}
		k = append(k, z*y/(1-complex(row[i], 0)*z))
	}
	return k[len(k)-1] / z
}

// radau is how many steps SciPy 1.17's Radau accepts at the same tolerances.
var radau = map[string]int{"vdpol": 874, "rober100": 82, "rober1e11": 534, "orego": 961, "hires": 210, "pollu": 123, "e5": 660}

func TestStiffProblems(t *testing.T) {
	const rtol = 1e-6
	digits := map[*ESDIRK]float64{TRBDF2: 2.8, Kvaerno3: 4.5, KenCarp4: 4, Kvaerno5: 5}
	for _, p := range odetest.StiffProblems() {
		for _, m := range ESDIRKs() {
			sol, err := Solve[float64](p, 0, p.T, p.Y0, Options{Method: m, RTol: rtol, ATols: p.ATol, SaveAt: SaveAt{Every: 1}})
			if err != nil {
				t.Errorf("%s, %v: %v, %v", p.Name, m, err, sol.Stats)
				continue
			}
			t.Logf("%-10s %-9v %.2f digits, %v", p.Name, m, p.Digits(sol.Last(), rtol), sol.Stats)
			if d := p.Digits(sol.Last(), rtol); !(d >= digits[m]) {
				t.Errorf("%s, %v: %.2f digits", p.Name, m, d)
			}
			if m.Order >= 4 && float64(sol.Stats.Accepted) > 1.5*float64(radau[p.Name]) {
				t.Errorf("%s, %v: %d steps, Radau takes %d", p.Name, m, sol.Stats.Accepted, radau[p.Name])
			}
			if s := sol.Stats; s.Jacobians > s.Accepted*3/4 || s.LUs > 2*s.Accepted {
				t.Errorf("%s, %v: Jacobians or factors are not kept: %v", p.Name, m, s)
			}
			for i, y := range sol.Y {
				if strings.HasPrefix(p.Name, "rober") && !(y > 0) {
					t.Errorf("%s, %v: component %d of step %d is %v", p.Name, m, i%3, i/3, y)
				}
			}
		}
	}
}

// Prothero and Robinson's problem y' = λ(y − φ) + φ′ with λ = −1e6, whose stages are much less
// accurate than the classical order says.
func TestProtheroRobinson(t *testing.T) {
	const lambda = -1e6
	f := NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = lambda*(y[0]-math.Sin(t)) + math.Cos(t) })
	for _, m := range ESDIRKs() {
		var h, errs []float64
		for n := 4.0; n <= 64; n *= 2 {
			sol, err := Solve(f, 0, 1, []float64{0}, Options{Method: m, Controller: Fixed{}, H0: 1 / n})
			if err != nil {
				t.Fatal(err)
			}
			h, errs = append(h, 1/n), append(errs, math.Abs(sol.Last()[0]-math.Sin(1)))
		}
		slope := fittedSlope(h, errs)
		t.Logf("%-9v slope %.2f, errors %.2g … %.2g", m, slope, errs[0], errs[len(errs)-1])
		if slope < 1.85 {
			t.Errorf("%v: slope %.2f", m, slope)
		}
	}
}

// States at saved times inside the steps are as good as those at ends, and the dense output
// of Kvaerno5 is not far behind. They have no influence on the steps.
func TestESDIRKSaved(t *testing.T) {
	p := odetest.StiffProblems()[1]
	want := map[float64][]float64{
		1: {0.9664597373330035, 3.074626578578675e-5, 0.03350951640121071}, 10: {0.8413699238414729, 1.623390937990473e-5, 0.1586138422491472},
		100: p.Want,
	}
	for _, m := range ESDIRKs() {
		opt := Options{Method: m, RTol: 1e-8, ATols: []float64{1e-8, 1e-12, 1e-8}, SaveAt: SaveAt{Times: []float64{1, 10, 100}, Keep: Dense}}
		sol, err := Solve[float64](p, 0, 100, p.Y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		opt.SaveAt = SaveAt{}
		alone, err := Solve[float64](p, 0, 100, p.Y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(alone.Last()[0] - sol.Last()[0]); d > 1e-9 || math.Abs(float64(alone.Stats.Accepted-sol.Stats.Accepted)) > 2 {
			t.Errorf("%v: saved times move the end by %.3g, %d steps for %d", m, d, sol.Stats.Accepted, alone.Stats.Accepted)
		}
		off := func(y []float64, t float64) (worst float64) {
			for i, v := range want[t] {
				worst = max(worst, math.Abs(y[i]-v)/v)
			}
			return worst
		}
		var y [3]float64
		var inside, dense float64
		for i, at := range []float64{1, 10} {
			if err := sol.At(y[:], at); err != nil {
				t.Fatal(err)
			}
			inside, dense = max(inside, off(sol.Row(i), at)), max(dense, off(y[:], at))
		}
		end := off(sol.Last(), 100)
		t.Logf("%-9v relative errors: end %.2g, saved inside %.2g, dense %.2g; %v", m, end, inside, dense, sol.Stats)
		if inside > 10*end+1e-9 {
			t.Errorf("%v: saved inside off by %.3g, the end by %.3g", m, inside, end)
		}
		if dense > 5e-5 {
			t.Errorf("%v: dense output off by %.3g", m, dense)
		}
	}
}

// batch is samples of stiff, one after the other, each with its own rate.
type batch[T Float] []stiff[T]

func (b batch[T]) Dim() int       { return 2 * len(b) }
func (b batch[T]) SampleDim() int { return 2 }
func (b batch[T]) NumParams() int { return 0 }

func (b batch[T]) Eval(d []T, t float64, y []T) {
	for i, s := range b {
		s.Eval(d[2*i:2*i+2], t, y[2*i:2*i+2])
	}
}

func (b batch[T]) VJP(dydt, dy, _ []T, t float64, y, lambda []T) {
	if dydt != nil {
		b.Eval(dydt, t, y)
	}
	for i, s := range b {
		s.VJP(nil, dy[2*i:2*i+2], nil, t, y[2*i:2*i+2], lambda[2*i:2*i+2])
	}
}

// batchEval hides the VJP of a batch.
type batchEval[T Float] struct{ batch[T] }

func (batchEval[T]) VJP() {}

// A batch is solved in blocks, in both directions, by products or differences: to the solution of
// each sample alone, with as many products for a Jacobian as one sample has components.
func testStiffBatch[T Float](t *testing.T, m Method, tol, tolByDifferences float64, few func(Stats) bool) {
	for _, end := range []float64{1, -0.004} {
		b := batch[T]{{k: 1e3}, {k: 1e5}, {k: 10}}
		opt := Options{Method: m, Controller: Fixed{}, H0: 0.05, MaxSteps: 1e4}
		if end < 0 {
			opt.H0 = 1e-4 // unstable backwards, so short
			b = batch[T]{{k: 10}, {k: 100}, {k: 50}}
		}
		y0 := []T{1, 1, 1, 2, 1, 3}
		sol, err := Solve[T](b, 0, end, y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		if s := sol.Stats; s.VJPs != 2*s.Jacobians || !few(s) {
			t.Errorf("%v: %v", m, s)
		}
		differences, err := Solve[T](batchEval[T]{b}, 0, end, y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(sol.Last(), differences.Last()); d > tolByDifferences || differences.Stats.VJPs != 0 {
			t.Errorf("%v: by differences %.3g away, %v", m, d, differences.Stats)
		}
		for i, s := range b {
			one, err := Solve[T](s, 0, end, y0[2*i:2*i+2], opt)
			if err != nil {
				t.Fatal(err)
			}
			if d := distance(one.Last(), sol.Last()[2*i:2*i+2]); d > tol {
				t.Errorf("%v: sample %d is %.3g away", m, i, d)
			}
			exact := float64(y0[2*i+1]) * math.Exp(-math.Sin(end))
			if d := math.Abs(float64(one.Last()[1])-exact) / exact; d > tol+math.Pow(0.05, 2) {
				t.Errorf("%v: sample %d is off by %.3g", m, i, d)
			}
		}
	}
}

func testESDIRKBatch[T Float](t *testing.T, tol float64) {
	for _, m := range ESDIRKs() {
		testStiffBatch[T](t, m, tol, tol, func(s Stats) bool { return s.Jacobians >= s.Accepted && s.Jacobians <= 2*s.Accepted })
	}
}

func TestESDIRKBatch(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testESDIRKBatch[float64](t, 1e-11) })
	t.Run("float32", func(t *testing.T) { testESDIRKBatch[float32](t, 1e-4) })
}

// Adaptive steps in float32 reach what its digits allow.
func TestESDIRKFloat32(t *testing.T) {
	f := stiff[float32]{k: 1e4}
	for _, m := range ESDIRKs() {
		sol, err := Solve(f, 0, 1, []float32{1, 1}, Options{Method: m, RTol: 1e-5})
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(float64(sol.Last()[1]) - math.Exp(-math.Sin(1))); d > 2e-4 || sol.Stats.Accepted > 400 {
			t.Errorf("%v: off by %.3g, %v", m, d, sol.Stats)
		}
	}
}

// A step whose stages are not found is tried again, shorter; where that is not allowed the
// solve ends with the cause.
func TestESDIRKDiverges(t *testing.T) {
	// A front: the slope changes by 1e6 over 1e-3, so that long steps start from a useless Jacobian.
	front := NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = -1e6 * math.Tanh(1e3*(y[0]-math.Cos(3*t))) })
	sol, err := Solve(front, 0, 2, []float64{0}, Options{Method: Kvaerno5})
	if err != nil || sol.Stats.Diverged == 0 || math.Abs(sol.Last()[0]-math.Cos(6)) > 1e-5 {
		t.Errorf("%v, %v, %v", sol.Last(), sol.Stats, err)
	}
	_, err = Solve(front, 0, 2, []float64{0}, Options{Method: Kvaerno5, H0: 0.1, HMin: 0.1})
	var c *ConvergenceError
	if !errors.Is(err, ErrNoConvergence) || !errors.As(err, &c) || c.Method != "kvaerno5" {
		t.Errorf("HMin: %v", err)
	}
	if _, err = Solve(front, 0, 2, []float64{0}, Options{Method: Kvaerno5, Controller: Fixed{}, H0: 0.1}); !errors.Is(err, ErrNoConvergence) {
		t.Errorf("Fixed: %v", err)
	}
	// f is not defined below 0, where long steps lead.
	root := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -math.Sqrt(y[0]) })
	sol, err = Solve(root, 0, 1.9, []float64{1}, Options{Method: KenCarp4, H0: 10})
	if err != nil || math.Abs(sol.Last()[0]-0.0025) > 1e-6 { // (1 − t/2)²
		t.Errorf("%v, %v", sol.Last(), err)
	}
	never := NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = math.Sqrt(0.5-t) - y[0] })
	var at *StepError
	sol, err = Solve(never, 0, 1, []float64{1}, Options{Method: Kvaerno3})
	if !errors.Is(err, ErrNonFinite) || !errors.As(err, &at) || math.Abs(sol.Reached()-0.5) > 1e-3 {
		t.Errorf("%v, %v", sol.Reached(), err)
	}
	failing := NewFallibleFunc(1, func(d []float64, t float64, y []float64) error {
		if d[0] = -y[0]; t > 0.3 {
			return errors.New("no data")
		}
		return nil
	})
	if _, err = Solve(failing, 0, 1, []float64{1}, Options{Method: Kvaerno3}); err == nil || !strings.Contains(err.Error(), "no data") {
		t.Error(err)
	}
}

// Kvaerno5 does not look beyond a jump, though it does look beyond other ends.
func TestESDIRKJumps(t *testing.T) {
	for _, m := range ESDIRKs() {
		beyond := false
		f := NewFunc(1, func(d []float64, t float64, y []float64) {
			beyond = beyond || t > 1
			d[0] = -y[0]
			if t > 0.5 {
				d[0] = 1e3 * (1 - y[0])
			}
		})
		sol, err := Solve(f, 0, 1, []float64{1}, Options{Method: m, RTol: 1e-8, Jumps: []float64{0.5}, SaveAt: SaveAt{Times: []float64{0.25, 0.5, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{math.Exp(-0.25), math.Exp(-0.5), 1} {
			if d := math.Abs(sol.Row(i)[0] - want); d > 1e-6 {
				t.Errorf("%v: at %v off by %.3g, %v", m, sol.T[i], d, sol.Stats)
			}
		}
		if beyond != (m == Kvaerno5) {
			t.Errorf("%v: evaluates beyond the end: %v", m, beyond)
		}
	}
}

// Solves do not allocate, and a step taken again is the step.
func TestESDIRKAgain(t *testing.T) {
	for _, m := range ESDIRKs() {
		f := stiff[float64]{k: 1e4}
		opt := Options{Method: m, RTol: 1e-6, SaveAt: SaveAt{Keep: Stages, Times: []float64{0.3, 1}}}
		in, err := New[float64](f, opt)
		if err != nil {
			t.Fatal(err)
		}
		var sol Solution[float64]
		y0 := []float64{1, 1}
		solve := func() {
			if err := in.Solve(context.Background(), &sol, 0, 1, y0); err != nil {
				t.Fatal(err)
			}
		}
		solve()
		if n := testing.AllocsPerRun(5, solve); n > 0 {
			t.Errorf("%v: %v allocations", m, n)
		}
		for i := range sol.NumSteps() {
			s := sol.Step(i)
			again := s
			again.Y1, again.K = make([]float64, 2), nil
			if _, err := in.Retake(&again, false); err != nil {
				t.Fatal(err)
			}
			if d := distance(again.Y1, s.Y1); d > 1e-9 { // κ times the tolerance
				t.Errorf("%v: step %d again is %.3g away", m, i, d)
			}
		}
	}
}
