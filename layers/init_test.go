package layers_test

import (
	"errors"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

// Every initialiser has the mean, deviation and bounds of its formula. With
// 60 000 draws the standard error of the mean is 0.0041 deviations and that of
// the deviation is 0.003 (normal) or less; the bounds are five times that.
func TestInitDistribution(t *testing.T) {
	const in, out = 200, 300
	glorot, he := math.Sqrt(2.0/(in+out)), math.Sqrt(1.0/in)
	for _, test := range []struct {
		init            layers.Init
		mean, dev, edge float64
	}{
		{layers.GlorotUniform(1), 0, glorot, math.Sqrt(3) * glorot},
		{layers.GlorotUniform(2), 0, 2 * glorot, 2 * math.Sqrt(3) * glorot},
		{layers.Init{}, 0, glorot, math.Sqrt(3) * glorot},
		{layers.GlorotNormal(1), 0, glorot, math.Inf(1)},
		{layers.HeUniform(math.Sqrt2), 0, math.Sqrt2 * he, math.Sqrt(6) * he},
		{layers.HeNormal(math.Sqrt2), 0, math.Sqrt2 * he, math.Inf(1)},
		{layers.Uniform(-1, 3), 1, 2 / math.Sqrt(3), 3},
		{layers.Normal(-2, 0.5), -2, 0.5, math.Inf(1)},
		{layers.Orthogonal(1.5), 0, 1.5 / math.Sqrt(out), math.Inf(1)},
		{layers.Constant(0.3), 0.3, 0, 0.3},
		{layers.Zeros(), 0, 0, 0},
	} {
		w := make([]float64, in*out)
		if err := test.init.Draw(w, []int{in, out}, source(3)); err != nil {
			t.Fatal(err)
		}
		var sum, sq, edge float64
		for _, v := range w {
			sum += v
			edge = math.Max(edge, math.Abs(v))
		}
		mean := sum / float64(len(w))
		for _, v := range w {
			sq += (v - mean) * (v - mean)
		}
		dev := math.Sqrt(sq / float64(len(w)))
		if math.Abs(mean-test.mean) > 0.02*test.dev+1e-12 || math.Abs(dev-test.dev) > 0.015*test.dev+1e-12 || edge > test.edge {
			t.Errorf("%v: mean %v, deviation %v, largest %v; want %v, %v, ≤ %v", test.init, mean, dev, edge, test.mean, test.dev, test.edge)
		}
		if !math.IsInf(test.edge, 1) && edge < 0.99*test.edge {
			t.Errorf("%v: largest %v does not come near %v", test.init, edge, test.edge)
		}
	}
}

func TestInitFansOfFilters(t *testing.T) {
	// A 5×5 convolution from 8 to 16 channels: fanIn 200, fanOut 400.
	w := make([]float64, 16*8*25)
	if err := layers.HeUniform(1).Draw(w, []int{16, 8, 5, 5}, source(1)); err != nil {
		t.Fatal(err)
	}
	edge := 0.0
	for _, v := range w {
		edge = math.Max(edge, math.Abs(v))
	}
	if want := math.Sqrt(3.0 / 200); edge > want || edge < 0.99*want {
		t.Errorf("largest draw %v, want just below %v", edge, want)
	}
}

func TestOrthogonal(t *testing.T) {
	for _, shape := range [][]int{{6, 6}, {4, 9}, {9, 4}, {1, 5}, {5, 1}, {3, 2, 4}, {4}, {150, 150}} {
		size := 1
		for _, n := range shape {
			size *= n
		}
		w := make([]float64, size)
		if err := layers.Orthogonal(2).Draw(w, shape, source(5)); err != nil {
			t.Fatal(err)
		}
		rows, cols := shape[0], size/shape[0]
		at := func(i, j int) float64 { return w[i*cols+j] }
		n, length := rows, cols
		if rows > cols {
			n, length = cols, rows
			at = func(i, j int) float64 { return w[j*cols+i] }
		}
		for i := range n {
			for k := range n {
				sum, want := 0.0, 0.0
				for j := range length {
					sum += at(i, j) * at(k, j)
				}
				if i == k {
					want = 4
				}
				if math.Abs(sum-want) > 1e-14 {
					t.Errorf("shape %v: ⟨%d, %d⟩ = %v, want %v", shape, i, k, sum, want)
				}
			}
		}
	}
}

func TestSameSeedSameBitsAndRoundedFloat32(t *testing.T) {
	draws := func(dt tensor.Dtype) []layers.Weight {
		m := layers.MLP{In: 3, Hidden: []int{5, 4}, Out: 2, WeightInit: layers.Orthogonal(1), BiasInit: layers.Normal(0, 1)}
		w, err := layers.Weights(place(t, m, G.NewGraph(), "net", dt))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first, again, narrow := draws(tensor.Float64), draws(tensor.Float64), draws(tensor.Float32)
	for i, w := range first {
		for j, v := range w.Data {
			if v != again[i].Data[j] {
				t.Fatalf("%s[%d] is %v, then %v", w.Name, j, v, again[i].Data[j])
			}
			if float64(float32(v)) != narrow[i].Data[j] {
				t.Fatalf("%s[%d]: float32 %v is not the rounded %v", w.Name, j, narrow[i].Data[j], v)
			}
		}
	}
}

func TestInitText(t *testing.T) {
	for _, in := range []layers.Init{
		{}, layers.GlorotUniform(1), layers.GlorotNormal(0.1), layers.HeUniform(math.Sqrt2), layers.HeNormal(1),
		layers.Orthogonal(1e-300), layers.Zeros(), layers.Constant(-math.Pi), layers.Uniform(-0.1, 1.0/3), layers.Normal(0, 2),
	} {
		text, err := in.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		back := layers.Constant(9)
		if err := back.UnmarshalText(text); err != nil || back != in {
			t.Errorf("%q read back as %v, %v", text, back, err)
		}
	}
	var in layers.Init
	if err := in.UnmarshalText([]byte("uniform(-1, 2)")); err != nil || in != layers.Uniform(-1, 2) {
		t.Errorf("spaces: %v, %v", in, err)
	}
	var config *layers.ConfigError
	for _, bad := range []string{"glorot", "uniform", "uniform(1)", "uniform(1,2", "uniform(a,b)", "constant", "normal(1,2,3)", "(1)", "he_normal()"} {
		in := layers.Constant(4)
		if err := in.UnmarshalText([]byte(bad)); !errors.As(err, &config) || in != layers.Constant(4) {
			t.Errorf("%q: %v, %v", bad, in, err)
		}
	}
}

func TestInitFaults(t *testing.T) {
	var config *layers.ConfigError
	dst := make([]float64, 4)
	for _, in := range []layers.Init{layers.Uniform(2, 1), layers.Normal(0, -1), layers.Constant(math.NaN()), layers.GlorotNormal(math.Inf(1))} {
		if err := in.Draw(dst, []int{2, 2}, source(1)); !errors.As(err, &config) {
			t.Errorf("%v: %v", in, err)
		}
	}
	if err := layers.Constant(2).Draw(dst, []int{2, 2}, nil); err != nil || dst[3] != 2 {
		t.Errorf("a constant needs no source: %v, %v", dst, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for a destination of the wrong length")
		}
	}()
	layers.Zeros().Draw(dst, []int{3}, nil)
}
