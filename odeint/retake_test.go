package odeint

import (
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
	"github.com/neuralode/neuralode/internal/vec"
)

// TestRetake takes every step of a solve again, in any order, and finds the same numbers.
func TestRetake(t *testing.T) {
	t.Run("float64", testRetake[float64])
	t.Run("float32", testRetake[float32])
}

func testRetake[T Float](t *testing.T) {
	type run struct {
		f      VectorField[T]
		y0     []T
		t0, t1 float64
		opt    Options
		tol    float64 // relative; 0: bit for bit
	}
	var runs []run
	for _, p := range []*odetest.Problem[T]{odetest.Driven[T](), odetest.Driven[T]().Reversed()} {
		for _, m := range Tableaus() {
			opt := Options{Method: m, RTol: 1e-4, ATol: 1e-4, Jumps: []float64{1}}
			if m.E == nil {
				opt.RTol, opt.ATol, opt.H0 = 0, 0, 0.07
			}
			runs = append(runs, run{p, p.Y0, p.T0, p.T1, opt, 0})
		}
	}
	h := henonHeiles[T]()
	for _, m := range Splittings() {
		runs = append(runs, run{h.field, h.z0, 0, 1, Options{Method: m, H0: 0.1}, 0})
	}
	runs = append(runs, run{h.field, h.z0, 0, 1, Options{Method: &Tao{Omega: 5, Order: 4}, H0: 0.1}, 0})
	for _, m := range ImplicitRKs() { // the stages are right to some roundings
		runs = append(runs, run{h.field, h.z0, 1, 0, Options{Method: m, H0: 0.1}, 4})
	}
	for _, r := range runs {
		for _, dense := range []bool{false, true} {
			r.opt.SaveAt.Keep = Stages
			if dense {
				r.opt.SaveAt.Keep = Dense
			}
			in, err := New(r.f, r.opt)
			if err != nil {
				t.Fatal(err)
			}
			var sol Solution[T]
			if err := in.Solve(t.Context(), &sol, r.t0, r.t1, r.y0); err != nil {
				t.Fatal(err)
			}
			_, tao := r.opt.Method.(*Tao)
			var again Step[T]
			y1 := make([]T, len(r.y0))
			for i := sol.NumSteps() - 1; i >= 0; i-- {
				want := sol.Step(i)
				k := again.K[:0]
				if tao {
					k = append(k, want.K[:len(want.Y0)]...)
				}
				again = Step[T]{T0: want.T0, T1: want.T1, H: want.H, Lo: want.Lo, Hi: want.Hi, Y0: want.Y0, K: k}
				end := i%2 == 0
				if end {
					again.Y1 = y1
				}
				st, err := in.Retake(&again, dense)
				if err != nil || st.NFE+st.Drifts+st.Kicks == 0 && (end || r.opt.Method != Euler) {
					t.Fatal(err, st)
				}
				if end != (again.Y1 != nil) {
					t.Errorf("%v: Y1 is %v", r.opt.Method, again.Y1)
				}
				if n := len(again.K) / len(y1); dense && n != len(want.K)/len(y1) || !dense && end && n < len(want.K)/len(y1)-1 {
					t.Errorf("%v: %d stages of %d", r.opt.Method, n, len(want.K)/len(y1))
				}
				if end && !closeTo(again.Y1, want.Y1, r.tol) || !closeTo(again.K, want.K[:len(again.K)], 100*r.tol) {
					t.Errorf("%v, dense %v, step %d: %v, want %v", r.opt.Method, dense, i, again, want)
				}
			}
			if n := testing.AllocsPerRun(5, func() {
				if _, err := in.Retake(&again, dense); err != nil {
					t.Error(err)
				}
			}); n != 0 {
				t.Errorf("%v: %v allocations", r.opt.Method, n)
			}
		}
	}
}

// closeTo compares to tol roundings of the largest component, or bit for bit if tol is 0.
func closeTo[T Float](got, want []T, tol float64) bool {
	if tol == 0 {
		return slices.Equal(got, want)
	}
	size := 0.0
	for _, v := range want {
		size = max(size, math.Abs(float64(v)))
	}
	for i, v := range got {
		if !(math.Abs(float64(v-want[i])) <= tol*vec.Epsilon[T]()*size) {
			return false
		}
	}
	return len(got) == len(want)
}
