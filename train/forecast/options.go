package forecast

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/layers/formula"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/dist"
)

// Kind is what is known of the dynamics beforehand.
type Kind string

// The kinds. A state is the observed columns and, behind them, what is not observed.
const (
	Node        Kind = "node"         // dy/dt = f(y, u): a Neural ODE, the default
	Augmented   Kind = "augmented"    // the same with Options.Extra more components that are never observed
	SecondOrder Kind = "second-order" // d²q/dt² = f(q, dq/dt, u)
	Hamiltonian Kind = "hnn"          // (q, p) of a conserved energy H; with controls, forces g(q)u on p
	Damped      Kind = "damped-hnn"   // the same with friction
	Lagrangian  Kind = "lagrangian"   // d²q/dt² by the Lagrangian ½q̇ᵀM(q)q̇ − V(q); with controls, forces g(q)u

	DampedLagrangian Kind = "damped-lagrangian" // the same with friction

	Known Kind = "known" // Options.Equations, whose parameters are learned
)

// Kinds lists all there are.
func Kinds() []Kind {
	return []Kind{Node, Augmented, SecondOrder, Hamiltonian, Damped, Lagrangian, DampedLagrangian, Known}
}

// Choice is a decision that Fit takes itself unless it is told.
type Choice int

// The values of Choice.
const (
	Auto Choice = iota
	Yes
	No
)

// Options is how Fit works. The zero value fits a Neural ODE to all columns, chooses what can be
// chosen by validation, and holds out the last fifth of each trajectory to judge the forecast.
type Options struct {
	// Kind is what is known. Empty: Known with Equations, otherwise Node, or Augmented for a single column without controls if
	// validation prefers it, since the state of one equation alone can only rise or only fall.
	Kind Kind

	// Equations are those of Known, as package layers/formula reads them: dx = alpha*x - beta*x*y. The word network stands
	// for what is not known. A state without a column is not observed; it starts near its value in Starts, or 0.
	// Params have starts and bounds of parameters; those that are not named begin at 1.
	Equations string
	Params    []formula.Param
	Starts    map[string]float64

	// Controls names the columns that are inputs u(t): they drive the states and are not
	// forecast themselves. Interpolation is how they go from row to row.
	Controls      []string
	Interpolation control.Kind

	// Velocities says, for SecondOrder and Lagrangian, that the second half of the state columns
	// are the velocities of the first. Otherwise all are positions, and the velocities are found
	// with the rest.
	Velocities bool

	// Extra is the number of unobserved components of Augmented. 0: 2.
	Extra int

	// Hidden are the widths of the network's hidden layers. Nil: chosen.
	Hidden     []int
	Activation layers.Activation // zero: Tanh; Softplus for energies
	Decay      float64           // half of it times the sum of squared weights is added to the loss. 0: chosen; negative: none
	Log        Choice            // whether the model sees logarithms of the states
	Linear     Choice            // whether a linear map, begun at the least-squares fit, is added to the network

	Solve   odeint.Options // of the model, in scaled units; zero: chosen
	Step    float64        // for methods without error control: the size of their steps, in the table's unit of time; 0: from row to row
	Adjoint adjoint.Method // nil: adjoint.Discrete{}

	Steps  int     // of Adam; 0: 1000, or less where a step sees more than 1000 rows; negative: none
	Polish int     // iterations of L-BFGS after them, at most; 0: 2000, less for more than 500 rows, none for more than 50 000; negative: none
	Rate   float64 // of Adam, at its start; 0: 0.01. It falls to 0 along a cosine

	// Holdout is what is not fitted but judges the forecast: below 1 the fraction of each
	// trajectory's rows, from 1 on so many of its last rows. 0: 0.2, and nothing of
	// trajectories with less than 10 rows; negative: nothing.
	Holdout float64

	// HoldoutIDs names whole trajectories that are held out besides.
	HoldoutIDs []string

	// Ensemble is the number of models, of different seeds, whose median is the forecast. Their
	// differences, those from the data, and the errors of a forecast of earlier rows, for which one
	// more model is trained, are its 90 % band. 0: 1, without a band.
	Ensemble int

	// Backtest is how many earlier ends of the fitted data the forecast is judged from too, each
	// with a model of its own.
	Backtest int

	Seed uint64 // of everything random

	// Progress, unless nil, is called after each step of each training, by one goroutine at a time.
	Progress func(Event)

	// Comm, if not nil, is the group of processes that fit together, each of which is given the same
	// table and options: they share the batches of every training, and every one gets the same
	// model, with the same bits on any number of them. Rank 0 alone calls Progress and writes
	// checkpoints. See [train.Options].
	Comm dist.Comm

	// Blocks is train.Options.Blocks, at least the number of processes. 0: 16.
	Blocks int

	// Checkpoint is a folder in which trainings save their state, atomically and often; empty:
	// none. With Resume they go on from there: what was done is not done again.
	Checkpoint string
	Resume     bool

	free bool // the kind is open
}

