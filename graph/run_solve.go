package graph

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// factorSize is the length of the factors of a matrix of n rows: the matrix, and the
// row exchanges.
func factorSize(n int) int { return n*n + n }

// factorise stores the factors of a in f. The error is a *SingularError.
func factorise[T Float](f, a []T, n int, opt SolveOptions, sample int) error {
	m, pivot := f[:n*n], f[n*n:]
	load := func() {
		copy(m, a)
		for i := range n {
			m[i*(n+1)] += T(opt.Ridge)
		}
	}
	load()
	if opt.Factorisation == Cholesky {
		smallest, largest, ok := vec.Cholesky(m, n)
		switch {
		case !ok:
			return &SingularError{Factorisation: Cholesky, Sample: sample, Condition: math.Inf(1), Pivot: float64(smallest)}
		case suspicious(smallest, largest, n):
			return ill(f, n, opt, sample, float64(smallest), load)
		}
		return nil
	}
	smallest, largest := vec.LU(m, pivot, n)
	switch {
	case smallest == 0:
		return &SingularError{Sample: sample, Condition: math.Inf(1)}
	case suspicious(smallest, largest, n):
		return ill(f, n, opt, sample, float64(smallest), load)
	}
	return nil
}

func machineEpsilon[T Float]() float64 {
	if _, narrow := any(T(0)).(float32); narrow {
		return 0x1p-23
	}
	return 0x1p-52
}

// suspicious tells whether the pivots leave room for a condition number of 1/ε.
func suspicious[T Float](smallest, largest T, n int) bool {
	return float64(smallest) <= 100*float64(n)*machineEpsilon[T]()*float64(largest)
}

// ill returns an error if the condition number |A|₁|A⁻¹|₁ of a factorised matrix is
// beyond 1/ε. load stores the matrix in f again.
func ill[T Float](f []T, n int, opt SolveOptions, sample int, pivot float64, load func()) error {
	column, worst := make([]T, n), 0.0
	for j := range n {
		clear(column)
		column[j] = 1
		solveWith(column, f, n, 1, opt.Factorisation, false)
		worst = max(worst, norm(column, 1))
	}
	factors := append([]T(nil), f...)
	load()
	most := 0.0
	for j := range n {
		most = max(most, norm(f[j:n*n], n))
	}
	copy(f, factors)
	if c := worst * most; c >= 1/machineEpsilon[T]() {
		return &SingularError{Factorisation: opt.Factorisation, Sample: sample, Condition: c, Pivot: pivot}
	}
	return nil
}

// norm sums the absolute values of every stride-th number.
func norm[T Float](x []T, stride int) (s float64) {
	for i := 0; i < len(x); i += stride {
		s += math.Abs(float64(x[i]))
	}
	return s
}

// solveWith replaces x, n rows of m, by the solution.
func solveWith[T Float](x, f []T, n, m int, kind Factorisation, trans bool) {
	if kind == Cholesky {
		vec.SolveCholesky(x, f[:n*n], n, m)
		return
	}
	vec.SolveLU(x, f[:n*n], f[n*n:], n, m, trans)
}

// logDet is log|det A| from the factors of A.
func logDet[T Float](f []T, n int, kind Factorisation) T {
	s := 0.0
	for i := range n {
		s += math.Log(math.Abs(float64(f[i*(n+1)])))
	}
	if kind == Cholesky {
		s *= 2
	}
	return T(s)
}

// factoring factorises the matrices of a batch.
type factoring[T Float] struct {
	do       factorOp
	batch, n int
	x, dst   ref
}

func newFactoring[T Float](u *unit, refs func(*value) ref) *factoring[T] {
	a := u.root.args[0]
	f := &factoring[T]{do: u.root.do.(factorOp), batch: a.shape[0], n: a.shape[1], x: refs(a.of), dst: refs(u.root)}
	f.x.offset += a.offset
	return f
}

func (f *factoring[T]) run(m *frame[T]) {
	dst, x := m.at(f.dst), m.at(f.x)
	for i := range f.batch {
		d := dst[i*factorSize(f.n):][:factorSize(f.n)]
		if err := factorise(d, x[i*f.n*f.n:][:f.n*f.n], f.n, f.do.opt, i); err != nil {
			vec.Fill(d[:f.n*f.n], T(math.NaN()))
			clear(d[f.n*f.n:])
			if m.err == nil {
				err.(*SingularError).Node = f.do.node
				m.err = err
			}
		}
	}
}

// solving solves with the factors of a batch, or takes their determinants.
type solving[T Float] struct {
	do          op
	batch, n, m int
	f, b, dst   ref
}

func newSolving[T Float](u *unit, refs func(*value) ref) *solving[T] {
	v := u.root
	at := func(a view) ref {
		r := refs(a.of)
		r.offset += a.offset
		return r
	}
	s := &solving[T]{do: v.do, batch: v.shape[0], dst: refs(v), f: at(v.args[0])}
	if _, ok := v.do.(solveOp); ok {
		s.n, s.m, s.b = v.shape[1], v.shape[2], at(v.args[1])
	} else {
		for factorSize(s.n) < v.args[0].shape[1] {
			s.n++
		}
	}
	return s
}

func (s *solving[T]) run(m *frame[T]) {
	dst, factors := m.at(s.dst), m.at(s.f)
	size := s.n * s.m
	for i := range s.batch {
		f := factors[i*factorSize(s.n):][:factorSize(s.n)]
		switch do := s.do.(type) {
		case solveOp:
			x := dst[i*size:][:size]
			copy(x, m.at(s.b)[i*size:])
			solveWith(x, f, s.n, s.m, do.opt.Factorisation, do.trans)
		case logDetOp:
			dst[i] = logDet(f, s.n, do.opt.Factorisation)
		}
	}
}
