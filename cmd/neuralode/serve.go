package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/forecast/cli"
	"github.com/neuralode/neuralode/train/serve"
)

func serveCommand() command {
	return command{
		name:  "serve",
		args:  "MODEL",
		short: "answer HTTP requests with a model's forecasts",
		about: `Serves a model that fit has written, over HTTP: forecasts as JSON, health, metrics
for Prometheus, a description in OpenAPI, and a page to try the model.

  curl -d '{"until": 1930}' http://127.0.0.1:8080/predict
  curl -d '{"from": {"x": 1, "y": 0}, "times": [0, 1, 2]}' http://127.0.0.1:8080/predict

Ctrl-C or SIGTERM ends it after the requests under way.`,
		bind: func(fs *flag.FlagSet) job {
			var opt serve.ServiceOptions
			addr := fs.String("addr", "127.0.0.1:8080", "`address` to listen at; :8080 listens on all networks, port 0 takes a free one")
			grace := fs.Duration("grace", 10*time.Second, "how long requests under way may take at the end")
			fs.Int64Var(&opt.MaxBytes, "max-bytes", 1<<20, "largest request, in `bytes`")
			fs.IntVar(&opt.MaxTimes, "max-times", 10_000, "most times of a request")
			fs.DurationVar(&opt.Timeout, "timeout", 5*time.Second, "longest time of a request, waiting included")
			fs.IntVar(&opt.Concurrent, "concurrent", 0, "predictions at a time; 0: one for each processor")
			fs.IntVar(&opt.Waiting, "waiting", 1000, "requests that may wait for their turn; more are answered with 503")
			return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if len(args) != 1 {
					return experiment.Usagef("serve: %d arguments; give the file of one model, or its folder", len(args))
				}
				m, err := forecast.Load(cli.ModelPath(args[0]))
				if err != nil {
					return err
				}
				service, err := serve.NewService(m, opt)
				if err != nil {
					return experiment.Usagef("%w", err)
				}
				l, err := net.Listen("tcp", *addr)
				if err != nil {
					return fmt.Errorf("%w; choose another address with -addr", err)
				}
				fmt.Fprintf(stdout, "http://%s/ serves %s; Ctrl-C ends\n", l.Addr(), args[0])
				return serveUntil(ctx, l, service, *grace, opt.Timeout)
			}
		},
	}
}

// serveUntil serves until ctx ends, and then until the requests under way are answered.
func serveUntil(ctx context.Context, l net.Listener, service *serve.Service, grace, timeout time.Duration) error {
	server := &http.Server{
		Handler: service, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: timeout + 10*time.Second,
		WriteTimeout: timeout + 30*time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	service.Drain()
	last, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close()
		return fmt.Errorf("requests were cut off after %v: %w", grace, err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
