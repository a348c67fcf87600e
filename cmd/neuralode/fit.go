package main

import (
	"context"
	"errors"
	"flag"
	"io"

	"github.com/neuralode/neuralode/train/dist/mpi"
	"github.com/neuralode/neuralode/train/forecast/cli"
)

func fitCommand() command {
	return command{
		name: "fit", args: "[DATA…]", short: "learn a model of tables and judge its forecast", about: cli.AboutFit,
		bind: func(fs *flag.FlagSet) job {
			f := new(cli.FitFlags)
			f.Bind(fs)
			return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if ctx.Value(aloneKey{}) != nil {
					return f.Run(ctx, args, stdout, stderr)
				}
				return together(ctx, f, args, stdout, stderr)
			}
		},
	}
}

// together is a fit by all processes that mpirun started, in a program with the build tag mpi; in others
// by this one.
func together(ctx context.Context, f *cli.FitFlags, args []string, stdout, stderr io.Writer) error {
	comm, finalize, err := mpi.Open()
	if err != nil {
		return err
	}
	if comm.Size() > 1 {
		f.Comm = comm
	}
	err = f.Run(ctx, args, stdout, stderr)
	// Errors are the same on all ranks unless the group has failed: one of them reports.
	if comm.Barrier() == nil {
		err = errors.Join(err, finalize())
		if comm.Rank() > 0 {
			return nil
		}
	}
	return err
}

// aloneKey marks the context of a run that is one of many by itself, and so does not join the processes
// that mpirun started.
type aloneKey struct{}

func alone(ctx context.Context) context.Context { return context.WithValue(ctx, aloneKey{}, true) }
