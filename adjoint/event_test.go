package adjoint

import (
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// mapping is a map with parameters, its derivative written by hand.
type mapping[T odeint.Float] struct {
	theta []T
	eval  func(dst []T, t float64, y, p []T)
	vjp   func(dy, dp []T, t float64, y, p, l []T)
}

func (m *mapping[T]) NumParams() int                 { return len(m.theta) }
func (m *mapping[T]) Eval(dst []T, t float64, y []T) { m.eval(dst, t, y, m.theta) }
func (m *mapping[T]) VJP(dst, dy, dp []T, t float64, y, l []T) {
	if dst != nil {
		m.eval(dst, t, y, m.theta)
	}
	if dp == nil {
		dp = make([]T, len(m.theta))
	}
	m.vjp(dy, dp, t, y, m.theta, l)
}

// bouncing is a ball that falls with acceleration θ_0 on a floor at a height that is the condition's
// parameter, and bounces with a restitution that is the effect's.
func bouncing[T odeint.Float](g, e, floor T) (*field[T], odeint.Event[T]) {
	f := &field[T]{
		dim: 2, theta: []T{g},
		eval: func(d []T, _ float64, y, p []T) { d[0], d[1] = y[1], -p[0] },
		vjp: func(dy, dp []T, _ float64, _, _, l []T) {
			dy[0], dy[1] = 0, l[0]
			dp[0] -= l[1]
		},
	}
	return f, odeint.Event[T]{
		Direction: odeint.Falling,
		Condition: &mapping[T]{
			theta: []T{floor},
			eval:  func(dst []T, _ float64, y, p []T) { dst[0] = y[0] - p[0] },
			vjp: func(dy, dp []T, _ float64, _, _, l []T) {
				dy[0], dy[1] = l[0], 0
				dp[0] -= l[0]
			},
		},
		Effect: &mapping[T]{
			theta: []T{e},
			eval:  func(dst []T, _ float64, y, p []T) { dst[0], dst[1] = y[0], -p[0]*y[1] },
			vjp: func(dy, dp []T, _ float64, y, p, l []T) {
				dy[0], dy[1] = l[0], -p[0]*l[1]
				dp[0] -= y[1] * l[1]
			},
		},
	}
}

// bounced is the closed form of the ball from rest at h0: at time t after k bounces.
func bounced(t float64, k int, h0, g, e, floor complex128) (h, v complex128) {
	at := cmplx.Sqrt(2 * (h0 - floor) / g)
	v = g * at * e
	for range k - 1 {
		at += 2 * v / g
		v *= e
	}
	s := complex(t, 0) - at
	return floor + v*s - g*s*s/2, v - g*s
}

// The bouncing ball's gradient with respect to height, gravity, restitution and floor, of a loss of
// states between the bounces, against its closed form.
func TestBouncingBallGradient(t *testing.T) {
	times := []float64{0, 1.4, 2, 3.1, 4.2}
	bounces := []int{0, 1, 1, 2, 3}
	weights := []float64{0, 0, 0.3, 1, -1, 0.2, 2, 0.7, 1, 0.5}
	in := []complex128{5, 9.8, 0.8, 0.1}
	var want []float64
	const tiny = 1e-30
	for j := range in {
		x := slices.Clone(in)
		x[j] += complex(0, tiny)
		sum := 0.0
		for i, at := range times[1:] {
			h, v := bounced(at, bounces[i+1], x[0], x[1], x[2], x[3])
			sum += weights[2*i+2]*imag(h) + weights[2*i+3]*imag(v)
		}
		want = append(want, sum/tiny)
	}
	f, bounce := bouncing(9.8, 0.8, 0.1)
	check := func(opt odeint.Options, m Method, tol float64) {
		t.Helper()
		opt.Events = odeint.Events[float64]{bounce}
		_, g, _ := pull(t, f, opt, m, times, []float64{5, 0}, func([]float64) []float64 { return weights })
		got := []float64{g.Y0[0], g.Theta[0], g.Events[1], g.Events[0]}
		gradtest.Close(t, fmt.Sprintf("%#v", m), got, want, tol)
	}
	all := append([]Method{Discrete{Memory: States{}}, Discrete{Memory: Checkpoints{Bytes: 80}}}, methods...)
	for _, m := range all {
		check(odeint.Options{RTol: 1e-12, ATol: 1e-12}, m, 1e-9)
		check(odeint.Options{RTol: 1e-8, ATol: 1e-8}, m, 1e-5)
	}
	for _, m := range []odeint.Method{odeint.RK4, odeint.Dop853, odeint.GaussLegendre4, odeint.Kvaerno5} {
		check(odeint.Options{Method: m, Controller: odeint.Fixed{}, H0: 0.13}, Discrete{}, 1e-9)
	}
	check(odeint.Options{Method: odeint.GaussLegendre4, H0: 0.13}, Discrete{Memory: Inverse{}}, 1e-9)
}

// hybrid is a field that depends on time, with three events: two with conditions and effects that
// are not linear and depend on time and parameters, so that a step has several, and
// one that only records.
func hybrid() (*field[float64], odeint.Events[float64]) {
	f := &field[float64]{
		dim: 2, theta: []float64{0.7, -0.4, 1.3},
		eval: func(d []float64, t float64, y, p []float64) {
			d[0] = p[0]*y[1] + 0.3*math.Sin(3*t)*y[0] + 0.5
			d[1] = p[1]*y[0]*y[0] + p[2]*math.Cos(t)
		},
		vjp: func(dy, dp []float64, t float64, y, p, l []float64) {
			dy[0] = 0.3*math.Sin(3*t)*l[0] + 2*p[1]*y[0]*l[1]
			dy[1] = p[0] * l[0]
			dp[0] += y[1] * l[0]
			dp[1] += y[0] * y[0] * l[1]
			dp[2] += math.Cos(t) * l[1]
		},
	}
	threshold := func(level float64) *mapping[float64] {
		return &mapping[float64]{
			theta: []float64{level, 0.2},
			eval: func(dst []float64, t float64, y, p []float64) {
				dst[0] = y[0] + p[1]*y[1]*y[1] - p[0] - 0.1*math.Sin(t)
			},
			vjp: func(dy, dp []float64, _ float64, y, p, l []float64) {
				dy[0], dy[1] = l[0], 2*p[1]*y[1]*l[0]
				dp[0] -= l[0]
				dp[1] += y[1] * y[1] * l[0]
			},
		}
	}
	kick := &mapping[float64]{
		theta: []float64{1.1},
		eval: func(dst []float64, t float64, y, p []float64) {
			dst[0], dst[1] = y[0]-p[0]*(1+0.2*t)*y[0]*y[0], y[1]-1.5*math.Sin(y[0])
		},
		vjp: func(dy, dp []float64, t float64, y, p, l []float64) {
			dy[0] = l[0]*(1-2*p[0]*(1+0.2*t)*y[0]) - 1.5*math.Cos(y[0])*l[1]
			dy[1] = l[1]
			dp[0] -= (1 + 0.2*t) * y[0] * y[0] * l[0]
		},
	}
	dose := &mapping[float64]{
		theta: []float64{0.15},
		eval: func(dst []float64, t float64, y, p []float64) {
			dst[0], dst[1] = (1-p[0])*y[0], 0.6*y[1]-0.1*y[0]*y[0]*t
		},
		vjp: func(dy, dp []float64, t float64, y, p, l []float64) {
			dy[0] = (1-p[0])*l[0] - 0.2*y[0]*t*l[1]
			dy[1] = 0.6 * l[1]
			dp[0] -= y[0] * l[0]
		},
	}
	return f, odeint.Events[float64]{
		{Condition: threshold(0.9), Direction: odeint.Rising, Effect: kick},
		{Condition: threshold(0.6)},
		{Times: []float64{0, 0.77, 1.5}, Effect: dose},
		{Times: []float64{0.41}},
	}
}

// Discrete is the derivative of the computed numbers for steps of fixed size: central differences
// of the whole solve, with events, outputs inside steps, and a loss of the events' times and states.
func TestEventsExact(t *testing.T) {
	f, all := hybrid()
	list := all
	y0 := []float64{0.3, 0.8}
	loss := func(sol *odeint.Solution[float64]) (sum float64) {
		for i, y := range sol.Y {
			sum += math.Sin(float64(i)+1) * y
		}
		for k, o := range sol.Events {
			w := math.Cos(float64(k))
			sum += w*o.T + 0.5*w*o.Before[0] - 0.2*w*o.Before[1] + 0.7*w*o.After[0]
		}
		return sum
	}
	for _, c := range []struct {
		opt odeint.Options
		tol float64
	}{
		{odeint.Options{Method: odeint.RK4, H0: 0.2}, 1e-9},
		{odeint.Options{Method: odeint.Dopri5, Controller: odeint.Fixed{}, H0: 0.31}, 1e-9},
		{odeint.Options{Method: odeint.Tsit5, Controller: odeint.Fixed{}, H0: 1}, 1e-9},
		{odeint.Options{Method: odeint.Heun, Controller: odeint.Fixed{}, H0: 0.05}, 1e-9},
		{odeint.Options{Method: odeint.Dop853, Controller: odeint.Fixed{}, H0: 0.4}, 1e-9},
		// How these depend on the ends of a step comes from differences.
		{odeint.Options{Method: odeint.GaussLegendre4, H0: 0.2}, 1e-8},
		{odeint.Options{Method: odeint.Kvaerno5, Controller: odeint.Fixed{}, H0: 0.2}, 1e-8},
	} {
		for _, dir := range []float64{1, -1} {
			for _, memory := range []Memory{Stages{}, States{}, Checkpoints{Bytes: 80}} {
				times := []float64{0, 0.25, 0.5, 1, 1.3, 2.1}
				opt := c.opt
				if _, rk := opt.Method.(*odeint.Tableau); !rk {
					list = odeint.Events[float64]{all[0], all[2]} // states inside steps come from another interpolant
				}
				opt.Events = list
				if dir < 0 {
					times = []float64{1.6, 1.3, 0.6, 0.1}
				}
				s, err := New[float64](f, opt, Discrete{Memory: memory})
				if err != nil {
					t.Fatal(err)
				}
				value := func() float64 {
					sol, err := s.Forward(ctx, times, y0)
					if err != nil {
						t.Fatal(err)
					}
					return loss(sol)
				}
				sol, err := s.Forward(ctx, times, y0)
				if err != nil {
					t.Fatal(err)
				}
				if len(sol.Events) < 2 {
					t.Fatalf("%v: %d events", opt.Method, len(sol.Events))
				}
				dys := make([]float64, len(sol.Y))
				for i := range dys {
					dys[i] = math.Sin(float64(i) + 1)
				}
				var cots []EventCotangent[float64]
				for k := range sol.Events {
					w := math.Cos(float64(k))
					cots = append(cots, EventCotangent[float64]{T: w, Before: []float64{0.5 * w, -0.2 * w}, After: []float64{0.7 * w, 0}})
				}
				var g Gradient[float64]
				if err := s.BackwardEvents(ctx, &g, dys, cots); err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("%v, %v, %v: ", opt.Method, memory, dir)
				gradtest.Close(t, what+"y0", g.Y0, gradtest.Gradient(value, y0, 1e-4), c.tol)
				gradtest.Close(t, what+"θ", g.Theta, gradtest.Gradient(value, f.theta, 1e-4), c.tol)
				var want []float64
				for _, e := range list {
					for _, m := range []odeint.Map[float64]{e.Condition, e.Effect} {
						if m != nil {
							want = append(want, gradtest.Gradient(value, m.(*mapping[float64]).theta, 1e-4)...)
						}
					}
				}
				gradtest.Close(t, what+"events", g.Events, want, c.tol)
			}
		}
	}
}

// The continuous adjoints agree with Discrete where the tolerance is tight, with events and a loss
// of them.
func TestEventsContinuous(t *testing.T) {
	f, list := hybrid()
	times := []float64{0, 0.25, 0.5, 1, 1.3, 2.1}
	for _, dir := range []float64{1, -1} {
		var want *Gradient[float64]
		for _, m := range append([]Method{Discrete{}}, methods...) {
			opt := odeint.Options{RTol: 1e-11, ATol: 1e-11, Events: list}
			at := slices.Clone(times)
			if dir < 0 {
				slices.Reverse(at)
			}
			s, err := New[float64](f, opt, m)
			if err != nil {
				t.Fatal(err)
			}
			sol, err := s.Forward(ctx, at, []float64{0.3, 0.8})
			if err != nil {
				t.Fatal(err)
			}
			cots := make([]EventCotangent[float64], len(sol.Events))
			for k := range cots {
				cots[k] = EventCotangent[float64]{T: 1, After: []float64{float64(k), 0.3}}
			}
			g := &Gradient[float64]{WantTimes: true}
			if err := s.BackwardEvents(ctx, g, constant(0.4, 1.0)(sol.Y), cots); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = g
			}
			gradtest.Close(t, fmt.Sprintf("%#v: y0", m), g.Y0, want.Y0, 1e-7)
			gradtest.Close(t, fmt.Sprintf("%#v: θ", m), g.Theta, want.Theta, 1e-7)
			gradtest.Close(t, fmt.Sprintf("%#v: events", m), g.Events, want.Events, 1e-7)
			gradtest.Close(t, fmt.Sprintf("%#v: times", m), g.Times, want.Times, 1e-7)
		}
	}
}

