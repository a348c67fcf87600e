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

func TestRosenbrockTableaus(t *testing.T) {
	for _, m := range Rosenbrocks() {
		if err := m.Check(); err != nil {
			t.Error(err)
		}
		for k, part := range []func(m *Rosenbrock) [][]float64{
			func(m *Rosenbrock) [][]float64 { return [][]float64{m.Alpha, m.D} },
			func(m *Rosenbrock) [][]float64 { return m.A },
			func(m *Rosenbrock) [][]float64 { return m.C },
			func(m *Rosenbrock) [][]float64 { return [][]float64{m.B, m.E} },
			func(m *Rosenbrock) [][]float64 { return m.P },
		} {
			for i, row := range part(m) {
				for j, x := range row {
					// No condition of order 2 sees the state of Rosenbrock23's last stage, and none
					// the scale of an error estimate.
					if x == 0 || m == Rosenbrock23 && k == 1 && i == 2 || m == Rodas5P && k == 3 && i == 1 {
						continue
					}
					bad := *m
					bad.A, bad.C, bad.P = cloneRows(m.A), cloneRows(m.C), cloneRows(m.P)
					bad.Alpha, bad.D, bad.B, bad.E = slices.Clone(m.Alpha), slices.Clone(m.D), slices.Clone(m.B), slices.Clone(m.E)
					part(&bad)[i][j] += 1e-6
					if bad.Check() == nil {
						t.Errorf("%v: part %d, coefficient %d, %d + 1e-6 passes", m, k, i, j)
					}
				}
			}
		}
		for x := 1e-3; x < 1e6; x *= 1.05 {
			if r := cmplx.Abs(m.amplification(complex(0, x))); r > 1+1e-9 {
				t.Errorf("%v: |R(%.3gi)| = 1 + %.3g", m, x, r-1)
			}
		}
		if r := cmplx.Abs(m.amplification(-1e8)); r > 1e-6 {
			t.Errorf("%v: R(−1e8) = %v", m, r)
		}
	}
	for _, m := range []*Rosenbrock{nil, {}, {B: []float64{1}}, {Gamma: math.NaN(), B: []float64{1}, Alpha: []float64{0.5}, D: []float64{0}, A: [][]float64{{}}, C: [][]float64{{1}}, P: [][]float64{{}}}} {
		if _, err := Solve(NewFunc(1, func(d []float64, _ float64, _ []float64) { d[0] = 0 }), 0, 1, []float64{1}, Options{Method: m, Controller: Fixed{}, H0: 0.1}); err == nil {
			t.Errorf("%+v passes", m)
		}
	}
}

// amplification is R(z): what a step makes of y' = λy, y = 1, with z = hλ.
func (m *Rosenbrock) amplification(z complex128) complex128 {
	var k []complex128 // h times the stages
	end := complex128(1)
	for i, row := range m.A {
		y, sum := complex128(1), complex128(0)
		for j, v := range k {
			y += complex(row[j], 0) * v
			sum += complex(m.C[i][j], 0) * v
		}
		g := complex(m.Gamma, 0)
		k = append(k, g*(z*y+sum)/(1-g*z))
		end += complex(m.B[i], 0) * k[i]
	}
	return end
}

func TestRosenbrockStiffProblems(t *testing.T) {
	const rtol = 1e-6
	digits := map[*Rosenbrock]float64{Rosenbrock23: 2.5, Rodas5P: 5}
	for _, p := range odetest.StiffProblems() {
		for _, m := range Rosenbrocks() {
			sol, err := Solve[float64](p, 0, p.T, p.Y0, Options{Method: m, RTol: rtol, ATols: p.ATol, SaveAt: SaveAt{Every: 1}})
			if err != nil {
				t.Errorf("%s, %v: %v, %v", p.Name, m, err, sol.Stats)
				continue
			}
			t.Logf("%-10s %-12v %.2f digits, %v", p.Name, m, p.Digits(sol.Last(), rtol), sol.Stats)
			// What E5 has at its end is 1e-9 of what it had: the difference of two others, which a
			// matrix for all stages, unlike Newton's defects, keeps to rounding only.
			if d := p.Digits(sol.Last(), rtol); !(d >= digits[m]) && p.Name != "e5" {
				t.Errorf("%s, %v: %.2f digits", p.Name, m, d)
			}
			if m.Order >= 4 && float64(sol.Stats.Accepted) > 1.5*float64(radau[p.Name]) {
				t.Errorf("%s, %v: %d steps, Radau takes %d", p.Name, m, sol.Stats.Accepted, radau[p.Name])
			}
		}
	}
}

