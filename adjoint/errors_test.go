package adjoint

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/odeint"
)

func TestErrors(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 4, 2}, "tanh")
	y0, times := []float64{0.5, -0.2}, []float64{0, 1}
	eachMethod(t, func(t *testing.T, m Method) {
		for _, save := range []odeint.SaveAt{{Times: []float64{1}}, {Every: 1}, {Start: true}, {End: true}, {Keep: odeint.Dense}, {Keep: odeint.Stages}, {Keep: odeint.Steps}} {
			_, err := New[float64](f, odeint.Options{SaveAt: save}, m)
			var bad *odeint.OptionError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), "SaveAt") {
				t.Errorf("SaveAt %+v: %v", save, err)
			}
		}
		_, err := New[float64](f, odeint.Options{RTol: -1, HMin: -1}, m)
		if err == nil || !strings.Contains(err.Error(), "RTol") || !strings.Contains(err.Error(), "HMin") {
			t.Errorf("negative tolerance and step: %v", err)
		}
		s, err := New[float64](f, odeint.Options{}, m)
		if err != nil {
			t.Fatal(err)
		}
		g := Gradient[float64]{WantTimes: true}
		dys := []float64{1, 0, 0, 1}
		if err := s.Backward(ctx, &g, dys); !errors.Is(err, ErrNoForward) {
			t.Errorf("Backward first: %v", err)
		}
		if a, b := s.Stats(); a.NFE != 0 || b.VJPs != 0 {
			t.Errorf("statistics before the first pass: %+v, %+v", a, b)
		}
		var bad *odeint.OptionError
		for _, times := range [][]float64{nil, {0, 0}, {0, 1, 0.5}, {0, math.NaN()}} {
			if _, err := s.Forward(ctx, times, y0); !errors.As(err, &bad) {
				t.Errorf("times %v: %v", times, err)
			}
		}
		if _, err := s.Forward(ctx, times, y0); err != nil {
			t.Fatal(err)
		}
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			var bad *CotangentError
			if err := s.Backward(ctx, &g, []float64{1, 0, 0, x}); !errors.As(err, &bad) || bad.Row != 1 || bad.Component != 1 {
				t.Errorf("cotangent %v: %v", x, err)
			}
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.Backward(cancelled, &g, dys); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "adjoint: ") {
			t.Errorf("cancelled: %v", err)
		}
		if err := s.Backward(ctx, &g, dys); err != nil {
			t.Errorf("after a cancelled pass: %v", err)
		}
		if _, err := s.Forward(cancelled, times, y0); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled forwards: %v", err)
		}
		if err := s.Backward(ctx, &g, dys); !errors.Is(err, ErrNoForward) {
			t.Errorf("Backward after a failed Forward: %v", err)
		}
		mustPanic(t, "adjoint: length of y0 is not the field's Dim", func() { _, _ = s.Forward(ctx, times, y0[:1]) })
		if _, err := s.Forward(ctx, times, y0); err != nil {
			t.Fatal(err)
		}
		mustPanic(t, "adjoint: Backward into a nil Gradient", func() { _ = s.Backward(ctx, nil, dys) })
		mustPanic(t, "adjoint: length of dys is not the number of times by the field's Dim", func() { _ = s.Backward(ctx, &g, dys[:2]) })
	})
	for _, m := range []Method{Interpolating{Solve: &odeint.Options{SaveAt: odeint.SaveAt{Keep: odeint.Dense}}}, Backsolve{Solve: &odeint.Options{RTol: -1}}} {
		var bad *odeint.OptionError
		if _, err := New[float64](f, odeint.Options{}, m); !errors.As(err, &bad) || !strings.Contains(err.Error(), "backward") {
			t.Errorf("%#v: %v", m, err)
		}
	}
	for _, m := range methods {
		broken := *odeint.RK4
		broken.A = broken.A[:2]
		for _, tableau := range []*odeint.Tableau{nil, &broken} {
			var bad *odeint.OptionError
			if _, err := New[float64](f, odeint.Options{Method: tableau, H0: 1}, m); !errors.As(err, &bad) {
				t.Errorf("%#v with a broken tableau: %v", m, err)
			}
		}
	}
	// Every fault at once: of the forward options, SaveAt and the backward ones.
	var bad *odeint.OptionError
	_, err := New[float64](f, odeint.Options{RTol: -1, HMin: -1, MaxSteps: -1, SaveAt: odeint.SaveAt{Start: true}},
		Interpolating{Solve: &odeint.Options{ATol: -1, ErrDim: 3, SaveAt: odeint.SaveAt{End: true}}})
	if !errors.As(err, &bad) || len(bad.Faults) != 7 {
		t.Errorf("seven faults: %v", err)
	}
	_, err = New[float64](f, odeint.Options{Method: odeint.VelocityVerlet, H0: 0.1, SaveAt: odeint.SaveAt{Start: true}}, nil)
	if !errors.As(err, &bad) || len(bad.Faults) != 3 {
		t.Errorf("a field that is not separable, and a SaveAt: %v", err)
	}
	if _, err := New[float64](f, odeint.Options{}, &Discrete{}); err == nil || !strings.Contains(err.Error(), "by value") {
		t.Errorf("a pointer to a method: %v", err)
	}
	mustPanic(t, "adjoint: New of a nil field", func() { _, _ = New[float64](nil, odeint.Options{}, nil) })
	mustPanic(t, "adjoint: WithCost of a nil field or cost", func() { WithCost[float64](f, nil) })
}

func mustPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		if got := recover(); got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	fn()
}

// TestFieldFails has a VJP that becomes NaN in the middle, and one that grows beyond
// all numbers: both end the backward pass with the place and the field's own error.
func TestFieldFails(t *testing.T) {
	cause := errors.New("out of order")
	eachMethod(t, func(t *testing.T, m Method) {
		f := linear[float64](-1)
		vjp := f.vjp
		f.vjp = func(dy, da []float64, at float64, y, a, l []float64) {
			vjp(dy, da, at, y, a, l)
			if at < 0.5 {
				dy[0] = math.NaN()
				f.err = cause
			}
		}
		s, err := New[float64](f, odeint.Options{}, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1}); err != nil {
			t.Fatal(err)
		}
		err = s.Backward(ctx, &Gradient[float64]{WantTimes: true}, []float64{0, 1})
		var at *odeint.StepError
		if !errors.Is(err, cause) || !errors.Is(err, odeint.ErrNonFinite) || !errors.As(err, &at) || at.T < 0.4 || at.T > 1 {
			t.Errorf("NaN at t < 0.5: %v", err)
		}

		f = linear[float64](-1)
		f.vjp = func(dy, _ []float64, _ float64, _, _, l []float64) { dy[0] = 1e200 * l[0] }
		if s, err = New[float64](f, odeint.Options{}, m); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1}); err != nil {
			t.Fatal(err)
		}
		if err = s.Backward(ctx, &Gradient[float64]{WantTimes: true}, []float64{0, 1}); !errors.As(err, &at) {
			t.Errorf("an explosion: %v", err)
		}
	})
	// A gradient with respect to θ alone can fail too.
	f := linear[float64](-1)
	f.vjp = func(dy, da []float64, _ float64, _, a, l []float64) { dy[0], da[0] = a[0]*l[0], math.Inf(1) }
	s, err := New[float64](f, odeint.Options{}, Discrete{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Backward(ctx, &Gradient[float64]{WantTimes: true}, []float64{0, 1}); !errors.Is(err, odeint.ErrNonFinite) {
		t.Errorf("an infinite ∂f/∂θ: %v", err)
	}
}

// TestCostFails has the error of the field come through WithCost.
func TestCostFails(t *testing.T) {
	cause := errors.New("out of order")
	f := linear[float64](-1)
	f.eval = func(d []float64, _ float64, _, _ []float64) { d[0], f.err = math.NaN(), cause }
	s, err := New(WithCost[float64](f, integral{}), odeint.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1, 0}); !errors.Is(err, cause) {
		t.Error(err)
	}
}

// TestCancelMidway cancels the backward pass from inside a VJP.
func TestCancelMidway(t *testing.T) {
	eachMethod(t, func(t *testing.T, m Method) {
		f := lotkaVolterra[float64](false, 1.5, 1, 3, 1)
		vjp, calls := f.vjp, 0
		cancelled, cancel := context.WithCancel(ctx)
		f.vjp = func(dy, dp []float64, at float64, y, p, l []float64) {
			if calls++; calls == 100 {
				cancel()
			}
			vjp(dy, dp, at, y, p, l)
		}
		s, err := New[float64](f, odeint.Options{RTol: 1e-10, ATol: 1e-10}, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 10}, []float64{1, 1}); err != nil {
			t.Fatal(err)
		}
		err = s.Backward(cancelled, &Gradient[float64]{WantTimes: true}, []float64{0, 0, 1, 1})
		var at *odeint.StepError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &at) || !(at.T > 0 && at.T < 10) || calls > 110 {
			t.Errorf("after %d calls: %v", calls, err)
		}
	})
}
