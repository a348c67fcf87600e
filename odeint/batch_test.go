package odeint

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
)

// vanDerPol has a rate of its own in each sample of a batch: μ = rate(sample).
type vanDerPol[T Float] struct {
	rate   func(sample int) float64
	sample int
	calls  *int // nil: not counted
	rows   *int
}

func (f *vanDerPol[T]) Dim() int { return 2 }

func (f *vanDerPol[T]) SetSample(i int) { f.sample = i }

func (f *vanDerPol[T]) at(d []T, sample int, t float64, y []T) {
	mu := T(f.rate(sample))
	d[0], d[1] = y[1], mu*(1-y[0]*y[0])*y[1]-y[0]+T(0.1*math.Sin(t))
}

func (f *vanDerPol[T]) Eval(d []T, t float64, y []T) { f.at(d, f.sample, t, y) }

// rowsOfVanDerPol evaluates them by rows.
type rowsOfVanDerPol[T Float] struct{ vanDerPol[T] }

func (f *rowsOfVanDerPol[T]) EvalRows(d []T, samples []int, ts []float64, y []T) {
	if f.rows != nil {
		*f.calls++
		*f.rows += len(ts)
	}
	for i, s := range samples {
		f.at(d[2*i:2*i+2], s, ts[i], y[2*i:2*i+2])
	}
}

func (f *rowsOfVanDerPol[T]) Fork() (interface {
	Dim() int
	Eval(dydt []T, t float64, y []T)
}, error) {
	return &rowsOfVanDerPol[T]{vanDerPol[T]{rate: f.rate}}, nil
}

// forked evaluates one by one.
type forked[T Float] struct{ vanDerPol[T] }

func (f *forked[T]) Fork() (interface {
	Dim() int
	Eval(dydt []T, t float64, y []T)
}, error) {
	return &forked[T]{vanDerPol[T]{rate: f.rate}}, nil
}

func rate(i int) float64 { return 1 + float64(i*7%25)/4 }

// raggedSamples differ in all there is: start, end, direction, number of times; some have no length, or one time.
func raggedSamples[T Float](n int) []Sample[T] {
	r := rand.New(rand.NewPCG(7, 8))
	samples := make([]Sample[T], n)
	for i := range samples {
		s := &samples[i]
		s.Y0 = []T{T(2 + 0.1*r.NormFloat64()), T(0.3 * r.NormFloat64())}
		s.T0 = r.NormFloat64()
		s.T1 = s.T0 + 3*r.Float64()
		if i%3 == 1 { // backwards the limit cycle repels
			s.T1 = s.T0 - 0.4*r.Float64()
		}
		switch i % 5 {
		case 0:
			s.T1 = s.T0 + 9*r.Float64()
		case 2, 3:
			k := 2 + r.IntN(9)
			for j := range k {
				s.Times = append(s.Times, s.T0+(s.T1-s.T0)*float64(j)/float64(k))
			}
		}
		switch i {
		case 5:
			s.T1 = s.T0
		case 7:
			s.Times = s.Times[:1]
		}
	}
	return samples
}

// alone solves a sample by an integrator of its own.
func alone[T Float](t testing.TB, f *vanDerPol[T], opt Options, s *Sample[T], i int) (*Solution[T], error) {
	t.Helper()
	f.SetSample(i)
	in, err := New(VectorField[T](f), opt)
	if err != nil {
		t.Fatal(err)
	}
	sol := new(Solution[T])
	if s.Times != nil {
		return sol, in.SolveAt(context.Background(), sol, s.Times, s.Y0)
	}
	return sol, in.Solve(context.Background(), sol, s.T0, s.T1, s.Y0)
}

