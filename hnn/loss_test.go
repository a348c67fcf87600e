package hnn_test

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
)

// TestMatching checks the loss by hand, with scales, missing values and times,
// and its gradient against differences.
func TestMatching(t *testing.T) {
	const batch, samples = 2, 3
	f := newField[float64](t, hnn.Field{H: hnn.Sum{net(2, 1, layers.Tanh), hnn.Separable{V: quartic(true)}}}, batch, 4)
	r := rng(5)
	z, dz := normal[float64](r, samples*f.Dim(), 1), normal[float64](r, samples*f.Dim(), 1)
	for _, i := range []int{0, 5, 17} {
		dz[i] = math.NaN()
	}
	times := []float64{.1, .7, -2}
	scale := []float64{1, 2, .5, 4}

	sum := 0.0
	for i, s := range times {
		at := make([]float64, f.Dim())
		f.Eval(at, s, z[i*f.Dim():(i+1)*f.Dim()])
		for j, v := range at {
			if d := (v - dz[i*f.Dim()+j]) / scale[j%4]; !math.IsNaN(d) {
				sum += d * d
			}
		}
	}
	m := hnn.NewMatching[float64](f, scale)
	value := func() float64 { return m.Loss(nil, times, z, dz) }
	gradtest.Close(t, "loss", []float64{value()}, []float64{sum / (samples*8 - 3)}, 1e-13)

	grad := gradtest.NaNs[float64](f.NumParams())
	if got := m.Loss(grad, times, z, dz); got != value() {
		t.Errorf("loss %v with its gradient, %v without", got, value())
	}
	gradtest.Close(t, "gradient", grad, gradtest.Gradient(value, f.Params(), 1e-3), 1e-9)

	if got := m.Loss(grad, nil, z, gradtest.NaNs[float64](len(z))); got != 0 || norm(grad) != 0 {
		t.Errorf("without values: loss %v, gradient %v", got, grad)
	}
	if got := m.Loss(grad, nil, nil, nil); got != 0 {
		t.Errorf("without samples: loss %v", got)
	}
}

func TestTrajectoryLoss(t *testing.T) {
	r := rng(6)
	y, target := normal[float64](r, 10, 1), normal[float64](r, 10, 1)
	target[3], target[8] = math.NaN(), math.NaN()
	same := gradtest.Unchanged(t, "target", target)
	sum := 0.0
	for i := range y {
		if i != 3 && i != 8 {
			sum += (y[i] - target[i]) * (y[i] - target[i])
		}
	}
	dy := gradtest.NaNs[float64](10)
	got := hnn.TrajectoryLoss(dy, y, target)
	gradtest.Close(t, "loss", []float64{got}, []float64{sum / 8}, 1e-15)
	value := func() float64 { return hnn.TrajectoryLoss(nil, y, target) }
	gradtest.Close(t, "dy", dy, gradtest.Gradient(value, y, 1e-3), 1e-11)
	same()

	dy = gradtest.NaNs[float64](2)
	if l := hnn.TrajectoryLoss(dy, []float64{1, 2}, gradtest.NaNs[float64](2)); l != 0 || norm(dy) != 0 {
		t.Errorf("without values: loss %v, cotangent %v", l, dy)
	}
}
