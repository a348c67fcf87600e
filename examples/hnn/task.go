package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// task is one of the systems of Greydanus, Dzamba and Yosinski, Hamiltonian
// Neural Networks (2019), with the set-up of the paper's published code.
//
// A state is z = (q, p) with n coordinates each; rows of data are states.
type task struct {
	name  string
	title string
	n     int // degrees of freedom

	energy func(z []float64) float64
	field  func(dzdt []float64, t float64, z []float64)

	// published is the paper's energy MSE of its HNN and of its baseline.
	publishedHNN, publishedBaseline float64

	// The paper's code judges the pendulum by q² + p². It is nil elsewhere.
	publishedEnergy func(z []float64) float64

	// Training set: trajectories on [0, span] with points equal steps, the first
	// trainShare of the rows, states with noise and derivatives without.
	trajectories, points int
	span                 float64
	noise                float64
	trainShare           float64
	start                func(r *rand.Rand) []float64

	// testStart draws the start of a rollout.
	testStart func(r *rand.Rand) []float64

	// Training: Adam with the batch (0: all rows) and weight decay.
	steps, batch int
	weightDecay  float64

	// Evaluation: rollouts from starts on [0, evalSpan] at evalPoints times.
	rollouts, evalPoints int
	evalSpan             float64

	// The paper's code stretches the spring's rollout times by this factor: regression on
	// noisy states underestimates the field.
	stretch float64
}

var tasks = []task{spring, pendulum, twoBody, threeBody}

var spring = task{
	name: "spring", title: "Mass-spring", n: 1,
	energy: func(z []float64) float64 { return z[0]*z[0] + z[1]*z[1] },
	field: func(dz []float64, _ float64, z []float64) {
		dz[0], dz[1] = 2*z[1], -2*z[0]
	},
	publishedHNN: 3.8416e-4, publishedBaseline: 1.7077e-1,
	trajectories: 50, points: 30, span: 3, noise: 0.1, trainShare: 0.5,
	start: onCircle(0.1, 1), testStart: inSquare,
	steps: 2000, weightDecay: 1e-4,
	rollouts: 15, evalPoints: 100, evalSpan: 20, stretch: 1.09,
}

var pendulum = task{
	name: "pendulum", title: "Pendulum", n: 1,
	energy: func(z []float64) float64 { return 3*(1-math.Cos(z[0])) + z[1]*z[1] },
	field: func(dz []float64, _ float64, z []float64) {
		dz[0], dz[1] = 2*z[1], -3*math.Sin(z[0])
	},
	publishedEnergy: spring.energy,
	publishedHNN:    2.4852e-2, publishedBaseline: 4.1519e-2,
	trajectories: 50, points: 45, span: 3, noise: 0.1, trainShare: 0.5,
	start: onCircle(1.3, 2.3), testStart: inSquare,
	steps: 2000, weightDecay: 1e-4,
	rollouts: 15, evalPoints: 100, evalSpan: 20, stretch: 1,
}

var twoBody = task{
	name: "twobody", title: "Two bodies", n: 4,
	energy: gravityEnergy(2), field: gravityField(2),
	publishedHNN: 3.8751e-5, publishedBaseline: 6.3276e-2,
	trajectories: 1000, points: 50, span: 20, trainShare: 0.8,
	start: twoOnCircle, testStart: twoOnCircle,
	steps: 10000, batch: 200,
	rollouts: 15, evalPoints: 500, evalSpan: 25, stretch: 1,
}

var threeBody = task{
	name: "threebody", title: "Three bodies", n: 6,
	energy: gravityEnergy(3), field: gravityField(3),
	publishedHNN: 4.1926e-2, publishedBaseline: 1.0906e2,
	trajectories: 5000, points: 20, span: 5, trainShare: 0.8,
	start: threeOnCircle, testStart: threeOnCircle,
	steps: 10000, batch: 600,
	rollouts: 15, evalPoints: 500, evalSpan: 3, stretch: 1,
}

// onCircle draws a direction by way of a point in the square and a radius in [lo, hi).
func onCircle(lo, hi float64) func(*rand.Rand) []float64 {
	return func(r *rand.Rand) []float64 {
		q, p := 2*r.Float64()-1, 2*r.Float64()-1
		scale := (lo + (hi-lo)*r.Float64()) / math.Hypot(q, p)
		return []float64{scale * q, scale * p}
	}
}

// inSquare draws both coordinates from [−1, 1] without the strip around 0, as the
// paper's code does to test.
func inSquare(r *rand.Rand) []float64 {
	z := make([]float64, 2)
	for i := range z {
		z[i] = 1.6*r.Float64() - 0.8
		z[i] += math.Copysign(0.2, z[i])
	}
	return z
}

