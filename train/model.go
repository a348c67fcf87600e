package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
)

// Config is how a network becomes a model. The zero value solves with
// odeint.Tsit5 at odeint's default tolerances, differentiates with
// adjoint.Discrete and does not scale.
type Config struct {
	// Shape is the shape of one sample's state, without the batch axis. Nil: the
	// module's StateShape.
	Shape []int

	// Solve are the options of all solves, in scaled units; RTols and ATols are those
	// of one sample. SaveAt must be zero.
	Solve odeint.Options

	// Adjoint is how gradients are computed. Nil: adjoint.Discrete{}.
	Adjoint adjoint.Method

	// Scaler maps the data to the units of the model and predictions back.
	Scaler Scaler

	// Input, unless nil, says that the module has exogenous inputs.
	Input *InputConfig

	// Rand draws the initial parameters. Nil: rand.New(rand.NewPCG(0, 0)).
	Rand *rand.Rand

	// Name starts the names of the parameters. The default is "field".
	Name string
}

// Field is a vector field whose parameters can be set. Every graph.CompiledField is
// one; a Go type with these methods is trained like a network.
type Field[T Float] interface {
	odeint.Differentiable[T]

	// Params is θ itself: writing to it changes the field.
	Params() []T
}

// Model is a vector field with parameters, and how it is solved, differentiated and
// scaled. All methods may be called from many goroutines at a time, also while Fit
// trains the model: Fit gives it the trained parameters at the end.
type Model[T Float] struct {
	cfg     Config
	module  graph.Module // nil: made of fields
	compile func(batch int) (Field[T], error)
	dim     int
	layout  []graph.Param

	mu    sync.RWMutex
	theta []T

	pools  sync.Mutex
	protos []*proto[T] // by use, the latest last
}

// New compiles a network, any graph.Module, as a model. The errors are those of the
// module and of graph.CompileField, and an *OptionError with every fault of the
// Config.
func New[T Float](net graph.Module, cfg Config) (*Model[T], error) {
	if net == nil {
		panic("train: New of a nil module")
	}
	m := &Model[T]{module: net}
	var one graph.CompiledField[T]
	m.compile = func(batch int) (Field[T], error) {
		if one != nil {
			return one.FieldWithBatch(batch)
		}
		var err error
		one, err = graph.CompileField[T](net, batch, graph.FieldConfig{Shape: cfg.Shape, Name: cfg.Name, Rand: cfg.Rand, Input: cfg.Input.graph()})
		return one, err
	}
	if err := m.init(cfg); err != nil {
		return nil, err
	}
	return m, nil
}

// FromField returns the model of fields that Go code makes: compile returns a new
// field for a batch of samples, one after the other in the state. Fields of all
// batch sizes have the same θ; that of the first field made is where training
// begins. Config's Shape, Rand and Name are not used. With Config.Input, the fields
// have the method SetInput of [graph.Function].
func FromField[T Float](compile func(batch int) (Field[T], error), cfg Config) (*Model[T], error) {
	if compile == nil {
		panic("train: FromField of a nil function")
	}
	m := &Model[T]{compile: compile}
	return m, m.init(cfg)
}

// init compiles the field of one sample and checks the options with it.
func (m *Model[T]) init(cfg Config) error {
	if cfg.Adjoint == nil {
		cfg.Adjoint = adjoint.Discrete{}
	}
	m.cfg = cfg
	field, err := m.compile(1)
	if err != nil {
		return err
	}
	m.dim, m.theta = field.Dim(), slices.Clone(field.Params())
	if f, ok := field.(interface{ Layout() []graph.Param }); ok {
		m.layout = f.Layout()
	}
	var f faults
	f.check(m.dim > 0 && len(m.theta) == field.NumParams(), "the field has dimension %d, and %d of %d parameters", m.dim, len(m.theta), field.NumParams())
	f.check(cfg.Solve.ErrDim == 0, "Solve.ErrDim is %d; a batch has no first components", cfg.Solve.ErrDim)
	cfg.Scaler.check(m.dim, cfg.Input.channels(), &f)
	if in := cfg.Input; in != nil {
		f.check(in.Channels > 0, "Input.Channels is %d", in.Channels)
		_, err := control.New(in.Kind, 1, [][]float64{{0}}, []T{0})
		f.check(err == nil, "Input.Kind: %v", err)
		_, ok := field.(driven[T])
		f.check(ok, "Input is set, and a %T has no method SetInput", field)
		copied := *in
		m.cfg.Input = &copied
	}
	if err := f.err(); err != nil {
		return err
	}
	p := &proto[T]{batch: 1, field: field}
	w, err := p.take(m)
	if err != nil {
		return err
	}
	p.give(w)
	m.protos = append(m.protos, p)
	return nil
}

// Dim is the length of one sample's state.
func (m *Model[T]) Dim() int { return m.dim }

// NumParams is the length of θ.
func (m *Model[T]) NumParams() int { return len(m.theta) }

// Layout tells where each parameter lies in θ; nil for models from FromField
// whose fields do not tell.
func (m *Model[T]) Layout() []graph.Param { return m.layout }

// Scaler returns the model's scaler. Its slices must not be changed.
func (m *Model[T]) Scaler() Scaler {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.cfg.Scaler
}

// Params returns a copy of θ.
func (m *Model[T]) Params() []T {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.theta)
}

// SetParams copies theta, of length NumParams, into the model.
func (m *Model[T]) SetParams(theta []T) {
	if len(theta) != len(m.theta) {
		panic("train: length of theta is not the model's NumParams")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	copy(m.theta, theta)
}

// Predict solves the model from y0 at times[0] and returns the states at all times,
// which are strictly monotone in either direction. y0 has one state or several, one
// after the other, which are solved as a batch with common steps; the result has the
// axes (time, sample, component). Everything is in the units of the data.
//
// A model with inputs needs controls, those of each sample or one for all; for others
// they are empty.
//
// The errors are those of odeint's solves; what was reached is then returned too.
func (m *Model[T]) Predict(ctx context.Context, times []float64, y0 []T, controls ...Controls[T]) ([]T, error) {
	if len(y0) == 0 || len(y0)%m.dim != 0 {
		return nil, fmt.Errorf("train: initial states of %d numbers; want a multiple of %d, the length of a state", len(y0), m.dim)
	}
	scaler := m.Scaler()
	s := &scaler
	start := make([]T, len(y0))
	if err := scaleStates(start, y0, s, m.dim); err != nil {
		return nil, err
	}
	for i, v := range start {
		if v != v || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("train: component %d of the initial states is %v", i, y0[i])
		}
	}
	model := make([]float64, len(times))
	s.times(model, times)
	in, err := m.inputs(controls, len(y0)/m.dim, s)
	if err != nil {
		return nil, err
	}
	p, err := m.proto(len(y0) / m.dim)
	if err != nil {
		return nil, err
	}
	w, err := p.take(m)
	if err != nil {
		return nil, err
	}
	defer p.give(w)
	if err := w.set(in); err != nil {
		return nil, err
	}
	m.mu.RLock()
	copy(w.field.Params(), m.theta)
	m.mu.RUnlock()
	err = w.predictor.SolveAt(ctx, &w.sol, model, start)
	y := make([]T, len(w.sol.Y))
	unscaleStates(y, w.sol.Y, s, m.dim)
	copy(y, y0) // without the rounding of the way there and back
	return y, err
}
