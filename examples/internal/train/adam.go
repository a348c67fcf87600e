package train

import (
	"context"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Flat is a parameter vector and its gradient as Gorgonia's optimisers want
// them. The slices are shared, not copied.
type Flat struct{ x, grad *tensor.Dense }

// NewFlat returns the two slices, of the same length, as a ValueGrad.
func NewFlat(x, grad []float64) *Flat {
	if len(x) != len(grad) {
		panic("train: slice length mismatch")
	}
	dense := func(s []float64) *tensor.Dense {
		return tensor.New(tensor.WithShape(len(s)), tensor.WithBacking(s))
	}
	return &Flat{dense(x), dense(grad)}
}

// Value returns the parameters.
func (f *Flat) Value() G.Value { return f.x }

// Grad returns the gradient.
func (f *Flat) Grad() (G.Value, error) { return f.grad, nil }

// Adam trains with Gorgonia's AdamSolver.
type Adam struct {
	// Steps is the number of steps.
	Steps int

	// Rate is the learning rate at a step, counted from 0. Nil: 1e-3.
	Rate func(step int) float64

	// Objective is the loss at a step. It may change, as a growing horizon makes it do.
	Objective func(step int) Objective

	// After, if not nil, is called after each step with the loss before it.
	After func(step int, loss float64)
}

// Run trains x in place. It ends early with an error when the loss does not exist
// or ctx is cancelled; x is then the last one whose loss was known.
func (a Adam) Run(ctx context.Context, x []float64) error {
	solver := G.NewAdamSolver()
	grad := make([]float64, len(x))
	model := []G.ValueGrad{NewFlat(x, grad)}
	last := make([]float64, len(x))
	copy(last, x)
	for step := range a.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		loss, err := a.Objective(step)(ctx, grad, x)
		if err == nil {
			err = finite(loss, grad)
		}
		if err != nil {
			copy(x, last)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("train: step %d of Adam: %w; try a smaller learning rate", step, err)
		}
		copy(last, x)
		rate := 1e-3
		if a.Rate != nil {
			rate = a.Rate(step)
		}
		G.WithLearnRate(rate)(solver)
		if err := solver.Step(model); err != nil {
			return fmt.Errorf("train: %w", err)
		}
		if a.After != nil {
			a.After(step, loss)
		}
	}
	return nil
}
