package train

import (
	"math"
)

// Saved is what a loss sees of one trajectory: the states that the solve saved and the
// observed ones, both in scaled units, rows of Dim components for each of Times.
type Saved[T Float] struct {
	Times  []float64 // scaled
	Dim    int
	Pred   []T
	Target []T       // NaN: missing
	Weight []float64 // of the values; 0 where Target is missing
	Grad   []T       // where the loss stores its gradient by Pred; nil: not wanted
}

// Loss returns the loss of one trajectory, a weighted sum over its values, and stores
// its gradient with respect to s.Pred in s.Grad, all of it, unless that is nil. The
// trainer divides sum and gradient by the sum of the weights of the step, so that
// what is minimised is a mean over the values that are there. It must be safe for
// use by several goroutines and must change nothing but s.Grad.
type Loss[T Float] func(s Saved[T]) float64

// MSE is the squared error.
func MSE[T Float](s Saved[T]) float64 {
	return each(s, func(r float64, _ int) (float64, float64) { return r * r, 2 * r })
}

// Huber is the loss of Huber (1964), r²/2 for residuals |r| up to delta, in scaled
// units, and delta·(|r| − delta/2) beyond: single wrong values pull less.
func Huber[T Float](delta float64) Loss[T] {
	if !(delta > 0) {
		panic("train: Huber with a delta that is not positive")
	}
	return func(s Saved[T]) float64 {
		return each(s, func(r float64, _ int) (float64, float64) {
			if a := math.Abs(r); a > delta {
				return delta * (a - delta/2), math.Copysign(delta, r)
			}
			return r * r / 2, r
		})
	}
}

// Gaussian is the negative log-likelihood of observations with independent normal
// errors, (r/σ)²/2 + log σ + log(2π)/2. sigma has the standard deviation of each
// component, in scaled units.
func Gaussian[T Float](sigma ...float64) Loss[T] {
	for _, v := range sigma {
		if !(v > 0) {
			panic("train: Gaussian with a standard deviation that is not positive")
		}
	}
	return func(s Saved[T]) float64 {
		if len(sigma) != s.Dim {
			panic("train: Gaussian needs a standard deviation for each component of the state")
		}
		return each(s, func(r float64, j int) (float64, float64) {
			z := r / sigma[j]
			return z*z/2 + math.Log(sigma[j]) + math.Log(2*math.Pi)/2, z / sigma[j]
		})
	}
}

// Energy is the squared error of a function of the state, such as an energy that a
// known law conserves: Σ w·(h(pred) − h(target))² over the rows without a missing
// value, where w is the sum of the row's weights. h returns the value at a scaled
// state and stores the gradient there.
func Energy[T Float](h func(grad, y []T) float64) Loss[T] {
	return func(s Saved[T]) float64 {
		sum, grad := 0.0, make([]T, s.Dim)
		clear(s.Grad)
		for i := 0; i < len(s.Pred); i += s.Dim {
			w, complete := 0.0, true
			for j := range s.Dim {
				w += s.Weight[i+j]
				complete = complete && s.Target[i+j] == s.Target[i+j]
			}
			if !complete {
				continue
			}
			want := h(grad, s.Target[i:i+s.Dim])
			e := h(grad, s.Pred[i:i+s.Dim]) - want
			sum += w * e * e
			if s.Grad != nil {
				for j, g := range grad {
					s.Grad[i+j] = T(2 * w * e * float64(g))
				}
			}
		}
		return sum
	}
}

// Scaled returns c times a loss.
func Scaled[T Float](c float64, loss Loss[T]) Loss[T] {
	return func(s Saved[T]) float64 {
		v := loss(s)
		for i := range s.Grad {
			s.Grad[i] *= T(c)
		}
		return c * v
	}
}

// Sum returns the sum of losses.
func Sum[T Float](losses ...Loss[T]) Loss[T] {
	return func(s Saved[T]) float64 {
		total := s.Grad
		if total != nil {
			s.Grad = make([]T, len(total))
			clear(total)
		}
		v := 0.0
		for _, loss := range losses {
			v += loss(s)
			for i, g := range s.Grad {
				total[i] += g
			}
		}
		return v
	}
}

// each sums what f returns for the residual of each value that is there, and stores
// the derivatives. f gets the component too.
func each[T Float](s Saved[T], f func(r float64, component int) (loss, slope float64)) float64 {
	sum := 0.0
	for i, target := range s.Target {
		loss, slope := 0.0, 0.0
		if w := s.Weight[i]; w != 0 && target == target {
			loss, slope = f(float64(s.Pred[i])-float64(target), i%s.Dim)
			loss, slope = w*loss, w*slope
		}
		sum += loss
		if s.Grad != nil {
			s.Grad[i] = T(slope)
		}
	}
	return sum
}
