package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/forecast/cli"
	"github.com/neuralode/neuralode/train/report"
)

func reportCommand() command {
	return command{
		name:  "report",
		args:  "MODEL",
		short: "show a model: one HTML file with everything, and a PNG",
		about: `Writes a report of a model that fit has written: one HTML file that needs no network
and prints well, with fit and forecast, phase portraits, residuals, losses, the steps
of the solver, time scales, parameters, and the baselines beside the errors. The fit is in a
PNG beside it.`,
		bind: func(fs *flag.FlagSet) job {
			out := fs.String("out", "", "`file` to write; default: report.html beside the model")
			return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if len(args) != 1 {
					return experiment.Usagef("report: %d arguments; give the file of one model, or its folder", len(args))
				}
				model, path := cli.ModelPath(args[0]), *out
				if path == "" {
					path = filepath.Join(filepath.Dir(model), "report.html")
				}
				if !strings.HasSuffix(path, ".html") {
					return experiment.Usagef("report: -out %s; the report is HTML, end its name with .html", path)
				}
				m, err := forecast.Load(model)
				if err != nil {
					return err
				}
				if err := report.WriteFile(ctx, path, m); err != nil {
					return err
				}
				fmt.Fprintln(stdout, path)
				if len(m.Trajectories[0].Times) == 0 {
					return nil // the table is not in the file
				}
				picture := strings.TrimSuffix(path, ".html") + ".png"
				if err := report.Figure(ctx, picture, m); err != nil {
					return err
				}
				fmt.Fprintln(stdout, picture)
				return nil
			}
		},
	}
}
