package train

import (
	"fmt"
	"math"
)

// Scaler maps the units of the data to those of the model, component by component:
//
//	s = (g(y) − Mean) / Spread,   τ = (t − Origin) / Unit
//
// where g is the logarithm for the components of Log and the identity for the
// others. The zero value changes nothing.
type Scaler struct {
	// Mean and Spread are nil, for 0 and 1, or of the state's length.
	Mean   []float64 `json:"mean,omitempty"`
	Spread []float64 `json:"spread,omitempty"`

	// Log says which components are seen as logarithms. Nil: none. Their values must
	// be positive.
	Log []bool `json:"log,omitempty"`

	// InputMean and InputSpread are those of inputs u(t), u → (u − InputMean)/InputSpread:
	// nil, for 0 and 1, or of length InputConfig.Channels.
	InputMean   []float64 `json:"input_mean,omitempty"`
	InputSpread []float64 `json:"input_spread,omitempty"`

	// Origin and Unit are those of time. A Unit of 0 is 1.
	Origin float64 `json:"origin,omitempty"`
	Unit   float64 `json:"unit,omitempty"`
}

// Standardise returns the scaler after which the values of each component have mean 0
// and standard deviation 1, over the values that are there, time starts at 0 where the
// first trajectory does, and its unit is such that the differences of scaled values
// from one row to the next, over their distance in time, have root mean square 1: a
// vector field of about that size is where training should begin. A component without
// spread keeps Spread 1. Controls get mean 0 and standard deviation 1 over their knots. Faulty data give a Scaler that New and Fit refuse with the reason.
func Standardise[T Float](d Dataset[T]) Scaler { return measure(d, false) }

// LogStandardise is Standardise of the logarithms of all components; controls are
// seen as they are.
func LogStandardise[T Float](d Dataset[T]) Scaler { return measure(d, true) }

func measure[T Float](d Dataset[T], log bool) Scaler {
	dim, err := d.Dim()
	if err != nil {
		return Scaler{}
	}
	s := Scaler{Mean: make([]float64, dim), Spread: make([]float64, dim), Origin: d[0].Times[0]}
	if log {
		s.Log = make([]bool, dim)
		for j := range s.Log {
			s.Log[j] = true
		}
	}
	for j := range dim {
		s.Mean[j], s.Spread[j] = moments(func(visit func(v float64)) {
			for i := range d {
				for k := j; k < len(d[i].States); k += dim {
					v := float64(d[i].States[k])
					if log {
						v = math.Log(v)
					}
					visit(v)
				}
			}
		})
	}
	if u := &d[0].Controls; len(u.Times) > 0 {
		channels := len(u.Values) / len(u.Times)
		for j := range channels {
			mean, spread := moments(func(visit func(v float64)) {
				for i := range d {
					for k := j; k < len(d[i].Controls.Values); k += channels {
						visit(float64(d[i].Controls.Values[k]))
					}
				}
			})
			s.InputMean, s.InputSpread = append(s.InputMean, mean), append(s.InputSpread, spread)
		}
	}
	s.Unit = pace(d, s, dim)
	return s
}

// moments returns the mean of the values that each visits, without NaNs, and their
// standard deviation, or 1 if that is 0.
func moments(each func(visit func(v float64))) (mean, spread float64) {
	sum, squares, n := 0.0, 0.0, 0
	there := func(f func(v float64)) func(v float64) {
		return func(v float64) {
			if v == v {
				f(v)
			}
		}
	}
	each(there(func(v float64) { sum += v; n++ }))
	if n == 0 {
		return 0, 1
	}
	mean = sum / float64(n)
	each(there(func(v float64) { squares += (v - mean) * (v - mean) }))
	if spread = math.Sqrt(squares / float64(n)); !(spread > 0) {
		spread = 1
	}
	return mean, spread
}

// pace returns the unit of time in which scaled values change by about 1.
func pace[T Float](d Dataset[T], s Scaler, dim int) float64 {
	sum, n := 0.0, 0
	for i := range d {
		rows := make([]T, len(d[i].States))
		if scaleStates(rows, d[i].States, &s, dim) != nil {
			return 1 // New and Fit say what is wrong
		}
		for k := dim; k < len(rows); k++ {
			if slope := float64(rows[k]-rows[k-dim]) / (d[i].Times[k/dim] - d[i].Times[k/dim-1]); slope == slope {
				sum += slope * slope
				n++
			}
		}
	}
	if unit := 1 / math.Sqrt(sum/float64(n)); unit > 0 && !math.IsInf(unit, 1) {
		return unit
	}
	return 1
}