// sameSolution reports what differs between two solutions, in any bit.
func sameSolution[T Float](a, b *Solution[T]) string {
	switch {
	case !slices.Equal(a.T, b.T):
		return fmt.Sprintf("times %v, want %v", a.T, b.T)
	case !slices.Equal(a.Y, b.Y):
		return fmt.Sprintf("states %v, want %v", a.Y, b.Y)
	case a.Stats != b.Stats:
		return fmt.Sprintf("statistics %+v, want %+v", a.Stats, b.Stats)
	case !reflect.DeepEqual(a.Events, b.Events) && len(a.Events)+len(b.Events) > 0 || a.Stopped() != b.Stopped():
		return fmt.Sprintf("events %v, want %v", a.Events, b.Events)
	case !slices.Equal(a.Last(), b.Last()) || a.Reached() != b.Reached():
		return fmt.Sprintf("end %v at %v, want %v at %v", a.Last(), a.Reached(), b.Last(), b.Reached())
	case a.NumSteps() != b.NumSteps():
		return fmt.Sprintf("%d steps, want %d", a.NumSteps(), b.NumSteps())
	}
	for i := range a.NumSteps() {
		if !reflect.DeepEqual(a.Step(i), b.Step(i)) {
			return fmt.Sprintf("step %d is %v, want %v", i, a.Step(i), b.Step(i))
		}
	}
	for i := range a.T {
		if as, at := a.Origin(i); true {
			if bs, bt := b.Origin(i); as != bs || at != bt {
				return fmt.Sprintf("row %d from step %d, %v, want %d, %v", i, as, at, bs, bt)
			}
		}
	}
	return ""
}

// batchCases are methods and options that a batch is tried with.
func batchCases[T Float]() map[string]Options {
	cases := map[string]Options{
		"default":    {},
		"dense":      {SaveAt: SaveAt{Keep: Dense, Start: true}},
		"stages":     {SaveAt: SaveAt{Keep: Stages, Every: 3}},
		"jumps":      {Jumps: []float64{0.1, 0.7, 2}, Stops: []float64{0.3, 1}},
		"h0":         {H0: 0.01, HMax: 0.3, Controller: PIDController{}},
		"each":       {RTols: []float64{1e-4, 1e-6}, ErrDim: 1},
		"8 stages":   {Method: Dop853, SaveAt: SaveAt{Keep: Stages}, RTol: 1e-4},
		"8 dense":    {Method: Dop853, SaveAt: SaveAt{Keep: Dense}},
		"fixed":      {Method: Tsit5, Controller: Fixed{}, H0: 0.05},
		"steps":      {Method: Tsit5, Controller: Fixed{}, Steps: 4},
		"implicit":   {Method: Kvaerno3, RTol: 1e-4},
		"auto":       {Method: Auto{}, RTol: 1e-4},
		"gauss":      {Method: GaussLegendre4, H0: 0.02},
		"few steps":  {MaxSteps: 12},
		"loose":      {RTol: 1e-2, Method: Bosh3},
		"every step": {SaveAt: SaveAt{Every: 1, Start: true}},
	}
	mirror := Event[T]{ // the velocity turns round and loses a tenth
		Condition: When(func(_ float64, y []T) T { return y[0] - 0.5 }), Direction: Falling,
		Effect: MapFunc[T](func(dst []T, _ float64, y []T) { dst[0], dst[1] = y[0], -y[1]*9/10 }),
	}
	dose := Event[T]{Times: []float64{0.2, 0.9, -0.3}, Effect: MapFunc[T](func(dst []T, _ float64, y []T) { dst[0], dst[1] = y[0]+0.25, y[1] })}
	end := Event[T]{Condition: When(func(_ float64, y []T) T { return y[1] - 1.5 }), Terminal: true}
	cases["events"] = Options{RTol: 1e-5, Events: Events[T]{mirror, dose, end}, SaveAt: SaveAt{Keep: Dense}}
	cases["8 events"] = Options{Method: Dop853, RTol: 1e-5, Events: Events[T]{end, mirror}, SaveAt: SaveAt{Every: 2}}
	cases["events implicit"] = Options{Method: Kvaerno3, RTol: 1e-4, Events: Events[T]{mirror, end}}
	for _, c := range tableaus {
		opt := Options{Method: c.m, RTol: 1e-3}
		if c.errOrder == 0 {
			opt = Options{Method: c.m, H0: 0.01}
		}
		cases[c.m.Name] = opt
	}
	return cases
}

