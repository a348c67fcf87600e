package train

import (
	"context"
	"math"
	"testing"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

func TestField(t *testing.T) {
	t.Run("float64", testField[float64])
	t.Run("float32", testField[float32])
}

// The field solved with the model's options, and its slopes in the data's units, are what Predict shows.
func testField[T Float](t *testing.T) {
	m, err := New[T](layers.AppendInput{Of: layers.MLP{In: 2, Hidden: []int{4}, Out: 1}, Channels: 1}, Config{
		Shape: []int{1}, Input: &InputConfig{Channels: 1},
		Scaler: Scaler{Mean: []float64{3}, Spread: []float64{2}, Origin: 1, Unit: 5},
		Solve:  odeint.Options{RTol: 1e-5},
	})
	if err != nil {
		t.Fatal(err)
	}
	theta := m.Params()
	for i := range theta {
		theta[i] += 0.1
	}
	m.SetParams(theta) // other than those that fields are made with
	u := Controls[T]{Times: []float64{0}, Values: []T{0.7}}
	f, err := m.Field(1, u)
	if err != nil {
		t.Fatal(err)
	}
	opt, err := m.SolveOptions()
	if err != nil || opt.RTol != 1e-5 || opt.Method == nil {
		t.Fatalf("%+v (%v)", opt, err)
	}
	want, err := m.Predict(context.Background(), []float64{1, 6}, []T{4}, u)
	if err != nil {
		t.Fatal(err)
	}
	opt.SaveAt.Keep = odeint.Rows
	sol, err := odeint.SolveAt[T](f, []float64{0, 1}, []T{0.5}, opt) // (4−3)/2 at (1−1)/5
	if err != nil {
		t.Fatal(err)
	}
	if got := 3 + 2*sol.Y[1]; math.Abs(float64(got-want[1])) > 1e-6 {
		t.Errorf("the field leads to %v, the model to %v", got, want[1])
	}
	f.Params()[0] += 1
	again, err := m.Predict(context.Background(), []float64{1, 6}, []T{4}, u)
	if err != nil || again[1] != want[1] {
		t.Errorf("the model says %v after its field was changed, %v before (%v)", again, want, err)
	}
	if _, err := m.Field(1); err == nil {
		t.Error("a field without its controls was made")
	}
}
