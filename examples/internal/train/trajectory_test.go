package train

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
)

// decay is dy_i/dt = −θ_i y_i³ for two samples of one component each.
type decay struct{ theta []float64 }

func (f *decay) Dim() int          { return 2 }
func (f *decay) NumParams() int    { return 2 }
func (f *decay) Params() []float64 { return f.theta }

func (f *decay) Eval(dydt []float64, _ float64, y []float64) {
	for i, v := range y {
		dydt[i] = -f.theta[i] * v * v * v
	}
}

func (f *decay) VJP(dydt, dy, dtheta []float64, t float64, y, lambda []float64) {
	if dydt != nil {
		f.Eval(dydt, t, y)
	}
	for i, v := range y {
		dy[i] = -3 * f.theta[i] * v * v * lambda[i]
		if dtheta != nil {
			dtheta[i] -= v * v * v * lambda[i]
		}
	}
}

func trajectory(t *testing.T, m adjoint.Method) *Trajectory {
	t.Helper()
	f := &decay{[]float64{0.5, 0.2}}
	s, err := adjoint.New[float64](f, odeint.Options{RTol: 1e-10, ATol: 1e-10}, m)
	if err != nil {
		t.Fatal(err)
	}
	return &Trajectory{
		Field: f, Solver: s, Width: 1, LearnStart: true,
		Times:  []float64{0, 0.5, 1, 2},
		Start:  []float64{1, 2},
		Target: []float64{1, 2.1, 0.8, math.NaN(), 0.7, 1, 0.6, 0.9},
	}
}

func TestTrajectoryGradient(t *testing.T) {
	ctx := context.Background()
	for _, m := range []adjoint.Method{nil, adjoint.Interpolating{}, adjoint.Backsolve{}} {
		p := trajectory(t, m)
		x := []float64{0.6, 0.3, 1.1, 1.9}
		for _, intervals := range []int{1, 3} {
			f := p.Loss(intervals)
			grad := make([]float64, len(x))
			loss, err := f(ctx, grad, x)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := f(ctx, nil, x)
			if err != nil || plain != loss {
				t.Errorf("loss %v with gradient, %v without (%v)", loss, plain, err)
			}
			want := fd.Gradient(nil, func(x []float64) float64 {
				v, err := f(ctx, nil, x)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}, x, &fd.Settings{Formula: fd.Central})
			// 1e-7: the solve's tolerance over the step of the differences, 6e-6, and rounding.
			if !floats.EqualApprox(grad, want, 1e-7) {
				t.Errorf("%v, %d intervals: gradient %v, want %v", m, intervals, grad, want)
			}
		}
		if p.Work.Solves == 0 || p.Work.NFEForward == 0 || p.Work.NFEBackward == 0 {
			t.Errorf("work %+v", p.Work)
		}
	}
}

func TestTrajectoryPredict(t *testing.T) {
	p := trajectory(t, nil)
	if x := p.Init(); !floats.Equal(x, []float64{0.5, 0.2, 1, 2}) {
		t.Errorf("Init %v", x)
	}
	y, err := p.Predict(context.Background(), []float64{1, 0, 1, 3}, []float64{0, 4})
	if err != nil {
		t.Fatal(err)
	}
	// dy/dt = −y³ from 1 is 1/√(1+2t).
	if want := []float64{1, 3, 1.0 / 3, 3}; !floats.EqualApprox(y, want, 1e-9) {
		t.Errorf("%v, want %v", y, want)
	}
}

// The loss over the first intervals has a row more than intervals.
func TestTrajectoryHorizon(t *testing.T) {
	p := trajectory(t, nil)
	x := []float64{0, 0, 1, 2} // nothing moves
	for intervals, want := range map[int]float64{
		1: (0.01 + 0.04) / 3, // three targets, the fourth is missing
		2: (0.01 + 0.04 + 0.09 + 1) / 5,
		3: (0.01 + 0.04 + 0.09 + 1 + 0.16 + 1.21) / 7,
	} {
		got, err := p.Loss(intervals)(context.Background(), nil, x)
		if err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("%d intervals: %v (%v), want %v", intervals, got, err, want)
		}
	}
}

func TestTrajectoryDiverges(t *testing.T) {
	p := trajectory(t, nil)
	x := []float64{-10, 0, 1, 1} // blows up at t = 1/20
	_, err := p.Loss(3)(context.Background(), make([]float64, 4), x)
	var step *odeint.StepError
	if !errors.As(err, &step) {
		t.Errorf("error %v, want an *odeint.StepError", err)
	}
	y, err := p.Predict(context.Background(), x, []float64{0, 0.01, 3, 4})
	if !errors.As(err, &step) || len(y) != 4 {
		t.Errorf("%d numbers reached (%v), want 4", len(y), err)
	}
}
