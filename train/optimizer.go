package train

import "math"

// Optimizer is how Minimize and Fit change the parameters: Adam, SGD, LBFGS, or one of
// your own that is a StepOptimizer. Nil means Adam{}.
type Optimizer interface{ String() string }

// StepOptimizer is an Optimizer that makes a step from each gradient.
type StepOptimizer interface {
	Optimizer

	// LearningRate is the rate of every step if there is no Schedule.
	LearningRate() float64

	// Start returns the state of a training of n parameters.
	Start(n int) Stepper
}

// Stepper is the state of a training.
type Stepper interface {
	// Step changes x, given the gradient there.
	Step(x, grad []float64, rate float64)

	// State returns all numbers that the next steps depend on, in slices whose
	// contents a resumed training sets. Their number and lengths do not change.
	State() [][]float64
}

// Adam is Adam (Kingma and Ba 2015, algorithm 1), with decoupled weight decay AdamW
// (Loshchilov and Hutter 2019, algorithm 2).
type Adam struct {
	Rate         float64 // 0: 1e-3
	Beta1, Beta2 float64 // decay of the moments. 0: 0.9 and 0.999
	Epsilon      float64 // 0: 1e-8
	Decay        float64 // a step subtracts rate·Decay·x too
}

// String returns "adam".
func (Adam) String() string { return "adam" }

// LearningRate returns Rate or its default.
func (a Adam) LearningRate() float64 { return or(a.Rate, 1e-3) }

// Start returns moments of zero.
func (a Adam) Start(n int) Stepper {
	a.Beta1, a.Beta2, a.Epsilon = or(a.Beta1, 0.9), or(a.Beta2, 0.999), or(a.Epsilon, 1e-8)
	return &adam{Adam: a, m: make([]float64, n), v: make([]float64, n), powers: []float64{1, 1}}
}

type adam struct {
	Adam
	m, v   []float64
	powers []float64 // of the betas, for the correction of the bias
}

func (a *adam) State() [][]float64 { return [][]float64{a.m, a.v, a.powers} }

func (a *adam) Step(x, grad []float64, rate float64) {
	a.powers[0] *= a.Beta1
	a.powers[1] *= a.Beta2
	c1, c2 := 1-a.powers[0], 1-a.powers[1]
	for i, g := range grad {
		a.m[i] = a.Beta1*a.m[i] + (1-a.Beta1)*g
		a.v[i] = a.Beta2*a.v[i] + (1-a.Beta2)*g*g
		x[i] -= rate * (a.m[i]/c1/(math.Sqrt(a.v[i]/c2)+a.Epsilon) + a.Decay*x[i])
	}
}

// SGD is gradient descent with momentum: v ← Momentum·v + g, x ← x − rate·v, or with
// Nesterov x ← x − rate·(g + Momentum·v) (Sutskever et al. 2013, as PyTorch writes
// it).
type SGD struct {
	Rate     float64 // 0: 1e-2
	Momentum float64
	Nesterov bool
	Decay    float64 // a step subtracts rate·Decay·x too
}

// String returns "sgd".
func (SGD) String() string { return "sgd" }

// LearningRate returns Rate or its default.
func (s SGD) LearningRate() float64 { return or(s.Rate, 1e-2) }

// Start returns a velocity of zero.
func (s SGD) Start(n int) Stepper { return &sgd{s, make([]float64, n)} }

type sgd struct {
	SGD
	v []float64
}

func (s *sgd) State() [][]float64 { return [][]float64{s.v} }

func (s *sgd) Step(x, grad []float64, rate float64) {
	for i, g := range grad {
		s.v[i] = s.Momentum*s.v[i] + g
		d := s.v[i]
		if s.Nesterov {
			d = g + s.Momentum*d
		}
		x[i] -= rate * (d + s.Decay*x[i])
	}
}

// LBFGS is Gonum's limited-memory BFGS, restarted with an empty memory when a line
// search fails. It is for losses that do not change from step to step: no
// minibatches, no growing horizon. It ends when no step lowers the loss.
type LBFGS struct {
	// Memory is the number of past steps that shape the next one. 0: 50, more than
	// the usual 5 to 20, since a loss that contains an ODE solve costs far more than a
	// step.
	Memory int

	// Tol ends the run when the last five steps together have lowered the loss by less than this
	// fraction of it. 0: when no step lowers it any more, which near the least loss takes many
	// evaluations for its last digits.
	Tol float64
}

// String returns "l-bfgs".
func (LBFGS) String() string { return "l-bfgs" }

// or returns v, or its default if v is 0.
func or(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}
