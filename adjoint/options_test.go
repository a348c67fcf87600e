package adjoint

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// TestBackwardOptions checks that each option of the backward solve has its effect.
func TestBackwardOptions(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 8, 2}, "tanh")
	times, y0 := []float64{0, 1, 3}, []float64{0.5, -0.2}
	opt := odeint.Options{RTol: 1e-6, ATol: 1e-6}
	_, exact, _ := pull(t, f, odeint.Options{RTol: 1e-12, ATol: 1e-12}, Discrete{}, times, y0, constant(1.0))
	with := func(m Method, forward odeint.Options) (Stats, float64) {
		_, g, s := pull(t, f, forward, m, times, y0, constant(1.0))
		_, b := s.Stats()
		return b, gradtest.RelErr(g.Theta, exact.Theta)
	}
	for _, c := range []struct {
		name string
		make func(own *odeint.Options, inNorm bool) Method
	}{
		{"interpolating", func(o *odeint.Options, p bool) Method { return Interpolating{o, p} }},
		{"backsolve", func(o *odeint.Options, p bool) Method { return Backsolve{o, p} }},
	} {
		same, err := with(c.make(nil, false), opt)
		tight, errTight := with(c.make(&odeint.Options{RTol: 1e-10, ATol: 1e-10}, false), odeint.Options{RTol: 1e-10, ATol: 1e-10})
		loose, errLoose := with(c.make(&odeint.Options{RTol: 1e-2, ATol: 1e-2}, false), opt)
		if !(tight.Accepted > same.Accepted && same.Accepted > loose.Accepted) {
			t.Errorf("%s: %d, %d, %d steps at tolerances 1e-10, 1e-6, 1e-2", c.name, tight.Accepted, same.Accepted, loose.Accepted)
		}
		if !(errTight < 1e-9 && err < 1e-5 && errLoose < 0.1 && errTight < err && err < errLoose) {
			t.Errorf("%s: errors %.2g, %.2g, %.2g at tolerances 1e-10, 1e-6, 1e-2", c.name, errTight, err, errLoose)
		}
		rk4, _ := with(c.make(&odeint.Options{Method: odeint.RK4, H0: 0.01}, false), opt)
		if rk4.Accepted != 300 || rk4.VJPs != 1200 {
			t.Errorf("%s: %d steps, %d VJPs of RK4 with h = 0.01", c.name, rk4.Accepted, rk4.VJPs)
		}
		norm, errNorm := with(c.make(nil, true), opt)
		if norm.Accepted == same.Accepted && norm.Rejected == same.Rejected && norm.HMin == same.HMin || errNorm > 1e-5 {
			t.Errorf("%s: ParamsInNorm changed nothing, or the error is %.2g", c.name, errNorm)
		}
		// Tolerances by component: the least of them counts backwards.
		each, _ := with(c.make(nil, false), odeint.Options{RTols: []float64{1e-3, 1e-10}, ATols: []float64{1e-10, 1e-3}, ErrDim: 1})
		if each.Accepted < tight.Accepted*9/10 {
			t.Errorf("%s: %d steps at tolerances by component, %d at the least of them", c.name, each.Accepted, tight.Accepted)
		}
		// Numbered steps go from time to time, with a cotangent or not.
		fixed := odeint.Options{Method: odeint.RK4, Steps: 1}
		_, g, s := pull(t, f, fixed, c.make(nil, false), grid(0, 3, 30), y0, lastOnly(1.0))
		if _, b := s.Stats(); b.Accepted != 30 || g.Y0[0] == 0 {
			t.Errorf("%s: %d steps of 30 times", c.name, b.Accepted)
		}
		// The size of the first step, and the one that is carried over.
		// A first step that is far too long is rejected, and counted.
		if long, _ := with(c.make(&odeint.Options{RTol: 1e-10, ATol: 1e-10, H0: 1}, false), opt); long.Rejected == 0 || tight.VJPs <= 6*tight.Accepted {
			t.Errorf("%s: %d rejected steps, %d VJPs in %d steps", c.name, long.Rejected, tight.VJPs, tight.Accepted)
		}
		h0, _ := with(c.make(&odeint.Options{RTol: 1e-6, ATol: 1e-6, H0: 1e-5}, false), opt)
		if h0.HMin > 1.001e-5 || h0.Accepted > same.Accepted+12 {
			t.Errorf("%s: with H0 = 1e-5 the least step is %g, %d steps instead of %d", c.name, h0.HMin, h0.Accepted, same.Accepted)
		}
	}
}