// The states at saved times inside a step are those of the continuous extension.
func TestRosenbrockSaved(t *testing.T) {
	p := odetest.StiffProblems()[1]
	want := map[float64][]float64{
		1: {0.9664597373330035, 3.074626578578675e-5, 0.03350951640121071}, 10: {0.8413699238414729, 1.623390937990473e-5, 0.1586138422491472},
	}
	for _, m := range Rosenbrocks() {
		opt := Options{Method: m, RTol: 1e-8, ATols: []float64{1e-8, 1e-12, 1e-8}, SaveAt: SaveAt{Times: []float64{1, 10, 100}, Keep: Dense}}
		sol, err := Solve[float64](p, 0, 100, p.Y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		var y [3]float64
		inside, end := 0.0, 0.0
		for i, at := range []float64{1, 10} {
			for j, v := range want[at] {
				inside = max(inside, math.Abs(sol.Row(i)[j]-v)/v)
			}
			if err := sol.At(y[:], at); err != nil || distance(y[:], sol.Row(i)) > 0 {
				t.Errorf("%v: dense output %v, saved %v, %v", m, y, sol.Row(i), err)
			}
		}
		for j, v := range p.Want {
			end = max(end, math.Abs(sol.Last()[j]-v)/v)
		}
		t.Logf("%-12v relative errors: end %.2g, saved inside %.2g; %v", m, end, inside, sol.Stats)
		if inside > 10*end+1e-9 {
			t.Errorf("%v: saved inside off by %.3g, the end by %.3g", m, inside, end)
		}
	}
}

// autonomous is a field that does not depend on time, and says so.
type autonomous struct{ VectorField[float64] }

func (autonomous) Autonomous() bool { return true }

// A field that says that it is autonomous has the solution of one that does not, for fewer
// evaluations.
func TestRosenbrockAutonomous(t *testing.T) {
	p := odetest.Coupled[float64]()
	for _, m := range Rosenbrocks() {
		opt := Options{Method: m, Controller: Fixed{}, H0: 0.1}
		want, err := Solve[float64](p, 0, 4, p.Y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Solve[float64](autonomous{p}, 0, 4, p.Y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(got.Last(), want.Last()); d > 0 || want.Stats.NFE != got.Stats.NFE+want.Stats.Accepted {
			t.Errorf("%v: %.3g away; %v, %v", m, d, got.Stats, want.Stats)
		}
	}
}

// By differences it is other numbers: they have half of the digits, and the method needs the Jacobian.
func testRosenbrockBatch[T Float](t *testing.T, tol float64) {
	for _, m := range Rosenbrocks() {
		testStiffBatch[T](t, m, tol, 1e3*tol, func(s Stats) bool { return s.Jacobians == s.Accepted && s.LUs <= s.Accepted })
	}
}

func TestRosenbrockBatch(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testRosenbrockBatch[float64](t, 1e-11) })
	t.Run("float32", func(t *testing.T) { testRosenbrockBatch[float32](t, 1e-4) })
}

// Adaptive steps in float32 reach what its digits allow.
func TestRosenbrockFloat32(t *testing.T) {
	for _, m := range Rosenbrocks() {
		sol, err := Solve(stiff[float32]{k: 1e4}, 0, 1, []float32{1, 1}, Options{Method: m, RTol: 1e-5})
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(float64(sol.Last()[1]) - math.Exp(-math.Sin(1))); d > 2e-4 || sol.Stats.Accepted > 400 {
			t.Errorf("%v: off by %.3g, %v", m, d, sol.Stats)
		}
	}
}

// A step whose matrix is singular, or that leaves the domain of f, is tried again, shorter; where
// that is not allowed the solve ends with the cause.
func TestRosenbrockFails(t *testing.T) {
	for _, m := range Rosenbrocks() {
		h := 1.0
		for rate := 1 / (h * m.Gamma); h*m.Gamma*rate != 1; rate = 1 / (h * m.Gamma) {
			h += 0.01
		}
		rate := 1 / (h * m.Gamma)
		exactly := growth{NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = rate * y[0] }), rate}
		var singular *SingularError
		_, err := Solve[float64](exactly, 0, h, []float64{1}, Options{Method: m, Controller: Fixed{}, H0: h})
		if !errors.Is(err, ErrNoConvergence) || !errors.As(err, &singular) || singular.Method != m.Name {
			t.Errorf("%v: %v", m, err)
		}
		sol, err := Solve[float64](exactly, 0, h, []float64{1}, Options{Method: m, H0: h, RTol: 1e-8})
		if err != nil || sol.Stats.Diverged != 1 || math.Abs(sol.Last()[0]/math.Exp(h*rate)-1) > 1e-3 {
			t.Errorf("%v: %v, %v, %v", m, sol.Last(), sol.Stats, err)
		}

		root := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -math.Sqrt(y[0]) })
		sol, err = Solve(root, 0, 1.9, []float64{1}, Options{Method: m, H0: 10})
		if err != nil || math.Abs(sol.Last()[0]-0.0025) > 1e-5 { // (1 − t/2)²
			t.Errorf("%v: %v, %v", m, sol.Last(), err)
		}
		failing := NewFallibleFunc(1, func(d []float64, t float64, y []float64) error {
			if d[0] = -y[0]; t > 0.3 {
				return errors.New("no data")
			}
			return nil
		})
		if _, err = Solve(failing, 0, 1, []float64{1}, Options{Method: m}); err == nil || !strings.Contains(err.Error(), "no data") {
			t.Error(err)
		}
	}
}

