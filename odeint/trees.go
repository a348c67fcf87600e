package odeint

// A rooted tree stands for one elementary differential in the Taylor series of
// the solution, and for one order condition (Hairer, Nørsett & Wanner, Solving
// ODEs I, II.2): a method with weights b has order p when
//
//	Σ_i b_i Φ_i(τ) = 1/γ(τ)   for every tree τ of at most p nodes.
type tree struct {
	children []int   // subtrees at the root, as indices into the list of all trees
	order    int     // number of nodes
	gamma    float64 // density: order times the densities of the children
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
				for _, c := range children {
					t.gamma *= trees[c].gamma
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
// The second result bounds the rounding: it is the same sum of absolute values.
func elementaryWeights(a [][]float64, trees []tree) (phi, bound [][]float64) {
	phi, bound = make([][]float64, len(trees)), make([][]float64, len(trees))
	for n, t := range trees {
		phi[n], bound[n] = make([]float64, len(a)), make([]float64, len(a))
		for i, row := range a {
			p, q := 1.0, 1.0
			for _, c := range t.children {
				var sum, abs float64
				for j, w := range row {
					sum += w * phi[c][j]
					abs += max(w, -w) * bound[c][j]
				}
				p *= sum
				q *= abs
			}
			phi[n][i], bound[n][i] = p, q
		}
	}
	return phi, bound
}
