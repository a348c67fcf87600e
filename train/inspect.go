package train

import "github.com/neuralode/neuralode/odeint"

// Field returns the vector field of the model for a batch of samples, in the units of the model
// (see Scaler), with the present parameters and, for a model with inputs, with controls as in
// Predict. It belongs to the caller: nothing done with it changes the model.
func (m *Model[T]) Field(batch int, controls ...Controls[T]) (Field[T], error) {
	scaler := m.Scaler()
	in, err := m.inputs(controls, batch, &scaler)
	if err != nil {
		return nil, err
	}
	p, err := m.proto(batch)
	if err != nil {
		return nil, err
	}
	w, err := p.take(m) // and is not given back
	if err != nil {
		return nil, err
	}
	copy(w.field.Params(), m.Params())
	return w.field, w.set(in)
}

// SolveOptions returns the options of the model's solves, with the defaults filled in.
func (m *Model[T]) SolveOptions() (odeint.Options, error) { return m.cfg.Solve.Resolve(m.dim) }
