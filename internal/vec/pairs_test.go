package vec

import (
	"slices"
	"testing"
)

func TestPairs(t *testing.T) {
	y := []float32{1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, 60} // three rows of q, q, p, p
	got := make([]float32, len(y))
	Unpair(got, y, 2)
	if want := []float32{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}; !slices.Equal(got, want) {
		t.Errorf("Unpair: %v, want %v", got, want)
	}
	back := make([]float32, len(y))
	Pair(back, got, 2)
	if !slices.Equal(back, y) {
		t.Errorf("Pair: %v, want %v", back, y)
	}
}
