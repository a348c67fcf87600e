package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
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

func always(f Objective) func(int) Objective { return func(int) Objective { return f } }

func TestLBFGS(t *testing.T) {
	x := []float64{-1.2, 1}
	seen := 0
	loss, err := LBFGS{Iterations: 100, Objective: rosenbrock, After: func(i int, _ float64) {
		if i != seen {
			t.Errorf("iteration %d is called %d", seen, i)
		}
		seen++
	}}.Run(context.Background(), x)
	// 1e-20 is a distance of 1e-10 from the minimum.
	if err != nil || loss > 1e-20 || math.Abs(x[0]-1) > 1e-9 || math.Abs(x[1]-1) > 1e-9 {
		t.Errorf("x = %v, loss %g (%v); want (1, 1), 0", x, loss, err)
	}
	if seen == 0 || seen > 100 {
		t.Errorf("%d iterations", seen)
	}
}

func TestLBFGSIterations(t *testing.T) {
	x := []float64{-1.2, 1}
	seen := 0
	loss, err := LBFGS{Iterations: 3, Objective: rosenbrock, After: func(int, float64) { seen++ }}.Run(context.Background(), x)
	if at, _ := rosenbrock(context.Background(), nil, x); err != nil || seen != 3 || at != loss || loss >= 24.2 {
		t.Errorf("%d iterations, loss %g said, %g at x (%v)", seen, loss, at, err)
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
	if loss, err := (LBFGS{Iterations: 200, Objective: f}).Run(context.Background(), x); err != nil || loss > 1e-15 {
		t.Errorf("loss %g at %v (%v)", loss, x, err)
	}
	x = []float64{2, 2}
	if _, err := (LBFGS{Iterations: 200, Objective: f}).Run(context.Background(), x); !errors.Is(err, hole) {
		t.Errorf("error %v, want %v", err, hole)
	}
	if x[0] != 2 || x[1] != 2 {
		t.Errorf("x moved to %v", x)
	}
}

func TestLBFGSCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	x := []float64{-1.2, 1}
	n := 0
	loss, err := LBFGS{Iterations: 100, Objective: func(ctx context.Context, grad, x []float64) (float64, error) {
		if n++; n == 10 {
			cancel()
		}
		return rosenbrock(ctx, grad, x)
	}}.Run(ctx, x)
	if !errors.Is(err, context.Canceled) || n > 12 {
		t.Errorf("error %v after %d evaluations", err, n)
	}
	if at, _ := rosenbrock(ctx, nil, x); at != loss || loss >= 24.2 {
		t.Errorf("x = %v has loss %g, said %g", x, at, loss)
	}
}

// Whatever was tried last, x is the best point met.
func TestLBFGSKeepsBest(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	lowest := math.Inf(1)
	n := 0
	x := []float64{-1.2, 1}
	loss, err := LBFGS{Iterations: 100, Objective: func(ctx context.Context, grad, x []float64) (float64, error) {
		v, err := rosenbrock(ctx, grad, x)
		if n++; n > 10 && v >= lowest || n > 30 { // a step that fails
			cancel()
			return v, err
		}
		lowest = min(lowest, v)
		return v, err
	}}.Run(ctx, x)
	at, _ := rosenbrock(ctx, nil, x)
	if !errors.Is(err, context.Canceled) || at != loss || loss != lowest {
		t.Errorf("loss %g said, %g at x, %g the lowest (%v)", loss, at, lowest, err)
	}
}

// The first steps of Adam, by its formula (Kingma and Ba 2015, algorithm 1).
func TestAdamFormula(t *testing.T) {
	x := []float64{-1.2, 1}
	want := []float64{-1.2, 1}
	rate := Cosine(0.1, 0.01, 5)
	if err := (Adam{Steps: 5, Rate: rate, Objective: always(rosenbrock)}).Run(context.Background(), x); err != nil {
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
			want[i] -= rate(step) * mhat / (math.Sqrt(vhat) + 1e-8)
		}
	}
	for i := range x {
		if math.Abs(x[i]-want[i]) > 1e-12 {
			t.Errorf("x = %v, want %v", x, want)
		}
	}
}

