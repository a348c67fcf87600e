package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// Options bound what one request may ask for. Zeros are the defaults.
type Options struct {
	MaxBytes   int64         // of a request. 0: 1 MiB
	MaxSamples int           // initial states of a request, which are solved as one batch. 0: 100
	MaxTimes   int           // of a request. 0: 10 000
	Timeout    time.Duration // of a prediction. 0: 5 s
}

// request is what a client sends.
type request[T train.Float] struct {
	Start    []T                 `json:"start"`
	Times    []float64           `json:"times"`
	Controls []train.Controls[T] `json:"controls"`
}

// Handler answers POST requests, many at a time, by the model's Predict: of
//
//	{"start": [1, 0], "times": [0, 1, 2]}
//
// with one initial state or several in a row, and {"times": […], "values": […]} for each as
// "controls" if the model has inputs, by {"states": […]} with the axes (time, sample, component).
//
// A request that makes no sense is answered by 400 Bad Request, one that is too long by 413,
// a prediction that does not exist by 422 Unprocessable Entity, one that takes too long by 503
// Service Unavailable, each with the reason as text.
func Handler[T train.Float](m *train.Model[T], opt Options) http.Handler {
	if opt.MaxBytes == 0 {
		opt.MaxBytes = 1 << 20
	}
	if opt.MaxSamples == 0 {
		opt.MaxSamples = 100
	}
	if opt.MaxTimes == 0 {
		opt.MaxTimes = 10_000
	}
	if opt.Timeout == 0 {
		opt.Timeout = 5 * time.Second
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "send a POST request", http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, opt.MaxBytes)
		answer, err := predict(m, r, opt)
		if err != nil {
			http.Error(w, err.Error(), status(err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // the client may have gone
	})
}

func predict[T train.Float](m *train.Model[T], r *http.Request, opt Options) ([]byte, error) {
	var q request[T]
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	if len(q.Start) > opt.MaxSamples*m.Dim() || len(q.Times) > opt.MaxTimes {
		return nil, fmt.Errorf("%d numbers in start and %d times; at most %d and %d", len(q.Start), len(q.Times), opt.MaxSamples*m.Dim(), opt.MaxTimes)
	}
	ctx, cancel := context.WithTimeout(r.Context(), opt.Timeout)
	defer cancel()
	states, err := m.Predict(ctx, q.Times, q.Start, q.Controls...)
	if err != nil {
		return nil, err
	}
	answer, err := json.Marshal(map[string][]T{"states": states})
	if err != nil {
		return nil, errors.Join(errNotFinite, err)
	}
	return answer, nil
}

var errNotFinite = errors.New("the prediction is not finite")

func status(err error) int {
	var long *http.MaxBytesError
	var step *odeint.StepError
	switch {
	case errors.As(err, &long):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	case errors.As(err, &step), errors.Is(err, errNotFinite):
		return http.StatusUnprocessableEntity
	}
	return http.StatusBadRequest
}
