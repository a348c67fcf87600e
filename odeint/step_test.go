package odeint

import (
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
	"github.com/neuralode/neuralode/internal/vec"
)

// The steps of a fixed solve are known without being kept, bit for bit.
func TestStepTimes(t *testing.T) {
	f := NewFunc(1, func(dy []float64, t float64, y []float64) { dy[0] = -y[0] })
	for _, ends := range [][2]float64{{0.3, 4}, {4, 0.3}, {1.7, 1.8}} {
		opt := Options{Method: RK4, H0: 0.17, Stops: []float64{1.1, 2}, Jumps: []float64{3, 2.5, 4}, SaveAt: SaveAt{Keep: Steps}}
		kept, err := Solve(f, ends[0], ends[1], []float64{1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		opt.SaveAt = SaveAt{}
		light, err := Solve(f, ends[0], ends[1], []float64{1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		times := func(s Step[float64]) []float64 { return []float64{s.T0, s.T1, s.H, s.Lo, s.Hi} }
		for i := range light.Stats.Accepted {
			want := times(kept.Step(i))
			for _, got := range [][]float64{times(light.StepTimes(i)), times(kept.StepTimes(i))} {
				if !slices.Equal(got, want) {
					t.Fatalf("from %v: step %d is %v, want %v", ends[0], i, got, want)
				}
			}
		}
		for _, i := range []int{-1, light.Stats.Accepted} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("no panic for step %d", i)
					}
				}()
				light.StepTimes(i)
			}()
		}
	}
}

// The steps kept are a chain, and each is reproduced from its own data bit for bit.
func TestStepsAreWhatWasDone(t *testing.T) {
	t.Run("float64", testSteps[float64])
	t.Run("float32", testSteps[float32])
}

func testSteps[T Float](t *testing.T) {
	for _, p := range []*odetest.Problem[T]{odetest.Driven[T](), odetest.Driven[T]().Reversed()} {
		for _, m := range Tableaus() {
			for _, save := range []SaveAt{{Keep: Stages}, {Keep: Dense}, {Keep: Steps}} {
				opt := Options{Method: m, RTol: 1e-4, ATol: 1e-4, SaveAt: save, Jumps: []float64{1}, Stops: []float64{2}}
				if m.E == nil {
					opt.RTol, opt.ATol, opt.H0 = 0, 0, 0.07
				}
				opt.SaveAt.Times = []float64{p.T0, 0.5, 1.3, 2, p.T1}
				if p.T1 < p.T0 {
					slices.Reverse(opt.SaveAt.Times[1:4])
				}
				sol, err := Solve[T](p, p.T0, p.T1, p.Y0, opt)
				if err != nil {
					t.Fatal(err)
				}
				checkChain(t, p, m, sol)
				for i := range sol.NumSteps() {
					checkStep(t, p, m, sol.Step(i), save)
				}
				checkOrigins(t, m, sol, save)
			}
		}
	}
}

func checkChain[T Float](t *testing.T, p *odetest.Problem[T], m *Tableau, sol *Solution[T]) {
	t.Helper()
	n := sol.NumSteps()
	if n != sol.Stats.Accepted || n == 0 {
		t.Fatalf("%v: %d steps, %d accepted", m, n, sol.Stats.Accepted)
	}
	if s := sol.Step(0); s.T0 != p.T0 || !slices.Equal(s.Y0, p.Y0) {
		t.Errorf("%v: first step from %v, %v", m, s.T0, s.Y0)
	}
	if s := sol.Step(n - 1); s.T1 != p.T1 || !slices.Equal(s.Y1, sol.Last()) {
		t.Errorf("%v: last step to %v, %v", m, s.T1, s.Y1)
	}
	y := make([]T, p.Dim())
	hmin, hmax := math.Inf(1), 0.0
	for i := range n {
		s := sol.Step(i)
		if i > 0 {
			if q := sol.Step(i - 1); q.T1 != s.T0 || &q.Y1[0] != &s.Y0[0] {
				t.Fatalf("%v: step %d does not begin where the one before ends", m, i)
			}
		}
		if math.Abs(s.T1-s.T0-s.H) > 4*0x1p-52*max(math.Abs(s.T0), math.Abs(s.T1)) {
			t.Errorf("%v: step from %v to %v of size %v", m, s.T0, s.T1, s.H)
		}
		hmin, hmax = min(hmin, math.Abs(s.H)), max(hmax, math.Abs(s.H))
		if sol.interp != nil {
			if err := sol.At(y, s.T1); err != nil || !slices.Equal(y, s.Y1) {
				t.Errorf("%v: dense output at the end %v of a step: %v, want %v; %v", m, s.T1, y, s.Y1, err)
			}
			if err := sol.At(y, s.T0); err != nil || !slices.Equal(y, s.Y0) {
				t.Errorf("%v: dense output at the start %v of a step: %v, want %v; %v", m, s.T0, y, s.Y0, err)
			}
		}
		inward := func(at, other float64) float64 {
			if at == 1 {
				return math.Nextafter(at, other)
			}
			return at
		}
		if s.Lo != inward(s.T0, s.T1) || s.Hi != inward(s.T1, s.T0) {
			t.Errorf("%v: step from %v to %v with f between %v and %v", m, s.T0, s.T1, s.Lo, s.Hi)
		}
	}
	if hmin != sol.Stats.HMin || hmax != sol.Stats.HMax {
		t.Errorf("%v: sizes %v to %v, counted %v to %v", m, hmin, hmax, sol.Stats.HMin, sol.Stats.HMax)
	}
}

