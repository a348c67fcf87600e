package cli

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/neuralode/neuralode/layers/formula"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train/dist"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast"
)

// FitFlags are the flags of Fit.
type FitFlags struct {
	experiment.Common

	// Comm, if not nil, is the group of processes that run Fit together. Rank 0 alone prints and
	// writes files.
	Comm dist.Comm

	table tableFlags

	controls      names
	interpolation string
	model         string
	known         lines
	params        []formula.Param
	starts        map[string]float64
	velocities    bool
	extra         int
	hidden        string
	activation    string
	logarithms    string
	linear        string
	decay         float64
	solver        string
	tolerance     float64
	step          float64
	adjoint       string
	holdout       string
	holdoutID     names
	epochs        int
	polish        int
	rate          float64
	ensemble      int
	backtest      int
	blocks        int

	resume  bool
	log     string
	explain bool
	json    bool

	set *flag.FlagSet
}

// Bind adds the flags to a set, whose values are the defaults.
func (f *FitFlags) Bind(fs *flag.FlagSet) {
	f.set = fs
	f.table.bind(fs)
	fs.StringVar(&f.table.states, "states", "", "`names` of the state columns, separated by commas; empty: all that are nothing else")
	fs.Var(&f.controls, "control", "`name` of a column that is an input u(t), such as a force or a dose; may be given several times")
	fs.StringVar(&f.interpolation, "interpolation", "linear", "of controls from row to row: `linear`, hermite or previous")
	fs.StringVar(&f.model, "model", "", "what is known of the system: "+kinds()+"; empty: node, or augmented for a single column if validation prefers it")
	fs.Var(&f.known, "known", "`equations` that are known, as in 'dx = alpha*x - beta*x*y; dy = network'; may be given several times, @file reads a file")
	fs.Func("param", "start and bounds of a `parameter` of the equations, as in alpha=0.5[0,2]; may be given several times", f.addParam)
	fs.Func("start", "start of a state of the equations that is no column, as in `S=0.9`; may be given several times", f.addStart)
	fs.BoolVar(&f.velocities, "velocities", false, "second-order and Lagrangian models: the second half of the states are the velocities of the first")
	fs.IntVar(&f.extra, "extra", 2, "augmented model: how many components are added that are not observed")
	fs.StringVar(&f.hidden, "hidden", "", "`widths` of the hidden layers, separated by commas; empty: chosen by validation")
	fs.StringVar(&f.activation, "activation", "", "of the hidden layers: "+experiment.Activations()+"; empty: tanh, softplus for energies")
	fs.StringVar(&f.logarithms, "logarithms", "auto", "whether the logarithms of the states are modelled: `auto`, yes or no")
	fs.StringVar(&f.linear, "linear", "auto", "whether a linear map is added to the network: `auto`, yes or no")
	fs.Float64Var(&f.decay, "decay", -1, "weight decay: half of it times the sum of the squared weights is added to the loss; negative: chosen by validation")
	fs.StringVar(&f.solver, "solver", "auto", "method of the solver: "+solvers())
	fs.Float64Var(&f.tolerance, "tol", 1e-6, "error a step may make, relative and absolute, in scaled states")
	fs.Float64Var(&f.step, "step", 0, "step of solvers without error control, in the unit of the time column; 0: from row to row")
	fs.StringVar(&f.adjoint, "adjoint", "discrete", "method of the gradients: "+experiment.Adjoints())
	fs.StringVar(&f.holdout, "holdout", "20%", "last rows of each trajectory to hold out, to be forecast: a number of `rows`, or a percentage")
	fs.Var(&f.holdoutID, "holdout-id", "`id` of a whole trajectory to hold out; may be given several times")
	fs.IntVar(&f.epochs, "epochs", 0, "steps of Adam; the first half sees a growing part of the data. 0: chosen, 1000 for small tables; negative: none")
	fs.IntVar(&f.polish, "polish", 0, "iterations of L-BFGS after them, at most. 0: chosen, 2000 for small tables; negative: none")
	fs.Float64Var(&f.rate, "lr", 1e-2, "learning rate of Adam at its start; it falls to 0 along a cosine")
	fs.IntVar(&f.ensemble, "ensemble", 1, "number of models, of different seeds; from two on the forecast has a 90 % band")
	fs.IntVar(&f.backtest, "backtest", 0, "number of earlier times from which the forecast is judged too")
	fs.IntVar(&f.blocks, "blocks", 16, "under mpirun: into how many parts the work of a step is cut, at least the number of processes; the last bits of the result depend on it")
	fs.BoolVar(&f.resume, "resume", false, "go on with a training that was interrupted, in the folder -out")
	fs.StringVar(&f.log, "log", "", "`file` for loss, gradient norm and seconds of every step: JSON lines if it ends in .jsonl, CSV otherwise; or tensorboard: and a folder, for TensorBoard")
	fs.BoolVar(&f.explain, "explain", false, "print everything that was chosen, and why")
	fs.BoolVar(&f.json, "json", false, "print the result as JSON")
	fs.BoolVar(&f.Quick, "quick", f.Quick, "a run of a few seconds that shows that everything works, not how well")
	fs.Uint64Var(&f.Seed, "seed", 1, "seed of everything random")
	fs.StringVar(&f.Out, "out", f.Out, "`folder` for the files written; made if missing. Empty: out/ and the name of the data")
}

