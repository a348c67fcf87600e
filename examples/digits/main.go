// Command digits classifies images of 8 × 8 pixels: a Neural ODE moves an image's pixels for one
// unit of time, and where the first ten of them end says which digit it was.
package main

import (
	"context"
	"errors"
	"math/rand/v2"

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
		Epochs: r.Steps(30), BatchSize: 50, Loss: train.CrossEntropy[float32](10), Optimizer: train.Adam{Decay: 0.1}, Schedule: train.Cosine(3e-3, 0, 80*r.Steps(30)), Rand: r.Rand,
	})
	if err != nil {
		return err
	}
	wrong, err := train.Evaluate(ctx, model, unseen, train.Misclassified[float32](10))
	if err != nil {
		return err
	}
	r.Metrics.Set("accuracy", 1-wrong)
	p := figure.New("Cross entropy of the minibatches", "step", "")
	p.Line("", train.Grid(float64(report.Steps), report.Steps)[1:], report.Losses, figure.Solid(figure.Blue))
	return errors.Join(figure.Save(r.Path("loss.png"), 6*vg.Inch, 4*vg.Inch, []*figure.Panel{p}), model.Save(r.Path("digits.safetensors")))
}

// font has the digits in 3 × 5 pixels, row by row.
var font = []string{
	"111101101101111", "010110010010111", "111001111100111", "111001111001111", "101101111001001",
	"111100111001111", "111100111101111", "111001010010010", "111101111101111", "111101111001111",
}

// images draws digits at random places, of random strength, in noise.
func images(n int, r *rand.Rand) (d train.Dataset[float32]) {
	for range n {
		digit, x, y, strength := r.IntN(10), 2+r.IntN(2), 1+r.IntN(2), 0.7+0.6*r.Float64()
		pixels := make([]float32, 64)
		for i := range pixels {
			pixels[i] = float32(0.15 * r.NormFloat64())
		}
		for i, bit := range font[digit] {
			pixels[(y+i/3)*8+x+i%3] += float32(strength * float64(bit-'0'))
		}
		d = append(d, train.Classified(pixels, digit, 10))
	}
	return d
}
