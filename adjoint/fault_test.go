package adjoint

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/odeint"
)

// faulty is a field one number of which, in one evaluation, is not what it should be.
type faulty struct {
	*coupled[float64]
	n      int // evaluations so far, of f, of its halves and of vector-Jacobian products
	at     int // the evaluation to spoil; 0: none
	entry  int // the number to spoil
	value  float64
	onFail func() // called at the evaluation instead; nil: the value is stored
}

func (f *faulty) spoil(outputs ...[]float64) {
	if f.n++; f.n != f.at {
		return
	}
	if f.onFail != nil {
		f.onFail()
		return
	}
	i := f.entry
	for _, x := range outputs {
		if i < len(x) {
			x[i] = f.value
			return
		}
		i -= len(x)
	}
}

func (f *faulty) Eval(d []float64, t float64, y []float64) { f.coupled.Eval(d, t, y); f.spoil(d) }

func (f *faulty) Drift(d []float64, t float64, p []float64) { f.coupled.Drift(d, t, p); f.spoil(d) }

func (f *faulty) Kick(d []float64, t float64, q []float64) { f.coupled.Kick(d, t, q); f.spoil(d) }

func (f *faulty) VJP(d, dy, dtheta []float64, t float64, y, lambda []float64) {
	f.coupled.VJP(d, dy, dtheta, t, y, lambda)
	f.spoil(dy, dtheta, d)
}

func (f *faulty) DriftVJP(d, dp, dtheta []float64, t float64, p, lambda []float64) {
	f.coupled.DriftVJP(d, dp, dtheta, t, p, lambda)
	f.spoil(dp, dtheta, d)
}

func (f *faulty) KickVJP(d, dq, dtheta []float64, t float64, q, lambda []float64) {
	f.coupled.KickVJP(d, dq, dtheta, t, q, lambda)
	f.spoil(dq, dtheta, d)
}

// faultCase is a way forwards and back.
type faultCase struct {
	opt    odeint.Options
	method Method
}

func (c faultCase) String() string { return fmt.Sprintf("%v, %v", c.opt.Method, c.method) }

// faultCases has every method of odeint with every way back that it has.
func faultCases() (all []faultCase) {
	add := func(opt odeint.Options, methods ...Method) {
		for _, m := range methods {
			opt.EndAtNaN = true // or a step that met the fault is taken again, and the numbers are others
			all = append(all, faultCase{opt, m})
		}
	}
	for _, m := range odeint.Tableaus() {
		opt := odeint.Options{Method: m, RTol: 1e-3, ATol: 1e-4}
		if m.E == nil {
			opt = odeint.Options{Method: m, H0: 0.2}
		}
		add(opt, Discrete{}, Discrete{Memory: States{}}, Interpolating{}, Backsolve{}, Backsolve{ParamsInNorm: true})
	}
	for _, m := range odeint.Splittings() {
		add(odeint.Options{Method: m, H0: 0.2}, Discrete{}, Discrete{Memory: Inverse{}})
	}
	back := odeint.Options{RTol: 1e-3, ATol: 1e-4}
	for _, m := range odeint.ImplicitRKs() {
		for _, s := range []odeint.StageSolver{odeint.FixedPoint{}, odeint.Newton{}} {
			opt := odeint.Options{Method: m.With(s), H0: 0.2, Compensated: true}
			add(opt, Discrete{}, Discrete{Memory: States{}}, Discrete{Memory: Inverse{}}, Interpolating{Solve: &back}, Interpolating{ParamsInNorm: true, Solve: &odeint.Options{Method: m.With(s), H0: 0.2}})
		}
	}
	for _, order := range []int{2, 4} {
		add(odeint.Options{Method: &odeint.Tao{Omega: 2, Order: order}, H0: 0.2}, Discrete{}, Backsolve{Solve: &back})
	}
	return all
}

// run goes forwards and back.
func (c faultCase) run(ctx context.Context, f *faulty, times []float64, g *Gradient[float64]) (forward, backward error) {
	s, err := New[float64](f, c.opt, c.method)
	if err != nil {
		return err, nil
	}
	y0 := []float64{0.3, -0.2, 0.5, 0.1}
	if _, err := s.Forward(ctx, times, y0); err != nil {
		return err, nil
	}
	dys := make([]float64, 4*len(times))
	for i := range dys {
		dys[i] = math.Cos(float64(i))
	}
	g.WantTimes = true
	return nil, s.Backward(ctx, g, dys)
}

