package adjoint

import (
	"fmt"
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// At a saved time that is a jump, the derivative by that time is the one from before
// it, and at the first time the one from after it.
func TestTimesAtJumps(t *testing.T) {
	f := &field[float64]{ // y' = −y before t = 1 and +2 after it
		dim: 1,
		eval: func(d []float64, t float64, y, _ []float64) {
			if d[0] = -y[0]; t >= 1 {
				d[0] = 2
			}
		},
		vjp: func(dy, _ []float64, t float64, _, _, l []float64) {
			if t < 1 {
				dy[0] = -l[0]
			}
		},
	}
	eachMethod(t, func(t *testing.T, m Method) {
		opt := odeint.Options{RTol: 1e-10, ATol: 1e-10, Jumps: []float64{1}}
		for _, c := range []struct{ times, dys, want []float64 }{
			{[]float64{0, 1}, []float64{0, 1}, []float64{math.Exp(-1), -math.Exp(-1)}},
			{[]float64{1, 2}, []float64{0, 1}, []float64{-2, 2}},
			{[]float64{2, 1}, []float64{0, 1}, []float64{-2, 2}},
			{[]float64{1, 0}, []float64{0, 1}, []float64{math.E, -math.E}},
		} {
			f.evals = nil
			_, g, _ := pull(t, f, opt, m, c.times, []float64{1}, func([]float64) []float64 { return c.dys })
			gradtest.Close(t, fmt.Sprint("∂L/∂t on ", c.times), g.Times, c.want, 1e-8)
			for _, at := range f.evals {
				if at == 1 {
					t.Errorf("f was evaluated at its jump on %v", c.times)
					break
				}
			}
		}
	})
}
