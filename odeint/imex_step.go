package odeint

import (
	"slices"

	"github.com/neuralode/neuralode/internal/butcher"
)

// imexStepper is the stepper of an ESDIRK method and its explicit companion on a Split field: the
// stages of a step are the slopes of the stiff part, then those of the other,
//
//	Y_i     = y_n + h Σ_{j≤i} A_ij k_j + h Σ_{j<i} Explicit_ij l_j,   k_i = stiff(Y_i), l_i = nonStiff(Y_i)
//	y_{n+1} = y_n + h Σ_j A_sj (k_j + l_j).
type imexStepper[T Float] struct {
	*esdirkStepper[T] // of the stiff part
	other             *evaluator[T]
	before            []butcher.Row // what a stage's state has of the stages before
	end               butcher.Row
	both              denseOutput[T]
	all               butcher.Row // the error estimate
}

func newIMEXStepper[T Float](m *ESDIRK, f Split[T], ev *evaluator[T], tol *tolerance[T]) *imexStepper[T] {
	stiff := &evaluator[T]{field: f.Stiff(), stats: ev.stats}
	r := &imexStepper[T]{
		esdirkStepper: newESDIRKStepper(m, stiff, tol), other: &evaluator[T]{field: f.NonStiff(), stats: ev.stats},
		both: newDenseOutput[T](&Tableau{Name: m.Name, P: slices.Concat(m.tableau().P, m.tableau().P)}),
	}
	s := r.s
	for i, row := range m.A {
		w := butcher.NewRow(row[:i])
		for j, a := range m.Explicit[i] {
			w.Add(s+j, a)
		}
		r.before = append(r.before, w)
	}
	for half := range 2 {
		for j := range s {
			r.end.Add(half*s+j, m.A[s-1][j])
			if m.E != nil {
				r.all.Add(half*s+j, m.E[j])
			}
		}
	}
	r.coef = make([]T, 2*s)
	r.k = make([]T, 2*s*r.dim)
	return r
}

func (r *imexStepper[T]) stages() (step, all int) { return 2 * r.s, 2 * r.s }

func (r *imexStepper[T]) restart([]T) { r.esdirkStepper.restart(nil) }

func (r *imexStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	if err := r.take(s); err != nil {
		return 0, err
	}
	if r.tol == nil || len(r.all.W) == 0 {
		return 0, nil
	}
	return r.filtered(s, &r.all), nil
}

// take finds all stages and Y1.
func (r *imexStepper[T]) take(s *Step[T]) error {
	n := r.dim
	s.K = s.K[:2*r.s*n]
	k, l := s.K[:r.s*n], s.K[r.s*n:]
	if err := r.ev.at(k[:n], s.StageTime(0), s.Y0); err != nil {
		return err
	}
	if err := r.other.at(l[:n], s.StageTime(0), s.Y0); err != nil {
		return err
	}
	if err := r.begin(s); err != nil {
		return err
	}
	for i := 1; i < r.s; i++ {
		ki := k[i*n : (i+1)*n]
		r.combine(r.base, s.Y0, s, &r.before[i])
		r.guess(ki, s.K, &r.predictor[i])
		if err := r.stage(s, i, ki); err != nil {
			return err
		}
		if err := r.other.at(l[i*n:(i+1)*n], s.StageTime(r.m.C[i]), r.y); err != nil {
			return shorter(err)
		}
	}
	r.combine(s.Y1, s.Y0, s, &r.end)
	if err := nonFinite("the new state", s.T1, s.Y1); err != nil {
		return unsolved{err}
	}
	return nil
}

func (r *imexStepper[T]) accept(s *Step[T]) {
	r.esdirkStepper.accept(s)
	r.nextFirst = nil
}

func (r *imexStepper[T]) retake(s *Step[T], _, _ bool) error {
	r.restart(nil)
	return final(r.take(s))
}

func (r *imexStepper[T]) interpolant() interpolant[T] { return &r.both }

// inside takes a partial step.
func (r *imexStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	p := s.Part(theta)
	p.Y1, p.K = dst, r.k
	err := r.take(&p)
	r.current = false // it is that of a step before
	return final(err)
}