// check adds what is wrong with the scaler for states of length dim.
func (s *Scaler) check(dim, channels int, f *faults) {
	f.check(len(s.Mean) == 0 || len(s.Mean) == dim, "Scaler.Mean has %d numbers for states of length %d", len(s.Mean), dim)
	f.check(len(s.Spread) == 0 || len(s.Spread) == dim, "Scaler.Spread has %d numbers for states of length %d", len(s.Spread), dim)
	f.check(len(s.Log) == 0 || len(s.Log) == dim, "Scaler.Log has %d values for states of length %d", len(s.Log), dim)
	for j, v := range s.Mean {
		f.check(!math.IsNaN(v) && !math.IsInf(v, 0), "Scaler.Mean of component %d is %v; values of a logarithm must be positive", j, v)
	}
	for j, v := range s.Spread {
		f.check(v > 0 && !math.IsInf(v, 0), "Scaler.Spread of component %d is %v; it must be positive", j, v)
	}
	f.check(len(s.InputMean) == 0 || len(s.InputMean) == channels, "Scaler.InputMean has %d numbers for %d inputs", len(s.InputMean), channels)
	f.check(len(s.InputSpread) == 0 || len(s.InputSpread) == channels, "Scaler.InputSpread has %d numbers for %d inputs", len(s.InputSpread), channels)
	for j, v := range s.InputMean {
		f.check(!math.IsNaN(v) && !math.IsInf(v, 0), "Scaler.InputMean of input %d is %v", j, v)
	}
	for j, v := range s.InputSpread {
		f.check(v > 0 && !math.IsInf(v, 0), "Scaler.InputSpread of input %d is %v; it must be positive", j, v)
	}
	f.check(!math.IsNaN(s.Origin) && !math.IsInf(s.Origin, 0), "Scaler.Origin is %v", s.Origin)
	f.check(s.Unit >= 0 && !math.IsInf(s.Unit, 0), "Scaler.Unit is %v; it must be positive", s.Unit)
}

func (s *Scaler) component(j int) (mean, spread float64, log bool) {
	spread = 1
	if len(s.Mean) > 0 {
		mean = s.Mean[j]
	}
	if len(s.Spread) > 0 {
		spread = s.Spread[j]
	}
	return mean, spread, len(s.Log) > 0 && s.Log[j]
}

// input returns the mean and the spread of input j.
func (s *Scaler) input(j int) (mean, spread float64) {
	spread = 1
	if len(s.InputMean) > 0 {
		mean = s.InputMean[j]
	}
	if len(s.InputSpread) > 0 {
		spread = s.InputSpread[j]
	}
	return mean, spread
}

// scaleStates stores in dst the scaled states, rows of width dim. dst may be states.
func scaleStates[T Float](dst, states []T, s *Scaler, dim int) error {
	for j := range dim {
		mean, spread, log := s.component(j)
		for i := j; i < len(states); i += dim {
			v := float64(states[i])
			if log {
				if v <= 0 {
					return fmt.Errorf("%w: component %d is %v, which has no logarithm; use Standardise, or NaN for what is missing", ErrData, j, v)
				}
				v = math.Log(v)
			}
			dst[i] = T((v - mean) / spread)
		}
	}
	return nil
}

// unscaleStates is the inverse of scaleStates.
func unscaleStates[T Float](dst, states []T, s *Scaler, dim int) {
	for j := range dim {
		mean, spread, log := s.component(j)
		for i := j; i < len(states); i += dim {
			v := float64(states[i])*spread + mean
			if log {
				v = math.Exp(v)
			}
			dst[i] = T(v)
		}
	}
}

// unit is the unit of time.
func (s *Scaler) unit() float64 {
	if s.Unit == 0 {
		return 1
	}
	return s.Unit
}

// times stores the scaled times in dst.
func (s *Scaler) times(dst, times []float64) {
	for i, t := range times {
		dst[i] = (t - s.Origin) / s.unit()
	}
}

// scaled returns the data in the units of the model.
func scaled[T Float](d Dataset[T], s *Scaler, dim int) (Dataset[T], error) {
	out := make(Dataset[T], len(d))
	for i := range d {
		tr := d[i]
		tr.Times = make([]float64, len(tr.Times))
		s.times(tr.Times, d[i].Times)
		tr.States = make([]T, len(tr.States))
		if err := scaleStates(tr.States, d[i].States, s, dim); err != nil {
			return nil, fmt.Errorf("trajectory %d: %w", i, err)
		}
		if tr.Start != nil {
			tr.Start = make([]T, dim)
			if err := scaleStates(tr.Start, d[i].Start, s, dim); err != nil {
				return nil, fmt.Errorf("start of trajectory %d: %w", i, err)
			}
		}
		out[i] = tr
	}
	return out, nil
}
