package main

import (
	"flag"

	"github.com/neuralode/neuralode/train/forecast/cli"
)

func predictCommand() command {
	return command{
		name: "predict", args: "MODEL", short: "forecast with a model", about: cli.AboutPredict,
		bind: func(fs *flag.FlagSet) job {
			f := new(cli.PredictFlags)
			f.Bind(fs)
			return f.Run
		},
	}
}
