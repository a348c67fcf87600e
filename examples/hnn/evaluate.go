package main

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/train"
)

// rollouts are trajectories from the task's test starts, the states of each row by row.
type rollouts struct {
	truth [][]float64
	of    map[kind][][]float64 // the models', at the times of truth stretched as the paper's code does
	plain map[kind][][]float64 // and at the times of truth

	// The first one again, at more times, for the figure.
	times []float64
	shown map[kind][]float64
}

// truth is the kind of the true system.
const truth kind = "truth"

// roll solves the true system and the models from the test starts.
func (k *task) roll(ctx context.Context, models map[kind]*model, r *rand.Rand) (*rollouts, error) {
	ro := &rollouts{
		of: map[kind][][]float64{}, plain: map[kind][][]float64{},
		times: train.Grid(k.evalSpan, 999), shown: map[kind][]float64{},
	}
	times := train.Grid(k.evalSpan, k.evalPoints-1)
	starts := make([][]float64, k.rollouts)
	for i := range starts {
		starts[i] = k.testStart(r)
		z, err := k.rollout(ctx, starts[i], times)
		if err != nil {
			return nil, err
		}
		ro.truth = append(ro.truth, z)
	}
	var err error
	if ro.shown[truth], err = k.rollout(ctx, starts[0], ro.times); err != nil {
		return nil, err
	}
	for _, m := range []kind{hamiltonian, baseline} {
		field, err := models[m].field(1)
		if err != nil {
			return nil, err
		}
		for _, z0 := range starts {
			z, err := solveAt(ctx, field, z0, stretched(times, k.stretch), 1e-9)
			if err != nil {
				return nil, err
			}
			ro.of[m] = append(ro.of[m], z)
			if k.stretch != 1 {
				if z, err = solveAt(ctx, field, z0, times, 1e-9); err != nil {
					return nil, err
				}
			}
			ro.plain[m] = append(ro.plain[m], z)
		}
		if ro.shown[m], err = solveAt(ctx, field, starts[0], stretched(ro.times, k.stretch), 1e-9); err != nil {
			return nil, err
		}
	}
	return ro, nil
}

func stretched(times []float64, by float64) []float64 {
	s := make([]float64, len(times))
	for i, t := range times {
		s[i] = by * t
	}
	return s
}

// energyMSE is the mean over starts and times of (E(model) − E(truth))².
func (k *task) energyMSE(energy func([]float64) float64, truth, model [][]float64) float64 {
	sum, n := 0.0, 0
	dim := k.dim()
	for i := range truth {
		for j := 0; j < len(truth[i]); j += dim {
			d := energy(model[i][j:j+dim]) - energy(truth[i][j:j+dim])
			sum += d * d
			n++
		}
	}
	return sum / float64(n)
}

// coordinateMSE is the mean over starts, times and components of the squared error.
func coordinateMSE(truth, model [][]float64) float64 {
	sum, n := 0.0, 0
	for i := range truth {
		for j, v := range truth[i] {
			d := model[i][j] - v
			sum += d * d
			n++
		}
	}
	return sum / float64(n)
}

// summary is the mean and its standard error.
func summary(x []float64) (mean, stderr float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	if len(x) < 2 {
		return mean, 0
	}
	for _, v := range x {
		stderr += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(stderr / float64(len(x)-1) / float64(len(x)))
}
