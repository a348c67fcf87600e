package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/internal/nodes"
)

// shifted adds d to the diagonals of matrices (batch, n, n).
func shifted(x *G.Node, d float64) *G.Node {
	s := x.Shape()
	values := make([]float64, s.TotalSize())
	for i := range values {
		if r := i % (s[1] * s[1]); r%(s[1]+1) == 0 {
			values[i] = d
		}
	}
	return plus(x, ok(nodes.Tensor(x, values, s...)))
}

// definite is x xᵀ + 1.
func definite(x *G.Node) *G.Node {
	return shifted(ok(G.BatchedMatMul(x, ok(G.Transpose(x, 0, 2, 1)))), 1)
}

// solveCases are well-conditioned: element by element their matrices differ from 2, or
// from a multiple of it, by less than the rest of a row.
func solveCases() []opCase {
	lu := func(name string, opt SolveOptions, diagonal float64, a, b caseInput) opCase {
		return opCase{name: name, order: 3, inputs: []caseInput{a, b}, build: func(x G.Nodes) *G.Node {
			return ok(Solve(shifted(tanh(x[0]), diagonal), tanh(x[1]), opt))
		}}
	}
	cholesky := SolveOptions{Factorisation: Cholesky}
	return []opCase{
		lu("solve", SolveOptions{}, 2.5, in(2, 3, 3), in(2, 3, 2)),
		lu("solve, rows exchanged", SolveOptions{}, -0.6, in(1, 2, 2), in(1, 2, 1)),
		lu("solve 1×1", SolveOptions{}, 2, in(3, 1, 1), in(3, 1, 1)),
		lu("solve vectors, ridge", SolveOptions{Ridge: 1}, 2, in(2, 3, 3), in(2, 3)),
		lu("solve symmetric part", cholesky, 3, in(2, 3, 3), in(2, 3, 1)),
		{name: "solve definite", order: 3, inputs: []caseInput{in(2, 2, 2), in(2, 2)}, build: func(x G.Nodes) *G.Node {
			return ok(Solve(definite(x[0]), x[1], cholesky))
		}},
		{name: "log det", order: 3, inputs: []caseInput{in(2, 3, 3)}, build: func(x G.Nodes) *G.Node {
			return ok(LogDet(shifted(x[0], -2.5), SolveOptions{}))
		}},
		{name: "log det definite", order: 3, inputs: []caseInput{in(2, 2, 2)}, build: func(x G.Nodes) *G.Node {
			return ok(LogDet(definite(x[0]), cholesky))
		}},
		{name: "solve with its own determinant", order: 2, inputs: []caseInput{in(2, 3, 3), in(2, 3)}, build: func(x G.Nodes) *G.Node {
			a := shifted(x[0], 3)
			return times(ok(Solve(a, x[1], SolveOptions{})), ok(G.Concat(1, ok(LogDet(a, SolveOptions{})), ok(LogDet(a, SolveOptions{})), ok(LogDet(a, SolveOptions{})))))
		}},
	}
}

// TestSolveSizes holds solutions and determinants of random systems of up to 40 equations
// against gonum's.
func TestSolveSizes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 5, 8, 17, 40} {
		for _, opt := range []SolveOptions{{}, {Factorisation: Cholesky}, {Ridge: 0.5}} {
			const batch, m = 3, 2
			g := G.NewGraph()
			a := variable(g, tensor.Float64, "a", tensor.Shape{batch, n, n})
			b := variable(g, tensor.Float64, "b", tensor.Shape{batch, n, m})
			x, y := ok(Solve(a, b, opt)), ok(LogDet(a, opt))
			va, vb := randomVector(r, batch*n*n), randomVector(r, batch*n*m)
			var wantX, wantY []float64
			for i := range batch {
				ai := mat.NewDense(n, n, va[i*n*n:(i+1)*n*n])
				if opt.Factorisation == Cholesky {
					var spd mat.Dense
					spd.Mul(ai, ai.T())
					ai.Copy(&spd)
					for k := range n {
						ai.Set(k, k, ai.At(k, k)+1)
					}
				}
				ridged := mat.DenseCopyOf(ai)
				for k := range n {
					ridged.Set(k, k, ridged.At(k, k)+opt.Ridge)
				}
				var xi mat.Dense
				if err := xi.Solve(ridged, mat.NewDense(n, m, vb[i*n*m:(i+1)*n*m])); err != nil {
					t.Fatal(err)
				}
				wantX = append(wantX, xi.RawMatrix().Data...)
				logDet, _ := mat.LogDet(ridged)
				wantY = append(wantY, logDet)
			}
			// Random matrices of this size have condition numbers up to some 1e4.
			for name, got := range map[string][][]float64{
				"compiled": runCompiled[float64](t, G.Nodes{a, b}, G.Nodes{x, y}, [][]float64{va, vb}),
				"machine":  evaluateNodes(t, G.Nodes{x, y}, G.Nodes{a, b}, va, vb),
			} {
				if !near(got[0], wantX, 1e-10) || !near(got[1], wantY, 1e-11) {
					t.Errorf("%s, n = %d, %+v: %v and %v, want %v and %v", name, n, opt, got[0], got[1], wantX, wantY)
				}
			}
		}
	}
}

