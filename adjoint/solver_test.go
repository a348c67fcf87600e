package adjoint

import (
	"errors"
	"testing"

	"github.com/neuralode/neuralode/odeint"
)

// TestObserve: the observer sees every accepted step of the forward solve and can end it.
func TestObserve(t *testing.T) {
	f := lotkaVolterra[float64](false, 1.5, 1, 3, 1)
	s, err := New[float64](f, odeint.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	enough := errors.New("enough")
	s.Observe(func(step *odeint.Step[float64], st *odeint.Stats) error {
		if steps++; st.Accepted != steps {
			t.Errorf("call %d after %d steps", steps, st.Accepted)
		}
		if step.T1 > 1 {
			return enough
		}
		return nil
	})
	sol, err := s.Forward(ctx, []float64{0, 2}, []float64{1, 1})
	if !errors.Is(err, enough) || sol.Reached() <= 1 || sol.Reached() == 2 || steps != sol.Stats.Accepted {
		t.Errorf("%v at %v after %d calls", err, sol.Reached(), steps)
	}
	s.Observe(nil)
	if _, err := s.Forward(ctx, []float64{0, 2}, []float64{1, 1}); err != nil {
		t.Error(err)
	}
}