// TestOtherMethods has forward and backward solves by methods that are not tableaus.
func TestOtherMethods(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 8, 2}, "tanh")
	times, y0 := []float64{0, 1.05, 2}, []float64{0.5, -0.2}
	_, want, _ := pull(t, f, odeint.Options{RTol: 1e-11, ATol: 1e-11}, Discrete{}, times, y0, constant(1.0))
	gauss := odeint.Options{Method: odeint.GaussLegendre6, H0: 0.1}
	for _, m := range []Method{
		Interpolating{}, Backsolve{}, Interpolating{Solve: &gauss, ParamsInNorm: true}, Backsolve{Solve: &gauss, ParamsInNorm: true},
	} {
		_, g, s := pull(t, f, gauss, m, times, y0, constant(1.0))
		gradtest.Close(t, fmt.Sprintf("%#v ∂L/∂y0", m), g.Y0, want.Y0, 1e-6)
		gradtest.Close(t, fmt.Sprintf("%#v ∂L/∂θ", m), g.Theta, want.Theta, 1e-6)
		_, b := s.Stats()
		if implicit := m != Method(Interpolating{}) && m != Method(Backsolve{}); (b.Iterations > 0) != implicit {
			t.Errorf("%#v: %d iterations", m, b.Iterations)
		}
	}
	if _, err := New[float64](f, gauss, Interpolating{Solve: &gauss}); err == nil || !strings.Contains(err.Error(), "backward") {
		t.Errorf("a Gauss method with ∂L/∂θ apart: %v", err)
	}
}

// TestForwardOptionsBackwards checks which of the forward options the backward solve
// gets: stops and jumps always, what speaks of single components of y never.
func TestForwardOptionsBackwards(t *testing.T) {
	norms := 0
	opt := odeint.Options{
		Stops: []float64{0.25}, Jumps: []float64{0.75}, ErrDim: 1,
		Norm: func(r []float64) float64 { norms++; return math.Abs(r[0]) },
	}
	own := &odeint.Options{RTol: 1e-3, ATol: 1e-3, Stops: []float64{0.6}}
	for _, m := range []Method{Interpolating{}, Backsolve{}, Interpolating{Solve: own}, Backsolve{Solve: own}} {
		f := lotkaVolterra[float64](false, 1.5, 1, 3, 1)
		s, err := New[float64](f, opt, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1, 1}); err != nil {
			t.Fatal(err)
		}
		forwards := norms
		f.evals = nil
		if err := s.Backward(ctx, &Gradient[float64]{WantTimes: true}, []float64{0, 0, 1, 1}); err != nil {
			t.Fatal(err)
		}
		if norms != forwards {
			t.Errorf("%#v: the forward norm measured backwards", m)
		}
		seen := make(map[float64]bool)
		for _, at := range f.evals {
			seen[at] = true
		}
		before, after := math.Nextafter(0.75, 0), math.Nextafter(0.75, 1)
		if !seen[0.25] || seen[0.75] || !seen[before] || !seen[after] {
			t.Errorf("%#v: the stop at 0.25 or the jump at 0.75 was not passed on", m)
		}
		if m == (Interpolating{Solve: own}) && !seen[0.6] {
			t.Errorf("%#v: its own stop was lost", m)
		}
	}
	if len(own.Stops) != 1 || len(own.Jumps) != 0 {
		t.Error("the caller's options were modified")
	}
}

// TestStrings keeps the names that commands and logs show.
func TestStrings(t *testing.T) {
	if got := fmt.Sprint(Discrete{}, Interpolating{}, Backsolve{}); got != "discrete interpolating backsolve" {
		t.Error(got)
	}
}
