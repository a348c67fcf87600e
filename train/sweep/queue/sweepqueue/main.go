// Command sweepqueue is a worker of a sweep whose jobs wait in a queue of NATS JetStream. Every worker is
// started in the same way, on as many machines as there are, and may be killed at any time:
//
//	nats-server -js -sd /var/lib/nats
//	sweepqueue -server nats://queue.example.com -name widths -grid "hidden=8|16|32 seed=1..20" -table table.csv -- neuralode fit data.csv
//
// A job runs the command with a flag for each setting at its end, and -out for a folder of its own; its
// numbers are those of the file metrics.json there. The worker ends when all jobs are done.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/neuralode/neuralode/train/sweep"
	"github.com/neuralode/neuralode/train/sweep/queue"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintf(os.Stderr, "sweepqueue: %v\n", err)
	if errors.Is(err, queue.ErrUsage) || errors.Is(err, sweep.ErrUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// worker is what the flags say.
type worker struct {
	server, name, grid, out, table string
	options                        queue.Options
	command                        []string
	stderr                         io.Writer
}

const about = `Sweepqueue is a worker of a sweep whose jobs wait in a queue of NATS JetStream.

usage: sweepqueue -name NAME -grid GRID [flags] -- COMMAND…`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	w := &worker{stderr: stderr}
	fs := flag.NewFlagSet("sweepqueue", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintf(stderr, "%s\n\nFlags:\n", about)
		fs.PrintDefaults()
	}
	fs.StringVar(&w.server, "server", nats.DefaultURL, "`address` of a NATS server with JetStream")
	fs.StringVar(&w.name, "name", "", "`name` of the queue")
	fs.StringVar(&w.grid, "grid", "", "`settings`: name=value,value name=first..last …")
	fs.StringVar(&w.out, "out", filepath.Join("out", "sweep"), "`folder` for what the runs write")
	fs.StringVar(&w.table, "table", "", "`file` for all results, written at the end")
	fs.DurationVar(&w.options.AckWait, "ackwait", 30*time.Second, "how long a worker may be silent before its job goes to another one")
	fs.IntVar(&w.options.Tries, "tries", 10, "how many workers a job is given to")
	fs.IntVar(&w.options.Replicas, "replicas", 1, "how many servers of a cluster keep jobs and results")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", queue.ErrUsage, err)
	}
	if w.command = fs.Args(); len(w.command) == 0 {
		return fmt.Errorf("%w: no command; write it after --", queue.ErrUsage)
	}
	g, err := sweep.ParseGrid(w.grid)
	if err != nil {
		return err
	}
	return w.work(ctx, g, stdout)
}

// work fills the queue, does jobs until none is left, and writes the table.
func (w *worker) work(ctx context.Context, g sweep.Grid, stdout io.Writer) error {
	nc, err := nats.Connect(w.server, nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("%s: %w", w.server, err)
	}
	defer nc.Close()
	q, err := queue.Open(ctx, nc, w.name, w.options)
	if err != nil {
		return err
	}
	if _, err := q.Fill(ctx, g); err != nil {
		return err
	}
	_, failed := q.Work(ctx, w.job)
	if ctx.Err() != nil {
		return failed
	}
	results, err := q.Results(ctx)
	if err != nil {
		return errors.Join(failed, err)
	}
	t := sweep.Tabulate(g, results)
	if w.table != "" {
		if err := t.WriteCSV(w.table); err != nil {
			return errors.Join(failed, err)
		}
	}
	fmt.Fprintf(stdout, "%d jobs, %d without a result, %d failed\n", g.Len(), t.Missing, t.Failed)
	return failed
}

// job runs the command of one job.
func (w *worker) job(ctx context.Context, j sweep.Job) (map[string]float64, error) {
	dir, log, err := j.Folder(w.out)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := slices.Concat(w.command[1:], j.Args(), []string{"-out=" + dir})
	cmd := exec.CommandContext(ctx, w.command[0], args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	fmt.Fprintf(w.stderr, "%s: %v\n", j, map[bool]any{true: "done", false: err}[err == nil])
	if err != nil {
		return nil, fmt.Errorf("%w; %s says why", err, log.Name())
	}
	return sweep.Numbers(dir)
}
