package forecast

import (
	"math"

	"github.com/neuralode/neuralode/train"
)

// positive reports whether all fitted values of all columns are, so that they have logarithms. Values
// held out must be positive too.
func (d *dataset) positive() bool {
	n, dim := len(d.states), d.dim()
	for i := range d.all {
		for k, v := range d.all[i].States {
			if k%dim < n && v <= 0 {
				return false
			}
		}
	}
	return true
}

// wide reports whether a column's largest value is so many times its smallest one.
func (d *dataset) wide(ratio float64) bool {
	n, dim := len(d.states), d.dim()
	for j := range n {
		lo, hi := math.Inf(1), 0.0
		for i := range d.all {
			for r := range d.cut[i] {
				if v := d.all[i].States[r*dim+j]; v == v {
					lo, hi = min(lo, v), max(hi, v)
				}
			}
		}
		if hi > ratio*lo {
			return true
		}
	}
	return false
}

// scaler returns the units of the model: observed columns of mean 0 and deviation 1, and a unit of
// time in which they change by about 1. What the kind says of the state stays true in these
// units.
func (d *dataset) scaler(kind Kind, log bool) train.Scaler {
	dim, n := d.dim(), len(d.states)
	set := make(train.Dataset[float64], 0, len(d.all))
	for i := range d.all {
		tr := d.all[i]
		tr.Times, tr.States = tr.Times[:d.cut[i]], tr.States[:d.cut[i]*dim]
		if d.cut[i] == 0 {
			continue
		}
		if log {
			logs := make([]float64, len(tr.States))
			for k, v := range tr.States {
				logs[k] = math.Log(v)
			}
			tr.States = logs
		}
		set = append(set, tr)
	}
	s := train.Standardise(set)
	s.Unit = pace(set, &s, n, dim)
	if log {
		s.Log = make([]bool, dim)
		for j := range n {
			s.Log[j] = true
		}
	}
	for i := range d.latent {
		s.Spread[n+i] = d.hiddenSpread(i)
	}
	switch {
	case kind.paired():
		// dq/dt = v in scaled units too.
		half := dim / 2
		for j := range half {
			s.Mean[half+j], s.Spread[half+j] = 0, s.Spread[j]/s.Unit
		}
	case kind.hamiltonian():
		// The products of the units of position and momentum must be equal for the system to
		// stay Hamiltonian.
		half := dim / 2
		product := 0.0
		for j := range half {
			product += math.Log(s.Spread[j]*s.Spread[half+j]) / float64(half)
		}
		for j := range half {
			f := math.Exp((product - math.Log(s.Spread[j]*s.Spread[half+j])) / 2)
			s.Spread[j] *= f
			s.Spread[half+j] *= f
		}
	}
	return s
}

// pace returns the unit of time in which scaled values change by about 1. The changes looked at are
// those over so many rows that they are not small beside the spread, since changes from row to row
// may be mostly noise.
func pace(set train.Dataset[float64], s *train.Scaler, n, dim int) float64 {
	unit := s.Unit
	for lag := 1; lag <= 1<<12; lag *= 2 {
		changes, slopes, count := 0.0, 0.0, 0
		for i := range set {
			tr := &set[i]
			for r := lag; r < len(tr.Times); r++ {
				for j := range n {
					change := (tr.States[r*dim+j] - tr.States[(r-lag)*dim+j]) / s.Spread[j]
					if change != change {
						continue
					}
					slope := change / (tr.Times[r] - tr.Times[r-lag])
					changes += change * change
					slopes += slope * slope
					count++
				}
			}
		}
		if count == 0 {
			break
		}
		if u := math.Sqrt(float64(count) / slopes); u > 0 && !math.IsInf(u, 0) {
			unit = u
		}
		if math.Sqrt(changes/float64(count)) > 0.5 {
			break
		}
	}
	return unit
}
