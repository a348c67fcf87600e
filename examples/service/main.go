// Command service answers HTTP requests with predictions of a trained model.
package main

import (
	"context"
	"encoding/json"
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
	if r.Quick {
		answer := httptest.NewRecorder()
		handler(model).ServeHTTP(answer, httptest.NewRequest("POST", "/predict", strings.NewReader(`{"start": [1, 0], "times": [0, 1, 2]}`)))
		return os.WriteFile(r.Path("answer.json"), answer.Body.Bytes(), 0o666)
	}
	server := &http.Server{Addr: "localhost:8080", Handler: handler(model), ReadTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	return server.ListenAndServe()
}

// handler predicts, for many requests at a time.
func handler(model *train.Model[float64]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /predict", func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Start, Times []float64 }
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&q)
		if err == nil && len(q.Start) > 100*model.Dim() {
			err = errors.New("more than 100 starts")
		}
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		var states []float64
		if err == nil {
			states, err = model.Predict(ctx, q.Times, q.Start)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string][]float64{"states": states})
	})
	return mux
}
