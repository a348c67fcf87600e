package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// benchmarkMLP is f and its VJP with respect to state and parameters, of a
// 2-64-2 tanh MLP, on a compiled program and on Gorgonia's TapeMachine.
func benchmarkMLP[T Float](b *testing.B, dt tensor.Dtype, batch int) {
	g := G.NewGraph()
	y := G.NewMatrix(g, dt, G.WithShape(batch, 2), G.WithName("y"))
	lambda := G.NewMatrix(g, dt, G.WithShape(batch, 2), G.WithName("lambda"))
	layer, err := testMLP{in: 2, hidden: 64}.Place(g, "f", dt, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		b.Fatal(err)
	}
	f := ok(layer.Fwd(y))
	wrt := append(G.Nodes{y}, layer.Learnables()...)
	grads, err := VJP(G.Nodes{f}, G.Nodes{lambda}, wrt)
	if err != nil {
		b.Fatal(err)
	}
	inputs, outputs := append(wrt, lambda), append(G.Nodes{f}, grads...)
	r := rand.New(rand.NewPCG(3, 4))
	src := make([][]T, len(inputs))
	values := make([]G.Value, len(inputs))
	for i, n := range inputs {
		x := make([]float64, n.Shape().TotalSize())
		for k := range x {
			x[k] = r.NormFloat64()
		}
		src[i] = convert[T](x)
		values[i] = toValue(dt, n.Shape(), x)
	}

	b.Run("Compile", func(b *testing.B) {
		p, err := Compile[T](inputs, outputs)
		if err != nil {
			b.Fatal(err)
		}
		m, dst := p.NewInstance(), nanSlices[T](outputs)
		b.ReportAllocs()
		for b.Loop() {
			if err := m.Run(dst, src); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("TapeMachine", func(b *testing.B) {
		read := make([]G.Value, len(outputs))
		for i, n := range outputs {
			G.Read(n, &read[i])
		}
		for i, n := range inputs {
			if err := G.Let(n, values[i]); err != nil {
				b.Fatal(err)
			}
		}
		vm := G.NewTapeMachine(g)
		defer vm.Close()
		b.ReportAllocs()
		for b.Loop() {
			if err := vm.RunAll(); err != nil {
				b.Fatal(err)
			}
			vm.Reset()
		}
	})
}

func BenchmarkMLP(b *testing.B) {
	for _, batch := range []int{1, 1024} {
		b.Run(fmt.Sprintf("float64/batch=%d", batch), func(b *testing.B) { benchmarkMLP[float64](b, tensor.Float64, batch) })
		b.Run(fmt.Sprintf("float32/batch=%d", batch), func(b *testing.B) { benchmarkMLP[float32](b, tensor.Float32, batch) })
	}
}

// BenchmarkField is the same network as a vector field: what a solver and an
// adjoint call.
func BenchmarkField(b *testing.B) {
	for _, batch := range []int{1, 1024} {
		f, err := NewField[float64](testMLP{in: 2, hidden: 64}, batch, FieldConfig{})
		if err != nil {
			b.Fatal(err)
		}
		r := rand.New(rand.NewPCG(3, 4))
		y, lambda := randomVector(r, f.Dim()), randomVector(r, f.Dim())
		dydt, dy, dtheta := make([]float64, f.Dim()), make([]float64, f.Dim()), make([]float64, f.NumParams())
		b.Run(fmt.Sprintf("batch=%d/Eval", batch), func(b *testing.B) {
			for b.Loop() {
				f.Eval(dydt, 0, y)
			}
		})
		b.Run(fmt.Sprintf("batch=%d/VJP", batch), func(b *testing.B) {
			for b.Loop() {
				f.VJP(nil, dy, dtheta, 0, y, lambda)
			}
		})
	}
}

// BenchmarkCompile is the cost of building and compiling a field.
func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := NewField[float64](testMLP{in: 2, hidden: 64}, 1, FieldConfig{}); err != nil {
			b.Fatal(err)
		}
	}
}
