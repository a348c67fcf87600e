package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/forecast"
)

// ServiceOptions bound what clients may ask of a Service. Zeros are the defaults.
type ServiceOptions struct {
	MaxBytes   int64         // of a request. 0: 1 MiB
	MaxTimes   int           // of a request. 0: 10 000
	Timeout    time.Duration // of a request, waiting included. 0: 5 s
	Concurrent int           // predictions at a time. 0: one for each processor
	Waiting    int           // requests that wait for their turn; more are turned away. 0: 1000
}

func (o ServiceOptions) filled() ServiceOptions {
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 20
	}
	if o.MaxTimes == 0 {
		o.MaxTimes = 10_000
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Concurrent == 0 {
		o.Concurrent = runtime.GOMAXPROCS(0)
	}
	if o.Waiting == 0 {
		o.Waiting = 1000
	}
	return o
}

// Service is an http.Handler with the predictions of a forecast model:
//
//	POST /predict       a forecast, see [Request] and [Answer]
//	GET  /model         what the model is: columns, units, figures, ranges of its data
//	GET  /health        200 while it takes requests, 503 after Drain
//	GET  /metrics       counts and times in the text format of Prometheus
//	GET  /openapi.json  all this as OpenAPI 3.1
//	GET  /              a page to try it
//
// A request that makes no sense is answered by 400 Bad Request, one that is too long by 413, a
// prediction that does not exist by 422, and 503 Service Unavailable says that there are too many
// requests or that one took too long. The reason is in the answer, {"error": "…"}.
type Service struct {
	model    *forecast.Model
	opt      ServiceOptions
	mux      http.ServeMux
	turns    chan struct{}
	waiting  atomic.Int64
	draining atomic.Bool
	metrics  requestMetrics
}

// NewService returns the service of a model.
func NewService(m *forecast.Model, opt ServiceOptions) (*Service, error) {
	if m == nil {
		panic("serve: NewService of a nil model")
	}
	s := &Service{model: m, opt: opt.filled()}
	if o := s.opt; o.MaxBytes < 0 || o.MaxTimes < 0 || o.Timeout < 0 || o.Concurrent < 0 || o.Waiting < 0 {
		return nil, fmt.Errorf("serve: options %+v; none may be negative", opt)
	}
	s.turns = make(chan struct{}, s.opt.Concurrent)
	about, err := json.Marshal(s.about())
	if err != nil {
		return nil, err
	}
	api, err := json.MarshalIndent(s.openAPI(), "", "  ")
	if err != nil {
		return nil, err
	}
	s.mux.HandleFunc("POST /predict", s.predict)
	s.mux.HandleFunc("GET /model", fixed("application/json", about))
	s.mux.HandleFunc("GET /openapi.json", fixed("application/json", api))
	s.mux.HandleFunc("GET /health", s.health)
	s.mux.HandleFunc("GET /metrics", s.metrics.serve(s))
	s.mux.HandleFunc("GET /{$}", fixed("text/html; charset=utf-8", page))
	return s, nil
}

// Drain lets health say that the service takes no more requests, so that a balancer sends them
// elsewhere. Requests that come all the same are answered.
func (s *Service) Drain() { s.draining.Store(true) }

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:")
	c := &counted{ResponseWriter: w, code: http.StatusOK}
	s.mux.ServeHTTP(c, r)
	_, pattern := s.mux.Handler(r)
	s.metrics.count(pattern, c.code, time.Since(began))
}

// counted remembers the status.
type counted struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (c *counted) WriteHeader(code int) {
	c.code = code
	c.ResponseWriter.WriteHeader(code)
}

func fixed(kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(body) // the client may have gone
	}
}

func (s *Service) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	state := "ok"
	if s.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		state = "draining"
	}
	fmt.Fprintf(w, "{\"status\":%q}\n", state)
}

func (s *Service) predict(w http.ResponseWriter, r *http.Request) {
	answer, err := s.answer(w, r)
	if err != nil {
		code := s.code(err)
		if code == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		answer, _ = json.Marshal(map[string]string{"error": err.Error()})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(answer, '\n')) // the client may have gone
}

var errBusy = errors.New("serve: too many requests are waiting; try again later")

func (s *Service) answer(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.opt.Timeout)
	defer cancel()
	q, err := s.read(http.MaxBytesReader(w, r.Body, s.opt.MaxBytes))
	if err != nil {
		return nil, err
	}
	if s.waiting.Add(1) > int64(s.opt.Waiting+s.opt.Concurrent) {
		s.waiting.Add(-1)
		return nil, errBusy
	}
	defer s.waiting.Add(-1)
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p, err := s.model.Predict(ctx, q)
	if err != nil {
		return nil, err
	}
	answer, err := json.Marshal(AnswerOf(s.model, p))
	if err != nil {
		return nil, errors.Join(errNotFinite, err)
	}
	return answer, nil
}

func (s *Service) code(err error) int {
	var long *http.MaxBytesError
	var step *odeint.StepError
	switch {
	case errors.As(err, &long):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	case errors.As(err, &step), errors.Is(err, errNotFinite):
		return http.StatusUnprocessableEntity
	}
	return http.StatusBadRequest
}
