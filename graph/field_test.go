package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

var (
	_ odeint.Differentiable[float64] = (*Field[float64])(nil)
	_ odeint.Differentiable[float32] = (*Field[float32])(nil)
	_ odeint.Fallible                = (*Field[float64])(nil)
	_ CompiledField[float64]         = (*Field[float64])(nil)
)

// testMLP is in-hidden-out with biases and tanh, or with time as one more
// input.
type testMLP struct {
	in, hidden int
	timed      bool
}

type testLayer struct{ w1, b1, w2, b2 *G.Node }

type timedLayer struct{ testLayer }

func (m testMLP) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	weight := func(s string, rows, cols int) *G.Node {
		v := make([]float64, rows*cols)
		for i := range v {
			v[i] = r.NormFloat64() / math.Sqrt(float64(rows))
		}
		return G.NewMatrix(g, dt, G.WithShape(rows, cols), G.WithName(name+"/"+s), G.WithValue(toValue(dt, tensor.Shape{rows, cols}, v)))
	}
	in := m.in
	if m.timed {
		in++
	}
	l := testLayer{weight("W0", in, m.hidden), weight("b0", 1, m.hidden), weight("W1", m.hidden, m.in), weight("b1", 1, m.in)}
	if m.timed {
		return timedLayer{l}, nil
	}
	return l, nil
}

func (m testMLP) StateShape() []int { return []int{m.in} }

func (l testLayer) Learnables() G.Nodes { return G.Nodes{l.w1, l.b1, l.w2, l.b2} }

func (l testLayer) Fwd(x *G.Node) (n *G.Node, err error) {
	defer recoverInto(&err)
	h := must(G.Tanh(must(G.BroadcastAdd(must(G.Mul(x, l.w1)), l.b1, nil, []byte{0}))))
	return must(G.BroadcastAdd(must(G.Mul(h, l.w2)), l.b2, nil, []byte{0})), nil
}

func (l timedLayer) FwdAt(t, y *G.Node) (n *G.Node, err error) {
	defer recoverInto(&err)
	return l.Fwd(must(G.Concat(1, y, t)))
}

// mlp evaluates the field in plain Go.
func (m testMLP) eval(theta []float64, t float64, y []float64) []float64 {
	in := m.in
	if m.timed {
		in++
	}
	w1, rest := theta[:in*m.hidden], theta[in*m.hidden:]
	b1, rest := rest[:m.hidden], rest[m.hidden:]
	w2, b2 := rest[:m.hidden*m.in], rest[m.hidden*m.in:]
	var f []float64
	for row := 0; row < len(y); row += m.in {
		x := append(slices.Clone(y[row:row+m.in]), t)
		out := slices.Clone(b2)
		for j := range m.hidden {
			s := b1[j]
			for i := range in {
				s += x[i] * w1[i*m.hidden+j]
			}
			for k := range out {
				out[k] += math.Tanh(s) * w2[j*m.in+k]
			}
		}
		f = append(f, out...)
	}
	return f
}

