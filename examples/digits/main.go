// Command digits classifies images of 8 × 8 pixels: a Neural ODE moves an image's pixels for one
// unit of time, and where the first ten of them end says which digit it was.
package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
	"gonum.org/v1/plot/vg"
)

var program = experiment.New("digits", `Learns to read noisy digits of 8 × 8 pixels, drawn from a font of its own, by a Neural ODE in
float32. Writes loss.png, digits.safetensors and metrics.json.`, run)

func main() { experiment.Main("digits", program) }

func run(ctx context.Context, r *experiment.Run) error {
	data, unseen := images(4000, r.Rand), images(500, r.Rand)
	model, err := train.New[float32](layers.MLP{In: 64, Hidden: []int{64}, Out: 64}, train.Config{Rand: r.Rand, Solve: odeint.Options{RTol: 1e-3, ATol: 1e-3}})
	if err != nil {
		return err
	}
	report, err := experiment.Fit(ctx, r, model, data, train.Options[float32]{
		Epochs: r.Steps(30), BatchSize: 50, Loss: crossEntropy, Optimizer: train.Adam{Decay: 0.1}, Schedule: train.Cosine(3e-3, 0, 80*r.Steps(30)), Rand: r.Rand,
	})
	if err != nil {
		return err
	}
	right := 0
	for _, tr := range unseen {
		end, err := model.Predict(ctx, tr.Times, tr.Start)
		if err != nil {
			return err
		}
		if class := end[64:74]; class[slices.Index(tr.States[64:74], 1)] == slices.Max(class) {
			right++
		}
	}
	r.Metrics.Set("accuracy", float64(right)/float64(len(unseen)))
	p := figure.New("Cross entropy of the minibatches", "step", "")
	p.Line("", train.Grid(float64(report.Steps), report.Steps)[1:], report.Losses, figure.Solid(figure.Blue))
	return errors.Join(figure.Save(r.Path("loss.png"), 6*vg.Inch, 4*vg.Inch, []*figure.Panel{p}), model.Save(r.Path("digits.safetensors")))
}

// crossEntropy is that of the softmax of the first ten components at the end.
func crossEntropy(s train.Saved[float32]) float64 {
	class, sum, loss := s.Pred[s.Dim:s.Dim+10], 0.0, 0.0
	top := slices.Max(class)
	for _, v := range class {
		sum += math.Exp(float64(v - top))
	}
	clear(s.Grad)
	for j, v := range class {
		target, p := s.Target[s.Dim+j], math.Exp(float64(v-top))/sum
		loss -= float64(target) * (float64(v-top) - math.Log(sum))
		if s.Grad != nil {
			s.Grad[s.Dim+j] = float32(p) - target
		}
	}
	return loss
}

// font has the digits in 3 × 5 pixels, row by row.
var font = []string{
	"111101101101111", "010110010010111", "111001111100111", "111001111001111", "101101111001001",
	"111100111001111", "111100111101111", "111001010010010", "111101111101111", "111101111001111",
}

// images draws digits at random places, of random strength, in noise. The state to be reached at
// time 1 has a one in the digit's component; all but ten components are free.
func images(n int, r *rand.Rand) train.Dataset[float32] {
	var d train.Dataset[float32]
	nan := float32(math.NaN())
	for range n {
		tr := train.Trajectory[float32]{Times: []float64{0, 1}, Start: make([]float32, 64), States: slices.Repeat([]float32{nan}, 128)}
		digit, x, y, strength := r.IntN(10), 2+r.IntN(2), 1+r.IntN(2), float32(0.7+0.6*r.Float64())
		for i, bit := range font[digit] {
			if bit == '1' {
				tr.Start[(y+i/3)*8+x+i%3] = strength
			}
		}
		for i := range tr.Start {
			tr.Start[i] += float32(0.15 * r.NormFloat64())
		}
		clear(tr.States[64:74])
		tr.States[64+digit] = 1
		d = append(d, tr)
	}
	return d
}