// An event without effect leaves the gradient as it is, bit for bit.
func TestEventWithoutEffectGradient(t *testing.T) {
	f, _ := bouncing(9.8, 0.8, 0.1)
	times := []float64{0, 0.3, 0.9}
	eachMethod(t, func(t *testing.T, m Method) {
		_, want, _ := pull(t, f, odeint.Options{}, m, times, []float64{5, 2}, constant(0.5, 1.5))
		opt := odeint.Options{Events: odeint.Events[float64]{
			{Condition: odeint.When(func(_ float64, y []float64) float64 { return y[1] })},
			{Times: []float64{0.5}},
		}}
		sol, g, _ := pull(t, f, opt, m, times, []float64{5, 2}, constant(0.5, 1.5))
		if len(sol.Events) != 2 {
			t.Fatalf("%+v", sol.Events)
		}
		for _, x := range [][2][]float64{{g.Y0, want.Y0}, {g.Theta, want.Theta}, {g.Times, want.Times}} {
			if !slices.Equal(x[0], x[1]) {
				t.Errorf("%v, without the event %v", x[0], x[1])
			}
		}
	})
}

// A terminal event: how long a ball falls, and how fast it is then.
func TestTerminalEventGradient(t *testing.T) {
	eachMethod(t, func(t *testing.T, m Method) {
		f, bounce := bouncing(9.8, 0.8, 0.1)
		bounce.Effect, bounce.Terminal = nil, true
		s, err := New[float64](f, odeint.Options{RTol: 1e-10, ATol: 1e-10, Events: odeint.Events[float64]{bounce}}, m)
		if err != nil {
			t.Fatal(err)
		}
		sol, err := s.Forward(ctx, []float64{0, 0.5, 2, 3}, []float64{5, 0})
		if err != nil || !sol.Stopped() || sol.Len() != 2 || len(sol.Events) != 1 {
			t.Fatalf("%v, %+v; %v", sol.T, sol.Events, err)
		}
		var g Gradient[float64]
		dys := make([]float64, len(sol.Y))
		if err := s.BackwardEvents(ctx, &g, dys, []EventCotangent[float64]{{T: 1, Before: []float64{0, 1}}}); err != nil {
			t.Fatal(err)
		}
		// τ = √(2d/g), v = −√(2dg) with the drop d.
		d, gr := 4.9, 9.8
		dt, dv := 1/math.Sqrt(2*d*gr), -math.Sqrt(gr/(2*d))
		gradtest.Close(t, "y0", g.Y0[:1], []float64{dt + dv}, 1e-8)
		gradtest.Close(t, "floor", g.Events, []float64{-dt - dv}, 1e-8)
		gradtest.Close(t, "gravity", g.Theta, []float64{-math.Sqrt(2*d/gr)/(2*gr) - math.Sqrt(d/(2*gr))}, 1e-8)
	})
}