// TestBatchAlone: whatever the method, what is kept, the number of rows and workers and the
// order of the samples, each has the bits, statistics and errors that it has alone.
func TestBatchAlone(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testBatchAlone[float64](t) })
	t.Run("float32", func(t *testing.T) { testBatchAlone[float32](t) })
}

func testBatchAlone[T Float](t *testing.T) {
	samples := raggedSamples[T](31)
	for name, opt := range batchCases[T]() {
		want, errs := make([]*Solution[T], len(samples)), make([]error, len(samples))
		for i := range samples {
			want[i], errs[i] = alone(t, &vanDerPol[T]{rate: rate}, opt, &samples[i], i)
		}
		for _, c := range []struct {
			rows, workers int
			f             VectorField[T]
		}{
			{1, 1, &rowsOfVanDerPol[T]{vanDerPol[T]{rate: rate}}},
			{7, 1, &rowsOfVanDerPol[T]{vanDerPol[T]{rate: rate}}},
			{64, 2, &rowsOfVanDerPol[T]{vanDerPol[T]{rate: rate}}},
			{3, 5, &rowsOfVanDerPol[T]{vanDerPol[T]{rate: rate}}},
			{0, 0, &rowsOfVanDerPol[T]{vanDerPol[T]{rate: rate}}},
			{0, 1, &vanDerPol[T]{rate: rate}},
			{0, 3, &forked[T]{vanDerPol[T]{rate: rate}}},
			{0, 2, NewSampleFunc(2, func(d []T, sample int, t float64, y []T) { (&vanDerPol[T]{rate: rate}).at(d, sample, t, y) })},
		} {
			b, err := NewBatch(c.f, BatchOptions{Options: opt, Rows: c.rows, Workers: c.workers})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sols := make([]Solution[T], len(samples))
			for range 2 { // the second time into the same memory
				err = b.Solve(context.Background(), sols, samples)
				var failed *BatchError
				if err != nil && !errors.As(err, &failed) {
					t.Fatal(err)
				}
				for i := range sols {
					var got error
					if failed != nil {
						got = failed.Errs[i]
					}
					if fmt.Sprint(got) != fmt.Sprint(errs[i]) {
						t.Errorf("%s, %d rows, %d workers, %T: sample %d: error %v, want %v", name, c.rows, c.workers, c.f, i, got, errs[i])
					}
					if diff := sameSolution(&sols[i], want[i]); diff != "" {
						t.Fatalf("%s, %d rows, %d workers, %T: sample %d: %s", name, c.rows, c.workers, c.f, i, diff)
					}
				}
			}
		}
	}
}

