// Package forecast makes a forecast model of a table in one call: it chooses what a user would
// have to, trains, judges the result by data that it has not seen, beside simple baselines, and keeps
// all that belongs to the model in one file.
//
//	t, err := table.ReadFile("data.csv", table.Options{})
//	model, err := forecast.Fit(ctx, t, forecast.Options{})
//	fmt.Println(model.Verdict)
//	answer, err := model.Predict(ctx, forecast.Query{Times: []float64{31, 32}})
//	err = model.Save("model.safetensors")
//
// Package train has the parts: whoever wants another loss, optimiser or network uses it.
//
// Results do not depend on GOMAXPROCS.
package forecast
