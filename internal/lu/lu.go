package lu

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// System is a square system of linear equations A·x = b in float64, with the memory to
// solve it again and again.
type System struct {
	n     int
	a     blas64.General
	b     blas64.General
	pivot []int
}

// maxSize is the largest number of equations: 2³¹ coefficients, or 2²⁷ where a slice of bytes
// is no longer than 2³¹.
const maxSize = 11585 + (46340-11585)*(math.MaxInt>>62)

// Fault says why a system of n equations for each of m vectors is too large, or nothing.
func Fault(n, m int) string {
	if m < 1 || n <= maxSize/m {
		return ""
	}
	size := float64(n) * float64(m)
	return fmt.Sprintf("a matrix of %.3g × %.3g numbers, %.3g GB, would have to be factorised", size, size, 8*size*size/1e9)
}

// New returns a system of n equations.
func New(n int) *System {
	return &System{
		n: n, pivot: make([]int, n),
		a: blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)},
		b: blas64.General{Rows: n, Cols: 1, Stride: 1, Data: make([]float64, n)},
	}
}

// Row returns row i of A, to be filled in before Factorise, which overwrites it.
func (s *System) Row(i int) []float64 { return s.a.Data[i*s.n : (i+1)*s.n : (i+1)*s.n] }

// Matrix returns A, row-major, with the contract of Row.
func (s *System) Matrix() []float64 { return s.a.Data }

// RHS returns b, to be filled in before Solve, which stores x in it.
func (s *System) RHS() []float64 { return s.b.Data }

// Factorise computes the LU factors of A and reports whether A is regular.
func (s *System) Factorise() bool { return lapack64.Getrf(s.a, s.pivot) }

// Solve replaces b by the solution x, with the factors of the last Factorise.
func (s *System) Solve() { lapack64.Getrs(blas.NoTrans, s.a, s.b, s.pivot) }

// Bytes returns the memory of the system.
func (s *System) Bytes() int { return 8 * (len(s.a.Data) + len(s.b.Data) + len(s.pivot)) }
