package main

import (
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/odeint"
)

// The pendulum of the published program, a rod with a motor: θ″ = 15 sin θ + 3u, θ = 0
// being upright. It is observed every 0.05 s as (cos θ, sin θ, θ′).
const (
	gravity = 15.0
	torque  = 3.0
	apart   = 0.05
)

func pendulum(u float64) odeint.VectorField[float64] {
	return odeint.NewFunc(2, func(dz []float64, _ float64, z []float64) {
		dz[0], dz[1] = z[1], gravity*math.Sin(z[0])+torque*u
	})
}

// series is one trajectory under a constant torque: rows (θ, θ′), apart seconds between them.
type series struct {
	u float64
	z []float64
}

// simulate draws a start, angle anywhere and velocity within ±1, and returns n states
// from the first one after it.
func simulate(u float64, n int, r *rand.Rand) (series, error) {
	start := []float64{math.Pi * (2*r.Float64() - 1), 2*r.Float64() - 1}
	times := make([]float64, n+1)
	for i := range times {
		times[i] = apart * float64(i)
	}
	sol, err := odeint.Solve(pendulum(u), 0, times[n], start, odeint.Options{RTol: 1e-9, ATol: 1e-9, SaveAt: odeint.SaveAt{Times: times[1:]}})
	if err != nil {
		return series{}, err
	}
	return series{u, sol.Y}, nil
}

// observe returns the training set of the published program, 25 trajectories of 20 states for
// each of five torques, and its set for judging, 64 of 40 states without torque.
func observe(r *rand.Rand) (seen, judged []series, err error) {
	add := func(to *[]series, u float64, n, states int) {
		for range n {
			s, e := simulate(u, states, r)
			if e != nil {
				err = e
			}
			*to = append(*to, s)
		}
	}
	for _, u := range []float64{0, -1, 1, -2, 2} {
		add(&seen, u, 25, 20)
	}
	add(&judged, 0, 64, 40)
	return seen, judged, err
}

// momenta returns the same with p = θ′/3 in place of θ′.
func momenta(all []series) []series {
	with := make([]series, len(all))
	for i, s := range all {
		with[i] = series{s.u, append([]float64(nil), s.z...)}
		for k := 1; k < len(s.z); k += 2 {
			with[i].z[k] /= torque
		}
	}
	return with
}

// window is some states in a row of a series.
type window struct {
	u float64
	z []float64
}

func windows(all []series, points int) (w []window) {
	for _, s := range all {
		for i := 0; i+2*points <= len(s.z); i += 2 {
			w = append(w, window{s.u, s.z[i : i+2*points]})
		}
	}
	return w
}

// compare returns the squared error of predicted states as they are observed, (cos θ,
// sin θ, θ′), so that a whole turn is no error, and its gradient times c in grad.
func compare(grad, pred, target []float64, c float64) float64 {
	sum := 0.0
	for i := 0; i < len(pred); i += 2 {
		dv := pred[i+1] - target[i+1]
		dc, ds := math.Cos(pred[i])-math.Cos(target[i]), math.Sin(pred[i])-math.Sin(target[i])
		sum += dc*dc + ds*ds + dv*dv
		if grad != nil {
			grad[i] = 2 * c * (ds*math.Cos(pred[i]) - dc*math.Sin(pred[i]))
			grad[i+1] = 2 * c * dv
		}
	}
	return sum
}
