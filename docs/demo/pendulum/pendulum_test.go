package pendulum

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var ctx = context.Background()

func Example() {
	s, err := Trained(Hamiltonian)
	if err != nil {
		panic(err)
	}
	z, err := s.Trajectory(ctx, 2, 0, 10, 100) // from 2 rad at rest, over 10 s
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.0f J at the start, %.0f J at the end\n", Energy(z[0], z[1]), Energy(z[200], z[201]))
	// Output: 14 J at the start, 14 J at the end
}

// The true system in SI units: dq/dt = p, dp/dt = −g sin q.
func TestSlopes(t *testing.T) {
	s, err := New(Truth, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	z := []float64{0.5, 2, -3, 1, 2, -7}
	d, h := make([]float64, 6), make([]float64, 3)
	if err := errors.Join(s.Slopes(d, z), s.Learned(h, z)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		q, p := z[2*i], z[2*i+1]
		if math.Abs(d[2*i]-p) > 1e-14*math.Abs(p) || math.Abs(d[2*i+1]+Gravity*math.Sin(q)) > 1e-13 {
			t.Errorf("slopes at (%v, %v): %v", q, p, d[2*i:2*i+2])
		}
		if math.Abs(h[i]-Energy(q, p)) > 1e-13*Energy(q, p) {
			t.Errorf("energy at (%v, %v): %v, want %v", q, p, h[i], Energy(q, p))
		}
	}
}

// Small swings have the period 2π√(l/g), forward and backward, and Step agrees with Trajectory.
func TestTrajectory(t *testing.T) {
	s, err := New(Truth, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range []float64{2 * math.Pi * Time, -2 * math.Pi * Time} {
		z, err := s.Trajectory(ctx, 1e-3, 0, span, 4)
		if err != nil {
			t.Fatal(err)
		}
		// 1e-8: the period of an amplitude a is longer by a²/16, and the solver's tolerance.
		if math.Abs(z[4]+1e-3) > 1e-8 || math.Abs(z[8]-1e-3) > 1e-8 {
			t.Errorf("after half a period and one: %v and %v", z[4], z[8])
		}
	}
	z, err := s.Trajectory(ctx, 2, 1, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	many := make([]float64, 400)
	for i := range 200 {
		many[2*i], many[2*i+1] = 2, 1
	}
	for range 30 {
		if err := s.Step(ctx, many, 0.5/30); err != nil {
			t.Fatal(err)
		}
	}
	// 1e-6: RK4 with h = 0.017 s.
	if math.Abs(many[398]-z[2]) > 1e-6 || math.Abs(many[399]-z[3]) > 1e-5 {
		t.Errorf("200 rows reach %v, one %v", many[398:], z[2:])
	}
}

// What the page says: both networks fit the data, only one keeps the energy.
func TestTrained(t *testing.T) {
	spread := map[Kind]float64{}
	for _, kind := range []Kind{Hamiltonian, Plain} {
		s, err := Trained(kind)
		if err != nil {
			t.Fatal(err)
		}
		truth, err := Trained(Truth)
		if err != nil {
			t.Fatal(err)
		}
		var worst float64
		for _, q := range []float64{0.5, 1, 1.5} {
			short, err := s.Trajectory(ctx, q, 0, Span, 30)
			if err != nil {
				t.Fatal(err)
			}
			want, err := truth.Trajectory(ctx, q, 0, Span, 30)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(want); i += 2 {
				worst = max(worst, math.Abs(short[i]-want[i]))
			}
			long, err := s.Trajectory(ctx, q, 0, 60, 1200)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(long); i += 2 {
				spread[kind] = max(spread[kind], math.Abs(Energy(long[i], long[i+1])-Energy(q, 0)))
			}
		}
		// The noise of the data is 0.05 rad.
		if worst > 0.05 {
			t.Errorf("%s: the angle is wrong by %v rad within the span of the data", kind, worst)
		}
	}
	t.Logf("energy off by %.2f J and %.2f J within 60 s", spread[Hamiltonian], spread[Plain])
	if spread[Hamiltonian] > 0.3 || spread[Plain] < 1 {
		t.Errorf("energies are off by %v J and %v J", spread[Hamiltonian], spread[Plain])
	}
	s, err := Trained(Plain)
	if err != nil {
		t.Fatal(err)
	}
	if s.Learned(make([]float64, 1), make([]float64, 2)) == nil {
		t.Error("a plain network has an energy")
	}
}

func TestTrain(t *testing.T) {
	o := Training{Kind: Hamiltonian, Width: 8, Trajectories: 8, Noise: 0.02, Steps: 60, Seed: 3}
	var losses []float64
	model, err := Train(ctx, o, 10, func(p Progress) error {
		losses = append(losses, p.Loss)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(losses) != 6 || losses[5] > losses[0]/3 {
		t.Errorf("losses %v", losses)
	}
	s, err := New(o.Kind, o.Width, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetParams(model.Params()); err != nil {
		t.Fatal(err)
	}
	// The system and the model are one: the same trajectory, by Tsit5 and by RK4.
	a, err := s.Trajectory(ctx, 1, 0, 0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := model.Predict(ctx, []float64{0, 0.1}, []float64{1, 0})
	if err != nil || math.Abs(a[2]-b[2]) > 1e-3 || math.Abs(a[3]-b[3]) > 1e-3 {
		t.Errorf("%v and %v (%v)", a, b, err)
	}
	stop := errors.New("stop")
	if _, err := Train(ctx, o, 10, func(Progress) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("hook's error: %v", err)
	}
}

// Measured starts have energies below Highest, and the noise that was asked for.
func TestMeasure(t *testing.T) {
	clean, err := Measure(ctx, 200, 0, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	low, high := math.Inf(1), 0.0
	for _, d := range clean {
		e := Energy(d.States[0], d.States[1])
		low, high = min(low, e), max(high, e)
		if last := len(d.States) - 2; math.Abs(Energy(d.States[last], d.States[last+1])-e) > 1e-4 {
			t.Fatalf("energy %v became %v", e, Energy(d.States[last], d.States[last+1]))
		}
	}
	if low > 1 || high < 13 || high > Highest*(1+1e-12) {
		t.Errorf("energies from %v to %v, want nearly 0 to %v", low, high, Highest)
	}
}

func TestRefused(t *testing.T) {
	for _, o := range []Training{
		{Kind: Truth, Width: 8, Trajectories: 8, Steps: 1}, {Kind: Plain, Width: 0, Trajectories: 8, Steps: 1}, {Kind: Plain, Width: 8, Steps: 1},
		{Kind: Plain, Width: 8, Trajectories: 8, Noise: math.NaN(), Steps: 1}, {Kind: Plain, Width: 8, Trajectories: 8},
	} {
		if _, err := Train(ctx, o, 1, nil); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if _, err := New("wave", 8, nil); err == nil {
		t.Error("a kind that does not exist was accepted")
	}
	s, err := New(Plain, 8, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.SetParams(make([]float64, 3)) == nil {
		t.Error("parameters of the wrong length were accepted")
	}
	if _, err := s.Trajectory(ctx, 0, 0, 1, 0); err == nil {
		t.Error("a trajectory without intervals was accepted")
	}
}
