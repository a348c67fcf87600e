package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/export"
	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/forecast/cli"
	"github.com/neuralode/neuralode/train/modelfile"
)

const aboutExport = `Export writes a model for other programs:

  onnx          the vector field dy/dt = f(t, y), for onnxruntime and others
  onnx-solve    a solve with steps of fixed size, as ONNX: times and initial states in, states out
  go            Go source without dependencies: the field and the solve
  safetensors   the weights alone, by name
  npz           the same for numpy
  equations     known equations and the values of their parameters, as text

ONNX and Go are in the units of the data: scaling and logarithms are part of them.

  neuralode export -out field.onnx out/fit/model.safetensors
  neuralode export -format onnx-solve -steps 20 -out solve.onnx out/fit/model.safetensors
  neuralode export -package hares -out hares/model.go out/fit/model.safetensors`

// exporting is a call of the command.
type exporting struct {
	format, out, method string
	member              int
	options             export.Options
}

func exportCommand() command {
	return command{
		name: "export", args: "MODEL", short: "write a model as ONNX, Go source, or weights", about: aboutExport,
		bind: func(fs *flag.FlagSet) job {
			e := &exporting{}
			fs.StringVar(&e.out, "out", "", "`file` to write")
			fs.StringVar(&e.format, "format", "", "onnx, onnx-solve, go, safetensors, npz or equations; default: by the ending of the file, .txt for equations")
			fs.IntVar(&e.member, "member", 1, "which model of an ensemble, from 1")
			fs.StringVar(&e.method, "method", "", "explicit Runge–Kutta `method` of the solve; default: that of the model, or tsit5")
			fs.IntVar(&e.options.Steps, "steps", 0, "how many steps the solve takes from one time to the next; default: as the model, or 10")
			fs.StringVar(&e.options.Package, "package", "model", "`name` of the Go package")
			return e.run
		},
	}
}

func (e *exporting) run(_ context.Context, args []string, stdout, _ io.Writer) error {
	if len(args) != 1 {
		return experiment.Usagef("export: %d arguments; give the file of one model, or its folder", len(args))
	}
	if e.out == "" {
		return experiment.Usagef("export: name the file to write with -out")
	}
	if e.format == "" {
		e.format = strings.TrimPrefix(filepath.Ext(e.out), ".")
		if e.format == "txt" {
			e.format = "equations"
		}
	}
	if !slices.Contains([]string{"onnx", "onnx-solve", "go", "safetensors", "npz", "equations"}, e.format) {
		return experiment.Usagef("export: the format %q is unknown; there are onnx, onnx-solve, go, safetensors, npz and equations", e.format)
	}
	if e.method != "" {
		all := odeint.Tableaus()
		i := slices.IndexFunc(all, func(m *odeint.Tableau) bool { return strings.EqualFold(m.Name, e.method) })
		if i < 0 {
			return experiment.Usagef("export: the method %q is none of %v", e.method, all)
		}
		e.options.Method = all[i]
	}
	m, err := loadAny(cli.ModelPath(args[0]))
	if err != nil {
		return err
	}
	if e.member < 1 || e.member > m.members() {
		return experiment.Usagef("export: -member %d of a model with %d", e.member, m.members())
	}
	switch {
	case e.format == "equations":
		err = equations(e.out, m.forecast)
	case m.narrow != nil:
		err = write(e, m.narrow)
	default:
		err = write(e, m.wide[e.member-1])
	}
	if errors.Is(err, export.ErrUsage) {
		return experiment.Usagef("%w", err)
	}
	if err != nil {
		return err
	}
	what := ""
	if m.members() > 1 && e.format != "equations" {
		what = fmt.Sprintf(", model %d of an ensemble of %d", e.member, m.members())
	}
	_, err = fmt.Fprintf(stdout, "%s written to %s%s\n", e.format, e.out, what)
	return err
}

// write writes one trained model.
func write[T train.Float](e *exporting, m *train.Model[T]) error {
	file := &modelfile.File{Tensors: m.Tensors()}
	switch e.format {
	case "safetensors":
		return modelfile.Write(e.out, file)
	case "npz":
		return modelfile.WriteNPZ(e.out, file)
	}
	return modelfile.WriteAtomic(e.out, func(w io.Writer) error {
		switch e.format {
		case "onnx":
			return export.ONNXField(w, m, e.options)
		case "onnx-solve":
			return export.ONNXSolve(w, m, e.options)
		}
		return export.GoSource(w, m, e.options)
	})
}

// equations writes the equations of a model, which fit -known reads again, and what was found of their
// parameters.
func equations(path string, m *forecast.Model) error {
	if m == nil || m.Equations == "" {
		return experiment.Usagef("export: the model has no known equations; fit some with -known, or choose another format")
	}
	return modelfile.WriteAtomic(path, func(w io.Writer) error {
		fmt.Fprintf(w, "# Fitted to %s; rates are by %s.\n", m.Info.File, m.Time)
		for _, line := range strings.FieldsFunc(m.Equations, func(c rune) bool { return c == ';' || c == '\n' }) {
			fmt.Fprintln(w, strings.TrimSpace(line))
		}
		for _, p := range m.Parameters {
			fmt.Fprintf(w, "# -param %s=%v", p.Name, p.Value)
			if p.Least < p.Most {
				fmt.Fprintf(w, "   from %v to %v in the ensemble", p.Least, p.Most)
			}
			fmt.Fprintln(w)
		}
		return nil
	})
}

// anyModel is what a file holds: a forecast model, or one that train saved, of either type of numbers.
type anyModel struct {
	forecast *forecast.Model // nil: none
	wide     []*train.Model[float64]
	narrow   *train.Model[float32]
}

func (m *anyModel) members() int {
	if m.narrow != nil {
		return 1
	}
	return len(m.wide)
}

// loadAny reads a model of any kind.
func loadAny(path string) (*anyModel, error) {
	f, err := modelfile.Options{AllowNonFinite: true}.Read(path)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(f.Kind, "neuralode forecast ") {
		m, err := forecast.Load(path)
		if err != nil {
			return nil, err
		}
		return &anyModel{forecast: m, wide: m.Members()}, nil
	}
	if slices.ContainsFunc(f.Tensors, func(t modelfile.Tensor) bool { return t.Float32 != nil }) {
		m, err := train.Load[float32](path, forecast.Modules()...)
		return &anyModel{narrow: m}, err
	}
	m, err := train.Load[float64](path, forecast.Modules()...)
	return &anyModel{wide: []*train.Model[float64]{m}}, err
}
