package odeint

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
	"github.com/neuralode/neuralode/internal/vec"
)

// From the second solve on nothing is allocated, whatever is kept.
func TestAllocations(t *testing.T) {
	t.Run("float64", testAllocations[float64])
	t.Run("float32", testAllocations[float32])
}

func testAllocations[T Float](t *testing.T) {
	p := odetest.Kepler[T](0.3)
	times := []float64{0, 0.1, 0.11, 1, 2.5, 4}
	saves := map[string]SaveAt{
		"end": {}, "times": {Times: times}, "every": {Every: 1, Start: true}, "steps": {Steps: true},
		"stages": {Stages: true, Times: times}, "dense": {Dense: true, Times: times},
	}
	for _, m := range explicit {
		for name, save := range saves {
			opt := Options{Method: m, RTol: 1e-5, ATol: 1e-5, SaveAt: save, Stops: []float64{3, 1}, Jumps: []float64{2}}
			if m.E == nil {
				opt.H0 = 0.0123
			}
			in, err := New[T](p, opt)
			if err != nil {
				t.Fatal(err)
			}
			in.Observe(func(*Step[T], *Stats) error { return nil })
			var sol Solution[T]
			ctx, dst := t.Context(), make([]T, 4)
			run := func() {
				if err := in.Solve(ctx, &sol, 0, 4, p.Y0); err != nil {
					t.Fatal(err)
				}
				if save.Dense {
					if err := errors.Join(sol.At(dst, 1.23), sol.DerivativeAt(dst, 3.21)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if n := testing.AllocsPerRun(3, run); n != 0 {
				t.Errorf("%v, %s: %v allocations in Solve", m, name, n)
			}
			at := func() {
				if err := in.SolveAt(ctx, &sol, times, p.Y0); err != nil {
					t.Fatal(err)
				}
			}
			if n := testing.AllocsPerRun(3, at); n != 0 {
				t.Errorf("%v, %s: %v allocations in SolveAt", m, name, n)
			}
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
		for _, m := range explicit {
			for _, save := range []SaveAt{{Stages: true}, {Dense: true}, {Steps: true}} {
				opt := Options{Method: m, RTol: 1e-4, ATol: 1e-4, SaveAt: save, Jumps: []float64{1}, Stops: []float64{2}}
				if m.E == nil {
					opt.H0 = 0.07
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
	if save.Steps {
		if s.K != nil {
			t.Errorf("%v: stages kept though not asked for", m)
		}
		return
	}
	d, n := m.WithDense(), len(s.Y0)
	rows := len(s.K) / n
	if save.Dense && rows != len(d.A) || !save.Dense && rows != len(d.B) && rows != len(d.A) {
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
			if save.Steps {
				continue
			}
			d.DenseWeights(b, theta)
			for j, got := range sol.Row(i) {
				want := float64(s.Y0[j])
				for r, w := range b {
					want += s.H * w * float64(s.K[r*len(s.Y0)+j])
				}
				// Rounding of the state's type, over at most 17 terms.
				if math.Abs(float64(got)-want) > 1e-14+100*epsilonOf[T]()*math.Abs(want) {
					t.Errorf("%v: row at %v: %v, want %v", m, at, got, want)
				}
			}
		}
		if at == 2 && theta != 1 && index != -1 {
			t.Errorf("%v: a stop that is a saved time has theta %v", m, theta)
		}
	}
}

// What is kept does not change what is computed, and a saved time costs no step.
func TestKeepingChangesNothing(t *testing.T) {
	p := odetest.Kepler[float64](0.6)
	for _, m := range explicit {
		var ref *Solution[float64]
		for _, save := range []SaveAt{{}, {Every: 1}, {Steps: true}, {Stages: true}, {Dense: true}, {Times: []float64{1, 2}, Dense: true}} {
			opt := Options{Method: m, RTol: 1e-7, ATol: 1e-7, SaveAt: save}
			if m.E == nil {
				opt.H0 = 0.03
			}
			sol, err := Solve(p, 0, 4, p.Y0, opt)
			if err != nil {
				t.Fatal(err)
			}
			if ref == nil {
				ref = sol
				continue
			}
			a, b := sol.Stats, ref.Stats
			if !save.Dense && a.NFE != b.NFE {
				t.Errorf("%v, %+v: %d evaluations, want %d", m, save, a.NFE, b.NFE)
			}
			a.NFE, b.NFE = 0, 0
			if a != b || !slices.Equal(sol.Last(), ref.Last()) {
				t.Errorf("%v, %+v: %+v %v, want %+v %v", m, save, a, sol.Last(), b, ref.Last())
			}
		}
	}
}

// The dense stage that is the slope at the end of a step serves the next step too:
// Hermite output costs one evaluation in all.
func TestDenseStageIsReused(t *testing.T) {
	p := odetest.Kepler[float64](0.3)
	for _, m := range []*Tableau{Euler, Midpoint, Heun, Ralston, RK4, RK38} {
		for _, save := range []SaveAt{{}, {Dense: true}} {
			sol, err := Solve(p, 0, 4, p.Y0, Options{Method: m, Controller: Fixed{}, H0: 0.25, SaveAt: save})
			if err != nil {
				t.Fatal(err)
			}
			want := 16 * len(m.B)
			if save.Dense {
				want++
			}
			if sol.Stats.NFE != want {
				t.Errorf("%v, dense %v: %d evaluations, want %d", m, save.Dense, sol.Stats.NFE, want)
			}
		}
	}
	// A step of an FSAL method costs one less than its stages, but the first.
	for _, m := range []*Tableau{Bosh3, Dopri5, Tsit5, Dop853} {
		sol, err := Solve(p, 0, 4, p.Y0, Options{Method: m, Controller: Fixed{}, H0: 0.25})
		if err != nil {
			t.Fatal(err)
		}
		if want := 16*(len(m.B)-1) + 1; sol.Stats.NFE != want {
			t.Errorf("%v: %d evaluations, want %d", m, sol.Stats.NFE, want)
		}
	}
}

// Steps of Fixed lie at t0 + i·h without drift, all of the same size.
func TestFixedGrid(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = 0 })
	for _, c := range []struct{ t0, t1, h float64 }{{0, 1000, 0.1}, {0.3, 7.3, 0.7}, {5, -5, 0.001}, {1, 2, 1.0 / 3}} {
		sol, err := Solve(f, c.t0, c.t1, []float64{1}, Options{Method: Euler, H0: c.h, SaveAt: SaveAt{Steps: true}})
		if err != nil {
			t.Fatal(err)
		}
		n := int(math.Round(math.Abs(c.t1-c.t0) / c.h))
		if sol.NumSteps() != n {
			t.Fatalf("%+v: %d steps, want %d", c, sol.NumSteps(), n)
		}
		h := math.Copysign(c.h, c.t1-c.t0)
		for i := range n {
			s := sol.Step(i)
			want := c.t0 + float64(i+1)*h
			if i == n-1 {
				want = c.t1
			}
			if s.T1 != want || s.H != h {
				t.Fatalf("%+v: step %d ends at %v with size %v, want %v and %v", c, i, s.T1, s.H, want, h)
			}
		}
	}
	sol, err := Solve(f, 0, 1, []float64{1}, Options{Method: Euler, H0: 0.3, Stops: []float64{0.5}, SaveAt: SaveAt{Every: 1}})
	if err != nil || !slices.Equal(sol.T, []float64{0.3, 0.5, 0.8, 1}) {
		t.Errorf("steps end at %v, %v", sol.T, err)
	}
}

// A Solution may be solved into again, from its own slices, in another size.
func TestReuse(t *testing.T) {
	in, err := New(NewFunc(2, spiral[float64]), Options{RTol: 1e-9, ATol: 1e-9, SaveAt: SaveAt{Dense: true, Every: 1}})
	if err != nil {
		t.Fatal(err)
	}
	var sol Solution[float64]
	for _, y0 := range []func() []float64{
		func() []float64 { return []float64{4, -3} },
		sol.Last, func() []float64 { return sol.Row(len(sol.T) - 1) }, func() []float64 { return sol.Step(sol.NumSteps() - 1).Y1 },
	} {
		if err := in.Solve(t.Context(), &sol, 0, 1, y0()); err != nil {
			t.Fatal(err)
		}
	}
	s, c := math.Sincos(8)
	e := math.Exp(-0.4)
	if x, y := sol.Last()[0], sol.Last()[1]; math.Abs(x-e*(4*c-3*s)) > 1e-7 || math.Abs(y-e*(-4*s-3*c)) > 1e-7 {
		t.Errorf("after four solves in a row %v, %v", x, y)
	}
	big, err := New(NewFunc(3000, func(d []float64, _ float64, y []float64) {
		for i, v := range y {
			d[i] = -v
		}
	}), Options{SaveAt: SaveAt{Stages: true}})
	if err != nil {
		t.Fatal(err)
	}
	y0 := make([]float64, 3000)
	y0[2999] = 1
	if err := big.Solve(t.Context(), &sol, 0, 1, y0); err != nil || math.Abs(sol.Last()[2999]-math.Exp(-1)) > 1e-6 || len(sol.Row(0)) != 3000 {
		t.Errorf("larger state: %v, %v", sol.Last()[2999], err)
	}
	if got, least := sol.Bytes(), sol.NumSteps()*8*3000*8; got < least || got > 4*least+1<<20 {
		t.Errorf("%d bytes for at least %d", got, least)
	}
	if err := sol.At(y0, 0.5); !errors.Is(err, ErrNoDense) {
		t.Errorf("dense output of a solution without: %v", err)
	}
}

// Dense output may be read by several goroutines.
func TestDenseConcurrently(t *testing.T) {
	p := odetest.Kepler[float64](0.3)
	sol, err := Solve(p, 0, 4, p.Y0, Options{RTol: 1e-9, ATol: 1e-9, SaveAt: SaveAt{Dense: true}})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			y := make([]float64, 4)
			for i := range 200 {
				at := 4 * float64((i*37+g)%200) / 199
				if err := sol.At(y, at); err != nil || math.Abs(y[0]-p.At(at)[0]) > 1e-7 {
					t.Errorf("%v at %v, want %v; %v", y[0], at, p.At(at)[0], err)
				}
			}
		}()
	}
	group.Wait()
}

// quadrature is y' = −y with ∫ t·y dt along the way.
type quadrature struct {
	pending, sum       float64
	weighted, plain    int
	commits, discarded int
}

func (q *quadrature) Dim() int { return 1 }

func (q *quadrature) Eval(d []float64, _ float64, y []float64) {
	q.plain++
	d[0] = -y[0]
}

func (q *quadrature) EvalWeighted(d []float64, t float64, y []float64, w float64) {
	q.weighted++
	d[0] = -y[0]
	q.pending += w * t * y[0]
}

func (q *quadrature) Commit() {
	q.commits++
	q.sum, q.pending = q.sum+q.pending, 0
}

func (q *quadrature) Discard() {
	q.discarded++
	q.pending = 0
}

// The weighted evaluations make the method's own quadrature: the same, to rounding, as the
// integral carried as one more component over the same steps, at the method's order.
func TestQuadrature(t *testing.T) {
	augmented := NewFunc(2, func(d []float64, t float64, y []float64) { d[0], d[1] = -y[0], t*y[0] })
	for _, m := range explicit {
		for _, back := range []bool{false, true} {
			opt := Options{Method: m, RTol: 1e-6, ATol: 1e-6, ErrDim: 1, H0: 3, SaveAt: SaveAt{Dense: true}}
			if m.E == nil {
				opt.H0 = 0.1
			}
			t0, t1 := 0.0, 4.0
			if back {
				t0, t1 = t1, t0
			}
			var q quadrature
			sol, err := Solve[float64](&q, t0, t1, []float64{1}, opt)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := Solve(augmented, t0, t1, []float64{1, 0}, opt)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(q.sum-ref.Last()[1]) > 1e-12*math.Abs(q.sum) || sol.Last()[0] != ref.Last()[0] {
				t.Errorf("%v: integral %v, as a component %v", m, q.sum, ref.Last()[1])
			}
			tried := sol.Stats.Accepted + sol.Stats.Rejected
			if q.commits != sol.Stats.Accepted || q.discarded != sol.Stats.Rejected || q.weighted != tried*len(m.B) {
				t.Errorf("%v: %+v, %+v", m, q, sol.Stats)
			}
			if m.E != nil && q.discarded == 0 {
				t.Errorf("%v: a first step of 3 was not rejected", m)
			}
			if q.weighted+q.plain != sol.Stats.NFE {
				t.Errorf("%v: %d and %d evaluations, %d counted", m, q.weighted, q.plain, sol.Stats.NFE)
			}
		}
	}
}

// epsilonOf is the distance from 1 to the next T.
func epsilonOf[T Float]() float64 {
	if T(1)+T(0x1p-52) == 1 {
		return 0x1p-23
	}
	return 0x1p-52
}
