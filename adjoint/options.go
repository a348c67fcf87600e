package adjoint

import (
	"slices"

	"github.com/neuralode/neuralode/odeint"
)

// backwardOptions returns the options of a backward solve: own, or what can be
// taken over from the forward ones.
func backwardOptions(forward, own *odeint.Options) (odeint.Options, error) {
	if own == nil {
		opt := *forward
		opt.SaveAt = odeint.SaveAt{}
		opt.RTol, opt.RTols = tightest(opt.RTol, opt.RTols), nil
		opt.ATol, opt.ATols = tightest(opt.ATol, opt.ATols), nil
		opt.ErrDim, opt.Norm = 0, nil
		if _, ok := opt.Method.(*odeint.Tableau); !ok {
			opt.Method, opt.Compensated = odeint.Tsit5, false
		}
		return opt, nil
	}
	if err := noSaveAt(own); err != nil {
		return *own, err
	}
	opt := *own
	opt.Stops = slices.Concat(own.Stops, forward.Stops)
	opt.Jumps = slices.Concat(own.Jumps, forward.Jumps)
	return opt, nil
}

// tightest returns the least positive of the tolerances by component, or tol if there
// are none.
func tightest(tol float64, each []float64) float64 {
	if len(each) == 0 {
		return tol
	}
	tol = 0
	for _, e := range each {
		if e > 0 && (tol == 0 || e < tol) {
			tol = e
		}
	}
	return tol
}

// noSaveAt reports a SaveAt that the user has set.
func noSaveAt(opt *odeint.Options) error {
	s := &opt.SaveAt
	if s.Times == nil && s.Every == 0 && !s.Start && !s.End && !s.Dense && !s.Stages && !s.Steps {
		return nil
	}
	return &odeint.OptionError{Faults: []string{
		"SaveAt: it is set; leave it zero, because states are saved at the times given to Forward, and the method of gradients says what else is kept",
	}}
}

// isFixed reports whether steps have a fixed size.
func isFixed(opt *odeint.Options) bool {
	if opt.Controller != nil {
		_, ok := opt.Controller.(odeint.Fixed)
		return ok
	}
	if opt.Method == nil { // Tsit5
		return false
	}
	m, ok := opt.Method.(*odeint.Tableau)
	return !ok || m.E == nil
}
