package forecast_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/neuralode/neuralode/train/dist"
	"github.com/neuralode/neuralode/train/forecast"
)

// group fits on n ranks of this process, each with the options that opt gives.
func group(t *testing.T, n int, opt func(rank int) (context.Context, forecast.Options)) ([]*forecast.Model, []error) {
	t.Helper()
	tb := oscillation(t, 40, 0.25)
	models, errs := make([]*forecast.Model, n), make([]error, n)
	var wait sync.WaitGroup
	for rank, comm := range dist.Local(n) {
		wait.Go(func() {
			ctx, o := opt(rank)
			o.Comm = comm
			models[rank], errs[rank] = forecast.Fit(ctx, tb, o)
		})
	}
	wait.Wait()
	return models, errs
}

// Choices, ensembles, backtests and baselines have the same bits on any number of ranks.
func TestRanksAgree(t *testing.T) {
	o := forecast.Options{Steps: 20, Polish: 5, Ensemble: 2, Backtest: 1}
	alone, err := forecast.Fit(t.Context(), oscillation(t, 40, 0.25), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 3} {
		calls := make([]int, n)
		dir := t.TempDir()
		models, errs := group(t, n, func(rank int) (context.Context, forecast.Options) {
			own := o
			own.Progress = func(forecast.Event) { calls[rank]++ }
			own.Checkpoint = dir
			return t.Context(), own
		})
		for rank, m := range models {
			if errs[rank] != nil {
				t.Fatal(errs[rank])
			}
			if (calls[rank] > 0) != (rank == 0) {
				t.Errorf("rank %d of %d was told of %d steps", rank, n, calls[rank])
			}
			for k, member := range m.Members() {
				if !slices.Equal(member.Params(), alone.Members()[k].Params()) {
					t.Errorf("rank %d of %d has another member %d", rank, n, k)
				}
			}
			for _, name := range []string{"rmse_forecast", "rmse_backtest", "loss", "nfe_backward"} {
				if a, b := figure(t, m, name), figure(t, alone, name); a != b {
					t.Errorf("rank %d of %d: %s is %v, alone %v", rank, n, name, a, b)
				}
			}
		}
	}
}

// A context that ends on one rank ends the fit on all, and all have the best so far.
func TestRanksStopTogether(t *testing.T) {
	models, errs := group(t, 3, func(rank int) (context.Context, forecast.Options) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		o := forecast.Options{Steps: 100000, Polish: -1, Hidden: []int{8}, Decay: -1, Linear: forecast.No, Log: forecast.No, Ensemble: 2, Backtest: 2}
		seen := 0
		o.Progress = func(forecast.Event) {
			if seen++; seen == 10 {
				cancel()
			}
		}
		return ctx, o
	})
	for rank, m := range models {
		if !errors.Is(errs[rank], context.Canceled) || m == nil || !slices.Equal(m.Members()[0].Params(), models[0].Members()[0].Params()) {
			t.Errorf("rank %d: %v", rank, errs[rank])
		}
	}
}
