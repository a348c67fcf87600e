// Command robertson learns the rates of a stiff chemical reaction.
package main

import (
	"context"
	"errors"
	"math"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
)

var program = experiment.New("robertson", `Learns the three rate constants of Robertson's reaction, 0.04, 3e7 and 1e4, from concentrations
at 57 times over seven decades, 1e-5 to 1e2, with errors of 0.003 in A and C and 1.2e-7 in B, which
stays below 4e-5, starting a factor of 3 off each. The solver is Kvaerno5 with its exact reverse.
Writes fit.png and metrics.json.`, run)

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
	truth := &reaction{batch: 1, logK: make([]float64, 3)}
	guess := make([]float64, 3)
	for i, k := range rates {
		truth.logK[i] = math.Log(k)
		guess[i] = truth.logK[i] + []float64{1, -1, 1}[i]*math.Log(3)
	}
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

	model, err := train.FromField(func(batch int) (train.Field[float64], error) {
		return &reaction{batch: batch, logK: append([]float64(nil), guess...)}, nil
	}, train.Config{
		Solve:  odeint.Options{Method: odeint.Kvaerno5, RTol: 1e-6, ATol: 1e-8},
		Scaler: train.Scaler{Spread: size},
	})
	if err != nil {
		return err
	}
	before, err := model.Predict(ctx, times, start)
	if err != nil {
		return err
	}
	_, err = experiment.Fit(ctx, r, model, train.Dataset[float64]{observed}, train.Options[float64]{Steps: r.Steps(300), Optimizer: train.LBFGS{}})
	for i, name := range []string{"k1", "k2", "k3"} {
		k := math.Exp(model.Params()[i])
		r.Metrics.Set(name, k)
		r.Metrics.Set(name+"_relative_error", math.Abs(k/rates[i]-1))
	}
	if err != nil {
		return err
	}
	after, err := model.Predict(ctx, times, start)
	return errors.Join(err, draw(r.Path("fit.png"), &observed, before, after))
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
