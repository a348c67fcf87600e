package graph

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/gradtest"
)

// headModule is the first out columns of a testMLP, or their sum for out 0.
type headModule struct {
	testMLP
	out int
}

type headLayer struct {
	Layer
	out int
}

type timedHead struct{ headLayer }

func (m headModule) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	l, err := m.testMLP.Place(g, name, dt, r)
	if m.timed {
		return timedHead{headLayer{l, m.out}}, err
	}
	return headLayer{l, m.out}, err
}

func (l headLayer) head(x *G.Node, err error) (*G.Node, error) {
	switch {
	case err != nil:
		return nil, err
	case l.out == 0:
		return G.Sum(x)
	}
	return Part(x, 1, 0, l.out)
}

func (l headLayer) Fwd(x *G.Node) (*G.Node, error) { return l.head(l.Layer.Fwd(x)) }
func (l timedHead) FwdAt(t, x *G.Node) (*G.Node, error) {
	return l.head(l.Layer.(timedLayer).FwdAt(t, x))
}

// eval is the function in plain Go.
func (m headModule) eval(theta []float64, t float64, x []float64) (y []float64) {
	all := m.testMLP.eval(theta, t, x)
	if m.out == 0 {
		s := 0.0
		for _, v := range all {
			s += v
		}
		return []float64{s}
	}
	for i := 0; i < len(all); i += m.in {
		y = append(y, all[i:i+m.out]...)
	}
	return y
}

func TestFunction(t *testing.T) {
	for _, timed := range []bool{false, true} {
		for _, out := range []int{0, 1, 2} {
			m := headModule{testMLP{in: 3, hidden: 7, timed: timed}, out}
			// Central differences with h = 1e-5 are good to 1e-9 of values of order 1.
			testFunction[float64](t, m, 4, 1e-13, 1e-9)
			testFunction[float32](t, m, 4, 5e-6, 5e-5)
		}
	}
}

func testFunction[T Float](t *testing.T, m headModule, batch int, eps, slope float64) {
	f, err := NewFunction[T](m, batch, FieldConfig{Rand: rand.New(rand.NewPCG(7, 8))})
	if err != nil {
		t.Fatal(err)
	}
	wantOut := []int{batch, m.out}
	if m.out == 0 {
		wantOut = nil
	}
	if !slices.Equal(f.InShape(), []int{batch, 3}) || !slices.Equal(f.OutShape(), wantOut) || f.InDim() != batch*3 || f.OutDim() != max(batch*m.out, 1) || f.Batch() != batch {
		t.Errorf("shapes %v and %v", f.InShape(), f.OutShape())
	}
	r := rand.New(rand.NewPCG(3, 4))
	normal := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(r.NormFloat64())
		}
		return x
	}
	const at = 0.75
	x, lambda := normal(f.InDim()), normal(f.OutDim())
	v, w := normal(f.InDim()), normal(f.NumParams())
	wide := func(hv, hw float64) []float64 {
		wx, theta := widen(x), widen(f.Params())
		for i := range wx {
			wx[i] += hv * float64(v[i])
		}
		for i := range theta {
			theta[i] += hw * float64(w[i])
		}
		return m.eval(theta, at, wx)
	}
	differences := func(a, b float64) []float64 {
		const h = 1e-5
		up, down := wide(h*a, h*b), wide(-h*a, -h*b)
		for i := range up {
			up[i] = (up[i] - down[i]) / (2 * h)
		}
		return up
	}
	y := nans[T](f.OutDim())
	f.Eval(y, at, x)
	if !near(widen(y), wide(0, 0), eps) {
		t.Errorf("Eval: %v, want %v", y, wide(0, 0))
	}

	// Every choice of tangents, with and without y.
	dx, dtheta := make([]T, f.InDim()), make([]T, f.NumParams())
	f.VJP(nil, dx, dtheta, at, x, lambda)
	for flags := 1; flags < 4; flags++ {
		var tv, tw []T
		a, b, pulled := 0.0, 0.0, 0.0
		if flags&1 != 0 {
			tv, a = v, 1
			pulled += dot(widen(dx), widen(v))
		}
		if flags&2 != 0 {
			tw, b = w, 1
			pulled += dot(widen(dtheta), widen(w))
		}
		got, again := nans[T](f.OutDim()), nans[T](f.OutDim())
		f.JVP(nil, got, at, x, tv, tw)
		if want := differences(a, b); !near(widen(got), want, slope) {
			t.Errorf("JVP along %d: %v, want %v", flags, got, want)
		}
		if p := dot(widen(got), widen(lambda)); math.Abs(p-pulled) > 30*eps*(1+math.Abs(p)) {
			t.Errorf("JVP along %d: ⟨λ, Jv⟩ = %v, ⟨Jᵀλ, v⟩ = %v", flags, p, pulled)
		}
		value := nans[T](f.OutDim())
		f.JVP(value, again, at, x, tv, tw)
		if !slices.Equal(again, got) || !slices.Equal(value, y) {
			t.Errorf("JVP along %d with y: %v and %v, want %v and %v", flags, again, value, got, y)
		}
	}

	// Every choice of what a VJP is asked for.
	for flags := range 8 {
		var gy, gx, gtheta []T
		if flags&1 != 0 {
			gy = nans[T](len(y))
		}
		if flags&2 != 0 {
			gx = nans[T](len(x))
		}
		if flags&4 != 0 {
			gtheta = slices.Clone(dtheta)
		}
		f.VJP(gy, gx, gtheta, at, x, lambda)
		if gy != nil && !slices.Equal(gy, y) || gx != nil && !slices.Equal(gx, dx) {
			t.Errorf("VJP asked for %03b: %v, %v", flags, gy, gx)
		}
		for i := range gtheta {
			if math.Abs(float64(gtheta[i]-2*dtheta[i])) > eps*10 {
				t.Errorf("VJP asked for %03b: dθ[%d] = %v, want twice %v", flags, i, gtheta[i], dtheta[i])
				break
			}
		}
	}
	if a := gradtest.Allocs(10, func() {
		f.Eval(y, at, x)
		f.VJP(y, dx, nil, at, x, lambda)
		f.VJP(nil, nil, dtheta, at, x, lambda)
		f.JVP(nil, y, at, x, v, nil)
		f.JVP(nil, y, at, x, v, w)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}
}