// A NaN or an infinite number, whichever one of whichever evaluation, is never lost: every
// method ends with an error.
func TestEveryFaultIsFound(t *testing.T) {
	times := []float64{0, 0.13, 0.4}
	injected := 0
	for _, c := range faultCases() {
		f := &faulty{coupled: newCoupled[float64](1)}
		var clean Gradient[float64]
		if err := errors.Join(c.run(t.Context(), f, times, &clean)); err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		evaluations := f.n
		entries := f.Dim() + f.NumParams()
		stride := 1
		if testing.Short() {
			stride = 7
		}
		for n := 0; n < 4*evaluations; n += stride {
			k := 1 + n/4
			f.n, f.at = 0, k
			// The numbers and the entries take turns.
			f.entry = (n * 7) % entries
			f.value = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[n%3]
			var g Gradient[float64]
			err := errors.Join(c.run(t.Context(), f, times, &g))
			injected++
			if err != nil {
				if !errors.Is(err, odeint.ErrNonFinite) && !errors.Is(err, odeint.ErrNoConvergence) {
					t.Errorf("%v: evaluation %d of %d, number %d: %v", c, k, evaluations, f.entry, err)
				}
				continue
			}
			// A number that is not wanted does no harm.
			if !slices.Equal(g.Y0, clean.Y0) || !slices.Equal(g.Theta, clean.Theta) || !slices.Equal(g.Times, clean.Times) {
				t.Errorf("%v: evaluation %d of %d, number %d: a wrong gradient and no error", c, k, evaluations, f.entry)
			}
		}
		f.at = 0
	}
	t.Logf("%d faults", injected)
}

// After a cancellation, forwards or on the way back, at most the work of one step follows.
func TestCancelledAtEveryEvaluation(t *testing.T) {
	times := grid(0, 0.4, 400) // two hundred in a step
	for _, c := range faultCases() {
		f := &faulty{coupled: newCoupled[float64](1)}
		var g Gradient[float64]
		if err := errors.Join(c.run(t.Context(), f, times, &g)); err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		total := f.n
		for part := range 9 {
			k := 1 + part*(total-1)/9
			ctx, cancel := context.WithCancel(t.Context())
			f.n, f.at, f.onFail = 0, k, cancel
			err := errors.Join(c.run(ctx, f, times, &g))
			cancel()
			// Implicit steps iterate some ten times over three stages; composed ones have
			// seventeen of three flows.
			if after := f.n - k; after > 200 {
				t.Errorf("%v: %d evaluations after the cancellation at %d of %d", c, after, k, total)
			}
			if err != nil && !errors.Is(err, context.Canceled) || err == nil && f.n < total {
				t.Errorf("%v: cancelled at %d of %d: %v", c, k, total, err)
			}
			f.at, f.onFail = 0, nil
		}
	}
}

// Saved times, jumps and stops that differ by a unit in the last place go forwards and back.
func TestNearTimesBothWays(t *testing.T) {
	b := math.Nextafter(0.3, 1)
	for _, c := range faultCases() {
		opt := c.opt
		opt.Stops = []float64{b}
		if crosses(opt.Method) {
			opt.Jumps = []float64{0.3}
		} else {
			opt.Stops = append(opt.Stops, 0.3)
		}
		for _, times := range [][]float64{{0, 0.2, b, 0.5}, {0.5, b, 0.3, 0}, {0, 0.3}, {b, 0}, {0, b}} {
			s, err := New[float64](newCoupled[float64](1), opt, c.method)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Forward(t.Context(), times, []float64{0.3, -0.2, 0.5, 0.1}); err != nil {
				t.Errorf("%v, %v: %v", c, times, err)
				continue
			}
			dys := make([]float64, 4*len(times))
			for i := range dys {
				dys[i] = 1
			}
			var got, want Gradient[float64]
			if err := s.Backward(t.Context(), &got, dys); err != nil {
				t.Errorf("%v, %v: %v", c, times, err)
				continue
			}
			plain, err := New[float64](newCoupled[float64](1), c.opt, c.method)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := plain.Forward(t.Context(), times, []float64{0.3, -0.2, 0.5, 0.1}); err != nil {
				t.Fatalf("%v, %v: %v", c, times, err)
			}
			if err := plain.Backward(t.Context(), &want, dys); err != nil {
				t.Fatalf("%v, %v: %v", c, times, err)
			}
			for i, v := range want.Y0 {
				// Methods of order 1 with other steps differ by a tenth.
				if math.Abs(got.Y0[i]-v) > 0.2*(1+math.Abs(v)) {
					t.Errorf("%v, %v: gradient %v, without jump and stop %v", c, times, got.Y0, want.Y0)
					break
				}
			}
		}
	}
}

type huge struct{ dim int }

func (h huge) Dim() int                                                         { return h.dim }
func (h huge) NumParams() int                                                   { return 0 }
func (h huge) Eval(d []float64, _ float64, y []float64)                         { copy(d, y) }
func (h huge) VJP(_, dy, _ []float64, _ float64, _ []float64, lambda []float64) { copy(dy, lambda) }

// Newton's matrix is asked for only where it can be had.
func TestNewtonOfHugeDimension(t *testing.T) {
	opt := odeint.Options{Method: odeint.GaussLegendre4.With(odeint.Newton{}), H0: 0.1}
	for _, m := range []Method{Discrete{}, Discrete{Memory: Inverse{}}, Interpolating{Solve: &opt, ParamsInNorm: true}} {
		forward := opt
		if _, ok := m.(Interpolating); ok {
			forward = odeint.Options{}
		}
		_, err := New[float64](huge{1_000_000}, forward, m)
		var bad *odeint.OptionError
		if !errors.As(err, &bad) || len(bad.Faults) != 1 {
			t.Errorf("%v: %v", m, err)
		}
	}
	var bad *odeint.OptionError
	if _, err := odeint.New[float64](huge{1_000_000}, opt); !errors.As(err, &bad) {
		t.Error(err)
	}
}
