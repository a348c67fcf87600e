package odeint

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// ball is a bouncing ball (height, velocity) above a floor at 0.
type ball struct{ h, g, e float64 }

func fall[T Float](g float64) VectorField[T] {
	return NewFunc(2, func(d []T, _ float64, y []T) { d[0], d[1] = y[1], T(-g) })
}

func bounces[T Float](e float64) Event[T] {
	return Event[T]{
		Name:      "bounce",
		Condition: When(func(_ float64, y []T) T { return y[0] }),
		Direction: Falling,
		Effect:    MapFunc[T](func(dst []T, _ float64, y []T) { dst[0], dst[1] = 0, T(-e)*y[1] }),
	}
}

// bounce is the time of the k-th bounce, from 1; velocity is that after it.
func (b ball) bounce(k int) (t, velocity float64) {
	t1 := math.Sqrt(2 * b.h / b.g)
	t, velocity = t1, b.g*t1
	for j := 1; j < k; j++ {
		velocity *= b.e
		t += 2 * velocity / b.g
	}
	return t, velocity * b.e
}

// at is the state at time t.
func (b ball) at(t float64) (height, velocity float64) {
	last, v := 0.0, 0.0
	for k := 1; ; k++ {
		next, after := b.bounce(k)
		if next >= t {
			break
		}
		last, v = next, after
	}
	s := t - last
	if last == 0 {
		return b.h - b.g*s*s/2, -b.g * s
	}
	return v*s - b.g*s*s/2, v - b.g*s
}

// The bouncing ball has a closed form. Every method finds the times of its bounces, the states before
// and after them, and the states in between.
func TestBouncingBall(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testBouncingBall[float64](t, 1e-12) })
	t.Run("float32", func(t *testing.T) { testBouncingBall[float32](t, 3e-5) })
}

func testBouncingBall[T Float](t *testing.T, tol float64) {
	b := ball{5, 9.8, 0.8}
	times := []float64{0, 0.3, 1, 1.5, 2, 3, 4, 4.5, 5}
	for _, opt := range []Options{
		{RTol: 1e-6, ATol: 1e-6},
		{Method: Dop853, RTol: 1e-6, ATol: 1e-6},
		{Method: Bosh3, RTol: 1e-5, ATol: 1e-5},
		{Method: RK4, H0: 0.17},
		{Method: RK4, Steps: 3},
		{Method: Kvaerno5, RTol: 1e-6, ATol: 1e-6},
		{Method: GaussLegendre4, H0: 0.17},
		{Method: Auto{}, RTol: 1e-6, ATol: 1e-6},
	} {
		opt.Events = Events[T]{bounces[T](b.e)}
		for _, keep := range []Keep{Rows, Steps, Stages, Dense} {
			opt.SaveAt.Keep = keep
			in, err := New(fall[T](b.g), opt)
			if err != nil {
				t.Fatal(err)
			}
			var sol Solution[T]
			if err := in.SolveAt(t.Context(), &sol, times, []T{T(b.h), 0}); err != nil {
				t.Fatalf("%v: %v", opt.Method, err)
			}
			if len(sol.Events) != 4 || sol.Stats.Events != 4 {
				t.Fatalf("%v: %d events", opt.Method, len(sol.Events))
			}
			for k, o := range sol.Events {
				at, after := b.bounce(k + 1)
				if math.Abs(o.T-at) > tol*at || math.Abs(float64(o.After[1])-after) > 10*tol || o.After[0] != 0 ||
					math.Abs(float64(o.Before[0])) > 10*tol || math.Abs(float64(o.Before[1])+after/b.e) > 10*tol {
					t.Errorf("%v: bounce %d at %v, want %v: from %v to %v, want %v", opt.Method, k, o.T, at, o.Before, o.After, after)
				}
			}
			for i, at := range times {
				h, v := b.at(at)
				if y := sol.Row(i); math.Abs(float64(y[0])-h) > 20*tol || math.Abs(float64(y[1])-v) > 20*tol {
					t.Errorf("%v: at %v: %v, want %v, %v", opt.Method, at, y, h, v)
				}
			}
			if keep == Dense {
				checkBothSides(t, &sol, b, 20*tol)
			}
		}
	}
}

