package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
)

// rosenbrock has its minimum, 0, at (1, 1).
func rosenbrock(_ context.Context, grad, x []float64) (float64, error) {
	a, b := 1-x[0], x[1]-x[0]*x[0]
	if grad != nil {
		grad[0] = -2*a - 400*x[0]*b
		grad[1] = 200 * b
	}
	return a*a + 100*b*b, nil
}

func TestLBFGS(t *testing.T) {
	x := []float64{-1.2, 1}
	seen := 0
	r, err := Minimize(context.Background(), rosenbrock, x, MinimizeOptions{Steps: 100, Optimizer: LBFGS{}, Hook: func(s Step) error {
		if s.Step != seen {
			t.Errorf("iteration %d is called %d", seen, s.Step)
		}
		seen++
		return nil
	}})
	// 1e-20 is a distance of 1e-10 from the minimum.
	if err != nil || r.Loss > 1e-20 || math.Abs(x[0]-1) > 1e-9 || math.Abs(x[1]-1) > 1e-9 {
		t.Errorf("x = %v, loss %g (%v); want (1, 1), 0", x, r.Loss, err)
	}
	if seen == 0 || seen > 100 || r.Steps != seen || len(r.Losses) != seen {
		t.Errorf("%d iterations, report %+v", seen, r)
	}
}

// On a quadratic in n variables exact line searches would end after n iterations; with
// inexact ones a few more reach rounding.
func TestLBFGSQuadratic(t *testing.T) {
	f := func(_ context.Context, grad, x []float64) (float64, error) {
		sum := 0.0
		for i, v := range x {
			k, r := float64(i+1), v-float64(i)
			sum += k * r * r / 2
			if grad != nil {
				grad[i] = k * r
			}
		}
		return sum, nil
	}
	x := make([]float64, 5)
	r, err := Minimize(context.Background(), f, x, MinimizeOptions{Steps: 30, Optimizer: LBFGS{}})
	for i, v := range x {
		if math.Abs(v-float64(i)) > 1e-10 {
			t.Errorf("x = %v (%v), want (0, 1, 2, 3, 4); report %+v", x, err, r)
		}
	}
	if r.Reason != Converged && r.Reason != AllSteps {
		t.Errorf("reason %q", r.Reason)
	}
}

func TestLBFGSIterations(t *testing.T) {
	x := []float64{-1.2, 1}
	r, err := Minimize(context.Background(), rosenbrock, x, MinimizeOptions{Steps: 3, Optimizer: LBFGS{}})
	if at, _ := rosenbrock(context.Background(), nil, x); err != nil || r.Steps != 3 || at != r.Loss || r.Loss >= 24.2 || r.Reason != AllSteps {
		t.Errorf("report %+v, %g at x (%v)", r, at, err)
	}
}

// A region where the loss does not exist is walked around; starting in it is an error.
func TestLBFGSHole(t *testing.T) {
	hole := errors.New("diverged")
	f := func(ctx context.Context, grad, x []float64) (float64, error) {
		if x[0] > 1.5 || x[0] < -2 {
			return math.NaN(), hole
		}
		return rosenbrock(ctx, grad, x)
	}
	x := []float64{-1.9, 3}
	if r, err := Minimize(context.Background(), f, x, MinimizeOptions{Steps: 200, Optimizer: LBFGS{}}); err != nil || r.Loss > 1e-15 {
		t.Errorf("loss %g at %v (%v)", r.Loss, x, err)
	}
	x = []float64{2, 2}
	var le *LossError
	if _, err := Minimize(context.Background(), f, x, MinimizeOptions{Steps: 200, Optimizer: LBFGS{}}); !errors.Is(err, hole) || !errors.As(err, &le) {
		t.Errorf("error %v, want %v", err, hole)
	}
	if x[0] != 2 || x[1] != 2 {
		t.Errorf("x moved to %v", x)
	}
}

// Whatever was tried last, x is the best point met.
func TestLBFGSKeepsBest(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	lowest := math.Inf(1)
	n := 0
	x := []float64{-1.2, 1}
	r, err := Minimize(ctx, func(ctx context.Context, grad, x []float64) (float64, error) {
		v, err := rosenbrock(ctx, grad, x)
		if n++; n > 10 && v >= lowest || n > 30 { // a step that fails
			cancel()
			return v, err
		}
		lowest = min(lowest, v)
		return v, err
	}, x, MinimizeOptions{Steps: 100, Optimizer: LBFGS{}})
	at, _ := rosenbrock(ctx, nil, x)
	if !errors.Is(err, context.Canceled) || at != r.Loss || r.Loss != lowest || r.Reason != Stopped {
		t.Errorf("report %+v, %g at x, %g the lowest (%v)", r, at, lowest, err)
	}
}

// always turns off the comparison of losses, so that x is the last point.
func always(f Objective) func(int) Objective { return func(int) Objective { return f } }

