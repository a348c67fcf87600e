package odeint

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// y' = Ay on [0, 4] with a random 10×10 matrix of N(0, 1)/2, and with a complex one as 20
// real components, against the matrix exponential.
func TestOrderLinear(t *testing.T) {
	const n, end = 10, 4.0
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() *mat.Dense {
		a := mat.NewDense(n, n, nil)
		for i := range n {
			for j := range n {
				a.Set(i, j, r.NormFloat64()/2)
			}
		}
		return a
	}
	re, im := draw(), draw()
	both := mat.NewDense(2*n, 2*n, nil) // (re −im; im re)
	both.Slice(0, n, 0, n).(*mat.Dense).Copy(re)
	both.Slice(n, 2*n, n, 2*n).(*mat.Dense).Copy(re)
	both.Slice(n, 2*n, 0, n).(*mat.Dense).Copy(im)
	im.Scale(-1, im)
	both.Slice(0, n, n, 2*n).(*mat.Dense).Copy(im)

	for name, a := range map[string]*mat.Dense{"real": re, "complex": both} {
		dim, _ := a.Dims()
		y0 := make([]float64, dim)
		for i := range y0 {
			y0[i] = r.NormFloat64()
		}
		var flow mat.Dense
		flow.Scale(end, a)
		flow.Exp(&flow)
		var want mat.VecDense
		want.MulVec(&flow, mat.NewVecDense(dim, y0))
		f := NewFunc(dim, func(d []float64, _ float64, y []float64) {
			mat.NewVecDense(dim, d).MulVec(a, mat.NewVecDense(dim, y))
		})
		for _, m := range Tableaus() {
			// As in testOrder, for modes four times as fast. The leading error of Tsit5 is so small that
			// it rules late.
			steps := map[int]float64{1: 8192, 2: 1024, 3: 512, 4: 256, 5: 256, 8: 20}[m.Order]
			var h, errs []float64
			for k := range 4 {
				size := end / math.Round(steps*math.Pow(2, float64(k)/3))
				sol, err := Solve(f, 0, end, y0, Options{Method: m, H0: size, Controller: Fixed{}})
				if err != nil {
					t.Fatal(err)
				}
				var diff mat.VecDense
				diff.SubVec(mat.NewVecDense(dim, sol.Last()), &want)
				h, errs = append(h, size), append(errs, diff.Norm(2)/want.Norm(2))
			}
			if got := fittedSlope(h, errs); math.Abs(got-float64(m.Order)) > 0.15 {
				t.Errorf("%s, %v: observed order %.3f, want %d; errors %.3g", name, m, got, m.Order, errs)
			}
		}
	}
}
