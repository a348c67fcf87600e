package train

import (
	"errors"
	"slices"
)

// state is everything that the next steps of a training depend on.
type state struct {
	Step, Skipped, Skips, Stale int
	Last, Lowest, Seconds       float64
	BestLoss                    float64
	BestStep                    int
	Work                        Work
	Seed                        uint64 // of the minibatches

	X, Good, Average, Best, Losses []float64
	Optimizer                      string
	Stepper                        [][]float64
}

// errState is a state that does not fit the training.
var errState = errors.New("train: the checkpoint is of another training; resume with the same model, data and options")

// state returns the loop's state. It shares memory with the loop.
func (l *loop) state() *state {
	r := l.report()
	s := &state{
		Step: l.step, Skipped: l.skipped, Skips: l.skips, Stale: l.stale,
		Last: l.last, Lowest: l.lowest, Seconds: r.Seconds,
		BestLoss: l.best.loss, BestStep: l.best.step, Work: r.Work,
		X: l.x, Good: l.good, Average: l.average, Best: l.best.x, Losses: l.losses,
		Optimizer: l.Optimizer.String(),
	}
	if l.stepper != nil {
		s.Stepper = l.stepper.State()
	}
	return s
}

// restore puts a saved state into the loop. For LBFGS, whose memory is not saved, it
// is the best point.
func (l *loop) restore(s *state) error {
	n := len(l.x)
	ok := s.Optimizer == l.Optimizer.String() && len(s.X) == n && len(s.Good) == n && len(s.Best) == n &&
		len(s.Average) == len(l.average) && len(s.Losses) == s.Step
	var stepper [][]float64
	if l.stepper != nil {
		stepper = l.stepper.State()
	}
	ok = ok && slices.EqualFunc(stepper, s.Stepper, func(a, b []float64) bool { return len(a) == len(b) })
	if !ok {
		return errState
	}
	l.step, l.skipped, l.skips, l.stale = s.Step, s.Skipped, s.Skips, s.Stale
	l.last, l.lowest, l.before = s.Last, s.Lowest, s.Seconds
	copy(l.x, s.X)
	if l.stepper == nil {
		copy(l.x, s.Best)
	}
	copy(l.good, s.Good)
	copy(l.average, s.Average)
	l.best.take(s.BestLoss, s.BestStep, s.Best)
	l.losses = append(l.losses[:0], s.Losses...)
	for i, v := range s.Stepper {
		copy(stepper[i], v)
	}
	return nil
}