// checkBothSides checks the dense output next to the bounces and in between.
func checkBothSides[T Float](t *testing.T, sol *Solution[T], b ball, tol float64) {
	t.Helper()
	y := make([]T, 2)
	for _, o := range sol.Events {
		if err := sol.At(y, o.T); err != nil || !slices.Equal(y, o.Before) {
			t.Errorf("at the bounce: %v, want %v; %v", y, o.Before, err)
		}
		if err := sol.At(y, math.Nextafter(o.T, 10)); err != nil || math.Abs(float64(y[1]-o.After[1])) > tol {
			t.Errorf("after the bounce: %v, want %v; %v", y, o.After, err)
		}
		if s := sol.Step(o.Step); s.T1 != o.T || !slices.Equal(s.Y1, o.Before) || o.Theta != 1 {
			t.Errorf("step %d to %v, bounce at %v", o.Step, s.T1, o.T)
		}
		if o.Step+1 < sol.NumSteps() {
			if s := sol.Step(o.Step + 1); s.T0 != o.T || !slices.Equal(s.Y0, o.After) {
				t.Errorf("step from %v, %v, bounce at %v to %v", s.T0, s.Y0, o.T, o.After)
			}
		}
	}
	for at := 0.0; at < 5; at += 0.037 {
		h, v := b.at(at)
		if err := sol.At(y, at); err != nil || math.Abs(float64(y[0])-h) > tol || math.Abs(float64(y[1])-v) > tol {
			t.Errorf("dense at %v: %v, want %v, %v; %v", at, y, h, v, err)
		}
	}
}

// Splitting and Tao see the ball as a pair (q, p).
func TestBouncingBallSplitting(t *testing.T) {
	b := ball{5, 9.8, 0.8}
	for _, m := range []Method{VelocityVerlet, &Tao{Omega: 1, Order: 2}} {
		f := separableFall{fall[float64](b.g), b.g}
		sol, err := SolveAt[float64](f, []float64{0, 2, 5}, []float64{b.h, 0}, Options{Method: m, H0: 0.01, Events: Events[float64]{bounces[float64](b.e)}})
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range sol.T {
			h, v := b.at(at)
			if y := sol.Row(i); math.Abs(y[0]-h) > 1e-2 || math.Abs(y[1]-v) > 1e-2 {
				t.Errorf("%v: at %v: %v, want %v, %v", m, at, y, h, v)
			}
		}
	}
}

type separableFall struct {
	VectorField[float64]
	g float64
}

func (f separableFall) SampleDim() int                             { return 2 }
func (f separableFall) Drift(dq []float64, _ float64, p []float64) { copy(dq, p) }
func (f separableFall) Kick(dp []float64, _ float64, _ []float64)  { dp[0] = -f.g }

// Backward in time the ball rises from its bounces with what they left.
func TestEventsBackward(t *testing.T) {
	b := ball{5, 9.8, 0.8}
	h, v := b.at(4)
	back := Event[float64]{
		Condition: When(func(_ float64, y []float64) float64 { return y[0] }),
		Effect:    MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = 0, -y[1]/b.e }),
		Direction: Falling,
	}
	for _, opt := range []Options{{}, {Method: RK4, H0: 0.13}} {
		opt.Events = Events[float64]{back}
		sol, err := Solve(fall[float64](b.g), 4, 0, []float64{h, v}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if y := sol.Last(); math.Abs(y[0]-b.h) > 1e-10 || math.Abs(y[1]) > 1e-10 {
			t.Errorf("back to %v, want %v, 0", y, b.h)
		}
		if n := len(sol.Events); n != 3 {
			t.Fatalf("%d events", n)
		}
		for i, o := range sol.Events {
			if at, _ := b.bounce(3 - i); math.Abs(o.T-at) > 1e-12*at {
				t.Errorf("bounce at %v, want %v", o.T, at)
			}
		}
	}
}

