package train

import "context"

// Objective returns the loss at x. Unless grad is nil, it also stores the gradient
// there, a number for each of x. It must not modify x. An error other than ctx's
// says that the loss does not exist at x, say because the solve diverged.
type Objective func(ctx context.Context, grad, x []float64) (float64, error)

// WithDecay adds lambda/2·Σx² over the first n components of x to the loss: weight
// decay of the parameters, but not of what follows them.
func WithDecay(f Objective, lambda float64, n int) Objective {
	if lambda == 0 {
		return f
	}
	return func(ctx context.Context, grad, x []float64) (float64, error) {
		loss, err := f(ctx, grad, x)
		if err != nil {
			return loss, err
		}
		for i, v := range x[:n] {
			loss += lambda / 2 * v * v
			if grad != nil {
				grad[i] += lambda * v
			}
		}
		return loss, nil
	}
}
