package main

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/train"
)

// scripted is a road whose losses are given beforehand.
type scripted struct {
	losses []float64
	asked  []int
}

func (s *scripted) init() []float64  { return nil }
func (s *scripted) work() train.Work { return train.Work{} }

func (s *scripted) loss(intervals int) train.Objective {
	s.asked = append(s.asked, intervals)
	return func(context.Context, []float64, []float64) (float64, error) {
		loss := s.losses[0]
		s.losses = s.losses[1:]
		if math.IsNaN(loss) {
			return 0, errors.New("the solve diverged")
		}
		return loss, nil
	}
}

func TestCheckpoints(t *testing.T) {
	s := &scripted{losses: []float64{0.5, 0.09, math.NaN(), 0.1, 0.05, 0.029, 0.03, 1e-6, 4e-7, 2.9e-7}}
	c := keeping(s, 100)
	x := []float64{0}
	for i, intervals := range []int{100, 50, 100, 100, 100, 100, 100, 100, 100, 100} {
		x[0] = float64(i)
		c.loss(intervals)(context.Background(), nil, x)
		if s.asked[i] != intervals {
			t.Fatalf("the loss over %d intervals is that over %d", intervals, s.asked[i])
		}
	}
	// Neither the one over half the data nor the failed one, nor those too near the one before.
	want := []float64{3, 5, 7, 9}
	if len(c.kept) != len(want) {
		t.Fatalf("kept %v, want %v", c.kept, want)
	}
	for i, v := range want {
		if c.kept[i][0] != v {
			t.Errorf("kept %v, want %v", c.kept, want)
		}
	}
}

func TestInterpolate(t *testing.T) {
	x, y := []float64{-1, -2, -2, -4, -3, -5}, []float64{1, 0, 7, 3, 9, 9}
	for _, c := range []struct{ at, want float64 }{{-1, 1}, {-1.25, 0.75}, {-2, 0}, {-3, 5}, {-4, 3}, {-5, 9}} {
		if got := interpolate(x, y, c.at); got != c.want {
			t.Errorf("at %v: %v, want %v", c.at, got, c.want)
		}
	}
	for _, at := range []float64{-0.5, -5.5} {
		if got := interpolate(x, y, at); !math.IsNaN(got) {
			t.Errorf("at %v, where nothing is: %v", at, got)
		}
	}
}

func TestDivergence(t *testing.T) {
	field, err := newField(3)
	if err != nil {
		t.Fatal(err)
	}
	at := func(k int, x, y float64) float64 {
		f := make([]float64, 2)
		field.Eval(f, 0, []float64{x, y})
		return f[k]
	}
	const x, y, h = 0.7, 0.4, 1e-5
	want := (at(0, x+h, y)-at(0, x-h, y))/(2*h) + (at(1, x, y+h)-at(1, x, y-h))/(2*h)
	// h² times a third derivative, and rounding over h.
	if got := divergence(field, 0, []float64{x, y}); math.Abs(got-want) > 1e-8 || got == 0 {
		t.Errorf("divergence %v, want %v", got, want)
	}
}

func TestSummary(t *testing.T) {
	// The backward error is 3 times the root of the loss.
	s := series{span: 20, paper: model{loss: 0.02, backward: 1.5}}
	for _, loss := range []float64{1e-2, 1e-5, 1e-7} {
		s.kept = append(s.kept, model{loss: loss, backward: 3 * math.Sqrt(loss)})
	}
	m := summary([]series{s})
	for name, want := range map[string]float64{
		"loss_interval_20":                      1e-7,
		"backward_50_interval_20":               3 * math.Sqrt(1e-7),
		"backward_50_at_equal_loss_interval_20": 3e-3,
		"paper_loss_interval_20":                0.02,
		"paper_backward_50_interval_20":         1.5,
		"slope":                                 0.5,
		"correlation":                           1,
	} {
		if got, _ := m.Get(name); math.Abs(got-want) > 1e-12*want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if m := summary(nil); m.String() != "" {
		t.Errorf("of nothing: %v", m)
	}
}

func TestQuickStudy(t *testing.T) {
	m := apptest.Run(t, run, []string{"backward.png"}, "-study", "-quick", "-epochs", "40", "-polish", "20")
	for _, name := range []string{"backward_50_interval_10", "backward_50_interval_20", "backward_50_interval_40",
		"loss_interval_10", "paper_loss_interval_40"} {
		if _, ok := m[name]; !ok {
			t.Errorf("metrics.json has no %q", name)
		}
	}
	if want := 3.0 * (40 + 20 + paperSteps/30); m["steps"] != want {
		t.Errorf("%v steps, want %v", m["steps"], want)
	}
}