// The cases of other libraries' test suites.
func TestEventCases(t *testing.T) {
	grow := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = y[0] })
	stop := func(g func(t float64, y []float64) float64) Event[float64] {
		return Event[float64]{Condition: When(g), Terminal: true}
	}
	tight := Options{RTol: 1e-10, ATol: 1e-10, SaveAt: SaveAt{End: true}}

	// y' = y reaches e at t = 1.
	opt := tight
	opt.Events = Events[float64]{stop(func(_ float64, y []float64) float64 { return y[0] - math.E })}
	sol, err := Solve(grow, 0, 3, []float64{1}, opt)
	if err != nil || !sol.Stopped() || math.Abs(sol.Reached()-1) > 1e-9 || sol.T[0] != sol.Reached() || math.Abs(sol.Row(0)[0]-math.E) > 1e-14 {
		t.Errorf("e is reached at %v, %v; %v", sol.Reached(), sol.Last(), err)
	}

	// Of two events only the second comes: t = 10, y = −5 with y' = 1 from −10.
	opt.Events = Events[float64]{
		stop(func(t float64, _ []float64) float64 { return t - 10 }),
		stop(func(_ float64, y []float64) float64 { return y[0] + 5 }),
	}
	one := NewFunc(1, func(d []float64, _ float64, _ []float64) { d[0] = 1 })
	sol, err = Solve(one, 0, 20, []float64{-10}, opt)
	if err != nil || len(sol.Events) != 1 || sol.Events[0].Event != 1 || math.Abs(sol.Reached()-5) > 1e-14 {
		t.Errorf("%+v; %v", sol.Events, err)
	}

	// y' = −y from 10, 100, 1000 reaches 1 after their logarithms.
	decay := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -y[0] })
	for _, y0 := range []float64{10, 100, 1000} {
		opt.Events = Events[float64]{stop(func(_ float64, y []float64) float64 { return y[0] - 1 })}
		sol, err = Solve(decay, 0, 100, []float64{y0}, opt)
		if err != nil || math.Abs(sol.Last()[0]-1) > 1e-14 || math.Abs(sol.Reached()-math.Log(y0)) > 1e-8 {
			t.Errorf("from %v: %v at %v; %v", y0, sol.Last(), sol.Reached(), err)
		}
	}

	// A condition that is 0 at the start is no event, there and then.
	opt.Events = Events[float64]{stop(func(_ float64, y []float64) float64 { return y[0] - 1 })}
	sol, err = Solve(grow, 0, 3, []float64{1}, opt)
	if err != nil || len(sol.Events) != 0 || sol.Reached() != 3 {
		t.Errorf("an event at the start: %+v; %v", sol.Events, err)
	}

	// The state at the end of another solve is found again, for every method.
	turn := NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], -y[0] })
	for _, m := range []Method{Euler, Midpoint, Heun, RK4, Bosh3, Dopri5, Tsit5, Dop853, Kvaerno5, TRBDF2, GaussLegendre6} {
		fixed := Options{Method: m, Controller: Fixed{}, H0: 0.01, SaveAt: SaveAt{End: true}}
		ref, err := Solve(turn, 0, 1.2345, []float64{0, 1}, fixed)
		if err != nil {
			t.Fatal(err)
		}
		goal := ref.Last()[0]
		fixed.Events = Events[float64]{stop(func(_ float64, y []float64) float64 { return y[0] - goal })}
		sol, err = Solve(turn, 0, 1.5, []float64{0, 1}, fixed)
		if err != nil || math.Abs(sol.Reached()-1.2345) > 1e-12 || math.Abs(sol.Last()[1]-ref.Last()[1]) > 1e-12 {
			t.Errorf("%v: %v at %v, want %v; %v", m, sol.Last(), sol.Reached(), ref.Last(), err)
		}
	}
}

