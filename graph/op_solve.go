package graph

import (
	"fmt"
	"math"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Factorisation is how the matrices of [Solve] and [LogDet] are factorised.
type Factorisation int

const (
	// LU is for any regular matrix: LU with partial pivoting.
	LU Factorisation = iota

	// Cholesky is for symmetric positive definite matrices, at half the work. Only the
	// symmetric part (A+Aᵀ)/2 counts.
	Cholesky
)

// String returns "LU" or "Cholesky".
func (f Factorisation) String() string {
	if f == Cholesky {
		return "Cholesky"
	}
	return "LU"
}

// SolveOptions say how linear equations are solved. The zero value is LU without ridge.
type SolveOptions struct {
	Factorisation Factorisation

	// Ridge is added to the diagonal of every matrix (Tikhonov): it keeps the solution
	// finite where a matrix may become singular, and changes it by a relative error of
	// Ridge·|A⁻¹|. 0: a singular matrix is an error.
	Ridge float64
}

// Solve returns X = A⁻¹B for every sample: a is (batch, n, n), b (batch, n, m), and so
// is the result; or b and the result are (batch, n). n may be 1 to some tens. It
// differentiates to any order, and compiled programs factorise a matrix once for the
// solution and all its derivatives, without allocation.
//
// A matrix that is singular, or, with a condition number beyond 1/ε of its element
// type, cannot be told from one that is, makes the run fail with a [*SingularError].
//
// Errors: ErrShape for shapes that do not fit, and those of Gorgonia.
func Solve(a, b *G.Node, opt SolveOptions) (x *G.Node, err error) {
	defer recoverInto(&err)
	if err := checkMatrices("Solve", a, opt); err != nil {
		return nil, err
	}
	s := b.Shape()
	switch {
	case s.Dims() == 2 && s[0] == a.Shape()[0] && s[1] == a.Shape()[1]:
		x := solved(a, reshaped(b, tensor.Shape{s[0], s[1], 1}), opt, false)
		return reshaped(x, s), nil
	case s.Dims() == 3 && s[0] == a.Shape()[0] && s[1] == a.Shape()[1]:
		return solved(a, b, opt, false), nil
	}
	return nil, fmt.Errorf("graph: Solve with matrices %q of shape %v and right-hand sides %q of shape %v: %w; they must be (batch, n, n) and (batch, n) or (batch, n, m)", a.Name(), a.Shape(), b.Name(), s, ErrShape)
}

// LogDet returns log|det A| for every sample, a column (batch, 1), for matrices a of
// shape (batch, n, n). Errors and options are those of Solve.
func LogDet(a *G.Node, opt SolveOptions) (y *G.Node, err error) {
	defer recoverInto(&err)
	if err := checkMatrices("LogDet", a, opt); err != nil {
		return nil, err
	}
	s := a.Shape()
	return must(G.ApplyOp(logDetNode{
		Base: nodes.Base{Name: fmt.Sprintf("LogDet(%v of %v)", opt, s), Dims: 2, Shape: tensor.Shape{s[0], 1}},
		opt:  opt, n: s[1],
	}, a)), nil
}

func checkMatrices(what string, a *G.Node, opt SolveOptions) error {
	if s := a.Shape(); s.Dims() != 3 || s[1] != s[2] {
		return fmt.Errorf("graph: %s with matrices %q of shape %v: %w; they must be (batch, n, n)", what, a.Name(), s, ErrShape)
	}
	if opt.Factorisation != LU && opt.Factorisation != Cholesky || !(opt.Ridge >= 0) || math.IsInf(opt.Ridge, 0) {
		return fmt.Errorf("graph: %s with options %+v; use LU or Cholesky, and a ridge that is not negative", what, opt)
	}
	return nil
}

// solveNode is X = A⁻¹B, or A⁻ᵀB, as an op of Gorgonia.
type solveNode struct {
	nodes.Base
	opt   SolveOptions
	trans bool
	n, m  int
}

func solved(a, b *G.Node, opt SolveOptions, trans bool) *G.Node {
	trans = trans && opt.Factorisation == LU // else A counts as symmetric
	s := b.Shape()
	return must(G.ApplyOp(solveNode{
		Base: nodes.Base{Name: fmt.Sprintf("Solve(%v, transposed=%v, %v)", opt, trans, s), Dims: 3, Shape: s.Clone()},
		opt:  opt, trans: trans, n: s[1], m: s[2],
	}, a, b))
}

func (solveNode) Arity() int         { return 2 }
func (solveNode) Type() hm.Type      { return nodes.FunctionType(3, 3, 3) }
func (solveNode) DiffWRT(int) []bool { return []bool{true, true} }
func (o solveNode) decode() op       { return solveOp{o.opt, o.trans} }

// SymDiff: Ḃ = A⁻ᵀẊ and Ȧ = −ḂXᵀ; of the symmetric part only half of that and half of
// its transpose.
func (o solveNode) SymDiff(in G.Nodes, x, g *G.Node) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	flip := func(v *G.Node) *G.Node { return transposed(v, []int{0, 2, 1}) }
	db := solved(in[0], g, o.opt, !o.trans)
	da := must(G.BatchedMatMul(db, flip(x)))
	switch {
	case o.opt.Factorisation == Cholesky:
		da = product(must(G.Add(da, flip(da))), constant(da, -0.5))
	case o.trans:
		da = must(G.Neg(must(G.BatchedMatMul(x, flip(db)))))
	default:
		da = must(G.Neg(da))
	}
	return G.Nodes{da, db}, nil
}

