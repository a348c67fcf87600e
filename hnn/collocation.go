package hnn

import (
	"fmt"
	"math"
)

// Curve is an estimated trajectory: *collocation.Curve of package
// odeint/collocation, or anything that knows its derivatives.
type Curve[T Float] interface {
	Dim() int
	// Derivative stores the derivative of the given order at t in dst, of length
	// Dim; order 0 is the value.
	Derivative(dst []T, order int, t float64) error
}

// FromStates returns states and their derivatives, (len(times), 2n) each, from a
// curve through samples of (q, p): training data for [Matching].
func FromStates[T Float](c Curve[T], times []float64) (z, dz []T, err error) {
	d := c.Dim()
	if d%2 != 0 {
		return nil, nil, &ConfigError{What: "FromStates", Faults: []string{fmt.Sprintf("the curve has %d components; it must have positions and as many momenta", d)}}
	}
	z, dz = make([]T, len(times)*d), make([]T, len(times)*d)
	for i, t := range times {
		for order, dst := range [][]T{z, dz} {
			if err := c.Derivative(dst[i*d:(i+1)*d], order, t); err != nil {
				return nil, nil, err
			}
		}
	}
	return z, dz, nil
}

// FromPositions returns states and their derivatives, (len(times), 2n) each,
// from a curve through samples of the positions alone, where the momenta are
// p = m q̇ with known masses: nil means all 1, one is for all, otherwise there
// are n. The curve must have derivatives of order 2, for ṗ = m q̈.
func FromPositions[T Float](c Curve[T], masses []float64, times []float64) (z, dz []T, err error) {
	n := c.Dim()
	if len(masses) == 0 {
		masses = []float64{1}
	}
	var faults []string
	if len(masses) != 1 && len(masses) != n {
		faults = append(faults, fmt.Sprintf("%d masses for %d positions", len(masses), n))
	}
	for i, m := range masses {
		if !(m > 0) || math.IsInf(m, 1) {
			faults = append(faults, fmt.Sprintf("mass %d is %v; it must be positive", i, m))
		}
	}
	if faults != nil {
		return nil, nil, &ConfigError{What: "FromPositions", Faults: faults}
	}
	z, dz = make([]T, len(times)*2*n), make([]T, len(times)*2*n)
	for i, t := range times {
		q, p := z[2*n*i:][:n], z[2*n*i+n:][:n]
		dq, dp := dz[2*n*i:][:n], dz[2*n*i+n:][:n]
		for order, dst := range [][]T{q, dq, dp} {
			if err := c.Derivative(dst, order, t); err != nil {
				return nil, nil, err
			}
		}
		for j := range n {
			m := T(masses[j%len(masses)])
			p[j] = m * dq[j]
			dp[j] *= m
		}
	}
	return z, dz, nil
}
