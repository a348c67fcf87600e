package butcher

import (
	"math"
	"slices"
	"testing"
)

// The numbers of rooted trees with 1…8 nodes (OEIS A000081).
func TestRootedTrees(t *testing.T) {
	want := []int{1, 1, 2, 4, 9, 20, 48, 115}
	got := make([]int, len(want))
	sum := make([]float64, len(want))
	for _, tr := range rootedTrees(8) {
		got[tr.order-1]++
		sum[tr.order-1] += 1 / tr.gamma
	}
	if !slices.Equal(got, want) {
		t.Errorf("trees by order %v, want %v", got, want)
	}
	// Densities of the four trees of order 4: 4, 8, 12, 24.
	if want := 1.0/4 + 1.0/8 + 1.0/12 + 1.0/24; math.Abs(sum[3]-want) > 1e-15 {
		t.Errorf("Σ 1/γ over order 4 is %v, want %v", sum[3], want)
	}
}

// The classical method of order 4, its difference from the midpoint rule of order 2 in the
// same stages, and linear interpolation.
func TestConditions(t *testing.T) {
	c := NewConditions([][]float64{{}, {1.0 / 2}, {0, 1.0 / 2}, {0, 0, 1}})
	b := []float64{1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}
	if p := c.Order(b); p != 4 {
		t.Errorf("order %d of RK4, want 4", p)
	}
	if p := c.ErrorOrder([]float64{1.0 / 6, -2.0 / 3, 1.0 / 3, 1.0 / 6}); p != 2 {
		t.Errorf("order %d of the difference from the midpoint rule, want 2", p)
	}
	if p := c.DenseOrder([][]float64{{1.0 / 6}, {1.0 / 3}, {1.0 / 3}, {1.0 / 6}}); p != 1 {
		t.Errorf("order %d of linear interpolation, want 1", p)
	}
}

// Verlet's method has order 2, symplectic Euler 1.
func TestPartitionedOrder(t *testing.T) {
	half := []float64{0, 1}
	kick := []float64{1.0 / 2, 1.0 / 2}
	if p := PartitionedOrder([][]float64{half[:1], half[:2]}, half, [][]float64{kick[:0], kick[:1]}, kick, false); p != 2 {
		t.Errorf("order %d of Verlet's method, want 2", p)
	}
	if p := PartitionedOrder([][]float64{{1}}, []float64{1}, [][]float64{{}}, []float64{1}, false); p != 1 {
		t.Errorf("order %d of the symplectic Euler method, want 1", p)
	}
}

func TestRow(t *testing.T) {
	r := NewRow([]float64{0, 2, 0, -1})
	if !slices.Equal(r.Stages, []int{1, 3}) || !slices.Equal(r.W, []float64{2, -1}) {
		t.Errorf("row %v", r)
	}
}
