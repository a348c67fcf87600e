package main

import (
	"context"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"gonum.org/v1/gonum/floats"
)

// The true solution keeps δu1 − γ log u1 + βu2 − α log u2 and is periodic.
func TestTruth(t *testing.T) {
	invariant := func(u []float64) float64 {
		return delta*u[0] - gamma*math.Log(u[0]) + beta*u[1] - alpha*math.Log(u[1])
	}
	y, err := truth([]float64{0, period / 2, period, 6 * period})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(y); i += 2 {
		if d := invariant(y[i:]) - invariant(y); math.Abs(d) > 1e-10 {
			t.Errorf("row %d: the invariant has moved by %g", i/2, d)
		}
	}
	// The period's last digit is worth 5e-6 times the speed, 2/3, and six times that.
	if !floats.EqualApprox(y[4:6], start(), 1e-5) || !floats.EqualApprox(y[6:], start(), 4e-5) {
		t.Errorf("after one and six periods: %v", y[4:])
	}
	if floats.EqualApprox(y[2:4], start(), 0.1) {
		t.Error("half the period is a period too")
	}
}

// The Gorgonia layer and the direct solve have the same parameters, loss and gradient.
func TestLayeredIsDirect(t *testing.T) {
	times := train.Grid(end, intervals)
	data, err := truth(times)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, m := range []adjoint.Method{nil, adjoint.Interpolating{}} {
		opt := (&config{}).options()
		d, err := newDirect(3, opt, m, times, data)
		if err != nil {
			t.Fatal(err)
		}
		l, err := newLayered(3, opt, m, times, data)
		if err != nil {
			t.Fatal(err)
		}
		x := d.init()
		if !floats.Equal(x, l.init()) {
			t.Fatal("the initial parameters differ")
		}
		for i := range x {
			x[i] *= 0.9 // not those of the graph
		}
		a, b := make([]float64, len(x)), make([]float64, len(x))
		for _, n := range []int{intervals, 10, intervals} { // again, to see that nothing adds up
			la, err := d.loss(n)(ctx, a, x)
			if err != nil {
				t.Fatal(err)
			}
			lb, err := l.loss(n)(ctx, b, x)
			if err != nil {
				t.Fatal(err)
			}
			// The sums are taken in another order.
			if math.Abs(la-lb) > 1e-12*la {
				t.Errorf("%d intervals: loss %v, in the layer %v", n, la, lb)
			}
			scale := floats.Norm(a, math.Inf(1))
			// Interpolating integrates λ over the whole interval in the layer, with zeros at first: exact too.
			if !floats.EqualApprox(a, b, 1e-12*scale) {
				t.Errorf("%v, %d intervals: gradients differ by %g of %g", m, n, floats.Distance(a, b, math.Inf(1)), scale)
			}
		}
		if l.work().Solves != 3 || l.work().NFEForward == 0 || l.work().NFEBackward == 0 {
			t.Errorf("work %+v", l.work())
		}
	}
}

func TestQuick(t *testing.T) {
	figures := []string{"training.png", "interval.png", "extrapolation.png"}
	for _, args := range []string{"", "-vm", "-adjoint interpolating -tol 1e-6", "-adjoint backsolve -tol 1e-6"} {
		flags := append(strings.Fields(args), "-quick", "-epochs", "20", "-polish", "20", "-seed", "2")
		m := apptest.Run(t, run, figures, flags...)
		for _, name := range []string{"rmse_forward_50", "rmse_backward_50"} {
			if _, ok := m[name]; !ok {
				t.Errorf("%s: metrics.json has no %q", args, name)
			}
		}
		// 40 steps see the whole horizon and get under the loss of a constant, 0.2.
		if m["loss"] > 0.2 || m["steps"] != 40 || m["seed"] != 2 {
			t.Errorf("%s: metrics %v", args, m)
		}
	}
}

func TestInterrupted(t *testing.T) {
	apptest.Interrupt(t, run)
	apptest.Interrupt(t, run, "-vm")
	apptest.Interrupt(t, run, "-study")
}

func TestExitCodes(t *testing.T) {
	for args, want := range map[string]int{
		"-h":             experiment.ExitOK,
		"-nonsense":      experiment.ExitUsage,
		"-adjoint magic": experiment.ExitUsage,
		"-epochs -1":     experiment.ExitUsage,
		"-polish -1":     experiment.ExitUsage,
		"-tol -1":        experiment.ExitUsage,
		"-lr 0":          experiment.ExitUsage,
	} {
		err := run(context.Background(), strings.Fields(args), io.Discard, io.Discard)
		if code := experiment.Report("lotkavolterra", err, io.Discard); code != want {
			t.Errorf("%s: exit code %d (%v), want %d", args, code, err, want)
		}
	}
}

func TestStretch(t *testing.T) {
	back := stretch{[]float64{0, -1}, []float64{1, 2, 3, 4}, []float64{1, 2, 5, 6}}
	next := stretch{[]float64{0, 1}, []float64{1, 2, 7, 8}, []float64{1, 2, 9, 10}}
	all := back.reversed().append(next)
	if !floats.Equal(all.times, []float64{-1, 0, 1}) || !floats.Equal(all.truth, []float64{3, 4, 1, 2, 7, 8}) ||
		!floats.Equal(all.model, []float64{5, 6, 1, 2, 9, 10}) {
		t.Errorf("%+v", all)
	}
	if got, want := train.Column(all.model, 2, 1), []float64{6, 2, 10}; !floats.Equal(got, want) {
		t.Errorf("component %v, want %v", got, want)
	}
}
