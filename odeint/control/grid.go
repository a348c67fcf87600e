package control

import "slices"

// grid is a list of ascending times with knots.
type grid struct {
	t []float64

	// The spline's second derivatives m solve a tridiagonal system A m = B x, whose
	// rows i = 1 … n−2 are h₍ᵢ₋₁₎mᵢ₋₁ + 2(h₍ᵢ₋₁₎+hᵢ)mᵢ + hᵢmᵢ₊₁ = 6(δᵢ − δᵢ₋₁), with
	// m₀ = mₙ₋₁ = 0. pivot is the diagonal of its elimination.
	pivot []float64
}

func newGrid(kind Kind, t []float64) grid {
	g := grid{t: t}
	if kind != NaturalCubic || len(t) < 3 {
		return g
	}
	g.pivot = make([]float64, len(t))
	for i := 1; i < len(t)-1; i++ {
		g.pivot[i] = 2 * (t[i+1] - t[i-1])
		if i > 1 {
			h := t[i] - t[i-1]
			g.pivot[i] -= h * h / g.pivot[i-1]
		}
	}
	return g
}

// weights tells u(t) = Σ w[k] x[first+k] and du/dt = Σ dw[k] x[first+k]; w and dw
// are cut from buffers of at least len(g.t), or 3.
func (g *grid) weights(kind Kind, at float64, w, dw []float64) (first int, _, _ []float64) {
	n := len(g.t)
	if n == 1 || at < g.t[0] || at >= g.t[n-1] {
		if at >= g.t[n-1] {
			first = n - 1
		}
		w[0], dw[0] = 1, 0
		return first, w[:1], dw[:1]
	}
	i, found := slices.BinarySearch(g.t, at)
	if !found {
		i--
	}
	h, s := g.t[i+1]-g.t[i], at-g.t[i]
	r := s / h
	switch kind {
	case Previous:
		w[0], dw[0] = 1, 0
		return i, w[:1], dw[:1]
	case Linear:
		w[0], w[1] = 1-r, r
		dw[0], dw[1] = -1/h, 1/h
		return i, w[:2], dw[:2]
	case Hermite:
		return g.hermite(i, h, s, r, w, dw)
	}
	return 0, g.spline(i, h, s, w[:n], 0), g.spline(i, h, s, dw[:n], 1)
}

// hermite: with δ the slope of the interval and b that of the one before,
// u = x + b s + (δ−b)(2 s²/h − s³/h²).
func (g *grid) hermite(i int, h, s, r float64, w, dw []float64) (int, []float64, []float64) {
	p, dp := s*r*(2-r), r*(4-3*r) // of δ−b
	q, dq := s-p, 1-dp            // of b
	if i == 0 {                   // b = δ
		w[0], w[1] = 1-r, r
		dw[0], dw[1] = -1/h, 1/h
		return 0, w[:2], dw[:2]
	}
	before := g.t[i] - g.t[i-1]
	w[0], w[1], w[2] = -q/before, 1+q/before-p/h, p/h
	dw[0], dw[1], dw[2] = -dq/before, dq/before-dp/h, dp/h
	return i - 1, w[:3], dw[:3]
}

// spline fills w with the weights of the value, or of its derivative:
// u = x₀(1−s/h) + x₁ s/h + m₀ a + m₁ b with a and b cubic in s. The weights through
// m = A⁻¹Bx are Bᵀ A⁻¹ (a, b), A being symmetric.
func (g *grid) spline(i int, h, s float64, w []float64, order int) []float64 {
	clear(w)
	rest := h - s
	var a, b, x1 float64
	if order == 0 {
		a = (rest*rest*rest/h - rest*h) / 6
		b = (s*s*s/h - s*h) / 6
		x1 = s / h
	} else {
		a = (h - 3*rest*rest/h) / 6
		b = (3*s*s/h - h) / 6
		x1 = 1 / h
	}
	n := len(g.t)
	if g.pivot != nil {
		// z = A⁻¹(a, b), in w.
		if i > 0 {
			w[i] = a
		}
		if i+1 < n-1 {
			w[i+1] = b
		}
		for k := max(i, 1) + 1; k < n-1; k++ {
			w[k] -= (g.t[k] - g.t[k-1]) * w[k-1] / g.pivot[k-1]
		}
		for k := n - 2; k > 0; k-- {
			if k < n-2 {
				w[k] -= (g.t[k+1] - g.t[k]) * w[k+1]
			}
			w[k] /= g.pivot[k]
		}
		// Bᵀz in place: row k of B is 6(1/h₍ₖ₋₁₎, −1/h₍ₖ₋₁₎−1/hₖ, 1/hₖ).
		left := 0.0 // z[k−1]
		for k := range n {
			z, right, sum := w[k], 0.0, 0.0
			if k+1 < n {
				right = w[k+1]
				sum += (right - z) / (g.t[k+1] - g.t[k])
			}
			if k > 0 {
				sum += (left - z) / (g.t[k] - g.t[k-1])
			}
			w[k], left = 6*sum, z
		}
	}
	w[i] -= x1
	w[i+1] += x1
	if order == 0 {
		w[i]++
	}
	return w
}
