package layers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

// closed gives every activation with its first two derivatives in closed form,
// written independently of the graph's formulas.
var closed = map[layers.Activation][3]func(x float64) float64{
	layers.Identity: {func(x float64) float64 { return x }, one, zero},
	layers.Tanh: {math.Tanh,
		func(x float64) float64 { return 1 / (math.Cosh(x) * math.Cosh(x)) },
		func(x float64) float64 { return -2 * math.Tanh(x) / (math.Cosh(x) * math.Cosh(x)) }},
	layers.Sigmoid: {sigma, sigma1, sigma2},
	layers.Softplus: {func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
		sigma, sigma1},
	layers.ReLU:      {func(x float64) float64 { return math.Max(x, 0) }, step(0, 1), zero},
	layers.LeakyReLU: {func(x float64) float64 { return math.Max(x, x/100) }, step(0.01, 1), zero},
	layers.ELU: {func(x float64) float64 { return math.Max(x, math.Expm1(math.Min(x, 0))) },
		func(x float64) float64 { return math.Exp(math.Min(x, 0)) },
		func(x float64) float64 {
			if x >= 0 {
				return 0
			}
			return math.Exp(x)
		}},
	layers.GELU: {
		func(x float64) float64 { return x * cdf(x) },
		func(x float64) float64 { return cdf(x) + x*pdf(x) },
		func(x float64) float64 { return (2 - x*x) * pdf(x) }},
	layers.GELUTanh: {
		func(x float64) float64 { return x * sigma(gelu(x)) },
		func(x float64) float64 { return sigma(gelu(x)) + x*sigma1(gelu(x))*gelu1(x) },
		func(x float64) float64 {
			u, d, dd := gelu(x), gelu1(x), math.Sqrt(8/math.Pi)*6*0.044715*x
			return 2*sigma1(u)*d + x*(sigma2(u)*d*d+sigma1(u)*dd)
		}},
	layers.Swish: {func(x float64) float64 { return x * sigma(x) },
		func(x float64) float64 { return sigma(x) + x*sigma1(x) },
		func(x float64) float64 { return 2*sigma1(x) + x*sigma2(x) }},
	layers.Sin: {math.Sin, math.Cos, func(x float64) float64 { return -math.Sin(x) }},
}