func TestAdamFailureKeepsLastGoodPoint(t *testing.T) {
	boom := errors.New("diverged")
	n := 0
	x := []float64{-1.2, 1}
	var good [2]float64
	err := Adam{Steps: 10, Objective: always(func(ctx context.Context, grad, x []float64) (float64, error) {
		if n++; n == 4 {
			return 0, boom
		}
		copy(good[:], x)
		return rosenbrock(ctx, grad, x)
	})}.Run(context.Background(), x)
	if !errors.Is(err, boom) || x[0] != good[0] || x[1] != good[1] {
		t.Errorf("x = %v, want %v; error %v", x, good, err)
	}
}

func TestAdamCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	steps := 0
	err := Adam{Steps: 10, Objective: always(rosenbrock), After: func(step int, _ float64) {
		if steps++; step == 2 {
			cancel()
		}
	}}.Run(ctx, []float64{0, 0})
	if !errors.Is(err, context.Canceled) || steps != 3 {
		t.Errorf("%d steps, error %v", steps, err)
	}
}

func TestMSE(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name      string
		y, target []float64
		want      float64
	}{
		// Two rows of two: (1² + 2²) and (0² + 3²), the mean of 5 and 9.
		{"full", []float64{1, 2, 3, 4}, []float64{0, 0, 3, 1}, 7},
		// Three of four components present: 2/3·(1 + 4 + 9).
		{"missing", []float64{1, 2, 3, 4}, []float64{0, 0, nan, 1}, 28.0 / 3},
		{"all missing", []float64{1, 2}, []float64{nan, nan}, 0},
	} {
		dy := []float64{nan, nan, nan, nan}[:len(c.y)]
		if got := MSE(dy, c.y, c.target, 2); math.Abs(got-c.want) > 1e-15*c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		want := fd.Gradient(nil, func(y []float64) float64 { return MSE(nil, y, c.target, 2) }, c.y, &fd.Settings{Formula: fd.Central})
		for i := range want {
			if math.Abs(dy[i]-want[i]) > 1e-8 { // rounding of the differences
				t.Errorf("%s: gradient %v, want %v", c.name, dy, want)
			}
		}
	}
}

func TestRMSE(t *testing.T) {
	if got, want := RMSE([]float64{1, 5, 7}, []float64{4, math.NaN(), 3}), math.Sqrt(12.5); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := RMSE(nil, nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %v, want NaN", got)
	}
}

func TestWithDecay(t *testing.T) {
	f := WithDecay(rosenbrock, 0.5, 1)
	x := []float64{-1.2, 1}
	grad := []float64{math.NaN(), math.NaN()}
	loss, err := f(context.Background(), grad, x)
	if err != nil {
		t.Fatal(err)
	}
	// Rosenbrock's 24.2 at (−1.2, 1) and ½·0.5·1.2².
	if math.Abs(loss-24.56) > 1e-12 {
		t.Errorf("loss %v, want 24.56", loss)
	}
	var plain [2]float64
	_, _ = rosenbrock(context.Background(), plain[:], x)
	if grad[0] != plain[0]-0.6 || grad[1] != plain[1] {
		t.Errorf("gradient %v, without decay %v", grad, plain)
	}
}

func TestSchedules(t *testing.T) {
	rate := Cosine(1, 0.2, 10)
	for step, want := range map[int]float64{0: 1, 5: 0.6, 10: 0.2, 99: 0.2} {
		if got := rate(step); math.Abs(got-want) > 1e-15 {
			t.Errorf("rate(%d) = %v, want %v", step, got, want)
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

func TestRows(t *testing.T) {
	if got, want := Grid(-3, 4), []float64{0, -0.75, -1.5, -2.25, -3}; !slices.Equal(got, want) {
		t.Errorf("grid %v, want %v", got, want)
	}
	if got, want := Column([]float64{1, 2, 3, 4, 5, 6}, 3, 1), []float64{2, 5}; !slices.Equal(got, want) {
		t.Errorf("column %v, want %v", got, want)
	}
}
