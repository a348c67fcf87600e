package control

import "fmt"

// Kind is how a path goes from knot to knot. Before the first and after the last
// knot a path keeps their values.
type Kind int

const (
	// Previous keeps the value of the last knot: a step function. Its rate is 0.
	Previous Kind = iota

	// Linear goes straight: continuous, with a kink at each knot.
	Linear

	// Hermite is cubic with backward differences for the slopes at the knots, the
	// first slope being the first difference (Morrill, Kidger, Yang and Lyons 2021,
	// "Neural controlled differential equations for online prediction tasks"): once
	// continuously differentiable, and between two knots it depends on no knot
	// beyond them, so that it may be followed as the data come in.
	Hermite

	// NaturalCubic is the natural cubic spline: twice continuously
	// differentiable; every value depends on all knots, later ones too.
	NaturalCubic
)

var kindNames = [...]string{"Previous", "Linear", "Hermite", "NaturalCubic"}

// String returns the name of the constant.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kindNames[k]
}