// checkStep takes the step again by the definition.
func checkStep[T Float](t *testing.T, p *odetest.Problem[T], m *Tableau, s Step[T], save SaveAt) {
	t.Helper()
	if save.Keep == Steps {
		if s.K != nil {
			t.Errorf("%v: stages kept though not asked for", m)
		}
		return
	}
	d, n := m.WithDense(), len(s.Y0)
	rows := len(s.K) / n
	if save.Keep == Dense && rows != len(d.A) || save.Keep != Dense && rows != len(d.B) && rows != len(d.A) {
		t.Fatalf("%v: %d rows of stages", m, rows)
	}
	y, k := make([]T, n), make([]T, n)
	combine := func(row []float64) {
		var c []T
		var from []int
		for j, a := range row {
			if a != 0 {
				c, from = append(c, T(s.H*a)), append(from, j)
			}
		}
		vec.Combine(y, s.Y0, c, from, s.K)
	}
	for i := range rows {
		combine(d.A[i])
		p.Eval(k, s.StageTime(d.C[i]), y)
		if !slices.Equal(k, s.K[i*n:(i+1)*n]) {
			t.Fatalf("%v: stage %d of the step at %v is %v, again %v", m, i, s.T0, s.K[i*n:(i+1)*n], k)
		}
	}
	combine(d.B)
	if !slices.Equal(y, s.Y1) {
		t.Fatalf("%v: state after the step at %v is %v, again %v", m, s.T0, s.Y1, y)
	}
}

// checkOrigins computes the saved rows again from their steps.
func checkOrigins[T Float](t *testing.T, m *Tableau, sol *Solution[T], save SaveAt) {
	t.Helper()
	d := m.WithDense()
	b := make([]float64, len(d.P))
	for i, at := range sol.T {
		index, theta := sol.Origin(i)
		switch {
		case i == 0:
			if index != -1 || !slices.Equal(sol.Row(i), sol.Step(0).Y0) {
				t.Errorf("%v: first row from step %d", m, index)
			}
		case theta == 1:
			if s := sol.Step(index); s.T1 != at || !slices.Equal(sol.Row(i), s.Y1) {
				t.Errorf("%v: row at %v is not the end of step %d", m, at, index)
			}
		default:
			s := sol.Step(index)
			if math.Abs(s.T0+theta*s.H-at) > 1e-14 || theta <= 0 || theta >= 1 {
				t.Errorf("%v: row at %v from step %d at %v", m, at, index, theta)
			}
			if save.Keep == Steps {
				continue
			}
			d.DenseWeights(b, theta)
			for j, got := range sol.Row(i) {
				want := float64(s.Y0[j])
				for r, w := range b {
					want += s.H * w * float64(s.K[r*len(s.Y0)+j])
				}
				// Rounding of the state's type, over at most 17 terms.
				if math.Abs(float64(got)-want) > 1e-14+100*vec.Epsilon[T]()*math.Abs(want) {
					t.Errorf("%v: row at %v: %v, want %v", m, at, got, want)
				}
			}
		}
		if at == 2 && theta != 1 && index != -1 {
			t.Errorf("%v: a stop that is a saved time has theta %v", m, theta)
		}
	}
}
