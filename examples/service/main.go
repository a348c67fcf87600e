// Command service answers HTTP requests with predictions of a trained model.
package main

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/serve"
)

var program = experiment.New("service", `Trains a damped oscillator, writes oscillator.png, and serves its predictions at
localhost:8080 until Ctrl-C:
    curl -d '{"start": [1, 0], "times": [0, 1, 2]}' localhost:8080/predict
With -quick it answers one request of its own instead.`, run)

func main() { experiment.Main("service", program) }

func run(ctx context.Context, r *experiment.Run) error {
	tr := train.Trajectory[float64]{Times: train.Grid(10, 50)}
	for _, t := range tr.Times {
		tr.States = append(tr.States, math.Exp(-t/10)*math.Cos(t), -math.Exp(-t/10)*math.Sin(t))
	}
	data := train.Dataset[float64]{tr}
	model, err := train.New[float64](layers.MLP{In: 2, Hidden: []int{16}, Out: 2}, train.Config{Scaler: train.Standardise(data), Rand: r.Rand})
	if err != nil {
		return err
	}
	if _, err := experiment.Fit(ctx, r, model, data.Windows(6, 5), train.Options[float64]{Steps: 200, Optimizer: train.LBFGS{}}); err != nil {
		return err
	}
	if err := errors.Join(model.Save(r.Path("oscillator.safetensors")), experiment.Plot(ctx, r.Path("oscillator.png"), model, data)); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /predict", serve.Handler(model, serve.Options{}))
	server := &http.Server{Addr: "localhost:8080", Handler: mux, ReadTimeout: 10 * time.Second}
	if r.Quick {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest("POST", "/predict", strings.NewReader(`{"start": [1, 0], "times": [0, 1, 2]}`)))
		return os.WriteFile(r.Path("answer.json"), answer.Body.Bytes(), 0o666)
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	return server.ListenAndServe()
}
