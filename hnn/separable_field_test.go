package hnn_test

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

var (
	_ adjoint.Separable[float64]     = (*hnn.SeparableField[float64])(nil)
	_ odeint.Differentiable[float32] = (*hnn.SeparableField[float32])(nil)
	_ odeint.Fallible                = (*hnn.SeparableField[float64])(nil)
)

func separable() hnn.Separable {
	return hnn.Separable{
		T: hnn.Kinetic{Masses: []float64{2, .5}, Learn: true},
		V: hnn.Sum{layers.MLP{In: 2, Hidden: []int{5}, Out: 1, BiasInit: layers.Uniform(-1, 1)}, quartic(true)},
	}
}

// TestSeparableField compares the two halves with the field of the whole energy.
func TestSeparableField(t *testing.T) {
	t.Run("float64", func(t *testing.T) { separableField[float64](t, 1e-14, 1e-3, 1e-9) })
	t.Run("float32", func(t *testing.T) { separableField[float32](t, 1e-5, 1./32, 5e-3) })
}

func separableField[T hnn.Float](t *testing.T, tol, h, tolVJP float64) {
	const batch, n, at = 3, 2, .4
	cfg := func() graph.FieldConfig { return graph.FieldConfig{Name: "f", Rand: rng(6)} }
	f, err := hnn.NewSeparable[T](separable(), batch, cfg())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := graph.NewField[T](hnn.Field{H: separable()}, batch, cfg())
	if err != nil {
		t.Fatal(err)
	}
	if f.Dim() != batch*2*n || f.SampleDim() != 2*n || f.NumParams() != whole.NumParams() {
		t.Fatalf("Dim %d, SampleDim %d, NumParams %d", f.Dim(), f.SampleDim(), f.NumParams())
	}
	for i, p := range whole.Layout() {
		if got := f.Layout()[i]; got.Name != p.Name || got.Offset != p.Offset {
			t.Errorf("learnable %d is %+v, in the whole field %+v", i, got, p)
		}
	}
	gradtest.Close(t, "initial parameters", f.Params(), whole.Params(), 0)

	r := rng(2)
	y, lambda := normal[T](r, f.Dim(), 1), normal[T](r, f.Dim(), 1)
	want, got := make([]T, f.Dim()), gradtest.NaNs[T](f.Dim())
	whole.Eval(want, at, y)
	f.Eval(got, at, y)
	gradtest.Close(t, "Eval", got, want, tol)
	wantY, wantTheta := make([]T, f.Dim()), make([]T, f.NumParams())
	gotY, gotTheta := gradtest.NaNs[T](f.Dim()), make([]T, f.NumParams())
	whole.VJP(nil, wantY, wantTheta, at, y, lambda)
	f.VJP(nil, gotY, gotTheta, at, y, lambda)
	gradtest.Close(t, "VJP dy", gotY, wantY, 10*tol)
	gradtest.Close(t, "VJP dθ", gotTheta, wantTheta, 10*tol)
	gradtest.VJP(t, f, f.Params(), at, y, r, h, tolVJP)

	// The halves by themselves.
	var q, p, lq, lp []T
	for b := range batch {
		row := y[b*2*n:]
		q, p = append(q, row[:n]...), append(p, row[n:2*n]...)
		row = lambda[b*2*n:]
		lq, lp = append(lq, row[:n]...), append(lp, row[n:2*n]...)
	}
	dq, dp := gradtest.NaNs[T](batch*n), gradtest.NaNs[T](batch*n)
	f.Drift(dq, at, p)
	f.Kick(dp, at, q)
	ddq, ddp := gradtest.NaNs[T](batch*n), gradtest.NaNs[T](batch*n)
	xq, xp := gradtest.NaNs[T](batch*n), gradtest.NaNs[T](batch*n)
	theta := make([]T, f.NumParams())
	f.DriftVJP(ddq, xp, theta, at, p, lq)
	f.KickVJP(ddp, xq, theta, at, q, lp)
	for b := range batch {
		for i := range n {
			k, j := b*2*n+i, b*n+i
			pairs := [][2]T{{dq[j], want[k]}, {dp[j], want[k+n]}, {ddq[j], want[k]}, {ddp[j], want[k+n]}, {xq[j], wantY[k]}, {xp[j], wantY[k+n]}}
			for m, v := range pairs {
				if math.Abs(float64(v[0]-v[1])) > 20*tol {
					t.Errorf("half %d, row %d, component %d: %v, want %v", m, b, i, v[0], v[1])
				}
			}
		}
	}
	gradtest.Close(t, "dθ of the halves", theta, wantTheta, 10*tol)

	c := f.Clone()
	for i := range c.Params() {
		c.Params()[i] = 0
	}
	c.Eval(gotY, at, y)
	f.Eval(got, at, y)
	gradtest.Close(t, "Eval after a clone changed", got, want, tol)
	if gradtest.RelErr(gotY, want) < 1e-3 {
		t.Error("a clone does not read its own parameters")
	}

	for name, run := range map[string]func(){
		"Drift":    func() { f.Drift(dq, at, p) },
		"Kick":     func() { f.Kick(dp, at, q) },
		"Eval":     func() { f.Eval(got, at, y) },
		"VJP":      func() { f.VJP(got, gotY, theta, at, y, lambda) },
		"DriftVJP": func() { f.DriftVJP(nil, xp, theta, at, p, lq) },
		"KickVJP":  func() { f.KickVJP(nil, xq, nil, at, q, lp) },
	} {
		if n := gradtest.Allocs(10, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
