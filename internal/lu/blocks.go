package lu

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Blocks solves systems with the matrix I − c·J, or its transpose, where J is block-diagonal:
// square blocks of one size, as the Jacobian of a batch of samples is. All is float64.
type Blocks struct {
	n      int
	j      []float64 // the blocks of J, one after the other, row-major
	factor []float64 // LU factors of I − c·J
	pivot  []int
}

// NewBlocks returns a matrix of count blocks of n × n.
func NewBlocks(n, count int) *Blocks {
	return &Blocks{n: n, j: make([]float64, count*n*n), factor: make([]float64, count*n*n), pivot: make([]int, count*n)}
}

// J has the blocks of J one after the other, row-major, to be filled in before Factorise,
// which leaves them alone.
func (b *Blocks) J() []float64 { return b.j }

// Factorise computes the LU factors of I − c·J and reports whether it is regular.
func (b *Blocks) Factorise(c float64) bool {
	for i, x := range b.j {
		b.factor[i] = -c * x
	}
	for k := range len(b.pivot) / b.n {
		a := b.block(k)
		for i := range b.n {
			a.Data[i*b.n+i]++
		}
		if b.n == 1 {
			if a.Data[0] == 0 {
				return false
			}
		} else if !lapack64.Getrf(a, b.pivots(k)) {
			return false
		}
	}
	return true
}

// Solve replaces x by the solution of (I − c·J)·y = x, or with transposed of (I − c·J)ᵀ·y = x.
func (b *Blocks) Solve(x []float64, transposed bool) {
	trans := blas.NoTrans
	if transposed {
		trans = blas.Trans
	}
	for k := range len(b.pivot) / b.n {
		if b.n == 1 {
			x[k] /= b.factor[k]
			continue
		}
		rhs := blas64.General{Rows: b.n, Cols: 1, Stride: 1, Data: x[k*b.n : (k+1)*b.n]}
		lapack64.Getrs(trans, b.block(k), rhs, b.pivots(k))
	}
}

func (b *Blocks) block(k int) blas64.General {
	return blas64.General{Rows: b.n, Cols: b.n, Stride: b.n, Data: b.factor[k*b.n*b.n:][:b.n*b.n]}
}

func (b *Blocks) pivots(k int) []int { return b.pivot[k*b.n:][:b.n] }

// Bytes returns the memory of the matrix and its factors.
func (b *Blocks) Bytes() int { return 8 * (len(b.j) + len(b.factor) + len(b.pivot)) }
