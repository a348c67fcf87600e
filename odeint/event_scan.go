package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// scan looks through the step for crossings: those of events that do not act go to found;
// of those that do, if they are asked for, the first of each to acting.
func (w *watcher[T]) scan(acting bool) error {
	s := &w.in.step
	if err := w.in.stepper.dense(s); err != nil {
		return err
	}
	row := w.pieces + 1
	for j := 1; j <= w.pieces; j++ {
		y, t, theta := s.Y1, s.T1, float64(j)/float64(w.pieces)
		if j < w.pieces {
			y, t = w.y, s.T0+theta*s.H
			w.interp.state(y, s, theta)
		}
		for _, i := range w.watched {
			g, err := w.eval(i, t, y)
			if err != nil {
				return err
			}
			w.values[i*row+j] = g
		}
	}
	w.found, w.acting = w.found[:0], w.acting[:0]
	for _, i := range w.watched {
		w.values[i*row] = w.value[i]
		if !w.list[i].acts() || acting {
			if err := w.cross(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// cross finds the crossings of condition i from its values at the samples.
func (w *watcher[T]) cross(i int) error {
	v := w.values[i*(w.pieces+1):][:w.pieces+1]
	side := w.side[i]
	width := 1 / float64(w.pieces)
	for j := range w.pieces {
		a, b := float64(j)*width, float64(j+1)*width
		if j == w.pieces-1 {
			b = 1
		}
		end := sign(v[j+1])
		if side == 0 || side == end {
			if side == end && end != 0 && turns(v, j, side) {
				theta, g, err := w.lowest(i, side, a, b)
				if err != nil {
					return err
				}
				if sign(g) == -side {
					if done, err := w.add(i, side, a, theta, v[j], g); done || err != nil {
						return err
					}
					if done, err := w.add(i, -side, theta, b, g, v[j+1]); done || err != nil {
						return err
					}
				}
			}
			side = end
			continue
		}
		if done, err := w.add(i, side, a, b, v[j], v[j+1]); done || err != nil {
			return err
		}
		side = end
	}
	return nil
}

// add adds the crossing of condition i between two places of the step, where it has the values ga and gb,
// from the given side. It reports whether no more are wanted.
func (w *watcher[T]) add(i int, side int8, a, b, ga, gb float64) (done bool, err error) {
	if !w.list[i].Direction.admits(side) {
		return false, nil
	}
	s := &w.in.step
	theta, err := w.root(i, side, a, b, ga, gb)
	if err != nil {
		return false, err
	}
	c := crossing{event: i, theta: theta, t: s.T0 + theta*s.H, side: side}
	if theta == 1 {
		c.t = s.T1
	}
	if !w.list[i].acts() {
		w.found = append(w.found, c)
		return false, nil
	}
	// The rate is for finding the root again in a shorter step, and needs no more digits.
	lo, hi := max(0, theta-1e-4), min(1, theta+1e-4)
	g0, err := w.inStep(i, lo)
	if err != nil {
		return false, err
	}
	g1, err := w.inStep(i, hi)
	c.rate = (g1 - g0) / ((hi - lo) * s.H)
	w.acting = append(w.acting, c)
	return true, err
}

// turns reports whether a condition with values v at the samples, on one side at both ends of piece j,
// may come near its root in it: a parabola through three neighbours does.
func turns(v []float64, j int, side int8) bool {
	from := float64(side)
	least := min(from*v[j], from*v[j+1])
	for k := j - 1; k <= j; k++ {
		if k < 0 || k+2 >= len(v) {
			continue
		}
		a, b, c := from*v[k], from*v[k+1], from*v[k+2]
		curve, slope := a-2*b+c, (c-a)/2
		x := -slope / curve // from the middle one
		if x += float64(k + 1 - j); curve > 0 && x >= 0 && x <= 1 && b-slope*slope/(2*curve) < least/2 {
			return true
		}
	}
	return false
}

// lowest returns where condition i comes nearest to its root between two places of a step, by golden
// section, or a place beyond the root.
func (w *watcher[T]) lowest(i int, side int8, a, b float64) (theta, g float64, err error) {
	const golden = 0.6180339887498949
	from := float64(side)
	x, y := b-golden*(b-a), a+golden*(b-a)
	gx, err := w.inStep(i, x)
	if err != nil {
		return 0, 0, err
	}
	gy, err := w.inStep(i, y)
	for range 40 {
		switch {
		case err != nil:
			return 0, 0, err
		case gx*from < 0:
			return x, gx, nil
		case gy*from < 0:
			return y, gy, nil
		case gx*from < gy*from:
			b, y, gy = y, x, gx
			x = b - golden*(b-a)
			gx, err = w.inStep(i, x)
		default:
			a, x, gx = x, y, gy
			y = a + golden*(b-a)
			gy, err = w.inStep(i, y)
		}
	}
	return x, gx, err
}

// root returns the root of condition i between places a and b of a step, where its values are ga,
// on the given side of 0, and gb, on the other: to the last digits of the time, and not on
// the side of a. It is the ITP method (Oliveira & Takahashi 2020, An
// enhancement of the bisection method average performance preserving minmax optimality, ACM
// Trans. Math. Softw. 47), with at most one evaluation more than bisection.
func (w *watcher[T]) root(i int, side int8, a, b, ga, gb float64) (float64, error) {
	s, from := &w.in.step, float64(side)
	least := 0.5 * vec.Epsilon[float64]() * max(1, math.Abs(s.T1/s.H))
	ga, gb = max(0, from*ga), min(0, from*gb)
	weight := 0.2 / (b - a)
	reach := least * math.Exp2(math.Ceil(math.Log2((b-a)/least)))
	for gb != 0 && b-a > 2*least {
		half, mid := (b-a)/2, (a+b)/2
		x := (gb*a - ga*b) / (gb - ga)
		toward, shift := 1.0, weight*(b-a)*(b-a)
		if x > mid {
			toward = -1
		}
		if shift <= math.Abs(mid-x) {
			x += toward * shift
		} else {
			x = mid
		}
		if r := reach - half; math.Abs(x-mid) > r {
			x = mid - toward*r
		}
		reach /= 2
		if !(x > a && x < b) {
			if x = mid; x <= a || x >= b {
				break
			}
		}
		v, err := w.inStep(i, x)
		if err != nil {
			return 0, err
		}
		if v *= from; v > 0 {
			a, ga = x, v
		} else {
			b, gb = x, v
		}
	}
	return b, nil
}
