package adjoint

import (
	"math"
	"slices"

	"github.com/neuralode/neuralode/odeint"
)

// times stores the gradient with respect to the saved times,
//
//	∂L/∂t_i = ∂L/∂y(t_i) · f(t_i, y(t_i)) for i ≥ 1,   ∂L/∂t_0 = −λ(t_0⁺) · f(t_0, y(t_0)).
//
// At a jump of f it is the derivative from inside the interval: from before t_i, and
// from after t_0.
func (p *pass[T]) times() error {
	t := p.sol.T
	clear(p.grad.Times)
	for i := 1; i <= p.last; i++ {
		if p.live[i] {
			if err := p.ctx.Err(); err != nil {
				return err
			}
			p.grad.Times[i] = T(p.along(p.row(i), i, t[i-1]))
		}
	}
	if p.depends() && len(t) > 1 {
		p.grad.Times[0] = T(-p.along(p.lambda, 0, t[1]))
	}
	return nil
}

// along returns λ · f at saved time i, seen from the side of a neighbouring time.
func (p *pass[T]) along(lambda []T, i int, side float64) float64 {
	t := p.sol.T[i]
	if slices.Contains(p.jumps, t) || slices.Contains(odeint.Jumps[T](p.f), t) {
		t = math.Nextafter(t, side)
	}
	p.f.Eval(p.slope, t, p.sol.Row(i))
	p.stats.NFE++
	var sum float64
	for j, l := range lambda {
		sum += float64(l) * float64(p.slope[j])
	}
	return sum
}
