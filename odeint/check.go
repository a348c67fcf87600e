package odeint

import (
	"errors"
	"fmt"
)

const (
	// maxCheckedOrder is where the order conditions end that Check writes out: 200
	// trees for order 8, 4766 for order 11.
	maxCheckedOrder = 8

	// checkTol is the residual of an order condition, over the sum of the
	// absolute values of its terms, that counts as rounding of the coefficients:
	// they are correct to about 1e-16, and a condition multiplies up to eight.
	checkTol = 2e-14
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
// Methods of this package pass. It is meant for tests of tableaus of one's own:
// a solve checks the shapes alone.
func (m *Tableau) Check() error {
	if err := m.validate(); err != nil {
		return err
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: tableau %q: "+format, append([]any{m.Name}, args...)...))
	}
	for i, row := range m.A {
		sum, abs := -m.C[i], m.C[i]
		for _, a := range row {
			sum += a
			abs += max(a, -a)
		}
		if !negligible(sum, abs) {
			fault("row %d of A sums to C + %.3g", i, sum)
		}
	}

	c := newConditions(m.A)
	if p := c.order(m.B); p < min(m.Order, maxCheckedOrder) {
		fault("B has order %d, not %d", p, m.Order)
	}
	if m.E != nil {
		q := c.errorOrder(m.E)
		got := q + 1
		if m.E2 != nil {
			q2 := c.errorOrder(m.E2)
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
		for i, row := range m.P {
			var sum, abs float64
			if i < len(m.B) {
				sum, abs = -m.B[i], max(m.B[i], -m.B[i])
			}
			for _, p := range row {
				sum += p
				abs += max(p, -p)
			}
			if !negligible(sum, abs) {
				fault("row %d of P is B + %.3g at θ = 1", i, sum)
			}
		}
		if p, want := c.denseOrder(m.P), min(m.Order, 3); p < want {
			fault("P has order %d; at least %d is needed", p, want)
		}
	}
	return errors.Join(faults...)
}

// DenseOrder returns the order of the continuous extension, 8 at most: the
// error of an output inside a step is O(h^(DenseOrder+1)) for exact data, so
// that saved times keep the method's order when it is at least Order − 1.
func (m *Tableau) DenseOrder() int {
	d := m.WithDense()
	return newConditions(d.A).denseOrder(d.P)
}

// conditions are the order conditions of the rows of one A.
type conditions struct {
	trees      []tree
	phi, bound [][]float64
}

func newConditions(a [][]float64) *conditions {
	trees := rootedTrees(maxCheckedOrder)
	phi, bound := elementaryWeights(trees, a, nil)
	return &conditions{trees, phi, bound}
}

// order is the largest p for which b satisfies all conditions up to p.
func (c *conditions) order(b []float64) int {
	return c.upTo(func(n int) bool {
		return negligible(residual(b, c.phi[n], c.bound[n], 1/c.trees[n].gamma))
	})
}

// errorOrder is the largest q for which e annihilates all conditions up to q.
func (c *conditions) errorOrder(e []float64) int {
	return c.upTo(func(n int) bool {
		return negligible(residual(e, c.phi[n], c.bound[n], 0))
	})
}

// denseOrder is the largest p for which Σ b_i(θ) Φ_i(τ) = θ^|τ|/γ(τ) up to p,
// as polynomials in θ.
func (c *conditions) denseOrder(p [][]float64) int {
	column := make([]float64, len(p))
	return c.upTo(func(n int) bool {
		t := c.trees[n]
		if t.order > len(p[0]) {
			return false
		}
		for j := range p[0] {
			want := 0.0
			if j+1 == t.order {
				want = 1 / t.gamma
			}
			for i, row := range p {
				column[i] = row[j]
			}
			if !negligible(residual(column, c.phi[n], c.bound[n], want)) {
				return false
			}
		}
		return true
	})
}

func (c *conditions) upTo(holds func(n int) bool) int {
	for n, t := range c.trees {
		if !holds(n) {
			return t.order - 1
		}
	}
	return maxCheckedOrder
}

// negligible reports whether r, a sum whose terms' absolute values sum to abs,
// is zero up to rounding.
func negligible(r, abs float64) bool {
	return max(r, -r) <= checkTol*(1+abs)
}
