// Package train fits the parameters of Neural ODEs to data.
//
// A [Dataset] has trajectories: states at given times, ragged, with missing values.
// A [Model] is a network (any graph.Module) with the options of its solver, its
// adjoint and its [Scaler]. [Fit] trains it, and Model.Predict solves it from any
// start at any times, from many goroutines.
//
//	model, err := train.New[float64](net, train.Config{Scaler: train.Standardise(data)})
//	report, err := train.Fit(ctx, model, data, train.Options[float64]{Steps: 1000})
//	states, err := model.Predict(ctx, times, y0)
//
// The model lives in scaled units: Fit scales the data, losses compare scaled
// states, the solver's tolerances are relative to scaled states. Predict takes and
// returns states and times in the units of the data.
//
// [Minimize] is the same loop for your own [Objective]. Optimisers work in
// float64 for models of either width: a float32 model is trained with float64
// master weights, which are rounded for each evaluation.
//
// Results do not depend on GOMAXPROCS, nor on the number of processes that train together
// by Options.Comm: what they compute is summed in a fixed order.
package train
