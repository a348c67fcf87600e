package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/modelfile"
)

const aboutImport = `Import gives a model the weights that another program made, from a file of safetensors or numpy's .npz:

  neuralode export -out weights.npz out/fit/model.safetensors
  …                                                         change them
  neuralode import -into out/fit/model.safetensors -out new.safetensors weights.npz

Tensors are told by the names that export writes. If all names are those of a PyTorch state_dict, such as
0.weight and 0.bias, they are taken in PyTorch's order, and the weights of nn.Linear are transposed.

What fit measured of the old weights stays in the file: judge the new ones anew.`

func importCommand() command {
	return command{
		name: "import", args: "WEIGHTS", short: "give a model the weights of another program", about: aboutImport,
		bind: func(fs *flag.FlagSet) job {
			into := fs.String("into", "", "`file` of the model, which is not changed")
			out := fs.String("out", "", "`file` to write")
			member := fs.Int("member", 1, "which model of an ensemble, from 1")
			return func(_ context.Context, args []string, stdout, _ io.Writer) error {
				if len(args) != 1 {
					return experiment.Usagef("import: %d arguments; give one file of weights", len(args))
				}
				if *into == "" || *out == "" {
					return experiment.Usagef("import: name the model with -into, and the file to write with -out")
				}
				m, err := loadAny(*into)
				if err != nil {
					return err
				}
				if *member < 1 || *member > m.members() {
					return experiment.Usagef("import: -member %d of a model with %d", *member, m.members())
				}
				return importInto(m, args[0], *out, *member-1, stdout)
			}
		},
	}
}

func importInto(m *anyModel, weights, out string, member int, stdout io.Writer) error {
	read := modelfile.Read
	if strings.HasSuffix(weights, ".npz") {
		read = modelfile.ReadNPZ
	}
	f, err := read(weights)
	if err != nil {
		return err
	}
	save := func(path string) error { return m.narrow.Save(path) }
	if m.narrow != nil {
		err = m.narrow.SetTensors(f.Tensors)
	} else {
		err = m.wide[member].SetTensors(f.Tensors)
		save = m.wide[member].Save
	}
	if m.forecast != nil {
		save = m.forecast.Save
	}
	if errors.Is(err, train.ErrWeights) {
		return experiment.Usagef("%s: %w", weights, err)
	}
	if err == nil {
		err = save(out)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d tensors; the model is written to %s\n", len(f.Tensors), out)
	return err
}