// The first steps of Adam and AdamW, by their formulas (Kingma and Ba 2015, algorithm 1;
// Loshchilov and Hutter 2019, algorithm 2).
func TestAdamFormula(t *testing.T) {
	for _, decay := range []float64{0, 0.3} {
		x, want := []float64{-1.2, 1}, []float64{-1.2, 1}
		rate := Cosine(0.1, 0.01, 5)
		o := MinimizeOptions{Steps: 5, Optimizer: Adam{Decay: decay}, Schedule: rate, Varying: always(rosenbrock)}
		if _, err := Minimize(context.Background(), nil, x, o); err != nil {
			t.Fatal(err)
		}
		var m, v, g [2]float64
		for step := range 5 {
			_, _ = rosenbrock(context.Background(), g[:], want)
			for i := range want {
				m[i] = 0.9*m[i] + 0.1*g[i]
				v[i] = 0.999*v[i] + 0.001*g[i]*g[i]
				mhat := m[i] / (1 - math.Pow(0.9, float64(step+1)))
				vhat := v[i] / (1 - math.Pow(0.999, float64(step+1)))
				want[i] -= rate(step) * (mhat/(math.Sqrt(vhat)+1e-8) + decay*want[i])
			}
		}
		for i := range x {
			if math.Abs(x[i]-want[i]) > 1e-12 {
				t.Errorf("decay %v: x = %v, want %v", decay, x, want)
			}
		}
	}
}

// On x²/2 the gradient is x. From 1 with rate 0.1 and momentum 0.5, by hand.
func TestSGDFormula(t *testing.T) {
	square := func(_ context.Context, grad, x []float64) (float64, error) {
		if grad != nil {
			grad[0] = x[0]
		}
		return x[0] * x[0] / 2, nil
	}
	for _, c := range []struct {
		sgd  SGD
		want float64
	}{
		{SGD{Rate: 0.1}, 0.9 * 0.9},
		{SGD{Rate: 0.1, Momentum: 0.5}, 0.9 - 0.1*(0.5+0.9)},
		// 1 − 0.1·(1 + 0.5) = 0.85; v = 0.5 + 0.85 = 1.35; 0.85 − 0.1·(0.85 + 0.675)
		{SGD{Rate: 0.1, Momentum: 0.5, Nesterov: true}, 0.6975},
		{SGD{Rate: 0.1, Decay: 1}, 0.8 * 0.8},
	} {
		x := []float64{1}
		if _, err := Minimize(context.Background(), nil, x, MinimizeOptions{Steps: 2, Optimizer: c.sgd, Varying: always(square)}); err != nil || math.Abs(x[0]-c.want) > 1e-15 {
			t.Errorf("%+v: %v (%v), want %v", c.sgd, x[0], err, c.want)
		}
	}
}

func TestClipAndAverage(t *testing.T) {
	plane := func(_ context.Context, grad, x []float64) (float64, error) {
		if grad != nil {
			grad[0], grad[1] = 3, 4
		}
		return 3*x[0] + 4*x[1], nil
	}
	x := []float64{0, 0}
	o := MinimizeOptions{Steps: 2, Optimizer: SGD{Rate: 1}, Clip: 0.5, Hook: func(s Step) error {
		if math.Abs(s.GradNorm-5) > 1e-14 {
			t.Errorf("norm %v before clipping, want 5", s.GradNorm)
		}
		return nil
	}}
	// The lowest loss is that of the last point, which is evaluated after the steps.
	r, err := Minimize(context.Background(), plane, x, o)
	if err != nil || math.Abs(x[0]+0.6) > 1e-15 || math.Abs(x[1]+0.8) > 1e-15 || math.Abs(r.Loss+5) > 1e-14 || r.Best != 2 {
		t.Errorf("%v, %+v (%v)", x, r, err)
	}
	x = []float64{0, 0}
	o.Hook, o.Average = nil, 0.5
	// Points −0.3 and −0.6; from 0, the average is −0.15, then −0.375.
	if _, err := Minimize(context.Background(), plane, x, o); err != nil || math.Abs(x[0]+0.375) > 1e-15 {
		t.Errorf("average %v (%v), want −0.375", x[0], err)
	}
}

// Of an objective that does not change, the best point is returned, not the last.
func TestKeepsBest(t *testing.T) {
	x := []float64{1, 1.001}
	r, err := Minimize(context.Background(), rosenbrock, x, MinimizeOptions{Steps: 3, Optimizer: SGD{Rate: 1}})
	if err != nil || x[0] != 1 || x[1] != 1.001 || r.Best != 0 || math.Abs(r.Loss-1e-4) > 1e-16 {
		t.Errorf("x = %v, report %+v (%v)", x, r, err)
	}
}

