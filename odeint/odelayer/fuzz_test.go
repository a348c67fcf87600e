package odelayer_test

import (
	"context"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// Any configuration is refused with an error, or gives a layer whose runs with gradient end
// in numbers or in an error. The seeds cover both machines, both widths, all gradients and
// families of methods, times in both directions and times that are none.
func FuzzLayer(f *testing.F) {
	times := func(v ...float64) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		return b
	}
	f.Add(1, 2, byte(0), byte(0), 0.1, 1.0, times(0, 0.5, 1))
	f.Add(2, 2, byte(1), byte(5), 0.3, -1.0, times(3, 2, 0))
	f.Add(3, 1, byte(6), byte(10), 1e-3, 1e30, times(0, 1e-300))
	f.Add(1, 2, byte(15), byte(3), 0.5, 1e-3, times(0.1, 0.1))
	f.Add(1, 2, byte(7), byte(8), 0.0, 2.0, times(math.Inf(1), 3))
	f.Add(1<<40, 1<<30, byte(4), byte(1), 0.1, 1.0, times(0, 1))
	f.Add(-1, 0, byte(9), byte(2), 0.1, 1.0, times())
	f.Add(2, 2, byte(28), byte(1), 0.25, 0.5, times(0, 1, 1+0x1p-52))
	f.Fuzz(func(t *testing.T, batch, width int, flags, choice byte, h0, size float64, data []byte) {
		if width > 16 && width < 1<<20 || batch > 16 && batch < 1<<20 {
			return // slow and nothing new
		}
		var saved []float64
		for i := 0; i+8 <= len(data) && i < 8*6; i += 8 {
			saved = append(saved, math.Float64frombits(binary.LittleEndian.Uint64(data[i:])))
		}
		methods := []odeint.Method{nil, odeint.RK4, odeint.Dop853, odeint.GaussLegendre4, odeint.GaussLegendre4.With(odeint.Newton{})}
		adjoints := []adjoint.Method{nil, adjoint.Interpolating{}, adjoint.Backsolve{}}
		dt := tensor.Float64
		if flags&1 != 0 {
			dt = tensor.Float32
		}
		cfg := odelayer.Config{
			Batch: batch, Times: saved, Final: flags&2 != 0, Dtype: dt, Shared: flags&4 != 0,
			Solve:   odeint.Options{Method: methods[int(choice)%len(methods)], H0: h0, MaxSteps: 200},
			Adjoint: adjoints[int(choice)/len(methods)%len(adjoints)],
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cfg.Context = ctx
		if flags&8 != 0 {
			cancel()
		}
		g := G.NewGraph()
		ode, err := odelayer.New(g, "ode", layers.MLP{In: width, Hidden: []int{2}, Out: width}, cfg)
		if err != nil {
			return
		}
		u0 := input(g, "u0", dt, 0, batch, width)
		switch v := u0.Value().Data().(type) {
		case []float64:
			v[0] = size
		case []float32:
			v[0] = float32(size)
		}
		params := ode.Learnables()
		if cfg.Shared {
			for _, p := range ode.Params() {
				params = append(params, input(g, "given "+p.Name, dt, 1, p.Shape...))
			}
		}
		u, err := ode.FwdWith(u0, params...)
		if err != nil {
			t.Fatal(err)
		}
		loss := must(t)(G.Sum(u))
		wrt := append(G.Nodes{u0}, params...)
		grads, err := G.Grad(loss, wrt...)
		if err != nil {
			t.Fatal(err)
		}
		read := make([]G.Value, len(grads)+1)
		for i, n := range append(G.Nodes{u}, grads...) {
			G.Read(n, &read[i])
		}
		vm := G.NewTapeMachine(g)
		defer vm.Close()
		if err := vm.RunAll(); err != nil {
			if odelayer.Cause(err) == nil || strings.Contains(err.Error(), "panic") {
				t.Fatalf("%v", err)
			}
			return
		}
		if flags&8 != 0 && len(saved) > 1 {
			t.Fatal("a run under a context that was cancelled")
		}
		for i, v := range read {
			for _, x := range floats(v) {
				if x-x != 0 {
					t.Fatalf("result %d is %v without an error", i, floats(v))
				}
			}
		}
	})
}
