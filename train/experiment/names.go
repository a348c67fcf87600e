package experiment

import (
	"fmt"
	"strings"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

func adjoints() []adjoint.Method {
	return []adjoint.Method{adjoint.Discrete{}, adjoint.Interpolating{}, adjoint.Backsolve{}}
}

// Solver returns the explicit Runge–Kutta method called name.
func Solver(name string) (*odeint.Tableau, error) { return find("solver", name, odeint.Tableaus()) }

// Adjoint returns the adjoint method called name.
func Adjoint(name string) (adjoint.Method, error) { return find("adjoint", name, adjoints()) }

// Activation returns the activation called name.
func Activation(name string) (layers.Activation, error) {
	return find("activation", name, layers.Activations())
}

// Solvers lists the names that Solver knows.
func Solvers() string { return names(odeint.Tableaus()) }

// Adjoints lists the names that Adjoint knows.
func Adjoints() string { return names(adjoints()) }

// Activations lists the names that Activation knows.
func Activations() string { return names(layers.Activations()) }

func find[T fmt.Stringer](kind, name string, all []T) (T, error) {
	for _, v := range all {
		if v.String() == name {
			return v, nil
		}
	}
	var none T
	return none, Usagef("there is no %s %q; there are %s", kind, name, names(all))
}

func names[T fmt.Stringer](all []T) string {
	var list []string
	for _, v := range all {
		list = append(list, v.String())
	}
	return strings.Join(list, ", ")
}