func TestLossErrorAndSkips(t *testing.T) {
	boom := errors.New("diverged")
	bad := map[int]bool{3: true, 4: true}
	step := -1
	var points [][]float64
	varying := func(i int) Objective {
		step = i
		return func(ctx context.Context, grad, x []float64) (float64, error) {
			points = append(points, slices.Clone(x))
			if bad[i] {
				return 0, boom
			}
			return rosenbrock(ctx, grad, x)
		}
	}
	x := []float64{-1.2, 1}
	o := MinimizeOptions{Steps: 10, Varying: varying, MaxSkips: 1}
	r, err := Minimize(context.Background(), nil, x, o)
	var le *LossError
	if !errors.Is(err, boom) || !errors.As(err, &le) || le.Step != 4 || r.Reason != Failed || r.Skipped != 1 {
		t.Errorf("error %v, report %+v", err, r)
	}
	// The loss at step 3's point failed; that of step 2 is the last good one.
	if !slices.Equal(x, points[2]) || !slices.Equal(points[4], points[2]) {
		t.Errorf("x = %v, want %v", x, points[2])
	}
	o.MaxSkips, x = 2, []float64{-1.2, 1}
	if r, err = Minimize(context.Background(), nil, x, o); err != nil || r.Skipped != 2 || r.Steps != 10 || !math.IsNaN(r.Losses[3]) || step != 9 {
		t.Errorf("report %+v (%v)", r, err)
	}
}

func TestValidationAndPatience(t *testing.T) {
	// The validation loss is lowest at x0 = −1, on the way from −1.2 to 1.
	validate := func(_ context.Context, x []float64) (float64, error) { return math.Abs(x[0] + 1), nil }
	x := []float64{-1.2, 1}
	var lowest float64 = math.Inf(1)
	o := MinimizeOptions{Steps: 2000, Optimizer: Adam{Rate: 0.01}, Validate: validate, ValidateEvery: 1, Patience: 20, Hook: func(s Step) error {
		lowest = min(lowest, s.Validation)
		return nil
	}}
	r, err := Minimize(context.Background(), rosenbrock, x, o)
	if err != nil || r.Reason != Patience || r.Validation != lowest || math.Abs(x[0]+1) != lowest || r.Steps != r.Best+20 {
		t.Errorf("x = %v, report %+v (%v)", x, r, err)
	}
}

func TestMinimizeCancelAndHook(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, err := Minimize(ctx, rosenbrock, []float64{0, 0}, MinimizeOptions{Steps: 10, Hook: func(s Step) error {
		if s.Step == 2 {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) || r.Steps != 3 || r.Reason != Stopped {
		t.Errorf("report %+v, error %v", r, err)
	}
	stop := errors.New("enough")
	for _, o := range []Optimizer{Adam{}, LBFGS{}} {
		r, err = Minimize(context.Background(), rosenbrock, []float64{0, 0}, MinimizeOptions{Steps: 10, Optimizer: o, Hook: func(Step) error { return stop }})
		if !errors.Is(err, stop) || r.Steps != 1 || r.Reason != Stopped {
			t.Errorf("%v: report %+v, error %v", o, r, err)
		}
	}
}

func TestMinimizeOptionErrors(t *testing.T) {
	_, err := Minimize(context.Background(), rosenbrock, []float64{0, 0}, MinimizeOptions{Clip: -1, Average: 1, MaxSkips: -1, Patience: 1})
	var oe *OptionError
	if !errors.As(err, &oe) || len(oe.Faults) != 5 {
		t.Errorf("error %v, want five faults", err)
	}
	_, err = Minimize(context.Background(), rosenbrock, []float64{0, 0}, MinimizeOptions{Steps: 1, Optimizer: LBFGS{}, Clip: 1})
	if !errors.As(err, &oe) {
		t.Errorf("error %v, want an *OptionError", err)
	}
}

func TestSchedules(t *testing.T) {
	for name, c := range map[string]struct {
		rate Schedule
		want map[int]float64
	}{
		"cosine":  {Cosine(1, 0.2, 10), map[int]float64{0: 1, 5: 0.6, 10: 0.2, 99: 0.2}},
		"steps":   {Steps(1, 0.5, 10), map[int]float64{0: 1, 9: 1, 10: 0.5, 25: 0.25}},
		"warm-up": {WarmUp(4, Steps(1, 0.5, 10)), map[int]float64{0: 0.25, 3: 1, 4: 1, 10: 0.5}},
	} {
		for step, want := range c.want {
			if got := c.rate(step); math.Abs(got-want) > 1e-15 {
				t.Errorf("%s: rate(%d) = %v, want %v", name, step, got, want)
			}
		}
	}
	horizon := GrowingHorizon(10, 100, 30)
	for step, want := range map[int]int{0: 10, 15: 55, 30: 100, 31: 100} {
		if got := horizon(step); got != want {
			t.Errorf("horizon(%d) = %v, want %v", step, got, want)
		}
	}
	if got := GrowingHorizon(10, 4, 0)(0); got != 4 {
		t.Errorf("a horizon of %d of 4 intervals", got)
	}
}
