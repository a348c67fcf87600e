package lu

import (
	"math"
	"testing"
)

func TestSystem(t *testing.T) {
	s := New(3)
	rows := [][]float64{{0, 2, 1}, {1, -1, 0}, {3, 0, -2}} // needs pivoting
	want := []float64{1, -2, 3}
	for range 2 { // the memory is used again
		for i, row := range rows {
			copy(s.Row(i), row)
			s.RHS()[i] = 0
			for j, a := range row {
				s.RHS()[i] += a * want[j]
			}
		}
		if !s.Factorise() {
			t.Fatal("a regular matrix is called singular")
		}
		s.Solve()
		for i, x := range s.RHS() {
			if math.Abs(x-want[i]) > 1e-14 { // a few roundings of numbers up to 3
				t.Errorf("x[%d] = %v, want %v", i, x, want[i])
			}
		}
	}
	clear(s.Matrix())
	if s.Factorise() {
		t.Error("the zero matrix is called regular")
	}
}