// TestBatchMates: neither the order of the samples nor their number, nor how many processors there are
// and rows a tile has, changes a bit.
func TestBatchMates(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	all := raggedSamples[float64](97)
	want, errs := make([]*Solution[float64], len(all)), make([]error, len(all))
	for i := range all {
		want[i], errs[i] = alone(t, &vanDerPol[float64]{rate: rate}, Options{}, &all[i], i)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for rows := 1; rows <= 64; rows++ {
		runtime.GOMAXPROCS(1 + rows%2)
		order := r.Perm(len(all))[:1+r.IntN(len(all))]
		samples := make([]Sample[float64], len(order))
		for k, i := range order {
			samples[k] = all[i]
		}
		f := &rowsOfVanDerPol[float64]{vanDerPol[float64]{rate: func(k int) float64 { return rate(order[k]) }}}
		b, err := NewBatch[float64](f, BatchOptions{Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		sols := make([]Solution[float64], len(samples))
		failed := &BatchError{Errs: make([]error, len(order))}
		if err := b.Solve(context.Background(), sols, samples); err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		for k, i := range order {
			if fmt.Sprint(failed.Errs[k]) != fmt.Sprint(errs[i]) {
				t.Errorf("%d rows: sample %d: error %v, want %v", rows, i, failed.Errs[k], errs[i])
			}
			if diff := sameSolution(&sols[k], want[i]); diff != "" {
				t.Fatalf("%d rows: sample %d: %s", rows, i, diff)
			}
		}
	}
}

// TestBatchWork: samples of different stiffness cost together what they cost alone, and several
// times as much with common steps.
func TestBatchWork(t *testing.T) {
	const n = 64
	mu := func(i int) float64 { return 1 + 49*float64(i)/(n-1) }
	samples := make([]Sample[float64], n)
	sum, evaluated := 0, 0
	for i := range samples {
		samples[i] = Sample[float64]{Y0: []float64{2, 0}, T1: 2 * (3 - 2*math.Ln2) * 10}
		sol, err := alone(t, &vanDerPol[float64]{rate: mu}, Options{}, &samples[i], i)
		if err != nil {
			t.Fatal(err)
		}
		sum += sol.Stats.NFE
	}
	var calls, rows int
	f := &rowsOfVanDerPol[float64]{vanDerPol[float64]{rate: mu, calls: &calls, rows: &rows}}
	b, err := NewBatch[float64](noFork[float64]{f}, BatchOptions{Rows: 16})
	if err != nil {
		t.Fatal(err)
	}
	sols := make([]Solution[float64], n)
	if err := b.Solve(context.Background(), sols, samples); err != nil {
		t.Fatal(err)
	}
	for i := range sols {
		evaluated += sols[i].Stats.NFE
	}
	if float64(rows) > 1.05*float64(sum) || rows != evaluated || b.Stats().Rows != rows || b.Stats().Calls != calls || b.Stats().NFE != rows {
		t.Errorf("%d rows evaluated in %d calls, %+v; alone %d", rows, calls, b.Stats(), sum)
	}
	if full := float64(rows) / float64(calls); full < 12 {
		t.Errorf("%.1f rows in a call, of 16", full)
	}
	joint := NewFunc(2*n, func(d []float64, t float64, y []float64) {
		for i := range n {
			f.at(d[2*i:2*i+2], i, t, y[2*i:2*i+2])
		}
	})
	var y0 []float64
	for i := range samples {
		y0 = append(y0, samples[i].Y0...)
	}
	sol, err := Solve(joint, 0, samples[0].T1, y0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ratio := float64(sol.Stats.NFE*n) / float64(sum)
	t.Logf("rows evaluated: alone %d, in a batch %d (%.1f in a call), with common steps %d (%.2f times)", sum, rows, float64(rows)/float64(calls), sol.Stats.NFE*n, ratio)
	if ratio < 3 {
		t.Errorf("common steps cost %v times as much", ratio)
	}
}

// noFork hides Fork.
type noFork[T Float] struct{ RowField[T] }

// TestBatchFailures: samples that cannot be solved say why and stop nobody else.
func TestBatchFailures(t *testing.T) {
	nan := math.NaN()
	good := Sample[float64]{Y0: []float64{1, 0}, T1: 3}
	samples := []Sample[float64]{
		good,
		{Y0: []float64{1}, T1: 1},
		{Y0: []float64{1, 0}, Times: []float64{}},
		{Y0: []float64{1, 0}, Times: []float64{0, 2, 1}},
		{Y0: []float64{1, 0}, Times: []float64{0, 1, 1, 2}},
		{Y0: []float64{1, 0}, Times: []float64{0, nan, 1}},
		{Y0: []float64{1, 0}, T1: math.Inf(1)},
		{Y0: []float64{nan, 0}, T1: 1},
		{Y0: []float64{1e200, 1e200}, T1: 1},
		good,
	}
	words := []string{"", "Y0: it has 1 components", "Times: there are none", "does not follow", "does not follow", "outside the interval", "not finite", "y0", "f at", ""}
	for _, f := range []VectorField[float64]{
		&rowsOfVanDerPol[float64]{vanDerPol[float64]{rate: rate}},
		&forked[float64]{vanDerPol[float64]{rate: rate}},
	} {
		b, err := NewBatch(f, BatchOptions{Rows: 4, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		sols := make([]Solution[float64], len(samples))
		err = b.Solve(context.Background(), sols, samples)
		var failed *BatchError
		if !errors.As(err, &failed) || !slices.Equal(failed.Failed(), []int{1, 2, 3, 4, 5, 6, 7, 8}) || len(failed.Unwrap()) != 8 {
			t.Fatalf("error %v", err)
		}
		if !strings.Contains(err.Error(), "8 of 10 samples were not solved; sample 1: ") {
			t.Errorf("error %q", err)
		}
		for i, word := range words {
			var bad *OptionError
			switch got := failed.Errs[i]; {
			case word == "":
				if got != nil || sols[i].Reached() != 3 {
					t.Errorf("sample %d: %v", i, got)
				}
			case !strings.Contains(fmt.Sprint(got), word):
				t.Errorf("sample %d: %v, want %q", i, got, word)
			case i < 7 && (!errors.As(got, &bad) || sols[i].Len() > 0):
				t.Errorf("sample %d: %T with %d rows", i, got, sols[i].Len())
			case i >= 7 && !errors.Is(got, ErrNonFinite):
				t.Errorf("sample %d: %T", i, got)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	b, err := NewBatch[float64](&rowsOfVanDerPol[float64]{vanDerPol[float64]{rate: rate}}, BatchOptions{Rows: 2, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	b.Observe(func(sample int, s *Step[float64], st *Stats) error {
		if steps++; steps == 5 {
			cancel()
		}
		return nil
	})
	sols := make([]Solution[float64], 3)
	err = b.Solve(ctx, sols, []Sample[float64]{good, good, good})
	var failed *BatchError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &failed) || len(failed.Failed()) != 3 || steps > 6 {
		t.Errorf("cancelled: %v, %d steps", err, steps)
	}
	stop := errors.New("enough")
	b.Observe(func(sample int, s *Step[float64], st *Stats) error {
		if sample == 1 && s.T1 > 1 {
			return stop
		}
		return nil
	})
	err = b.Solve(context.Background(), sols, []Sample[float64]{good, good, good})
	if !errors.Is(err, stop) || !errors.As(err, &failed) || !slices.Equal(failed.Failed(), []int{1}) || !(sols[1].Reached() > 1 && sols[1].Reached() < 3) {
		t.Errorf("observer: %v", err)
	}
}

// fallibleRows fails in rows whose first component is above 1.5.
type fallibleRows struct{ err error }

func (f *fallibleRows) Dim() int { return 1 }
func (f *fallibleRows) Eval(d []float64, t float64, y []float64) {
	f.EvalRows(d, nil, []float64{t}, y)
}
func (f *fallibleRows) EvalRows(d []float64, _ []int, ts []float64, y []float64) {
	for i := range ts {
		if d[i] = y[i]; y[i] > 1.5 {
			d[i], f.err = math.NaN(), errors.New("above 1.5")
		}
	}
}
func (f *fallibleRows) Err() error {
	err := f.err
	f.err = nil
	return err
}

// TestBatchFallible: the error of a field is that of the samples it failed for.
func TestBatchFallible(t *testing.T) {
	b, err := NewBatch[float64](&fallibleRows{}, BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	samples := []Sample[float64]{{Y0: []float64{1}, T1: 0.3}, {Y0: []float64{1}, T1: 1}, {Y0: []float64{-1}, T1: 3}}
	err = b.Solve(context.Background(), make([]Solution[float64], 3), samples)
	var failed *BatchError
	if !errors.As(err, &failed) || !slices.Equal(failed.Failed(), []int{1}) || !strings.Contains(err.Error(), "above 1.5") {
		t.Errorf("error %v", err)
	}
}

// TestNewBatchErrors: all faults of the options are listed.
func TestNewBatchErrors(t *testing.T) {
	_, err := NewBatch[float64](&vanDerPol[float64]{rate: rate}, BatchOptions{Rows: -1, Workers: -2, Options: Options{RTol: -1}})
	var bad *OptionError
	if !errors.As(err, &bad) || len(bad.Faults) != 3 {
		t.Errorf("faults: %v", err)
	}
	if _, err := NewBatch[float64](batchedFunc{NewFunc(4, spiral[float64])}, BatchOptions{}); !errors.As(err, &bad) || !strings.Contains(err.Error(), "field of one sample") {
		t.Errorf("a batch of two: %v", err)
	}
}

type batchedFunc struct{ VectorField[float64] }

func (batchedFunc) SampleDim() int { return 2 }

// TestBatchAllocatesNothing: from the second solve on.
func TestBatchAllocatesNothing(t *testing.T) {
	samples := raggedSamples[float64](40)
	for _, f := range []VectorField[float64]{
		&rowsOfVanDerPol[float64]{vanDerPol[float64]{rate: rate}},
		&forked[float64]{vanDerPol[float64]{rate: rate}},
	} {
		for name, opt := range map[string]Options{"rows": {}, "dense": {Method: Dop853, SaveAt: SaveAt{Keep: Dense}}} {
			b, err := NewBatch(f, BatchOptions{Options: opt, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			sols := make([]Solution[float64], len(samples))
			solve := func() {
				if err := b.Solve(context.Background(), sols, samples); err != nil {
					t.Fatal(err)
				}
			}
			solve()
			if n := gradtest.Allocs(5, solve); n != 0 {
				t.Errorf("%T, %s: %v allocations", f, name, n)
			}
		}
	}
}

// TestStatsAdd: nothing that is counted is left out.
func TestStatsAdd(t *testing.T) {
	one := Stats{HMin: 0.5, HMax: 3}
	v := reflect.ValueOf(&one).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Int {
			f.SetInt(int64(i + 1))
		}
	}
	sum := one
	sum.Add(&Stats{})
	sum.Add(&one)
	w := reflect.ValueOf(sum)
	for i := range w.NumField() {
		if f := w.Field(i); f.Kind() == reflect.Int && f.Int() != 2*int64(i+1) {
			t.Errorf("%s is %d, want %d", w.Type().Field(i).Name, f.Int(), 2*(i+1))
		}
	}
	if sum.HMin != 0.5 || sum.HMax != 3 {
		t.Errorf("steps from %v to %v", sum.HMin, sum.HMax)
	}
}

// ownMap is a condition with a workspace.
type ownMap struct{ room []float64 }

func (m *ownMap) Eval(dst []float64, _ float64, y []float64) {
	copy(m.room, y)
	dst[0] = m.room[0] - 1
}

// TestBatchOwnEvents: maps with a workspace are not shared by goroutines.
func TestBatchOwnEvents(t *testing.T) {
	list := func() EventList {
		return Events[float64]{{Condition: &ownMap{make([]float64, 2)}, Terminal: true}}
	}
	samples := raggedSamples[float64](40)
	want := make([]Solution[float64], len(samples))
	for _, c := range []struct {
		workers, made int
		more          func() EventList
	}{{1, 1, nil}, {3, 1, nil}, {3, 3, list}} {
		b, err := NewBatch[float64](&rowsOfVanDerPol[float64]{vanDerPol[float64]{rate: rate}}, BatchOptions{Options: Options{Events: list(), MaxSteps: 500}, NewEvents: c.more, Workers: c.workers})
		if err != nil {
			t.Fatal(err)
		}
		sols := make([]Solution[float64], len(samples))
		b.Solve(context.Background(), sols, samples)
		if len(b.workers) != c.made {
			t.Errorf("%d workers, want %d", len(b.workers), c.made)
		}
		if c.workers == 1 {
			want = sols
		}
		for i := range sols {
			if diff := sameSolution(&sols[i], &want[i]); diff != "" {
				t.Errorf("sample %d: %s", i, diff)
			}
		}
	}
}