// Event is what Progress gets to know.
type Event struct {
	Stage       string // "choosing", "training", "calibrating", "linear", "backtest", "refit"
	Run         string // which training of the stage: "16, decay 0.002", "member 2", …
	train.Step         // of this training
	Done, Total int    // steps of all trainings, as far as known
}

// check returns every fault of the options that can be seen without data, and fills in defaults.
func (o *Options) check() error {
	var faults []string
	wrong := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	if o.Kind == "" {
		o.Kind, o.free = Node, true
		if o.Equations != "" {
			o.Kind, o.free = Known, false
		}
	}
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	wrong(slices.Contains(Kinds(), o.Kind), "Kind is %q; there are %s", o.Kind, strings.Join(names, ", "))
	wrong((o.Kind == Known) == (o.Equations != ""), "Kind is %s, and Equations are %q; Known needs equations, and nothing else has them", o.Kind, o.Equations)
	for name, v := range o.Starts {
		wrong(finite(v), "the start of %s is %v", name, v)
	}
	wrong(o.Extra >= 0 && o.Extra <= 1000, "Extra is %d", o.Extra)
	if o.Extra == 0 {
		o.Extra = 2
	}
	for _, w := range o.Hidden {
		wrong(w > 0 && w <= 1<<16, "Hidden has a width of %d", w)
	}
	wrong(finite(o.Decay), "Decay is %v", o.Decay)
	wrong(finite(o.Rate) && o.Rate >= 0, "Rate is %v", o.Rate)
	wrong(finite(o.Step) && o.Step >= 0, "Step is %v", o.Step)
	wrong(finite(o.Holdout), "Holdout is %v", o.Holdout)
	wrong(o.Ensemble >= 0 && o.Ensemble <= 1000, "Ensemble is %d; it may be up to 1000", o.Ensemble)
	wrong(o.Backtest >= 0 && o.Backtest <= 1000, "Backtest is %d; it may be up to 1000", o.Backtest)
	wrong(!o.Resume || o.Checkpoint != "", "Resume without Checkpoint; say from which folder")
	if o.Ensemble == 0 {
		o.Ensemble = 1
	}
	if o.Rate == 0 {
		o.Rate = 0.01
	}
	if o.Activation == 0 {
		o.Activation = layers.Tanh
		if o.Kind.energy() {
			o.Activation = layers.Softplus
		}
	}
	if faults != nil {
		return &train.OptionError{Faults: faults}
	}
	return nil
}

// hamiltonian reports whether the state is positions and their momenta.
func (k Kind) hamiltonian() bool { return k == Hamiltonian || k == Damped }

// lagrangian reports whether the field is that of a Lagrangian.
func (k Kind) lagrangian() bool { return k == Lagrangian || k == DampedLagrangian }

// energy reports whether the field is made of derivatives of an energy.
func (k Kind) energy() bool { return k.hamiltonian() || k.lagrangian() }

// paired reports whether the state is positions and their velocities.
func (k Kind) paired() bool { return k == SecondOrder || k.lagrangian() }