func one(float64) float64      { return 1 }
func zero(float64) float64     { return 0 }
func sigma(x float64) float64  { return 1 / (1 + math.Exp(-x)) }
func sigma1(x float64) float64 { return sigma(x) * sigma(-x) }
func sigma2(x float64) float64 { return sigma1(x) * (sigma(-x) - sigma(x)) }
func cdf(x float64) float64    { return math.Erfc(-x/math.Sqrt2) / 2 }
func pdf(x float64) float64    { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
func gelu(x float64) float64   { return math.Sqrt(8/math.Pi) * (x + 0.044715*x*x*x) }
func gelu1(x float64) float64  { return math.Sqrt(8/math.Pi) * (1 + 3*0.044715*x*x) }
func step(below, above float64) func(float64) float64 {
	return func(x float64) float64 {
		if x < 0 {
			return below
		}
		return above
	}
}

var activationPoints = []float64{-30, -7.5, -3, -1.2, -0.5, -1e-3, 0, 1e-3, 0.25, 0.8, 2, 4.5, 9, 30}

func TestActivationValuesAndDerivatives(t *testing.T) {
	for _, a := range layers.Activations() {
		for _, dt := range dtypes {
			t.Run(fmt.Sprint(a, "/", dt), func(t *testing.T) {
				g := G.NewGraph()
				x := input(g, "x", dt, activationPoints, len(activationPoints), 1)
				leaf := x
				if a == layers.Identity {
					x = must(t)(G.Neg(must(t)(G.Neg(x)))) // a gradient needs an operation
				}
				y := must(t)(a.Apply(x))
				grads, err := G.Grad(must(t)(G.Sum(y)), leaf)
				if err != nil {
					t.Fatal(err)
				}
				got := run(t, g, y, grads[0])
				eps := rounding(dt)
				for i, v := range activationPoints {
					if dt == tensor.Float32 {
						v = float64(float32(v))
					}
					for order := range 2 {
						want := closed[a][order](v)
						// Gorgonia cuts σ off at 19 (15) and softplus at 16 (14), where
						// what is lost is below 1.2e-7 (9e-7).
						abs := 8*eps + 1e-8
						if dt == tensor.Float32 {
							abs = 1e-6
						}
						if math.Abs(v) < 12 {
							abs = 8 * eps
						}
						if !near(got[order][i], want, 16*eps, abs) {
							t.Errorf("derivative %d at %v is %v, want %v", order, v, got[order][i], want)
						}
					}
				}
			})
		}
	}
}

// Far out every activation and its derivative stay finite and right, except
// that tanh-like ones saturate.
func TestActivationsFarOut(t *testing.T) {
	points := []float64{-1e12, -1e4, -800, 800, 1e4, 1e12}
	for _, a := range layers.Activations() {
		if a == layers.Sin || a == layers.Identity {
			continue
		}
		for _, dt := range dtypes {
			g := G.NewGraph()
			x := input(g, "x", dt, points, len(points), 1)
			y := must(t)(a.Apply(x))
			grads, err := G.Grad(must(t)(G.Sum(y)), x)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, g, y, grads[0])
			for i, v := range points {
				wantY, wantD := 0.0, 0.0
				switch a {
				case layers.Tanh:
					wantY = math.Copysign(1, v)
				case layers.Sigmoid:
					wantY = math.Max(0, math.Copysign(1, v))
				case layers.ELU:
					wantY, wantD = -1, 0
					if v > 0 {
						wantY, wantD = v, 1
					}
				case layers.LeakyReLU:
					wantY, wantD = v/100, 0.01
					if v > 0 {
						wantY, wantD = v, 1
					}
				default:
					if v > 0 {
						wantY, wantD = v, 1
					}
				}
				tol := 4 * rounding(dt)
				if !near(got[0][i], wantY, tol, 0) || !near(got[1][i], wantD, tol, 0) {
					t.Errorf("%v %v at %v: value %v, derivative %v, want %v, %v", a, dt, v, got[0][i], got[1][i], wantY, wantD)
				}
			}
		}
	}
}

// Two widths on one graph must not share constants, which Gorgonia knows by
// their names alone.
func TestActivationConstantsOfBothWidths(t *testing.T) {
	for _, a := range layers.Activations() {
		g := G.NewGraph()
		wide := must(t)(a.Apply(input(g, "wide", tensor.Float64, []float64{-0.7, 1.3}, 2, 1)))
		narrow := must(t)(a.Apply(input(g, "narrow", tensor.Float32, []float64{-0.7, 1.3}, 2, 1)))
		got := run(t, g, wide, narrow)
		expectNear(t, a.String(), got[1], got[0], 1e-6, 0)
	}
}

func TestActivationText(t *testing.T) {
	for _, a := range append(layers.Activations(), 0) {
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back layers.Activation = 99
		if err := json.Unmarshal(text, &back); err != nil || back != a {
			t.Errorf("%v read back as %v, %v", a, back, err)
		}
	}
	var a layers.Activation
	err := a.UnmarshalText([]byte("tanhh"))
	var config *layers.ConfigError
	if !errors.As(err, &config) || !strings.Contains(err.Error(), "leaky_relu") {
		t.Errorf("unknown name: %v", err)
	}
	if _, err := layers.Activation(77).MarshalText(); !errors.As(err, &config) {
		t.Errorf("undefined value: %v", err)
	}
	if _, err := layers.Activation(77).Place(G.NewGraph(), "a", tensor.Float64, nil); !errors.As(err, &config) {
		t.Errorf("undefined value placed: %v", err)
	}
}