// growth is a linear, autonomous field with its Jacobian, which differences do not find to the
// last digit.
type growth struct {
	VectorField[float64]
	rate float64
}

func (growth) Autonomous() bool { return true }

func (g growth) JVP(dd []float64, _ float64, _, v []float64) { dd[0] = g.rate * v[0] }

// f is not evaluated beyond an end, nor on the other side of a jump.
func TestRosenbrockJumps(t *testing.T) {
	for _, m := range Rosenbrocks() {
		f := NewFunc(1, func(d []float64, at float64, y []float64) {
			if at < 0 || at > 1 || at == 0.5 {
				t.Errorf("%v: evaluation at %v", m, at)
			}
			d[0] = -y[0]
			if at > 0.5 {
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
	}
}

// Solves do not allocate, and a step taken again is the step bit for bit.
func TestRosenbrockAgain(t *testing.T) {
	for _, m := range Rosenbrocks() {
		in, err := New[float64](stiff[float64]{k: 1e4}, Options{Method: m, RTol: 1e-6, SaveAt: SaveAt{Keep: Stages, Times: []float64{0.3, 1}}})
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
			if !slices.Equal(again.Y1, s.Y1) || !slices.Equal(again.K, s.K) {
				t.Errorf("%v: step %d again is %v, not %v", m, i, again.Y1, s.Y1)
			}
		}
	}
}

// protheroRobinson is y' = λ(y − φ) + φ′ with time as a second component, and its Jacobian: what
// the method makes of it is not hidden by the error of a difference for ∂f/∂t.
type protheroRobinson struct{ lambda, speed float64 }

func (protheroRobinson) Dim() int         { return 2 }
func (protheroRobinson) Autonomous() bool { return true }

func (p protheroRobinson) Eval(d []float64, _ float64, y []float64) {
	s, c := math.Sincos(p.speed * y[1])
	d[0], d[1] = p.lambda*(y[0]-s)+p.speed*c, 1
}

func (p protheroRobinson) JVP(dd []float64, _ float64, y, v []float64) {
	s, c := math.Sincos(p.speed * y[1])
	dd[0], dd[1] = p.lambda*v[0]-(p.lambda*p.speed*c+p.speed*p.speed*s)*v[1], 0
}

// On the problem of Prothero and Robinson with λ = −1e6 the error of Rodas5P is of the size
// h⁴/(hλ): it falls as h³ where λ is fixed, and as h⁴ where hλ is. That of others falls as h².
func TestRosenbrockProtheroRobinson(t *testing.T) {
	for _, c := range []struct {
		m            *Rosenbrock
		fixed, scale float64
	}{{Rosenbrock23, 1.85, 1.85}, {Rodas5P, 2.8, 3.85}} {
		var h, fixed, scaled []float64
		for n := 32.0; n <= 256; n *= 2 {
			solve := func(lambda float64) float64 {
				f := protheroRobinson{lambda: lambda, speed: 10}
				sol, err := Solve[float64](f, 0, 1, []float64{0, 0}, Options{Method: c.m, Controller: Fixed{}, H0: 1 / n})
				if err != nil {
					t.Fatal(err)
				}
				return math.Abs(sol.Last()[0] - math.Sin(f.speed))
			}
			h, fixed, scaled = append(h, 1/n), append(fixed, solve(-1e6)), append(scaled, solve(-1e6*n/256))
		}
		t.Logf("%-12v slopes %.2f, %.2f with hλ fixed, errors %.2g, %.2g", c.m, fittedSlope(h, fixed), fittedSlope(h, scaled), fixed, scaled)
		if a, b := fittedSlope(h, fixed), fittedSlope(h, scaled); a < c.fixed || b < c.scale {
			t.Errorf("%v: slopes %.2f and %.2f", c.m, a, b)
		}
	}
}
