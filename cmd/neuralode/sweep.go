package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/modelfile"
	"github.com/neuralode/neuralode/train/sweep"
)

const aboutSweep = `Sweep runs a command at every setting of a grid: each setting is a flag that is added to it.

  neuralode sweep -grid "hidden=16|32,32 seed=1..10" -out out/sweep -- fit data.csv
  neuralode sweep -grid "hidden=16|32,32 seed=1..10" -out out/sweep -shard 3/10 -- fit data.csv
  neuralode sweep merge -out out/sweep

The values of a setting are divided by commas, or by bars if a value has commas of its own; 1..10 are all whole
numbers from 1 to 10. The numbers of a run, those of its metrics.json, become a line of JSON in the folder
-out when it is done, and its files stay in a folder of their own, with what it printed in log.txt. What
is there is not done again: a sweep that was interrupted goes on when it is started again.

Without -shard, a SLURM job array, a Kubernetes indexed job and mpirun say which part a process has.`

func sweepCommand() command { return sweepOf(run) }

// sweepOf is the command for runs by the function do.
func sweepOf(do func(ctx context.Context, args []string, stdout, stderr io.Writer) error) command {
	return command{
		name: "sweep", args: "-- COMMAND…, or merge", short: "run a command at every setting of a grid, on one machine or many", about: aboutSweep,
		bind: func(fs *flag.FlagSet) job {
			s := &sweeping{do: do}
			fs.StringVar(&s.grid, "grid", "", "`settings`: name=value,value name=first..last …; merge knows them without")
			fs.StringVar(&s.shard, "shard", "", "`i/n`: run settings i, i+n, …; default: as the batch system says, or all")
			fs.StringVar(&s.out, "out", filepath.Join("out", "sweep"), "`folder` for results; all shards may share one")
			fs.StringVar(&s.number, "number", "", "merge: the `name` of the number to draw and to judge by; default: the error of the forecast, or the loss")
			fs.StringVar(&s.against, "against", "", "merge: the `setting` on the figure's horizontal axis; default: the first with several numbers for values")
			fs.BoolVar(&s.json, "json", false, "merge: print the summary as JSON")
			return s.run
		},
	}
}

// sweeping is a call of the command.
type sweeping struct {
	do                                func(ctx context.Context, args []string, stdout, stderr io.Writer) error
	grid, shard, out, number, against string
	json                              bool
}

// recipe is what a folder of results is of.
type recipe struct {
	Grid    string   `json:"grid"`
	Command []string `json:"command"`
}

const recipeFile = "sweep.json"

func (s *sweeping) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return experiment.Usagef("sweep: no command; write it after --, or merge")
	}
	known, err := s.recipe()
	if err != nil {
		return err
	}
	merge := args[0] == "merge"
	if s.grid == "" && merge {
		s.grid = known.Grid
	}
	g, err := sweep.ParseGrid(s.grid)
	if err != nil {
		return experiment.Usagef("%w", err)
	}
	if merge {
		if len(args) > 1 {
			return experiment.Usagef("sweep merge: unexpected argument %q", args[1])
		}
		return s.merge(g, stdout)
	}
	if known.Command != nil && !slices.Equal(known.Command, args) {
		return experiment.Usagef("sweep: %s has results of %q, not of %q; choose another folder with -out", s.out, strings.Join(known.Command, " "), strings.Join(args, " "))
	}
	if args[0] == "sweep" {
		return experiment.Usagef("sweep: a sweep of sweeps; put all settings in one grid")
	}
	if !slices.ContainsFunc(commands(), func(c command) bool { return c.name == args[0] }) {
		return experiment.Usagef("sweep: there is no command %q", args[0])
	}
	part, err := sweep.ShardOf(s.shard, os.Getenv)
	if err != nil {
		return experiment.Usagef("%w", err)
	}
	if err := s.remember(recipe{s.grid, args}); err != nil {
		return err
	}
	err = sweep.Run(alone(ctx), s.out, g, part, func(ctx context.Context, j sweep.Job) (map[string]float64, error) {
		numbers, err := s.one(ctx, args, j)
		state := "done"
		if err != nil {
			state = err.Error()
		}
		fmt.Fprintf(stderr, "%s: %s\n", j, state)
		return numbers, err
	})
	if err != nil || part.Count > 1 {
		return err
	}
	return s.merge(g, stdout)
}

// recipe reads what the folder is of; without one it is empty.
func (s *sweeping) recipe() (r recipe, err error) {
	path := filepath.Join(s.out, recipeFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w; remove it if the folder is of no sweep", path, err)
	}
	return r, nil
}

func (s *sweeping) remember(r recipe) error {
	if err := os.MkdirAll(s.out, 0o777); err != nil {
		return err
	}
	return modelfile.WriteAtomic(filepath.Join(s.out, recipeFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}

// one runs one job in a folder of its own and returns its numbers.
func (s *sweeping) one(ctx context.Context, args []string, j sweep.Job) (map[string]float64, error) {
	dir, log, err := j.Folder(filepath.Join(s.out, "runs"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	call := slices.Concat(args[:1], j.Args(), []string{"-out=" + dir}, args[1:])
	if err := s.do(ctx, call, log, log); err != nil {
		return nil, err
	}
	return sweep.Numbers(dir)
}