// Crossings inside one step: two of one condition, and three of three conditions in the
// order of their times.
func TestCrossingsInAStep(t *testing.T) {
	one := NewFunc(1, func(d []float64, _ float64, _ []float64) { d[0] = 1 })
	count := func(opt Options, list Events[float64]) []Occurrence[float64] {
		t.Helper()
		opt.Events = list
		sol, err := Solve(one, 0, 10, []float64{0}, opt)
		if err != nil {
			t.Fatal(err)
		}
		return sol.Events
	}
	big := Options{Method: RK4, H0: 10}
	for _, width := range []float64{3, 1, 0.3, 0.1, 0.01, 1e-3, 1e-5} {
		for _, centre := range []float64{3.3, 5, 7.77} {
			dip := When(func(t float64, _ []float64) float64 { return (t-centre)*(t-centre) - width*width/4 })
			got := count(big, Events[float64]{{Condition: dip}})
			if len(got) != 2 || math.Abs(got[0].T-centre+width/2) > 1e-9 || math.Abs(got[1].T-centre-width/2) > 1e-9 {
				t.Errorf("width %v at %v: %+v", width, centre, got)
			}
			add := MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0] = y[0] + 1 })
			if got := count(big, Events[float64]{{Condition: dip, Effect: add}}); len(got) != 2 || got[1].After[0] != got[1].Before[0]+1 {
				t.Errorf("with effects, width %v at %v: %+v", width, centre, got)
			}
			if got := count(big, Events[float64]{{Condition: dip, Direction: Rising}}); len(got) != 1 || got[0].T < centre {
				t.Errorf("rising, width %v: %+v", width, got)
			}
		}
	}
	at := func(when float64) Map[float64] {
		return When(func(_ float64, y []float64) float64 { return y[0] - when })
	}
	double := MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0] = y[0] + 0.5 })
	got := count(big, Events[float64]{{Condition: at(7)}, {Condition: at(2), Effect: double}, {Condition: at(4.5)}})
	want := []struct {
		event int
		t     float64
	}{{1, 2}, {2, 4}, {0, 6.5}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		if got[i].Event != w.event || math.Abs(got[i].T-w.t) > 1e-13 {
			t.Errorf("event %d at %v, want %d at %v", got[i].Event, got[i].T, w.event, w.t)
		}
	}
}

// Effects at known times: doses, at the start and the end of the solve too, forward and backward.
func TestScheduledEvents(t *testing.T) {
	decay := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -y[0] })
	dose := Event[float64]{
		Times:  []float64{3, 1, 0, 2, 4, -1, 5},
		Effect: MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0] = y[0] + 1 }),
	}
	times := []float64{0, 0.5, 1, 1.5, 3, 3.5, 4}
	for _, dir := range []float64{1, -1} {
		for _, opt := range []Options{{RTol: 1e-10, ATol: 1e-10}, {Method: Dopri5, Controller: Fixed{}, H0: 0.01}} {
			opt.Events = Events[float64]{dose}
			at := slices.Clone(times)
			if dir < 0 {
				slices.Reverse(at)
			}
			sol, err := SolveAt(decay, at, []float64{0}, opt)
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range at {
				want := 0.0
				for d := 0.0; d <= 4; d++ {
					if dir*d < dir*x {
						want += math.Exp(-(x - d))
					}
				}
				if got := sol.Row(i)[0]; math.Abs(got-want) > 1e-8*(1+want) {
					t.Errorf("at %v: %v, want %v", x, got, want)
				}
			}
			if n := len(sol.Events); n != 5 || math.Abs(sol.Last()[0]-sol.Row(len(at) - 1)[0]-1) > 1e-12 {
				t.Errorf("%d doses, the last leads from %v to %v", n, sol.Row(len(at)-1), sol.Last())
			}
		}
	}
}

