package train

import (
	"context"
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"gonum.org/v1/gonum/diff/fd"
)

func TestCrossEntropy(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testCrossEntropy[float64](t, 1e-8) })
	t.Run("float32", func(t *testing.T) { testCrossEntropy[float32](t, 1e-6) })
}

// Three classes in states of four: a row with a class, one with a missing value, one with
// probabilities and weights. The differences are those of the float64 loss.
func testCrossEntropy[T Float](t *testing.T, tol float64) {
	nan := math.NaN()
	pred := []float64{0.5, -1, 2, 9, 1, 2, 3, 4, 700, 698, 701, -5}
	target := []float64{0, 1, 0, nan, 0, nan, 1, 0, 0.2, 0.3, 0.5, 1}
	weight := []float64{1, 1, 1, 0, 1, 0, 1, 1, 2, 0.5, 1, 1}
	in64 := Saved[float64]{Times: []float64{0, 1, 2}, Dim: 4, Pred: pred, Target: target, Weight: weight}
	loss := CrossEntropy[float64](3)
	log := func(z ...float64) float64 { // of the sum of exponentials
		sum := 0.0
		for _, v := range z {
			sum += math.Exp(v)
		}
		return math.Log(sum)
	}
	want := 3*(log(0.5, -1, 2)+1) + 3.5*(log(0, -2, 1)-0.3*-2-0.5*1)
	if got := loss(in64); math.Abs(got-want) > 1e-12 {
		t.Errorf("loss %v, want %v", got, want)
	}
	narrow := func(v []float64) []T {
		out := make([]T, len(v))
		for i := range v {
			out[i] = T(v[i])
		}
		return out
	}
	s := Saved[T]{Times: in64.Times, Dim: 4, Pred: narrow(pred), Target: narrow(target), Weight: weight, Grad: gradtest.NaNs[T](12)}
	if got := CrossEntropy[T](3)(s); math.Abs(got-want) > 100*tol {
		t.Errorf("loss %v, want %v", got, want)
	}
	slope := fd.Gradient(nil, func(x []float64) float64 {
		c := in64
		c.Pred = x
		return loss(c)
	}, pred, &fd.Settings{Formula: fd.Central, Step: 1e-4})
	gradtest.Close(t, "gradient", s.Grad, slope, tol)
	if got := Misclassified[T](3)(s); got != 3 {
		t.Errorf("misclassified %v, want 3", got)
	}
}

// Evaluate gives the mean over trajectories: log 2 and a half right for a model that stays
// where it starts.
func TestClassified(t *testing.T) {
	still := func(batch int) (Field[float64], error) {
		return &decay[float64]{make([]float64, 2), 2 * batch}, nil
	}
	m, err := FromField(still, Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := Dataset[float64]{Classified([]float64{3, 1}, 0, 2), Classified([]float64{3, 1}, 1, 2)}
	want := math.Log(1+math.Exp(-2)) + 1
	if got, err := Evaluate(context.Background(), m, d, CrossEntropy[float64](2)); err != nil || math.Abs(got-want) > 1e-14 {
		t.Errorf("cross entropy %v (%v), want %v", got, err, want)
	}
	if got, err := Evaluate(context.Background(), m, d, Misclassified[float64](2)); err != nil || got != 0.5 {
		t.Errorf("misclassified %v (%v), want 0.5", got, err)
	}
}
