package experiment

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		kind, all string
		find      func(name string) (fmt.Stringer, error)
	}{
		{"solver", Solvers(), func(n string) (fmt.Stringer, error) { return Solver(n) }},
		{"adjoint", Adjoints(), func(n string) (fmt.Stringer, error) { return Adjoint(n) }},
		{"activation", Activations(), func(n string) (fmt.Stringer, error) { return Activation(n) }},
	} {
		for _, name := range strings.Split(c.all, ", ") {
			if v, err := c.find(name); err != nil || v.String() != name {
				t.Errorf("%s %q gives %v (%v)", c.kind, name, v, err)
			}
		}
		_, err := c.find("nonsense")
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.all) {
			t.Errorf("%s nonsense: %v", c.kind, err)
		}
	}
	if m, err := Solver("tsit5"); err != nil || m != odeint.Tsit5 {
		t.Errorf("tsit5 gives %v (%v)", m, err)
	}
	if m, err := Adjoint("backsolve"); err != nil || m != (adjoint.Backsolve{}) {
		t.Errorf("backsolve gives %v (%v)", m, err)
	}
	if a, err := Activation("tanh"); err != nil || a != layers.Tanh {
		t.Errorf("tanh gives %v (%v)", a, err)
	}
}