// An event that does not act leaves every number as it is.
func TestEventWithoutEffect(t *testing.T) {
	for _, opt := range []Options{{}, {Method: Dop853}, {Method: Kvaerno5}, {Method: RK4, H0: 0.1}, {Method: GaussLegendre4, H0: 0.1}} {
		opt.SaveAt = SaveAt{Times: []float64{0.5, 1, 2.2}, End: true, Keep: Steps}
		turn := NewFunc(2, spiral[float64])
		plain, err := Solve(turn, 0, 3, []float64{1, 1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		opt.Events = Events[float64]{
			{Condition: When(func(_ float64, y []float64) float64 { return y[0] })},
			{Times: []float64{0, 1.234, 3}},
		}
		sol, err := Solve(turn, 0, 3, []float64{1, 1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sol.Y, plain.Y) || sol.NumSteps() != plain.NumSteps() {
			t.Errorf("%v: the event changes the solution", opt.Method)
		}
		if len(sol.Events) < 4 {
			t.Errorf("%v: %+v", opt.Method, sol.Events)
		}
		for i, o := range sol.Events {
			if i > 0 && o.T < sol.Events[i-1].T {
				t.Errorf("%v: out of order: %+v", opt.Method, sol.Events)
			}
			// The rounding of dense output, whose coefficients cancel.
			if o.Event == 0 && math.Abs(o.Before[0]) > 2e-13 {
				t.Errorf("%v: %+v", opt.Method, o)
			}
		}
	}
}

// Steps of Fixed are known without being kept, also where events cut them.
func TestStepTimesWithEvents(t *testing.T) {
	opt := Options{Method: RK4, H0: 0.17, Stops: []float64{2.2}, SaveAt: SaveAt{Keep: Steps}, Events: Events[float64]{
		bounces[float64](0.5),
		{Condition: When(func(t float64, y []float64) float64 { return y[1] }), Effect: MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = y[0], -0.1 })},
	}}
	kept, err := Solve(fall[float64](9.8), 0, 2.5, []float64{5, 0}, opt)
	if err != nil {
		t.Fatal(err)
	}
	opt.SaveAt = SaveAt{}
	light, err := Solve(fall[float64](9.8), 0, 2.5, []float64{5, 0}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(light.Events) < 4 {
		t.Fatalf("%+v", light.Events)
	}
	for i := range light.Stats.Accepted {
		got, want := light.StepTimes(i), kept.Step(i)
		if got.T0 != want.T0 || got.T1 != want.T1 || got.H != want.H || got.Lo != want.Lo || got.Hi != want.Hi {
			t.Fatalf("step %d: %+v, want %v to %v by %v", i, got, want.T0, want.T1, want.H)
		}
	}
}

// What makes it impossible to go on is a typed error.
func TestEventErrors(t *testing.T) {
	f := fall[float64](9.8)
	solve := func(end float64, most int, e ...Event[float64]) (*Solution[float64], error) {
		return Solve(f, 0, end, []float64{5, 0}, Options{RTol: 1e-9, ATol: 1e-9, Events: Events[float64](e), MaxEvents: most})
	}
	// A ball that bounces for ever.
	sol, err := solve(1e6, 0, bounces[float64](1))
	if !errors.Is(err, ErrMaxEvents) || len(sol.Events) != 10_000 {
		t.Errorf("%d bounces: %v", len(sol.Events), err)
	}
	var ev *EventError
	if !errors.As(err, &ev) || ev.Event != 0 {
		t.Errorf("%v", err)
	}
	// One that comes to rest after 9.09 seconds, with a floor at 0 and at 0.3.
	for _, floor := range []float64{0, 0.3} {
		b := bounces[float64](0.8)
		b.Condition = When(func(_ float64, y []float64) float64 { return y[0] - floor })
		b.Effect = MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = y[0], -0.8*y[1] })
		sol, err = solve(20, 0, b)
		rest := math.Sqrt(2*(5-floor)/9.8) * (1 + 2*0.8/0.2)
		if !errors.Is(err, ErrZeno) && !errors.Is(err, ErrGrazing) || math.Abs(sol.Reached()-rest) > 1e-4 {
			t.Errorf("floor %v: %d bounces to %v, want %v: %v", floor, len(sol.Events), sol.Reached(), rest, err)
		}
	}
	if _, err := solve(5, 3, bounces[float64](0.8)); !errors.Is(err, ErrMaxEvents) {
		t.Errorf("%v", err)
	}
	if _, err := solve(5, 0, bounces[float64](0)); !errors.Is(err, ErrGrazing) {
		t.Errorf("a ball that stays: %v", err)
	}
	if _, err := solve(5, 0, Event[float64]{Condition: When(func(t float64, _ []float64) float64 { return math.Sqrt(1 - t) })}); !errors.Is(err, ErrNonFinite) {
		t.Errorf("NaN: %v", err)
	}
	bad := bounces[float64](1)
	bad.Effect = MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = 0, math.NaN() })
	if _, err := solve(5, 0, bad); !errors.Is(err, ErrNonFinite) {
		t.Errorf("NaN: %v", err)
	}
	for _, list := range []EventList{
		Events[float64]{{}},
		Events[float32]{bounces[float32](1)},
		Events[float64]{{Times: []float64{math.NaN()}}},
		Events[float64]{{Times: []float64{1}, Condition: bounces[float64](1).Condition}},
		Events[float64]{{Times: []float64{1}, Direction: 7, Samples: -1}},
	} {
		var bad *OptionError
		if _, err := New(f, Options{Events: list}); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", list, err)
		}
	}
}

