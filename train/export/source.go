package export

import (
	"errors"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// Options choose how a solve is written.
type Options struct {
	// Method is an explicit Runge–Kutta method. Nil: that of the model if it is one, or else Tsit5.
	Method *odeint.Tableau

	// Steps is how many steps of equal size lead from one time to the next. 0: as many as the
	// model takes, if its steps are fixed so, or else 10.
	Steps int

	// Package is the name of the Go package. "": model.
	Package string
}

// ErrUsage is matched by errors about options, and about models that cannot be written in the way that
// is asked for.
var ErrUsage = errors.New("export: wrong usage")

// source is all that is written of a model.
type source struct {
	*graph.Listing
	theta    []float64
	narrow   bool // float32
	scaler   train.Scaler
	dim      int
	channels int  // of inputs
	rates    bool // of inputs

	method *odeint.Tableau
	steps  int
}

func sourceOf[T train.Float](m *train.Model[T], o Options) (*source, error) {
	list, err := m.Listing()
	if err != nil {
		return nil, err
	}
	s := &source{Listing: list, narrow: T(1)+T(1e-10) == T(1), scaler: m.Scaler(), dim: m.Dim(), method: o.Method, steps: o.Steps}
	for i, v := range m.Params() {
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%w: parameter %d is %v", ErrUsage, i, x)
		}
		s.theta = append(s.theta, float64(v))
	}
	for _, step := range list.Steps {
		switch step.Op {
		case "input", "rates":
			s.channels, s.rates = product(step.Shape), s.rates || step.Op == "rates"
		}
	}
	solve := m.Solve()
	if s.method == nil {
		s.method, _ = solve.Method.(*odeint.Tableau)
		if s.method == nil {
			s.method = odeint.Tsit5
		}
	}
	if err := s.method.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if s.steps == 0 {
		s.steps = 10
		if _, fixed := solve.Controller.(odeint.Fixed); fixed && solve.Steps > 0 {
			s.steps = solve.Steps
		}
	}
	if s.steps < 0 {
		return nil, fmt.Errorf("%w: %d steps", ErrUsage, s.steps)
	}
	return s, nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// component returns the scaling of component j of the state.
func (s *source) component(j int) (mean, spread float64, log bool) {
	mean, spread = number(s.scaler.Mean, j, 0), number(s.scaler.Spread, j, 1)
	return mean, spread, len(s.scaler.Log) > 0 && s.scaler.Log[j]
}

// input returns the scaling of input j.
func (s *source) input(j int) (mean, spread float64) {
	return number(s.scaler.InputMean, j, 0), number(s.scaler.InputSpread, j, 1)
}

func (s *source) unit() float64 {
	if s.scaler.Unit == 0 {
		return 1
	}
	return s.scaler.Unit
}

func number(list []float64, j int, otherwise float64) float64 {
	if len(list) == 0 {
		return otherwise
	}
	return list[j]
}

// parameter returns the values and the shape of a parameter.
func (s *source) parameter(i int) (graph.Param, []float64) {
	p := s.Params[i]
	return p, s.theta[p.Offset : p.Offset+product(p.Shape)]
}

// indices returns the numbers that an operand reads, in its order.
func indices(o graph.Operand) []int {
	list := []int{o.Offset}
	for i, n := range o.Shape {
		wider := make([]int, 0, len(list)*n)
		for _, at := range list {
			for k := range n {
				wider = append(wider, at+k*o.Strides[i])
			}
		}
		list = wider
	}
	return list
}

// consecutive reports whether a list goes up by ones.
func consecutive(list []int) bool {
	for i, v := range list {
		if v != list[0]+i {
			return false
		}
	}
	return true
}
