package train

import (
	"fmt"
	"slices"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint/control"
)

// Controls are the exogenous inputs u(t) of one trajectory, such as forces, doses or
// weather, through knots. How they go from knot to knot is the model's
// [InputConfig].Kind; before the first and after the last knot they keep its values.
type Controls[T Float] struct {
	// Times are ascending, also where the trajectory's descend. They need not be those
	// of its states. None: there are no controls.
	Times []float64 `json:"times"`

	// Values are (len(Times), channels). NaN is a missing value: the channel has one
	// knot less.
	Values []T `json:"values"`
}

// InputConfig says that a model has exogenous inputs, which are the trajectories'
// Controls, or arguments of Predict. Its module reads them: [layers.AppendInput],
// [layers.CDE], or one of your own, see [graph.InputConfig].
type InputConfig struct {
	// Channels is the number of inputs of a sample.
	Channels int

	// Kind is how an input goes from knot to knot. The zero value is
	// control.Previous, a step function. The steps of a solve end where the inputs of
	// any sample of its batch jump or, for control.Linear, have a kink; with dense knots
	// that all differ, control.Hermite is faster.
	Kind control.Kind

	// Rates gives du/dt to the module too.
	Rates bool
}

// graph is the same for package graph.
func (c *InputConfig) graph() *graph.InputConfig {
	if c == nil {
		return nil
	}
	return &graph.InputConfig{Channels: c.Channels, Rates: c.Rates}
}

func (c *InputConfig) channels() int {
	if c == nil {
		return 0
	}
	return c.Channels
}

// driven is a field with inputs.
type driven[T Float] interface{ SetInput(in graph.Input[T]) error }

// scaled returns the controls in the units of the model, and says what is wrong with them.
func (c *Controls[T]) scaled(in *InputConfig, s *Scaler) (out Controls[T], err error) {
	switch {
	case in == nil && len(c.Times)+len(c.Values) > 0:
		return out, fmt.Errorf("%w: controls for a model without inputs; set Config.Input", ErrData)
	case in == nil:
		return out, nil
	case len(c.Times) == 0:
		return out, fmt.Errorf("%w: no controls for a model with %d inputs", ErrData, in.Channels)
	case len(c.Values) != len(c.Times)*in.Channels:
		return out, fmt.Errorf("%w: %d values of controls for %d times and %d inputs; want %d", ErrData, len(c.Values), len(c.Times), in.Channels, len(c.Times)*in.Channels)
	}
	out = Controls[T]{make([]float64, len(c.Times)), make([]T, len(c.Values))}
	s.times(out.Times, c.Times)
	for i, v := range c.Values {
		mean, spread := s.input(i % in.Channels)
		out.Values[i] = T((float64(v) - mean) / spread)
	}
	if _, err := path(in, []Controls[T]{out}); err != nil {
		return out, fmt.Errorf("%w: in the units of the model: %w", ErrData, err)
	}
	return out, nil
}

// path joins the scaled controls of the samples of a batch; nil without inputs.
func path[T Float](in *InputConfig, all []Controls[T]) (*control.Path[T], error) {
	if in == nil {
		return nil, nil
	}
	times := make([][]float64, len(all))
	var values []T
	for i, c := range all {
		times[i] = c.Times
		values = append(values, c.Values...)
	}
	return control.New(in.Kind, in.Channels, times, values)
}

// set gives a worker the inputs of its next solves.
func (w *worker[T]) set(in *control.Path[T]) error {
	if in == nil {
		return nil
	}
	return w.field.(driven[T]).SetInput(in)
}

// inputs returns the path of a prediction for a number of samples.
func (m *Model[T]) inputs(controls []Controls[T], samples int, s *Scaler) (*control.Path[T], error) {
	in := m.cfg.Input
	if in != nil && len(controls) != 1 && len(controls) != samples {
		return nil, fmt.Errorf("%w: %d controls for %d initial states; want one for each, or one for all", ErrData, len(controls), samples)
	}
	all := make([]Controls[T], len(controls))
	for i := range controls {
		var err error
		if all[i], err = controls[i].scaled(in, s); err != nil {
			return nil, fmt.Errorf("controls %d: %w", i, err)
		}
	}
	if len(all) == 1 {
		all = slices.Repeat(all, samples)
	}
	return path(in, all)
}

// Channels is the number of inputs of the model; 0: it has none.
func (m *Model[T]) Channels() int { return m.cfg.Input.channels() }
