package adjoint

import (
	"testing"

	"github.com/neuralode/neuralode/odeint"
)

// TestStats checks what the passes report.
func TestStats(t *testing.T) {
	f := randomMLP[float64](4, []int{2, 8, 2}, "tanh")
	y0 := []float64{0.5, -0.2, 1, 2, 0, 0.3, -1, 0.4}
	run := func(m Method, times []float64) (Stats, Stats) {
		_, _, s := pull(t, f, odeint.Options{Method: odeint.Tsit5, Controller: odeint.Fixed{}, H0: 0.125}, m, times, y0, lastOnly(1.0))
		return s.Stats()
	}
	for _, n := range []int{1, 20} {
		times := []float64{0, float64(n)}
		steps := 8 * n
		for _, c := range []struct {
			m         Method
			vjps, nfe int
		}{
			{Discrete{}, 6 * steps, 2},                           // the seventh stage has no weight
			{Discrete{Memory: States{}}, 6 * steps, 5*steps + 2}, // nothing depends on the value of the sixth
			{Interpolating{}, 7 * steps, 2},                      // a quadrature carries no stage over
			{Interpolating{ParamsInNorm: true}, 6*steps + 1, 2},  // FSAL
			{Backsolve{}, 7 * steps, 2},
		} {
			forward, backward := run(c.m, times)
			if forward.NFE != 6*steps+1 || forward.VJPs != 0 || forward.Accepted != steps {
				t.Errorf("%#v forwards: %+v", c.m, forward)
			}
			if backward.VJPs != c.vjps || backward.NFE != c.nfe || backward.Accepted != steps || backward.HMin != 0.125 || backward.HMax != 0.125 {
				t.Errorf("%#v backwards: %+v, want %d VJPs, %d evaluations", c.m, backward, c.vjps, c.nfe)
			}
		}
	}
	// What grows with the number of steps, and how it compares.
	bytes := func(m Method, n float64) int {
		forward, backward := run(m, []float64{0, n})
		if backward.Bytes <= 0 {
			t.Errorf("%#v: %d bytes backwards", m, backward.Bytes)
		}
		return forward.Bytes
	}
	if a, b := bytes(Discrete{}, 200), bytes(Discrete{Memory: States{}}, 200); 3*b > a {
		t.Errorf("Discrete keeps %d bytes, %d when it recomputes", a, b)
	}
	if a, b := bytes(Backsolve{}, 20), bytes(Backsolve{}, 200); a != b {
		t.Errorf("Backsolve keeps %d bytes after 160 steps and %d after 1600", a, b)
	}
	_, semi := run(Interpolating{}, []float64{0, 1})
	_, full := run(Interpolating{ParamsInNorm: true}, []float64{0, 1})
	if p := 8 * f.NumParams(); full.Bytes-semi.Bytes < 7*p {
		t.Errorf("ParamsInNorm keeps %d bytes, the seminorm %d; stages of θ's length should show", full.Bytes, semi.Bytes)
	}
}

// TestNoAllocations also changes the number of times on the way.
func TestNoAllocations(t *testing.T) {
	f := randomMLP[float64](2, []int{3, 8, 3}, "tanh")
	y0 := []float64{0.3, -0.8, 1.1, 0.2, 0.7, -0.4}
	for _, method := range []odeint.Options{{}, {Method: odeint.RK4, H0: 0.1}, {Method: odeint.Dop853}} {
		eachMethod(t, func(t *testing.T, m Method) {
			s, err := New[float64](f, method, m)
			if err != nil {
				t.Fatal(err)
			}
			long, short := grid(0, 2, 9), grid(1, 0, 3)
			dys := make([]float64, len(long)*len(y0))
			for i := range dys {
				dys[i] = float64(i%5) - 2
			}
			g := Gradient[float64]{WantTimes: true}
			both := func() {
				for _, times := range [][]float64{long, short} {
					if _, err := s.Forward(ctx, times, y0); err != nil {
						t.Fatal(err)
					}
					if err := s.Backward(ctx, &g, dys[:len(times)*len(y0)]); err != nil {
						t.Fatal(err)
					}
				}
			}
			both()
			if n := testing.AllocsPerRun(5, both); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// TestStepsCarriedOver checks that cotangents at many times do not make every piece
// of the backward solve begin with a small step.
func TestStepsCarriedOver(t *testing.T) {
	f := linear[float64](0.1, -1, 1, -0.1)
	_, _, s := pull(t, f, odeint.Options{RTol: 1e-4, ATol: 1e-4}, Interpolating{}, grid(0, 10, 200), []float64{1, 0}, constant(1.0, 2.0))
	if _, b := s.Stats(); b.Accepted > 206 {
		t.Errorf("%d steps for 200 intervals shorter than a step", b.Accepted)
	}
	// Only times with a cotangent end a piece.
	_, _, s = pull(t, f, odeint.Options{RTol: 1e-4, ATol: 1e-4}, Interpolating{}, grid(0, 10, 200), []float64{1, 0}, lastOnly(1.0, 2.0))
	if _, b := s.Stats(); b.Accepted > 40 {
		t.Errorf("%d steps for one interval", b.Accepted)
	}
}
