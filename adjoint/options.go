package adjoint

import (
	"slices"

	"github.com/neuralode/neuralode/odeint"
)

// backwardOptions returns the options of a backward solve, along a path or not: own, or what can be
// taken over from the forward ones.
func backwardOptions(forward, own *odeint.Options, path bool) odeint.Options {
	if own == nil {
		opt := *forward
		opt.SaveAt, opt.Events, opt.MaxEvents = odeint.SaveAt{}, nil, 0
		opt.RTol, opt.RTols = tightest(opt.RTol, opt.RTols), nil
		opt.ATol, opt.ATols = tightest(opt.ATol, opt.ATols), nil
		opt.ErrDim, opt.Norm = 0, nil
		if path && stiffOrder(opt.Method) > 0 {
			opt.Method = stiffBackwards(opt.Method)
			return opt
		}
		if _, ok := opt.Method.(*odeint.Tableau); !ok {
			opt.Method, opt.Compensated = odeint.Tsit5, false
			if opt.Controller == nil { // the steps adapt
				opt.Steps = 0
			}
		}
		return opt
	}
	opt := *own
	opt.Stops = slices.Concat(own.Stops, forward.Stops)
	opt.Jumps = slices.Concat(own.Jumps, forward.Jumps)
	return opt
}

// stiffBackwards is the method backwards for a forward method for stiff problems: Rodas5P, whose
// continuous extension is as good as its steps where the problem is stiff.
func stiffBackwards(m odeint.Method) odeint.Method {
	if m, ok := m.(odeint.Auto); ok {
		m.Stiff = odeint.Rodas5P
		return m
	}
	return odeint.Rodas5P
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

// keptFault is the fault of options with a SaveAt.
const keptFault = "SaveAt: it is set; leave it zero, because states are saved at the times given to Forward, and the method of gradients says what else is kept"

// savesNothing reports whether SaveAt is zero.
func savesNothing(opt *odeint.Options) bool {
	s := &opt.SaveAt
	return s.Times == nil && s.Every == 0 && !s.Start && !s.End && s.Keep == odeint.Rows
}