func kinds() string {
	var all []string
	for _, k := range forecast.Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

// methods are the solvers by name.
func methods() (names []string, all []odeint.Method) {
	add := func(name string, m odeint.Method) { names, all = append(names, name), append(all, m) }
	add("auto", odeint.Auto{})
	for _, m := range odeint.Tableaus() {
		add(strings.ToLower(m.String()), m)
	}
	for _, m := range odeint.ESDIRKs() {
		add(strings.ToLower(m.String()), m)
	}
	return names, all
}

func solvers() string {
	names, _ := methods()
	return strings.Join(names, ", ")
}

// options translates the flags.
func (f *FitFlags) options() (forecast.Options, error) {
	opt := forecast.Options{
		Kind: forecast.Kind(f.model), Controls: f.controls, Velocities: f.velocities, Extra: f.extra, Decay: f.decay,
		Step: f.step, HoldoutIDs: f.holdoutID, Steps: f.epochs, Polish: f.polish, Rate: f.rate, Ensemble: f.ensemble, Backtest: f.backtest, Seed: f.Seed, Comm: f.Comm, Blocks: f.blocks,
	}
	if len(f.known) > 0 {
		if f.given("model") && opt.Kind != forecast.Known {
			return opt, experiment.Usagef("-known and -model %s say different things; leave one out", f.model)
		}
		opt.Kind, opt.Equations = forecast.Known, f.known.String()
	}
	opt.Params, opt.Starts = f.params, f.starts
	if opt.Kind == forecast.Known && opt.Equations == "" {
		return opt, experiment.Usagef("-model known needs the equations; say them by -known")
	}
	if opt.Kind != forecast.Known && len(f.params)+len(f.starts) > 0 {
		return opt, experiment.Usagef("-param and -start are of equations; say these by -known")
	}
	switch {
	case f.decay < 0:
		opt.Decay = 0
	case f.decay == 0:
		opt.Decay = -1
	}
	if f.model != "" && !slices.Contains(forecast.Kinds(), opt.Kind) {
		return opt, experiment.Usagef("-model %q is unknown; there are %s", f.model, kinds())
	}
	var err error
	if opt.Hidden, err = widths(f.hidden); err != nil {
		return opt, err
	}
	if f.activation != "" {
		if opt.Activation, err = experiment.Activation(f.activation); err != nil {
			return opt, err
		}
	}
	if opt.Adjoint, err = experiment.Adjoint(f.adjoint); err != nil {
		return opt, err
	}
	if opt.Holdout, err = holdout(f.holdout); err != nil {
		return opt, err
	}
	choices := map[string]forecast.Choice{"auto": forecast.Auto, "yes": forecast.Yes, "no": forecast.No}
	interpolations := map[string]control.Kind{"linear": control.Linear, "hermite": control.Hermite, "previous": control.Previous}
	names, all := methods()
	i := slices.Index(names, strings.ToLower(f.solver))
	for _, c := range []struct {
		flag, value string
		ok          bool
		known       string
	}{
		{"logarithms", f.logarithms, take(choices, f.logarithms, &opt.Log), "auto, yes and no"},
		{"linear", f.linear, take(choices, f.linear, &opt.Linear), "auto, yes and no"},
		{"interpolation", f.interpolation, take(interpolations, f.interpolation, &opt.Interpolation), "linear, hermite and previous"},
		{"solver", f.solver, i >= 0, solvers()},
	} {
		if !c.ok {
			return opt, experiment.Usagef("-%s %q is unknown; there are %s", c.flag, c.value, c.known)
		}
	}
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"tol", f.tolerance > 0 && f.tolerance < 1},
		{"step", f.step >= 0 && !math.IsInf(f.step, 0)},
		{"lr", f.rate > 0 && !math.IsInf(f.rate, 0)},
		{"decay", !math.IsInf(f.decay, 0) && !math.IsNaN(f.decay)},
		{"extra", f.extra >= 1 && f.extra <= 1000},
		{"ensemble", f.ensemble >= 1 && f.ensemble <= 1000},
		{"blocks", f.blocks >= 1 && f.blocks <= 1<<20 && (f.Comm == nil || f.blocks >= f.Comm.Size())},
		{"backtest", f.backtest >= 0 && f.backtest <= 1000},
	} {
		if !c.ok {
			return opt, experiment.Usagef("-%s is out of its range; see -h", c.name)
		}
	}
	opt.Solve.Method = all[i]
	if t, ok := all[i].(*odeint.Tableau); !ok || t.E != nil {
		opt.Solve.RTol, opt.Solve.ATol = f.tolerance, f.tolerance
	}
	if f.Quick {
		if f.epochs == 0 {
			opt.Steps = 300
		}
		if f.polish == 0 {
			opt.Polish = 30
		}
	}
	return opt, nil
}

