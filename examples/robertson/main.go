// Command robertson learns the rates of a stiff chemical reaction, and a network for a part of it.
package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
)

var program = experiment.New("robertson", `Learns the three rate constants of Robertson's reaction, 0.04, 3e7 and 1e4, from concentrations
at 57 times over seven decades, 1e-5 to 1e2, with errors of 0.003 in A and C and 1.2e-7 in B, which
stays below 4e-5, starting a factor of 3 off each. Then a network takes the place of the third
reaction, whose law is taken to be unknown. The solver is Rodas5P with its exact reverse.
Writes fit.png, network.png and metrics.json.`, run)

func main() { experiment.Main("robertson", program) }

const (
	perDecade = 8
	firstTime = -5 // decimal logarithms
	lastTime  = 2
	noise     = 0.003 // standard deviation, scaled
)

var rates = []float64{0.04, 3e7, 1e4}

func run(ctx context.Context, r *experiment.Run) error {
	start := []float64{1, 0, 0}
	times := []float64{0} // and equal distances of log t
	for i := range perDecade*(lastTime-firstTime) + 1 {
		times = append(times, math.Pow(10, firstTime+float64(i)/perDecade))
	}
	truth := &reaction{batch: 1, logK: atRates(rates...)}
	guess := atRates(3*rates[0], rates[1]/3, 3*rates[2])
	sol, err := odeint.SolveAt(truth, times, start, odeint.Options{Method: odeint.Kvaerno5, RTol: 1e-9, ATol: 1e-12})
	if err != nil {
		return err
	}
	observed := train.Trajectory[float64]{Times: times, Start: start, States: make([]float64, len(sol.Y))}
	for i, s := range sol.Y {
		observed.States[i] = (s + noise*r.Rand.NormFloat64()) * size[i%3]
	}
	for j := range start {
		observed.States[j] = math.NaN() // the start is known, not observed
	}

	config := train.Config{
		Solve:  odeint.Options{Method: odeint.Rodas5P, RTol: 1e-6, ATol: 1e-8},
		Scaler: train.Scaler{Spread: size},
	}
	model, err := train.FromField(func(batch int) (train.Field[float64], error) {
		return &reaction{batch: batch, logK: append([]float64(nil), guess...)}, nil
	}, config)
	if err != nil {
		return err
	}
	before, err := model.Predict(ctx, times, start)
	if err != nil {
		return err
	}
	report, err := experiment.Fit(ctx, r, model, train.Dataset[float64]{observed}, train.Options[float64]{Steps: r.Steps(300), Optimizer: train.LBFGS{Tol: 1e-6}})
	r.Metrics.Set("rates_loss", report.Loss)
	r.Metrics.SetInt("rates_nfe_forward", report.Work.NFEForward)
	for i, name := range []string{"k1", "k2", "k3"} {
		k := math.Exp(model.Params()[i])
		r.Metrics.Set(name, k)
		r.Metrics.Set(name+"_relative_error", math.Abs(k/rates[i]-1))
	}
	if err != nil {
		return err
	}
	after, err := model.Predict(ctx, times, start)
	if err := errors.Join(err, draw(r.Path("fit.png"), &observed, before, after)); err != nil {
		return err
	}
	return unknown(ctx, r, config, observed, truth, sol)
}

// unknown learns a network for the third reaction from the same data, the other rates known, and
// compares its rate with the true one along the true solution.
func unknown(ctx context.Context, r *experiment.Run, config train.Config, observed train.Trajectory[float64], truth *reaction, sol *odeint.Solution[float64]) error {
	model, err := train.FromField(func(batch int) (train.Field[float64], error) {
		return newHybrid(batch, rand.New(rand.NewPCG(r.Seed, 1)))
	}, config)
	if err != nil {
		return err
	}
	report, err := experiment.Fit(ctx, r, model, train.Dataset[float64]{observed}, train.Options[float64]{Steps: r.Steps(400), L2: 1e-8, Optimizer: train.LBFGS{Tol: 1e-5}})
	r.Metrics.Set("network_loss", report.Loss)
	if err != nil {
		return err
	}
	learned, err := newHybrid(1, rand.New(rand.NewPCG(r.Seed, 1)))
	if err != nil {
		return err
	}
	copy(learned.Params(), model.Params())
	var is, want []float64
	off, sum := 0.0, 0.0
	for i := 1; i < len(sol.T); i++ {
		s := sol.Row(i)
		is = append(is, learned.rate(s))
		want = append(want, rates[2]*s[1]*size[1]*s[2]*size[2])
		d := is[i-1] - want[i-1]
		off, sum = off+d*d, sum+want[i-1]*want[i-1]
	}
	r.Metrics.Set("network_rate_relative_error", math.Sqrt(off/sum))
	predicted, err := model.Predict(ctx, sol.T, observed.Start)
	if err != nil {
		return err
	}
	worst := 0.0
	for i, y := range predicted {
		worst = max(worst, math.Abs(y/size[i%3]-sol.Y[i]))
	}
	r.Metrics.Set("network_largest_error", worst)
	p := figure.New("Third reaction", "time", "rate")
	p.LogX()
	p.Line("true", sol.T[1:], want, figure.Dashed(figure.Grey))
	p.Line("network", sol.T[1:], is, figure.Solid(figure.Blue))
	return figure.Save(r.Path("network.png"), 6*figure.Inch, 4*figure.Inch, []*figure.Panel{p})
}

// draw shows the data, and the model before and after training, on an axis of log t.
func draw(path string, observed *train.Trajectory[float64], before, after []float64) error {
	times := observed.Times[1:] // log 0 has no place
	var panels []*figure.Panel
	for j, name := range []string{"A", "B", "C"} {
		of := func(y []float64) []float64 { return train.Column(y[3:], 3, j) }
		p := figure.New("", "time", name)
		p.LogX()
		p.Points("observed", times, of(observed.States), figure.Rings(figure.Series(j)))
		p.Line("rates off by 3", times, of(before), figure.Dashed(figure.Grey))
		p.Line("trained", times, of(after), figure.Solid(figure.Series(j)))
		panels = append(panels, p)
	}
	return figure.Save(path, 8*figure.Inch, 8.2*figure.Inch, panels)
}
