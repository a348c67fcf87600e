package adjoint

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/odeint"
)

// FuzzGradient goes forwards and back with states, times and parameters of any values. What
// comes back is finite or an error of a known type, and is the same by both memories of
// Discrete for methods that take the same steps again.
func FuzzGradient(f *testing.F) {
	f.Add(uint8(0), 0.0, 0.5, 1.0, 0.3, -0.2, 0.5, 0.1, 1.0)
	f.Add(uint8(40), 0.0, 0.5, 1.0, 0.3, -0.2, 0.5, 0.1, 1.0)
	f.Add(uint8(70), 1.0, 0.3, 0.0, 3.0, -2.0, 5.0, 1.0, 1e300)
	f.Add(uint8(90), 1.7e9, 1.7e9+0.25, 1.7e9+0.5, 0.0, 0.0, 0.0, 0.0, 0.0)
	cases := faultCases()
	f.Fuzz(func(t *testing.T, which uint8, ta, tb, tc, q1, q2, p1, p2, weight float64) {
		c := cases[int(which)%len(cases)]
		c.opt.MaxSteps = 200
		times := []float64{ta, tb, tc}
		y0 := []float64{q1, q2, p1, p2}
		run := func(m Method) (*Gradient[float64], error) {
			if weight-weight != 0 {
				weight = 1
			}
			s, err := New[float64](newCoupled[float64](1), c.opt, m)
			if err != nil {
				t.Fatal(err) // the options are fine
			}
			sol, err := s.Forward(t.Context(), times, y0)
			if err != nil {
				return nil, err
			}
			for _, v := range sol.Y {
				if v-v != 0 {
					t.Errorf("%v: a saved state is %v", c, v)
				}
			}
			g := &Gradient[float64]{WantTimes: true}
			dys := make([]float64, len(sol.Y))
			for i := range dys {
				dys[i] = weight * math.Cos(float64(i))
			}
			err = s.Backward(t.Context(), g, dys)
			return g, err
		}
		g, err := run(c.method)
		if err != nil {
			var bad *odeint.OptionError
			var stopped *odeint.StepError
			if !errors.As(err, &bad) && !errors.As(err, &stopped) {
				t.Fatalf("%v: an error of another kind: %v", c, err)
			}
			return
		}
		for _, x := range [][]float64{g.Y0, g.Theta, g.Times} {
			for _, v := range x {
				if v-v != 0 {
					t.Errorf("%v: the gradient holds %v", c, v)
				}
			}
		}
		_, explicit := c.opt.Method.(*odeint.Tableau)
		if _, discrete := c.method.(Discrete); !discrete || !explicit {
			return
		}
		other, err := run(Discrete{Memory: States{}})
		if err != nil {
			t.Fatalf("%v: with states only: %v", c, err)
		}
		if !slices.Equal(g.Y0, other.Y0) || !slices.Equal(g.Theta, other.Theta) {
			t.Errorf("%v: %v and %v by two memories", c, g, other)
		}
	})
}