// twoOnCircle draws two bodies on opposite sides of their common centre, with the
// velocities of a circular orbit times 1 + 0.05·N(0,1), one draw for both.
func twoOnCircle(r *rand.Rand) []float64 {
	x, y := 0.5+r.Float64(), 0.5+r.Float64()
	return ring(2, x, y, func() float64 { return 0 }, 1+5e-2*r.NormFloat64())
}

// threeOnCircle draws three bodies on an equilateral triangle, with the velocities of a
// circular orbit, each component times 1 + 0.2·U(−1, 1).
func threeOnCircle(r *rand.Rand) []float64 {
	z := onCircle(0.9, 1.2)(r)
	return ring(3, z[0], z[1], func() float64 { return 0.2 * (2*r.Float64() - 1) }, 1)
}

// ring puts bodies of mass 1 on a circle at equal angles, the first at (x, y), with
// scale times the velocities of a circular orbit; jitter changes each component by a
// share of itself. A state is (x1, …, xk, y1, …, yk) and the momenta alike.
func ring(bodies int, x, y float64, jitter func() float64, scale float64) []float64 {
	radius := math.Hypot(x, y)
	// The others pull towards the centre with Σ_k 1/(4r² sin(πk/bodies)).
	pull := 0.0
	for k := 1; k < bodies; k++ {
		pull += 1 / (4 * radius * radius * math.Sin(math.Pi*float64(k)/float64(bodies)))
	}
	speed := scale * math.Sqrt(pull*radius)
	z := make([]float64, 4*bodies)
	for k := range bodies {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(bodies))
		px, py := x*cos-y*sin, x*sin+y*cos
		z[k], z[bodies+k] = px, py
		z[2*bodies+k] = -speed * py / radius * (1 + jitter())
		z[3*bodies+k] = speed * px / radius * (1 + jitter())
	}
	return z
}

func gravityEnergy(bodies int) func(z []float64) float64 {
	return func(z []float64) float64 {
		x, y, p := z[:bodies], z[bodies:2*bodies], z[2*bodies:]
		e := 0.0
		for _, v := range p {
			e += v * v / 2
		}
		for i := range bodies {
			for j := range i {
				e -= 1 / math.Hypot(x[i]-x[j], y[i]-y[j])
			}
		}
		return e
	}
}

func gravityField(bodies int) func(dz []float64, t float64, z []float64) {
	return func(dz []float64, _ float64, z []float64) {
		half := 2 * bodies
		x, y := z[:bodies], z[bodies:half]
		copy(dz[:half], z[half:])
		clear(dz[half:])
		for i := range bodies {
			for j := range i {
				dx, dy := x[j]-x[i], y[j]-y[i]
				r := math.Hypot(dx, dy)
				fx, fy := dx/(r*r*r), dy/(r*r*r)
				dz[half+i] += fx
				dz[half+j] -= fx
				dz[half+bodies+i] += fy
				dz[half+bodies+j] -= fy
			}
		}
	}
}

// dim is the length of a state.
func (k *task) dim() int { return 2 * k.n }

// rollout solves the true system from z0 at the times. The result has a row for each.
func (k *task) rollout(ctx context.Context, z0, times []float64) ([]float64, error) {
	return solveAt(ctx, odeint.NewFunc(k.dim(), k.field), z0, times, 1e-10)
}

// solveAt solves f from z0 at the times.
func solveAt(ctx context.Context, f odeint.VectorField[float64], z0, times []float64, tol float64) ([]float64, error) {
	in, err := odeint.New(f, odeint.Options{Method: odeint.Dop853, RTol: tol, ATol: tol})
	if err != nil {
		return nil, err
	}
	var sol odeint.Solution[float64]
	if err := in.SolveAt(ctx, &sol, times, z0); err != nil {
		return nil, err
	}
	return sol.Y, nil
}

// dataset has rows of states and of their time derivatives.
type dataset struct{ x, dx []float64 }

// rows is the number of rows of dim columns.
func (d dataset) rows(dim int) int { return len(d.x) / dim }

// sample draws the task's training and test sets.
func (k *task) sample(ctx context.Context, r *rand.Rand) (training, test dataset, err error) {
	dim := k.dim()
	times := train.Grid(k.span, k.points-1)
	var all dataset
	for range k.trajectories {
		z, err := k.rollout(ctx, k.start(r), times)
		if err != nil {
			return training, test, fmt.Errorf("data of %s: %w", k.name, err)
		}
		all.x = append(all.x, z...)
		dz := make([]float64, len(z))
		for i := 0; i < len(z); i += dim {
			k.field(dz[i:i+dim], 0, z[i:i+dim])
		}
		all.dx = append(all.dx, dz...)
	}
	if k.noise > 0 {
		for i := range all.x {
			all.x[i] += k.noise * r.NormFloat64()
		}
	}
	cut := int(k.trainShare*float64(all.rows(dim))) * dim
	return dataset{all.x[:cut], all.dx[:cut]}, dataset{all.x[cut:], all.dx[cut:]}, nil
}
