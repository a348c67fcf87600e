package main

import (
	"math"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
)

// study is what the figures show.
type study struct {
	losses     []float64 // of the structured model, trained on windows of 2, 3 … states
	plain      float64   // of the unstructured one, on the longest
	best       *model
	controller *controller
	swings     []*swing
}

func (s *study) figures(r *experiment.Run) error {
	p := figure.New("Prediction over 40 states", "states in a training window", "squared error of a trajectory")
	p.LogY()
	points := []float64{2, 3, 4, 5, 6}
	p.Line("published (Zhong et al.)", points, []float64{3.14, 0.503, 0.199, 0.0948, 0.0478}, figure.Dashed(figure.Grey))
	p.Line("structured", points, s.losses, figure.Solid(figure.Blue))
	p.Points("", points, s.losses, figure.Dots(figure.Blue))
	if s.plain < 100 { // else off any useful scale
		p.Points("one network for H", points[4:], []float64{s.plain}, figure.Dots(figure.Orange))
	}
	if err := figure.Save(r.Path("windows.png"), 7*figure.Inch, 4.5*figure.Inch, []*figure.Panel{p}); err != nil {
		return err
	}
	if err := s.learned(r.Path("learned.png")); err != nil {
		return err
	}
	return s.swingUp(r.Path("swingup.png"))
}

// learned shows the parts of the model. Momenta, and with them M⁻¹, V and g, are known but
// for one common factor, which scales M⁻¹ up and the others down; it is fitted.
func (s *study) learned(path string) error {
	const n = 200
	q, inverse, v, g := make([]float64, n+1), make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)
	factor := 0.0
	for i := range q {
		q[i] = 2*math.Pi*float64(i)/n - math.Pi
		c := value(s.controller.inverse, q[i])
		inverse[i] = c*c + epsilon
		factor += inverse[i] / torque / (n + 1)
		v[i] = value(s.controller.potential, q[i])
		g[i] = value(s.controller.input, q[i])
	}
	for i := range q {
		inverse[i], v[i], g[i] = inverse[i]/factor, (v[i]-s.controller.top)*factor, g[i]*factor
	}
	var columns [][]*figure.Panel
	for _, part := range []struct {
		title string
		y     []float64
		truth func(q float64) float64
	}{
		{"Inverse inertia M⁻¹(q)", inverse, func(float64) float64 { return torque }},
		{"Potential V(q)", v, func(q float64) float64 { return gravity / torque * (math.Cos(q) - 1) }},
		{"Input g(q)", g, func(float64) float64 { return 1 }},
	} {
		p := figure.New(part.title, "angle (rad)", "")
		truth := make([]float64, len(q))
		lo, hi := math.Inf(1), math.Inf(-1)
		for i := range q {
			truth[i] = part.truth(q[i])
			lo, hi = min(lo, truth[i], part.y[i]), max(hi, truth[i], part.y[i])
		}
		p.Line("truth", q, truth, figure.Wide(figure.Black))
		p.Line("learned", q, part.y, figure.Solid(figure.Blue))
		if room := math.Abs(truth[0]) / 2; hi-lo < room {
			p.LimitY(lo-room, hi+room)
		}
		columns = append(columns, []*figure.Panel{p})
	}
	return figure.Save(path, 12*figure.Inch, 4*figure.Inch, columns...)
}

// swingUp shows the first closed loop.
func (s *study) swingUp(path string) error {
	w := s.swings[0]
	angle := figure.New("Angle of the true pendulum, upright at multiples of 2π", "time (s)", "angle (rad)")
	angle.Line("", w.times, w.q, figure.Solid(figure.Blue))
	turns := math.Round(w.q[len(w.q)-1] / (2 * math.Pi))
	angle.Line("upright", []float64{0, duration}, []float64{2 * math.Pi * turns, 2 * math.Pi * turns}, figure.Dashed(figure.Grey))
	motor := figure.New("Torque", "time (s)", "u")
	motor.Line("", w.times, w.u, figure.Solid(figure.Orange))
	energy := figure.New("True energy", "time (s)", "energy, 1 at the top")
	energy.Line("", w.times, w.energy, figure.Solid(figure.Green))
	energy.Line("upright at rest", []float64{0, duration}, []float64{1, 1}, figure.Dashed(figure.Grey))
	return figure.Save(path, 9*figure.Inch, 9*figure.Inch, []*figure.Panel{angle, motor, energy})
}
