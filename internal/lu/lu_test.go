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

func TestBlocks(t *testing.T) {
	for _, n := range []int{1, 3} {
		b := NewBlocks(n, 2)
		for i := range b.J() {
			b.J()[i] = math.Sin(float64(3*i*i + 1))
		}
		const c = 0.7
		want := []float64{1, -2, 3, 0.5, -1, 4}[:2*n]
		for _, transposed := range []bool{false, true} {
			x := make([]float64, 2*n)
			for k := range 2 {
				for i := range n {
					x[k*n+i] = want[k*n+i]
					for j := range n {
						a := b.J()[k*n*n+i*n+j]
						if transposed {
							a = b.J()[k*n*n+j*n+i]
						}
						x[k*n+i] -= c * a * want[k*n+j]
					}
				}
			}
			if !b.Factorise(c) {
				t.Fatal("a regular matrix is called singular")
			}
			b.Solve(x, transposed)
			for i, v := range x {
				if math.Abs(v-want[i]) > 1e-13 { // a few roundings of numbers up to 4
					t.Errorf("%d blocks of %d, transposed %v: x[%d] = %v, want %v", 2, n, transposed, i, v, want[i])
				}
			}
		}
		clear(b.J())
		for i := range n {
			b.J()[i*n+i] = 1
		}
		if b.Factorise(1) {
			t.Error("a zero block is called regular")
		}
	}
}