func nans[T Float](n int) []T {
	x := make([]T, n)
	fillNaN(x)
	return x
}

// TestFunctionSkipsWhatIsNotAsked: a product of which one half is asked for runs
// fewer instructions than one of which both are.
func TestFunctionSkipsWhatIsNotAsked(t *testing.T) {
	f, err := NewFunction[float64](headModule{testMLP{in: 3, hidden: 7}, 2}, 1, FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	count := func(wanted uint64) (n int) {
		for _, needs := range f.code.value.whole.needs {
			if needs&wanted != 0 {
				n++
			}
		}
		return n
	}
	y, dx, dtheta := 1<<groupValue, 1<<groupState, 1<<groupParams
	all := count(uint64(y | dx | dtheta))
	for _, wanted := range []int{y, dx, dtheta, dx | dtheta} {
		if n := count(uint64(wanted)); n >= all || n == 0 {
			t.Errorf("%03b runs %d of %d instructions", wanted, n, all)
		}
	}
}

func TestWithBatch(t *testing.T) {
	t.Run("float64", testWithBatch[float64])
	t.Run("float32", testWithBatch[float32])
}

func testWithBatch[T Float](t *testing.T) {
	m := testMLP{in: 2, hidden: 5, timed: true}
	many, err := NewField[T](m, 6, FieldConfig{Rand: rand.New(rand.NewPCG(5, 6))})
	if err != nil {
		t.Fatal(err)
	}
	one, err := many.WithBatch(1)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	y, lambda := make([]T, 12), make([]T, 12)
	for i := range y {
		y[i], lambda[i] = T(r.NormFloat64()), T(r.NormFloat64())
	}
	many.Params()[3] = 0.25 // reaches both
	want, wantDy, wantTheta := make([]T, 12), make([]T, 12), make([]T, many.NumParams())
	many.VJP(want, wantDy, wantTheta, 0.5, y, lambda)
	got, dy, dtheta := make([]T, 12), make([]T, 12), make([]T, one.NumParams())
	for i := 0; i < 12; i += 2 {
		one.VJP(got[i:i+2], dy[i:i+2], dtheta, 0.5, y[i:i+2], lambda[i:i+2])
	}
	eps := 1e-14
	if dtypeOf[T]() == tensor.Float32 {
		eps = 2e-6
	}
	if !near(widen(got), widen(want), eps) || !near(widen(dy), widen(wantDy), eps) || !near(widen(dtheta), widen(wantTheta), 10*eps) {
		t.Errorf("row by row %v, %v, %v; at once %v, %v, %v", got, dy, dtheta, want, wantDy, wantTheta)
	}
	if one.Dim() != 2 || one.SampleDim() != 2 || many.SampleDim() != 2 {
		t.Errorf("dimensions %d, %d, %d", one.Dim(), one.SampleDim(), many.SampleDim())
	}
	// The size is compiled once, for clones too, whose θ is their own.
	again, err := many.Clone().WithBatch(1)
	if err != nil {
		t.Fatal(err)
	}
	if again.code != one.code {
		t.Error("a batch size was compiled twice")
	}
	one.Params()[0]++
	if again.Params()[0] == many.Params()[0] || one.Params()[0] != many.Params()[0] {
		t.Error("θ is not shared, or is shared with a clone's")
	}
	if _, err := many.WithBatch(0); !errors.Is(err, ErrShape) {
		t.Errorf("a batch of 0: %v", err)
	}
	var c CompiledField[T] = many
	if c, err = c.FieldWithBatch(3); err != nil || c.Dim() != 6 {
		t.Errorf("FieldWithBatch: %v, %v", c, err)
	}
}

// TestRebind: two functions as parts of one θ.
func TestRebind(t *testing.T) {
	m := testMLP{in: 2, hidden: 3}
	f, err := NewField[float64](m, 1, FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	g := f.Clone()
	n := f.NumParams()
	theta := make([]float64, 2*n)
	f.Rebind(theta[:n])
	g.Rebind(theta[n:])
	y, a, b := []float64{1, 2}, make([]float64, 2), make([]float64, 2)
	f.Eval(a, 0, y)
	g.Eval(b, 0, y)
	if !slices.Equal(a, b) || !slices.Equal(theta[:n], theta[n:]) || theta[0] == 0 {
		t.Errorf("%v and %v, θ %v", a, b, theta)
	}
	theta[n] += 1
	g.Eval(b, 0, y)
	if slices.Equal(a, b) {
		t.Error("a change of θ had no effect")
	}
}

// TestHugeShapes: shapes that no array can have are refused before anything is
// allocated.
func TestHugeShapes(t *testing.T) {
	for _, c := range []struct {
		shape []int
		batch int
	}{
		{[]int{-2, -3}, 1},
		{[]int{2, 0}, 1},
		{[]int{2, 3}, 0},
		{[]int{2, 3}, -1},
		{[]int{math.MaxInt, math.MaxInt}, 1},
		{[]int{2}, math.MaxInt/2 + 1},
		{[]int{1 << 16, 1 << 15}, 1},
		{[]int{2}, math.MaxInt},
	} {
		var size *SizeError
		if _, err := NewField[float64](cubeModule{}, c.batch, FieldConfig{Shape: c.shape}); !errors.As(err, &size) || !errors.Is(err, ErrShape) {
			t.Errorf("shape %v, batch %d: %v", c.shape, c.batch, err)
		}
	}
	f, err := NewField[float32](cubeModule{}, 2, FieldConfig{Shape: []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WithBatch(math.MaxInt); !errors.Is(err, ErrShape) {
		t.Errorf("WithBatch: %v", err)
	}
}

// nothingModule leaves out what a layer must give.
type nothingModule struct{ fault string }

func (m nothingModule) Place(*G.ExprGraph, string, tensor.Dtype, *rand.Rand) (Layer, error) {
	if m.fault == "layer" {
		return nil, nil
	}
	return m, nil
}

func (m nothingModule) Fwd(x *G.Node) (*G.Node, error) {
	switch m.fault {
	case "node":
		return nil, nil
	case "graph":
		return variable(G.NewGraph(), x.Dtype(), "elsewhere", x.Shape()), nil
	}
	return G.Cube(x)
}

func (m nothingModule) Learnables() G.Nodes {
	if m.fault == "learnable" {
		return G.Nodes{nil}
	}
	return nil
}

// constantModule computes with constants alone, which Gorgonia cannot.
type constantModule struct {
	cubeModule
	must bool
}

func (m constantModule) Place(*G.ExprGraph, string, tensor.Dtype, *rand.Rand) (Layer, error) {
	return m, nil
}

func (m constantModule) Fwd(x *G.Node) (*G.Node, error) {
	one, two := G.NewConstant(1.0, G.WithName("one")), G.NewConstant(2.0, G.WithName("two"))
	if m.must {
		return G.Add(x, G.Must(G.Add(one, two)))
	}
	three, err := G.Add(one, two)
	if err != nil {
		return nil, err
	}
	return G.Add(x, three)
}

func TestConstantsAlone(t *testing.T) {
	for _, must := range []bool{false, true} {
		_, err := NewFunction[float64](constantModule{must: must}, 1, FieldConfig{Shape: []int{2}})
		if err == nil || !strings.Contains(err.Error(), "layers.Const") || !strings.Contains(err.Error(), "constantModule") ||
			must && !strings.Contains(err.Error(), "function_test.go:") {
			t.Errorf("must %v: %v", must, err)
		}
	}
}

func TestModulesThatGiveNothing(t *testing.T) {
	for _, fault := range []string{"layer", "node", "graph", "learnable"} {
		if _, err := NewFunction[float64](nothingModule{fault: fault}, 1, FieldConfig{Shape: []int{2}}); err == nil {
			t.Errorf("%s: no error", fault)
		}
	}
}
