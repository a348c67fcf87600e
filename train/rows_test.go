package train

import (
	"math"
	"slices"
	"testing"
)

func TestRows(t *testing.T) {
	if got, want := Grid(-3, 4), []float64{0, -0.75, -1.5, -2.25, -3}; !slices.Equal(got, want) {
		t.Errorf("grid %v, want %v", got, want)
	}
	if got, want := Column([]float32{1, 2, 3, 4, 5, 6}, 3, 1), []float64{2, 5}; !slices.Equal(got, want) {
		t.Errorf("column %v, want %v", got, want)
	}
}

func TestRMSE(t *testing.T) {
	if got, want := RMSE([]float64{1, 5, 7}, []float64{4, math.NaN(), 3}), math.Sqrt(12.5); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := RMSE[float64](nil, nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %v, want NaN", got)
	}
}