func (o solveNode) Do(v ...G.Value) (G.Value, error) { return o.UsePreallocDo(o.New(v[1]), v...) }

func (o solveNode) UsePreallocDo(x G.Value, v ...G.Value) (G.Value, error) {
	var fault error
	err := nodes.OnFloats(o.Name,
		func(d [][]float64) { fault = runSolve(o, d[0], d[1], d[2]) },
		func(d [][]float32) { fault = runSolve(o, d[0], d[1], d[2]) }, x, v[0], v[1])
	if err == nil {
		err = fault
	}
	return x, err
}

func runSolve[T Float](o solveNode, x, a, b []T) error {
	f := make([]T, factorSize(o.n))
	for i := range o.Shape[0] {
		if err := factorise(f, a[i*o.n*o.n:][:o.n*o.n], o.n, o.opt, i); err != nil {
			return err
		}
		xi := x[i*o.n*o.m:][:o.n*o.m]
		copy(xi, b[i*o.n*o.m:])
		solveWith(xi, f, o.n, o.m, o.opt.Factorisation, o.trans)
	}
	return nil
}

// logDetNode is log|det A| as an op of Gorgonia.
type logDetNode struct {
	nodes.Base
	opt SolveOptions
	n   int
}

func (logDetNode) Arity() int         { return 1 }
func (logDetNode) Type() hm.Type      { return nodes.FunctionType(3, 2) }
func (logDetNode) DiffWRT(int) []bool { return []bool{true} }
func (o logDetNode) decode() op       { return logDetOp{o.opt} }

// SymDiff: Ȧ = ẏ A⁻ᵀ.
func (o logDetNode) SymDiff(in G.Nodes, _, g *G.Node) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	identity := make([]float64, o.n*o.n)
	for k := range o.n {
		identity[k*(o.n+1)] = 1
	}
	one := spreadOver(must(nodes.Tensor(in[0], identity, o.n, o.n)), in[0], []int{0})
	weight := spreadOver(reshaped(g, tensor.Shape{o.Shape[0]}), in[0], []int{1, 2})
	return G.Nodes{product(solved(in[0], one, o.opt, true), weight)}, nil
}

func (o logDetNode) Do(v ...G.Value) (G.Value, error) { return o.UsePreallocDo(o.New(v[0]), v...) }

func (o logDetNode) UsePreallocDo(y G.Value, v ...G.Value) (G.Value, error) {
	var fault error
	err := nodes.OnFloats(o.Name,
		func(d [][]float64) { fault = runLogDet(o, d[0], d[1]) },
		func(d [][]float32) { fault = runLogDet(o, d[0], d[1]) }, y, v[0])
	if err == nil {
		err = fault
	}
	return y, err
}

func runLogDet[T Float](o logDetNode, y, a []T) error {
	f := make([]T, factorSize(o.n))
	for i := range y {
		if err := factorise(f, a[i*o.n*o.n:][:o.n*o.n], o.n, o.opt, i); err != nil {
			return err
		}
		y[i] = logDet(f, o.n, o.opt.Factorisation)
	}
	return nil
}
