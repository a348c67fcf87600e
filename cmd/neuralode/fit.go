package main

import (
	"flag"

	"github.com/neuralode/neuralode/train/forecast/cli"
)

func fitCommand() command {
	return command{
		name: "fit", args: "[DATA…]", short: "learn a model of tables and judge its forecast", about: cli.AboutFit,
		bind: func(fs *flag.FlagSet) job {
			f := new(cli.FitFlags)
			f.Bind(fs)
			return f.Run
		},
	}
}