func evaluateNodes(t *testing.T, outputs, inputs G.Nodes, values ...[]float64) [][]float64 {
	t.Helper()
	return newReference(outputs).run(t, inputs, values)
}

// solveModule is dy/dt = A⁻¹y with A = y yᵀ + |y|², singular for a sample that is 0.
type solveModule struct{ cubeModule }

func (solveModule) Place(*G.ExprGraph, string, tensor.Dtype, *rand.Rand) (Layer, error) {
	return solveModule{}, nil
}

func (solveModule) Fwd(y *G.Node) (n *G.Node, err error) {
	defer recoverInto(&err)
	s := y.Shape()
	col, row := reshaped(y, tensor.Shape{s[0], s[1], 1}), reshaped(y, tensor.Shape{s[0], 1, s[1]})
	outer := must(G.BatchedMatMul(col, row)) // y yᵀ, of rank 1
	weight := spreadOver(reshaped(must(G.Sum(must(G.Square(y)), 1)), tensor.Shape{s[0]}), outer, []int{1, 2})
	one := make([]float64, s[1]*s[1])
	for i := range s[1] {
		one[i*(s[1]+1)] = 1
	}
	eye := spreadOver(must(nodes.Tensor(y, one, s[1], s[1])), outer, []int{0})
	return Solve(must(G.Add(outer, product(weight, eye))), y, SolveOptions{})
}