// The field's float32 gradient is right to its rounding.
func TestEventsFloat32(t *testing.T) {
	times := []float64{0, 1.4, 2, 3.1}
	dys := constant[float64](1, 0.3)
	f, b := bouncing(9.8, 0.8, 0.1)
	_, want, _ := pull(t, f, odeint.Options{RTol: 1e-9, ATol: 1e-9, Events: odeint.Events[float64]{b}}, nil, times, []float64{5, 0}, dys)
	f32, b32 := bouncing[float32](9.8, 0.8, 0.1)
	for _, m := range methods {
		_, g, _ := pull(t, f32, odeint.Options{RTol: 1e-5, ATol: 1e-5, Events: odeint.Events[float32]{b32}}, m, times, []float32{5, 0}, constant[float32](1, 0.3))
		gradtest.Close(t, "y0", g.Y0, want.Y0, 1e-4)
		gradtest.Close(t, "θ", g.Theta, want.Theta, 1e-4)
		gradtest.Close(t, "events", g.Events, want.Events, 1e-4)
	}
}

// What cannot be differentiated is refused.
func TestEventRefusals(t *testing.T) {
	f, bounce := bouncing(9.8, 0.8, 0.1)
	plain := bounce
	plain.Effect = odeint.MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = y[0], -y[1] })
	var bad *odeint.OptionError
	if _, err := New[float64](f, odeint.Options{Events: odeint.Events[float64]{plain}}, nil); !errors.As(err, &bad) {
		t.Errorf("a plain effect: %v", err)
	}
	plain = bounce
	plain.Condition = odeint.When(func(_ float64, y []float64) float64 { return y[0] })
	if _, err := New[float64](f, odeint.Options{Events: odeint.Events[float64]{plain}}, nil); !errors.As(err, &bad) {
		t.Errorf("a plain condition: %v", err)
	}
	opt := odeint.Options{Method: &odeint.Tao{Omega: 1, Order: 2}, H0: 0.1, Events: odeint.Events[float64]{bounce}}
	if _, err := New[float64](f, opt, nil); !errors.As(err, &bad) {
		t.Errorf("Tao: %v", err)
	}
	plain.Effect, plain.Terminal = nil, true
	s, err := New[float64](f, odeint.Options{Events: odeint.Events[float64]{plain}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sol, err := s.Forward(ctx, []float64{0, 3}, []float64{5, 0})
	if err != nil {
		t.Fatal(err)
	}
	var g Gradient[float64]
	if err := s.BackwardEvents(ctx, &g, make([]float64, len(sol.Y)), []EventCotangent[float64]{{T: 1}}); !errors.As(err, &bad) {
		t.Errorf("a plain condition with a cotangent: %v", err)
	}
	var cot *CotangentError
	if err := s.BackwardEvents(ctx, &g, make([]float64, len(sol.Y)), []EventCotangent[float64]{{T: math.NaN()}}); !errors.As(err, &cot) {
		t.Errorf("NaN: %v", err)
	}
	// A condition that touches its root where it does not pass: y = t − t³/3 at t = 1.
	flat := &field[float64]{dim: 1, eval: func(d []float64, t float64, _, _ []float64) { d[0] = (1 - t) * (1 - t) }, vjp: func(dy, _ []float64, _ float64, _, _, _ []float64) { dy[0] = 0 }}
	third := &mapping[float64]{
		eval: func(dst []float64, _ float64, y, _ []float64) { dst[0] = y[0] - 1.0/3 },
		vjp:  func(dy, _ []float64, _ float64, _, _, l []float64) { dy[0] = l[0] },
	}
	eachMethod(t, func(t *testing.T, m Method) {
		s, err := New[float64](flat, odeint.Options{RTol: 1e-13, ATol: 1e-13, Events: odeint.Events[float64]{{Condition: third, Terminal: true}}}, m)
		if err != nil {
			t.Fatal(err)
		}
		sol, err := s.Forward(ctx, []float64{0, 3}, []float64{0})
		if err != nil || !sol.Stopped() {
			t.Fatal(err)
		}
		err = s.BackwardEvents(ctx, &g, make([]float64, len(sol.Y)), []EventCotangent[float64]{{T: 1}})
		if math.Abs(sol.Reached()-1) < 1e-5 && !errors.Is(err, odeint.ErrGrazing) && err != nil {
			t.Errorf("a grazing event at %v: %v", sol.Reached(), err)
		}
	})
}