func testField[T Float](t *testing.T, m testMLP, batch int, eps, slope float64) {
	f, err := NewField[T](m, batch, FieldConfig{Rand: rand.New(rand.NewPCG(7, 8))})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	n, p := f.Dim(), f.NumParams()
	y, lambda := make([]T, n), make([]T, n)
	for i := range y {
		y[i], lambda[i] = T(r.NormFloat64()), T(r.NormFloat64())
	}
	theta := widen(f.Params())
	const at = 0.75
	want := m.eval(theta, at, widen(y))
	nan := func(n int) []T {
		s := make([]T, n)
		for i := range s {
			s[i] = T(math.NaN())
		}
		return s
	}
	dydt := nan(n)
	f.Eval(dydt, at, y)
	if !near(widen(dydt), want, eps) {
		t.Errorf("Eval: %v, want %v", dydt, want)
	}

	// VJPs against central differences of the plain Go field.
	dot := func(theta, y []float64) float64 {
		s := 0.0
		for i, v := range m.eval(theta, at, y) {
			s += v * float64(lambda[i])
		}
		return s
	}
	differences := func(x []float64, f func() float64) []float64 {
		d := make([]float64, len(x))
		for i, v := range x {
			const h = 1e-5
			x[i] = v + h
			up := f()
			x[i] = v - h
			d[i] = (up - f()) / (2 * h)
			x[i] = v
		}
		return d
	}
	wy := widen(y)
	wantDy := differences(wy, func() float64 { return dot(theta, wy) })
	wantTheta := differences(theta, func() float64 { return dot(theta, wy) })

	for flags := range 4 {
		var out, dtheta []T
		if flags&1 != 0 {
			out = nan(n)
		}
		dy := nan(n)
		if flags&2 != 0 {
			dtheta = make([]T, p)
			for i := range dtheta {
				dtheta[i] = 1
			}
		}
		y0, lambda0 := slices.Clone(y), slices.Clone(lambda)
		f.VJP(out, dy, dtheta, at, y, lambda)
		if !slices.Equal(y, y0) || !slices.Equal(lambda, lambda0) {
			t.Error("VJP modified its inputs")
		}
		if out != nil && !slices.Equal(out, dydt) {
			t.Error("f differs between VJP and Eval")
		}
		if !near(widen(dy), wantDy, slope) {
			t.Errorf("dy: %v, want %v", dy, wantDy)
		}
		if dtheta != nil {
			got := widen(dtheta)
			for i := range got {
				got[i]--
			}
			if !near(got, wantTheta, slope) {
				t.Errorf("dtheta: %v, want %v", got, wantTheta)
			}
		}
	}

	dy, dtheta := nan(n), make([]T, p)
	if a := gradtest.Allocs(20, func() {
		f.Eval(dydt, at, y)
		f.VJP(nil, dy, dtheta, at, y, lambda)
		f.VJP(dydt, dy, nil, at, y, lambda)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}

	// Parameters are live, and a clone has its own.
	c := f.Clone()
	before := slices.Clone(dydt)
	f.Params()[0] += 0.5
	f.Eval(dydt, at, y)
	if slices.Equal(dydt, before) {
		t.Error("a change of Params had no effect")
	}
	c.Eval(dydt, at, y)
	if !slices.Equal(dydt, before) {
		t.Error("a change of Params reached a clone")
	}
}

func widen[T Float](x []T) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func TestField(t *testing.T) {
	for _, batch := range []int{1, 5, 130} {
		for _, timed := range []bool{false, true} {
			m := testMLP{in: 2, hidden: 9, timed: timed}
			name := fmt.Sprintf("batch %d, timed %v", batch, timed)
			// Central differences with h = 1e-5 are good to 1e-9 of values of order 1.
			t.Run(name+", float64", func(t *testing.T) { testField[float64](t, m, batch, 1e-14, 1e-9) })
			t.Run(name+", float32", func(t *testing.T) { testField[float32](t, m, batch, 2e-6, 2e-5) })
		}
	}
}

// brokenModule has the faults that NewField must report.
type brokenModule struct {
	testMLP
	fault string
}

type brokenLayer struct {
	testLayer
	fault string
}

func (m brokenModule) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	l, err := m.testMLP.Place(g, name, dt, r)
	if m.fault == "place" {
		return nil, errOdd
	}
	return brokenLayer{l.(testLayer), m.fault}, err
}

func (l brokenLayer) Fwd(x *G.Node) (*G.Node, error) {
	switch l.fault {
	case "error":
		return nil, errOdd
	case "panic":
		panic("ouch")
	case "shape":
		return G.Sum(x, 1)
	case "random":
		return G.Dropout(x, 0.5)
	case "not differentiable":
		return G.ApplyOp(oddOp{}, x)
	}
	return l.testLayer.Fwd(x)
}

func (l brokenLayer) Learnables() G.Nodes {
	if l.fault == "value" {
		return G.Nodes{G.NewMatrix(l.w1.Graph(), tensor.Float64, G.WithShape(2, 2), G.WithName("unset"))}
	}
	return append(l.testLayer.Learnables(), l.w1) // one listed twice
}