// Events happen at one time in the order of the list.
func TestEventsAtOneTime(t *testing.T) {
	one := NewFunc(2, func(d []float64, _ float64, _ []float64) { d[0], d[1] = 1, 1 })
	add := func(c float64) Map[float64] {
		return MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = y[0], c*y[1]+1 })
	}
	at := When(func(_ float64, y []float64) float64 { return y[0] - 1 })
	sol, err := Solve(one, 0, 2, []float64{0, 0}, Options{Events: Events[float64]{{Condition: at, Effect: add(2)}, {Times: []float64{1.5}}, {Condition: at, Effect: add(10)}}})
	if err != nil || len(sol.Events) != 3 || math.Abs(sol.Last()[1]-32) > 1e-12 {
		t.Errorf("%v, %+v; %v", sol.Last(), sol.Events, err)
	}
}

// From the second solve on events allocate nothing.
func TestEventAllocations(t *testing.T) {
	in, err := New(fall[float64](9.8), Options{Events: Events[float64]{bounces[float64](0.8)}})
	if err != nil {
		t.Fatal(err)
	}
	var sol Solution[float64]
	y0, ctx := []float64{5, 0}, t.Context()
	run := func() {
		if err := in.Solve(ctx, &sol, 0, 5, y0); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(10, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The condition of an event that acts is 0 at the end of the step itself, to rounding, however rough
// the steps and their interpolant are.
func TestEventResidual(t *testing.T) {
	turn := NewFunc(2, func(d []float64, t float64, y []float64) {
		d[0], d[1] = y[1]+0.3*math.Sin(2*t), -math.Sin(y[0])*(1+y[1]*y[1])
	})
	g := func(t float64, y []float64) float64 { return y[0]*y[0] + 0.3*y[1] - 0.7 - 0.1*math.Cos(t) }
	keep := MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = y[0], y[1] })
	for _, m := range []Method{Heun, Bosh3, RK4, Dopri5, Tsit5, Dop853, Kvaerno5, GaussLegendre4} {
		sol, err := Solve(turn, 0, 6, []float64{0.4, 1}, Options{Method: m, Controller: Fixed{}, H0: 0.6, Events: Events[float64]{{Condition: When(g), Effect: keep}}})
		if err != nil || len(sol.Events) < 3 {
			t.Fatalf("%v: %+v; %v", m, sol.Events, err)
		}
		for _, o := range sol.Events {
			// A unit in the last place of t, times the rate of the condition. Stages of implicit methods
			// are found to rounding.
			if r := math.Abs(g(o.T, o.Before)); r > 1e-14 {
				t.Errorf("%v: at %v the condition is %v", m, o.T, r)
			}
		}
	}
}
