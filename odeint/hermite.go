package odeint

// hermiteRows is how many rows of Step.K the cubic Hermite interpolant needs:
// f(T0, Y0), (Y1−Y0)/H and f(T1, Y1).
const hermiteRows = 3

// hermite is the cubic Hermite interpolant as a continuous extension, for methods that
// have none of their own; its rows of K follow skip others:
//
//	y(θ) = y0 + h[(θ−2θ²+θ³) f0 + (3θ²−2θ³) (y1−y0)/h + (θ³−θ²) f1]
func hermite(skip int) *Tableau {
	p := make([][]float64, skip+hermiteRows)
	for i := range p {
		p[i] = make([]float64, 3)
	}
	p[skip], p[skip+1], p[skip+2] = []float64{1, -2, 1}, []float64{0, 3, -2}, []float64{0, -1, 1}
	return &Tableau{Name: "hermite", P: p}
}

// endSlopes provides the rows of K that hermite needs, for every step of a solve.
type endSlopes[T Float] struct {
	ev *evaluator[T]
	f1 []T // the slope at the end of the step before; nil: there is none
}

func (d *endSlopes[T]) restart() { d.f1 = nil }

// store appends the rows to s.K, which has skip others, unless they are there.
func (d *endSlopes[T]) store(s *Step[T], skip int) error {
	n := len(s.Y0)
	if len(s.K) == (skip+hermiteRows)*n {
		return nil
	}
	k := s.K[:(skip+hermiteRows)*n]
	rows := k[skip*n:]
	f0, mean, f1 := rows[:n], rows[n:2*n], rows[2*n:]
	if d.f1 != nil {
		copy(f0, d.f1)
	} else if err := d.ev.at(f0, s.StageTime(0), s.Y0); err != nil {
		return err
	}
	for i := range mean {
		mean[i] = T(float64(s.Y1[i]-s.Y0[i]) / s.H)
	}
	if err := d.ev.at(f1, s.StageTime(1), s.Y1); err != nil {
		return err
	}
	d.f1, s.K = f1, k
	return nil
}
