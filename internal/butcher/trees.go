package butcher

// A rooted tree stands for one elementary differential in the Taylor series of
// the solution, and for one order condition (Hairer, Nørsett & Wanner, Solving
// ODEs I, II.2): a method with weights b has order p when
//
//	Σ_i b_i Φ_i(τ) = 1/γ(τ)   for every tree τ of at most p nodes.
type tree struct {
	children []int   // subtrees at the root, as indices into the list of all trees
	order    int     // number of nodes
	gamma    float64 // density: order times the densities of the children

	// widest is the largest number of children a node has, among the nodes at
	// even distance from the root and among those at odd distance.
	widest [2]int
}

// rootedTrees lists the trees with at most maxOrder nodes, smaller ones first.
// Children come before their parents and in falling order of index, which is
// what makes every tree appear once.
func rootedTrees(maxOrder int) []tree {
	trees := []tree{{order: 1, gamma: 1}}
	for order := 2; order <= maxOrder; order++ {
		known := len(trees)
		var children []int
		var grow func(nodes, largest int)
		grow = func(nodes, largest int) {
			if nodes == 0 {
				t := tree{children: append([]int(nil), children...), order: order, gamma: float64(order)}
				t.widest[0] = len(children)
				for _, c := range children {
					t.gamma *= trees[c].gamma
					t.widest[0] = max(t.widest[0], trees[c].widest[1])
					t.widest[1] = max(t.widest[1], trees[c].widest[0])
				}
				trees = append(trees, t)
				return
			}
			for c := largest; c >= 0; c-- {
				if trees[c].order <= nodes {
					children = append(children, c)
					grow(nodes-trees[c].order, c)
					children = children[:len(children)-1]
				}
			}
		}
		grow(order-1, known-1)
	}
	return trees
}

// elementaryWeights returns Φ_i(τ) for every tree and every row of A:
// Φ_i(τ) = Π over the children c of Σ_j A_ij Φ_j(c).
//
// With below, the stages are those of a partitioned method and the nodes of a
// tree alternate between its two halves: a weights the children of the root, below
// their children, a those of these, and so on.
//
// The second result bounds the rounding: it is the same sum of absolute values.
func elementaryWeights(trees []tree, a, below [][]float64) (phi, bound [][]float64) {
	rows := len(a)
	type half struct{ a, phi, bound [][]float64 }
	halves := []half{{a: a}, {a: below}}
	if below == nil {
		halves = halves[:1]
	}
	for h := range halves {
		halves[h].phi, halves[h].bound = make([][]float64, len(trees)), make([][]float64, len(trees))
	}
	for n, t := range trees {
		for h := range halves {
			other := halves[len(halves)-1-h]
			p, q := make([]float64, rows), make([]float64, rows)
			for i, row := range halves[h].a {
				p[i], q[i] = 1, 1
				for _, c := range t.children {
					var sum, abs float64
					for j, w := range row {
						sum += w * other.phi[c][j]
						abs += max(w, -w) * other.bound[c][j]
					}
					p[i] *= sum
					q[i] *= abs
				}
			}
			halves[h].phi[n], halves[h].bound[n] = p, q
		}
	}
	return halves[0].phi, halves[0].bound
}

// rosenbrockWeights returns Φ_i(τ) of a Rosenbrock method (Hairer & Wanner, Solving ODEs II,
// IV.7): a node with one child weights it by beta, one with more by alpha.
func rosenbrockWeights(trees []tree, alpha, beta [][]float64) (phi, bound [][]float64) {
	phi, bound = make([][]float64, len(trees)), make([][]float64, len(trees))
	for n, t := range trees {
		a := alpha
		if len(t.children) == 1 {
			a = beta
		}
		p, q := make([]float64, len(a)), make([]float64, len(a))
		for i, row := range a {
			p[i], q[i] = 1, 1
			for _, c := range t.children {
				var sum, abs float64
				for j, w := range row {
					sum += w * phi[c][j]
					abs += max(w, -w) * bound[c][j]
				}
				p[i] *= sum
				q[i] *= abs
			}
		}
		phi[n], bound[n] = p, q
	}
	return phi, bound
}

// residual is Σ b_i Φ_i − want, with the sum of its terms' absolute values.
func residual(b, phi, bound []float64, want float64) (r, abs float64) {
	r, abs = -want, want
	for i, w := range b {
		r += w * phi[i]
		abs += max(w, -w) * bound[i]
	}
	return r, abs
}
