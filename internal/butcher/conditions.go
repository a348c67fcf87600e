package butcher

import "math"

const (
	// MaxOrder is the highest order whose conditions are checked: there are 200 trees
	// up to order 8, and 4766 up to order 11.
	MaxOrder = 8

	// checkTol is the residual of an order condition, over the sum of the
	// absolute values of its terms, that counts as rounding of the coefficients:
	// they are correct to about 1e-16, and a condition multiplies up to eight.
	checkTol = 2e-14
)

// Conditions are the order conditions of all methods with the same stages.
type Conditions struct {
	trees      []tree
	phi, bound [][]float64
}

// NewConditions returns the conditions of methods whose stages have the weights a, a row
// for each stage. Rows may be shorter than the number of stages.
func NewConditions(a [][]float64) *Conditions {
	trees := rootedTrees(MaxOrder)
	phi, bound := elementaryWeights(trees, a, nil)
	return &Conditions{trees: trees, phi: phi, bound: bound}
}

// NewRosenbrockConditions returns the conditions of Rosenbrock methods in the stages that one
// matrix solves for, whose weights are B·gamma for weights B of a solution in them: with the
// weights alpha of the states, gamma of what the Jacobian multiplies, and beta, their sum.
func NewRosenbrockConditions(alpha, beta, gamma [][]float64) *Conditions {
	trees := rootedTrees(MaxOrder)
	slopes, sizes := rosenbrockWeights(trees, alpha, beta)
	c := &Conditions{trees: trees}
	for n := range trees {
		phi, bound := make([]float64, len(gamma)), make([]float64, len(gamma))
		for i, row := range gamma {
			for j, g := range row {
				phi[i] += g * slopes[n][j]
				bound[i] += max(g, -g) * sizes[n][j]
			}
		}
		c.phi, c.bound = append(c.phi, phi), append(c.bound, bound)
	}
	return c
}

// Order returns the largest p for which b satisfies all conditions up to p.
func (c *Conditions) Order(b []float64) int {
	return c.upTo(func(n int) bool {
		return Negligible(residual(b, c.phi[n], c.bound[n], 1/c.trees[n].gamma))
	})
}

// ErrorOrder returns the largest q for which e annihilates all conditions up to q.
func (c *Conditions) ErrorOrder(e []float64) int {
	return c.upTo(func(n int) bool {
		return Negligible(residual(e, c.phi[n], c.bound[n], 0))
	})
}

// DenseOrder returns the largest p for which Σ b_i(θ) Φ_i(τ) = θ^|τ|/γ(τ) up to p,
// as polynomials in θ.
func (c *Conditions) DenseOrder(p [][]float64) int {
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
			if !Negligible(residual(column, c.phi[n], c.bound[n], want)) {
				return false
			}
		}
		return true
	})
}

func (c *Conditions) upTo(holds func(n int) bool) int {
	for n, t := range c.trees {
		if !holds(n) {
			return t.order - 1
		}
	}
	return MaxOrder
}

// Negligible reports whether r, a sum whose terms' absolute values sum to abs,
// is zero up to rounding.
func Negligible(r, abs float64) bool {
	return max(r, -r) <= checkTol*(1+abs)
}

// RowSum returns Σ a − c for a row a of A, and whether that is zero up to rounding.
func RowSum(a []float64, c float64) (excess float64, ok bool) {
	excess, abs := -c, c
	for _, v := range a {
		excess += v
		abs += max(v, -v)
	}
	return excess, Negligible(excess, abs)
}

// PartitionedOrder returns the order of the partitioned method with the weights b of the
// first half of the state and bHat of the second (Hairer, Lubich & Wanner, Geometric
// Numerical Integration, III.2). Row i of a has the weights of the first half's slopes in
// the state at which slope i of the second half is evaluated, row i of aHat those of the
// second half's for slope i of the first. There are two conditions
// for every tree, whose nodes alternate between the halves. With quadratic those trees
// are left out in which a node of the first half has more than one child.
func PartitionedOrder(a [][]float64, b []float64, aHat [][]float64, bHat []float64, quadratic bool) int {
	trees := rootedTrees(MaxOrder)
	// The children of a node belong to the other half and are weighted by its stages.
	phi, bound := elementaryWeights(trees, aHat, a)
	phiHat, boundHat := elementaryWeights(trees, a, aHat)
	c := Conditions{trees: trees}
	return c.upTo(func(n int) bool {
		t, want := trees[n], 1/trees[n].gamma
		first := quadratic && t.widest[0] > 1 || Negligible(residual(b, phi[n], bound[n], want))
		second := quadratic && t.widest[1] > 1 || Negligible(residual(bHat, phiHat[n], boundHat[n], want))
		return first && second
	})
}

// AdditiveOrder returns the order, up to most, of the additive method with the weights b in which
// the slopes of two parts of f have the weights a and aHat (Kennedy & Carpenter 2003): there is a
// condition for every tree and every assignment of its nodes to the parts.
func AdditiveOrder(a, aHat [][]float64, b []float64, most int) int {
	return additive(a, aHat, b, most, 1)
}

// AdditiveErrorOrder returns the largest q, up to most, for which e annihilates all conditions up to q.
func AdditiveErrorOrder(a, aHat [][]float64, e []float64, most int) int {
	return additive(a, aHat, e, most, 0)
}

func additive(a, aHat [][]float64, b []float64, most int, want float64) int {
	trees := rootedTrees(most)
	type weights struct{ phi, bound []float64 }
	colourings := make([][]weights, len(trees))
	for n, t := range trees {
		all := []weights{{ones(len(b)), ones(len(b))}}
		for _, child := range t.children {
			var more []weights
			for _, sofar := range all {
				for _, w := range colourings[child] {
					for _, rows := range [][][]float64{a, aHat} {
						next := weights{make([]float64, len(b)), make([]float64, len(b))}
						for i, row := range rows {
							for j, c := range row {
								next.phi[i] += c * w.phi[j]
								next.bound[i] += math.Abs(c) * w.bound[j]
							}
							next.phi[i] *= sofar.phi[i]
							next.bound[i] *= sofar.bound[i]
						}
						more = append(more, next)
					}
				}
			}
			all = more
		}
		colourings[n] = all
		for _, w := range all {
			if !Negligible(residual(b, w.phi, w.bound, want/t.gamma)) {
				return t.order - 1
			}
		}
	}
	return most
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}