// TestSolveInBlocks: rows do not depend on each other, errors count the samples of the
// whole batch, and nothing is allocated. A = y yᵀ + |y|² has A⁻¹y = y/(2|y|²).
func TestSolveInBlocks(t *testing.T) {
	const batch, n = 70, 3
	f, err := NewField[float64](solveModule{}, batch, FieldConfig{Shape: []int{n}})
	if err != nil {
		t.Fatal(err)
	}
	if f.code.value.blocked == nil {
		t.Error("the program does not run by blocks of rows")
	}
	r := rand.New(rand.NewPCG(2, 3))
	y, dydt, dy := randomVector(r, batch*n), make([]float64, batch*n), make([]float64, batch*n)
	f.Eval(dydt, 0, y)
	for i := 0; i < len(y); i += n {
		s := dot(y[i:i+n], y[i:i+n])
		for k := range n {
			if want := y[i+k] / (2 * s); math.Abs(dydt[i+k]-want) > 1e-13*(1+math.Abs(want)) {
				t.Fatalf("sample %d: %v, want %v", i/n, dydt[i+k], want)
			}
		}
	}
	if a := gradtest.Allocs(10, func() { f.VJP(dydt, dy, nil, 0, y, y) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	clear(y[41*n : 42*n])
	clear(y[69*n:])
	f.Eval(dydt, 0, y)
	var singular *SingularError
	if err := f.Err(); !errors.As(err, &singular) || singular.Sample != 41 || !math.IsInf(singular.Condition, 1) || !math.IsNaN(dydt[0]) {
		t.Errorf("a zero matrix: %v", err)
	}
}

func TestSingular(t *testing.T) {
	for _, c := range []struct {
		name     string
		kind     Factorisation
		a        []float64
		singular bool
		at       float64 // least condition number reported
	}{
		{"regular", LU, []float64{1, 2, 3, 4}, false, 0},
		{"zero", LU, []float64{0, 0, 0, 0}, true, math.Inf(1)},
		{"of rank 1", LU, []float64{1, 2, 2, 4}, true, math.Inf(1)},
		{"to rounding", LU, []float64{1, 2, 2, 4 + 1e-15}, true, 1e16},
		{"ill, not singular", LU, []float64{1, 2, 2, 4 + 1e-13}, false, 0},
		{"badly scaled rows", LU, []float64{1, 0, 0, 1e-12}, false, 0},
		{"definite", Cholesky, []float64{2, 1, 1, 2}, false, 0},
		{"indefinite", Cholesky, []float64{1, 2, 2, 1}, true, math.Inf(1)},
		{"semidefinite", Cholesky, []float64{1, 2, 2, 4}, true, 1e15},
	} {
		g := G.NewGraph()
		a := variable(g, tensor.Float64, "a", tensor.Shape{2, 2, 2})
		b := variable(g, tensor.Float64, "b", tensor.Shape{2, 2})
		x := ok(Solve(a, b, SolveOptions{Factorisation: c.kind}))
		p, err := Compile[float64](G.Nodes{a, b}, G.Nodes{x})
		if err != nil {
			t.Fatal(err)
		}
		src := [][]float64{append([]float64{2, 0, 0, 2}, c.a...), {1, 2, 3, 4}}
		err = p.NewInstance().Run([][]float64{make([]float64, 4)}, src)
		var e *SingularError
		if errors.As(err, &e) != c.singular || c.singular && (e.Sample != 1 || !(e.Condition >= c.at) || e.Node == "" || e.Factorisation != c.kind) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.singular {
			x = ok(Solve(a, b, SolveOptions{Factorisation: c.kind, Ridge: 4}))
			p, err := Compile[float64](G.Nodes{a, b}, G.Nodes{x})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.NewInstance().Run([][]float64{make([]float64, 4)}, src); err != nil {
				t.Errorf("%s with a ridge: %v", c.name, err)
			}
		}
	}
}

// TestSharedFactors: a solution and its derivatives factorise a matrix once.
func TestSharedFactors(t *testing.T) {
	g := G.NewGraph()
	a := variable(g, tensor.Float64, "a", tensor.Shape{2, 3, 3})
	b := variable(g, tensor.Float64, "b", tensor.Shape{2, 3})
	x := ok(Solve(a, b, SolveOptions{}))
	d, err := Grad(sumAll(ok(G.Square(x))), a, b)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile[float64](G.Nodes{a, b}, append(G.Nodes{x, ok(LogDet(a, SolveOptions{}))}, d...))
	if err != nil {
		t.Fatal(err)
	}
	factorisations := 0
	for _, in := range p.whole.instructions {
		if _, is := in.(*factoring[float64]); is {
			factorisations++
		}
	}
	if factorisations != 1 {
		t.Errorf("%d factorisations", factorisations)
	}
}

func TestSolveArguments(t *testing.T) {
	g := G.NewGraph()
	v := func(name string, shape ...int) *G.Node { return variable(g, tensor.Float64, name, tensor.Shape(shape)) }
	a := v("a", 2, 3, 3)
	for i, b := range []*G.Node{v("b", 2, 2), v("c", 3, 3), v("d", 3), v("e", 2, 4, 1), v("f", 2, 3, 1, 1)} {
		if _, err := Solve(a, b, SolveOptions{}); !errors.Is(err, ErrShape) {
			t.Errorf("right-hand side %d: %v", i, err)
		}
	}
	for i, a := range []*G.Node{v("h", 2, 3), v("i", 2, 3, 2), v("j", 9)} {
		if _, err := Solve(a, v(fmt.Sprint("k", i), 2, 3), SolveOptions{}); !errors.Is(err, ErrShape) {
			t.Errorf("matrices %d: %v", i, err)
		}
		if _, err := LogDet(a, SolveOptions{}); !errors.Is(err, ErrShape) {
			t.Errorf("LogDet of matrices %d: %v", i, err)
		}
	}
	for _, opt := range []SolveOptions{{Factorisation: 7}, {Ridge: -1}, {Ridge: math.NaN()}, {Ridge: math.Inf(1)}} {
		if _, err := Solve(a, v(fmt.Sprint("l", opt), 2, 3), opt); err == nil {
			t.Errorf("%+v: no error", opt)
		}
	}
}
