package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
)

func TestQuick(t *testing.T) {
	got := apptest.Run(t, program, []string{"windows.png", "learned.png", "swingup.png"}, "-quick")
	for _, name := range []string{"ports_loss_tau2", "ports_loss_tau6", "swingup_success"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no %s in metrics.json", name)
		}
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }

// TestSimulate: without torque the energy θ′²/2 + 15 cos θ stays; with it it changes by the
// work 3uΔθ.
func TestSimulate(t *testing.T) {
	for _, u := range []float64{0, 2} {
		s, err := simulate(u, 20, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		energy := func(i int) float64 {
			return s.z[i+1]*s.z[i+1]/2 + gravity*math.Cos(s.z[i]) - torque*u*s.z[i]
		}
		gradtest.Close(t, "energy", []float64{energy(38)}, []float64{energy(0)}, 1e-6)
	}
}

// TestCompare: a whole turn is no error, and the gradient is that of the loss.
func TestCompare(t *testing.T) {
	pred, target, grad := []float64{0.3, 1, -2, 0.5}, []float64{1, -1, 2, 3}, make([]float64, 4)
	loss := func() float64 { return 0.25 * compare(nil, pred, target, 0) }
	compare(grad, pred, target, 0.25)
	gradtest.Close(t, "gradient", grad, gradtest.Gradient(loss, pred, 1e-3), 1e-9)
	if d := compare(nil, []float64{0.3 + 2*math.Pi, 1}, pred[:2], 0); d > 1e-28 {
		t.Errorf("a turn is an error of %g", d)
	}
}

func TestWindows(t *testing.T) {
	w := windows([]series{{u: 2, z: []float64{0, 1, 2, 3, 4, 5}}}, 2)
	if len(w) != 2 || w[1].z[0] != 2 || len(w[1].z) != 4 || w[1].u != 2 {
		t.Errorf("%v", w)
	}
}

// TestController: the parts that the controller takes from the model have its energy and
// its force.
func TestController(t *testing.T) {
	field, err := graph.NewField[float64](hnn.Velocities{Field: structured}, 1, graph.FieldConfig{Rand: rand.New(rand.NewPCG(3, 0)), Input: &graph.InputConfig{Channels: 1}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := newController(&model{field: field})
	if err != nil {
		t.Fatal(err)
	}
	slopes := func(u, q, v float64) []float64 {
		if err := hold(field, []float64{u}); err != nil {
			t.Fatal(err)
		}
		dz := make([]float64, 2)
		field.Eval(dz, 0, []float64{q, v})
		return dz
	}
	q, v, u := 0.7, -1.3, 1.9
	free, forced := slopes(0, q, v), slopes(u, q, v)
	factor := value(c.inverse, q)
	gradtest.Close(t, "force", []float64{forced[1] - free[1]}, []float64{(factor*factor + epsilon) * value(c.input, q) * u}, 1e-13)
	const h = 1e-5
	rate := (c.energy(q+h*forced[0], v+h*forced[1]) - c.energy(q-h*forced[0], v-h*forced[1])) / (2 * h)
	gradtest.Close(t, "power", []float64{rate}, []float64{value(c.input, q) * u * v}, 1e-8)
}