func take[V any](of map[string]V, name string, into *V) bool {
	v, ok := of[name]
	*into = v
	return ok
}

// given reports whether a flag was on the command line.
func (f *FitFlags) given(name string) bool { return f.set != nil && experiment.IsSet(f.set, name) }

func widths(text string) ([]int, error) {
	var w []int
	for _, s := range list(text) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 1<<16 {
			return nil, experiment.Usagef("-hidden %s: %q is not a whole number from 1 to %d", text, s, 1<<16)
		}
		w = append(w, n)
	}
	return w, nil
}

// holdout reads a number of rows or a percentage, for forecast.Options.Holdout.
func holdout(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil || !(v >= 0) || v > 1e9 || percent && v >= 100 || !percent && v != math.Trunc(v):
		return 0, experiment.Usagef("-holdout %q is neither a number of rows nor a percentage below 100", text)
	case v == 0:
		return -1, nil
	case percent && v == 20:
		return 0, nil // the default, which spares very short trajectories
	case percent:
		return v / 100, nil
	}
	return v, nil
}

// lines collects a flag that may be given several times; @file stands for what is in a file.
type lines []string

func (l *lines) String() string { return strings.Join(*l, "\n") }

func (l *lines) Set(text string) error {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text = string(data)
	}
	*l = append(*l, text)
	return nil
}

func (f *FitFlags) addParam(text string) error {
	p, err := formula.ParseParam(text)
	f.params = append(f.params, p)
	return err
}

func (f *FitFlags) addStart(text string) error {
	name, value, ok := strings.Cut(text, "=")
	v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if !ok || err != nil || v-v != 0 {
		return fmt.Errorf("%q is not like S=0.9", text)
	}
	if f.starts == nil {
		f.starts = map[string]float64{}
	}
	f.starts[strings.TrimSpace(name)] = v
	return nil
}
