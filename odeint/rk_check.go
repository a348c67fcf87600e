package odeint

import (
	"errors"
	"fmt"

	"github.com/neuralode/neuralode/internal/butcher"
)

// Check verifies a tableau and returns every fault it finds:
//   - the shapes, and that all coefficients are finite;
//   - the rows of A sum to C;
//   - the order conditions of B for all rooted trees up to Order (to 8 at most);
//   - the error weights sum to zero, and ErrOrder is what they give: one more than
//     the order q up to which they annihilate the conditions, or 2(q+1)−(q₂+1)
//     with E2, whose order q₂ is the lower one;
//   - the continuous extension is B at θ = 1, and its own order conditions, as
//     identities in θ, hold up to Order or 3, whichever is less. The conditions
//     of its derivative are implied.
//
// Methods of this package pass. It is meant for tests of your own tableaus: a solve
// checks the shapes alone.
func (m *Tableau) Check() error {
	if err := m.validate(); err != nil {
		return err
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: tableau %q: "+format, append([]any{m.Name}, args...)...))
	}
	for i, row := range m.A {
		if sum, ok := butcher.RowSum(row, m.C[i]); !ok {
			fault("row %d of A sums to C + %.3g", i, sum)
		}
	}

	c := butcher.NewConditions(m.A)
	if p := c.Order(m.B); p < min(m.Order, butcher.MaxOrder) {
		fault("B has order %d, not %d", p, m.Order)
	}
	if m.E != nil {
		q := c.ErrorOrder(m.E)
		got := q + 1
		if m.E2 != nil {
			q2 := c.ErrorOrder(m.E2)
			got = 2*(q+1) - (q2 + 1)
			if q2 == 0 || q2 >= q {
				fault("E2 has order %d, E has %d; E2 is the lower one and at least 1", q2, q)
			}
		}
		if q == 0 {
			fault("E does not sum to zero")
		}
		if got != m.ErrOrder {
			fault("the error weights give ErrOrder %d, not %d", got, m.ErrOrder)
		}
	}
	if m.P != nil {
		checkDense(fault, m.P, m.B, c.DenseOrder(m.P), min(m.Order, 3))
	}
	return errors.Join(faults...)
}

// checkDense adds what is wrong with a continuous extension P of the weights B, whose order is
// given, beside the one that is needed.
func checkDense(fault func(format string, args ...any), p [][]float64, b []float64, order, want int) {
	for i, row := range p {
		var sum, abs float64
		if i < len(b) {
			sum, abs = -b[i], max(b[i], -b[i])
		}
		for _, v := range row {
			sum += v
			abs += max(v, -v)
		}
		if !butcher.Negligible(sum, abs) {
			fault("row %d of P is B + %.3g at θ = 1", i, sum)
		}
	}
	if order < want {
		fault("P has order %d; at least %d is needed", order, want)
	}
}

// DenseOrder returns the order of the continuous extension, 8 at most: the
// error of an output inside a step is O(h^(DenseOrder+1)) for exact data, so
// that saved times keep the method's order when it is at least Order − 1.
func (m *Tableau) DenseOrder() int {
	d := m.WithDense()
	return butcher.NewConditions(d.A).DenseOrder(d.P)
}