func TestNewFieldErrors(t *testing.T) {
	for _, fault := range []string{"place", "error", "panic", "shape", "random", "not differentiable", "value"} {
		m := brokenModule{testMLP{in: 2, hidden: 3}, fault}
		_, err := NewField[float64](m, 2, FieldConfig{})
		if err == nil || !strings.HasPrefix(err.Error(), "graph: ") {
			t.Errorf("%s: error %v", fault, err)
		}
		if (fault == "place" || fault == "error") && !errors.Is(err, errOdd) {
			t.Errorf("%s: error %v does not wrap the module's", fault, err)
		}
	}
	f, err := NewField[float64](brokenModule{testMLP: testMLP{in: 2, hidden: 3}}, 2, FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if n := f.NumParams(); n != 2*3+3+3*2+2 || len(f.Layout()) != 4 {
		t.Errorf("%d parameters in %v", n, f.Layout())
	}
	if _, err := NewField[float64](testMLP{in: 2, hidden: 3}, 0, FieldConfig{}); err == nil {
		t.Error("a batch of 0 was accepted")
	}
	var noShape struct{ Module }
	if _, err := NewField[float64](noShape, 1, FieldConfig{}); err == nil {
		t.Error("a module without a shape was accepted")
	}
}

// TestFieldShape: the state may have any shape, and the same seed gives the
// same parameters.
func TestFieldShape(t *testing.T) {
	a, err := NewField[float64](cubeModule{}, 3, FieldConfig{Shape: []int{2, 1, 4}})
	if err != nil {
		t.Fatal(err)
	}
	y, lambda := make([]float64, a.Dim()), make([]float64, a.Dim())
	for i := range y {
		y[i], lambda[i] = float64(i), 2
	}
	dydt, dy := make([]float64, a.Dim()), make([]float64, a.Dim())
	a.VJP(dydt, dy, nil, 0, y, lambda)
	for i, v := range y {
		if dydt[i] != v*v*v || dy[i] != 6*v*v {
			t.Errorf("component %d: f = %v, dy = %v", i, dydt[i], dy[i])
		}
	}
	if len(y) != 24 || a.NumParams() != 0 || !slices.Equal(a.Shape(), []int{3, 2, 1, 4}) {
		t.Errorf("%d components, %d parameters, shape %v", len(y), a.NumParams(), a.Shape())
	}
}

type cubeModule struct{}

func (cubeModule) Place(*G.ExprGraph, string, tensor.Dtype, *rand.Rand) (Layer, error) {
	return cubeModule{}, nil
}
func (cubeModule) Fwd(x *G.Node) (*G.Node, error) { return G.Cube(x) }
func (cubeModule) Learnables() G.Nodes            { return nil }

// TestFieldFailure: an op that fails at run time fills the destinations with
// NaN and is reported by Err, once.
func TestFieldFailure(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{1, 2})
	p, err := compile[float64](spec{
		inputs:  G.Nodes{x, variable(g, tensor.Float64, "lambda", tensor.Shape{1, 2})},
		outputs: G.Nodes{ok(G.ApplyOp(oddOp{"error"}, x)), ok(G.Neg(x))},
		groups:  []uint{groupValue, groupState},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewField[float64](cubeModule{}, 1, FieldConfig{Shape: []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	f.Function = newFunction(f.family, &compiled[float64]{in: []int{1, 2}, out: []int{1, 2}, value: p}, nil, 1)
	dydt, dy := []float64{1, 2}, []float64{3, 4}
	f.Eval(dydt, 0, []float64{1, 2})
	if !math.IsNaN(dydt[0]) || !math.IsNaN(dydt[1]) {
		t.Errorf("Eval left %v", dydt)
	}
	f.VJP(dydt, dy, nil, 0, []float64{1, 2}, []float64{1, 2})
	if !math.IsNaN(dy[0]) || !math.IsNaN(dy[1]) {
		t.Errorf("VJP left %v", dy)
	}
	if err := f.Err(); !errors.Is(err, errOdd) {
		t.Errorf("Err is %v", err)
	}
	if err := f.Err(); err != nil {
		t.Errorf("the second Err is %v", err)
	}
}
