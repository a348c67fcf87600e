package collocation

import (
	"context"
	"errors"
	"math"
	"sort"
)

// SplineOptions says how [Spline] smooths.
type SplineOptions struct {
	// Lambda weighs the roughness ∫ü² dt against the sum of squared residuals, in
	// units of time³, for every component. 0 chooses it by generalised
	// cross-validation, for every component apart.
	Lambda float64

	// Context stops the fit when it is cancelled; the error then wraps its own. Nil: the
	// fit is not stopped.
	Context context.Context
}

// Spline fits the cubic smoothing spline: the g that minimises
//
//	Σ_i (y_i − g(t_i))² + λ ∫ g̈² dt,
//
// a natural cubic spline with knots at the samples (Reinsch 1967; Green and
// Silverman 1994, chapters 2 and 3), found in O(n). Without λ, the one is taken
// of least generalised cross-validation score n·RSS/(tr(I − A))², A being the
// matrix that maps samples to fitted values (Craven and Wahba 1979; the trace by
// Hutchinson and de Hoog 1985).
//
// The second derivative of a natural spline is zero at both ends, which makes
// its derivatives there less exact than inside. Curves have derivatives up to
// order 2. Arguments and errors are those of [Local]; each component needs three
// observed samples.
func Spline[T Float](times []float64, values []T, opt SplineOptions) (*Curve[T], error) {
	if !(opt.Lambda >= 0) || math.IsInf(opt.Lambda, 1) {
		return nil, errors.New("collocation: SplineOptions.Lambda must be finite and not negative")
	}
	return newCurve(opt.Context, times, values, 2, func(s series) (component, error) {
		n := len(s.t)
		if n < 3 {
			return nil, &SparseError{Degree: 2, Have: n}
		}
		// The penalty works in units of the mean distance of the samples, to a power of
		// two, which changes no digit and lets no power of a distance overflow.
		unit := powerOfTwo((s.t[n-1] - s.t[0]) / float64(n-1))
		scaled := series{make([]float64, n), s.y}
		for i, t := range s.t {
			scaled.t[i] = (t - s.t[0]) / unit
		}
		p := newPenalty(scaled.t)
		var sp *spline
		if opt.Lambda > 0 {
			sp = p.smooth(scaled, math.Min(opt.Lambda/unit/unit/unit, straight))
			sp.lambda, sp.score = opt.Lambda, 0
		} else {
			sp = p.choose(scaled)
			sp.lambda *= unit * unit * unit
		}
		if sp.broken() {
			return nil, &DataError{closest(s.t), -1, "too close to the time before it for a smoothing spline; average the two samples"}
		}
		sp.origin, sp.unit = s.t[0], unit
		return sp, nil
	})
}

// straight is a smoothing parameter, in units of the mean distance of the samples, at which
// the spline is a straight line to the last digit for any number of samples.
const straight = 1e100

// broken reports whether the spline is not finite.
func (s *spline) broken() bool {
	if s.dof-s.dof != 0 || s.score-s.score != 0 {
		return true
	}
	for i, g := range s.g {
		if g-g != 0 || s.gamma[i]-s.gamma[i] != 0 {
			return true
		}
	}
	return false
}

// closest returns the index of the time that is closest to the one before it.
func closest(t []float64) int {
	at := 1
	for i := 2; i < len(t); i++ {
		if t[i]-t[i-1] < t[at]-t[at-1] {
			at = i
		}
	}
	return at
}

// spline is a natural cubic spline: knots, values and second derivatives, with times from
// origin in units.
type spline struct {
	t, g, gamma        []float64
	origin, unit       float64
	lambda, dof, score float64
}

func (s *spline) smoothing() Smoothing {
	return Smoothing{Samples: len(s.t), Lambda: s.lambda, DoF: s.dof, Score: s.score}
}

func (s *spline) derivative(order int, t float64) (float64, error) {
	t = (t - s.origin) / s.unit
	i := min(max(sort.SearchFloat64s(s.t, t)-1, 0), len(s.t)-2)
	h := s.t[i+1] - s.t[i]
	a, b := (s.t[i+1]-t)/h, (t-s.t[i])/h
	switch order {
	case 0:
		return a*s.g[i] + b*s.g[i+1] + h*h/6*((a*a*a-a)*s.gamma[i]+(b*b*b-b)*s.gamma[i+1]), nil
	case 1:
		return ((s.g[i+1]-s.g[i])/h + h/6*((1-3*a*a)*s.gamma[i]+(3*b*b-1)*s.gamma[i+1])) / s.unit, nil
	default:
		return (a*s.gamma[i] + b*s.gamma[i+1]) / s.unit / s.unit, nil
	}
}

// penalty holds the band matrices of a smoothing spline's normal equations, of
// order n−2: R (tridiagonal) and QᵀQ (pentadiagonal), where Qᵀ takes second
// divided differences. Each slice is one diagonal.
type penalty struct {
	inv            []float64 // 1 over the distances of the knots
	r0, r1         []float64
	qq0, qq1, qq2  []float64
	traceR, traceQ float64
}

func newPenalty(t []float64) *penalty {
	m := len(t) - 2
	p := &penalty{
		inv: make([]float64, m+1),
		r0:  make([]float64, m), r1: make([]float64, m),
		qq0: make([]float64, m), qq1: make([]float64, m), qq2: make([]float64, m),
	}
	for i := range p.inv {
		p.inv[i] = 1 / (t[i+1] - t[i])
	}
	for j := range m {
		x, y := p.inv[j], p.inv[j+1]
		p.r0[j] = (t[j+2] - t[j]) / 3
		p.qq0[j] = x*x + (x+y)*(x+y) + y*y
		if j+1 < m {
			z := p.inv[j+2]
			p.r1[j] = (t[j+2] - t[j+1]) / 6
			p.qq1[j] = -y * (x + 2*y + z)
			if j+2 < m {
				p.qq2[j] = y * z
			}
		}
		p.traceR += p.r0[j]
		p.traceQ += p.qq0[j]
	}
	return p
}

// second stores Qᵀv in dst.
func (p *penalty) second(dst, v []float64) {
	for j := range dst {
		dst[j] = (v[j+2]-v[j+1])*p.inv[j+1] - (v[j+1]-v[j])*p.inv[j]
	}
}

// smooth solves (R + λQᵀQ)γ = Qᵀy by LDLᵀ and returns the spline of values
// y − λQγ with its GCV score.
func (p *penalty) smooth(s series, lambda float64) *spline {
	n, m := len(s.t), len(p.r0)
	d, e, f := make([]float64, m), make([]float64, m), make([]float64, m) // D; first and second diagonal of Lᵀ
	for j := range m {
		d[j] = p.r0[j] + lambda*p.qq0[j]
		e[j] = p.r1[j] + lambda*p.qq1[j]
		f[j] = lambda * p.qq2[j]
		if j > 0 {
			d[j] -= d[j-1] * e[j-1] * e[j-1]
			e[j] -= d[j-1] * e[j-1] * f[j-1]
		}
		if j > 1 {
			d[j] -= d[j-2] * f[j-2] * f[j-2]
		}
		e[j] /= d[j]
		f[j] /= d[j]
	}

	sp := &spline{t: s.t, g: append([]float64(nil), s.y...), gamma: make([]float64, n), lambda: lambda}
	x := sp.gamma[1 : n-1]
	p.second(x, s.y)
	for j := range m {
		if j > 0 {
			x[j] -= e[j-1] * x[j-1]
		}
		if j > 1 {
			x[j] -= f[j-2] * x[j-2]
		}
	}
	for j := m - 1; j >= 0; j-- {
		x[j] /= d[j]
		if j+1 < m {
			x[j] -= e[j] * x[j+1]
		}
		if j+2 < m {
			x[j] -= f[j] * x[j+2]
		}
	}

	rss := 0.0
	for i := range n {
		q := 0.0 // (Qγ)_i
		if i > 0 {
			q -= (sp.gamma[i] - sp.gamma[i-1]) * p.inv[i-1]
		}
		if i < n-1 {
			q += (sp.gamma[i+1] - sp.gamma[i]) * p.inv[i]
		}
		sp.g[i] -= lambda * q
		rss += lambda * q * lambda * q
	}
	left := lambda * p.traceInverse(d, e, f)
	sp.dof = float64(n) - left
	sp.score = float64(n) * rss / (left * left)
	return sp
}

// traceInverse returns tr((R + λQᵀQ)⁻¹ QᵀQ) from the factors of the matrix,
// whose inverse is only wanted on the five central diagonals.
func (p *penalty) traceInverse(d, e, f []float64) float64 {
	m := len(d)
	var b0, b1, c0 float64 // the inverse at (j+1, j+1), (j+1, j+2), (j+2, j+2)
	trace := 0.0
	for j := m - 1; j >= 0; j-- {
		a1 := -e[j]*b0 - f[j]*b1
		a2 := -e[j]*b1 - f[j]*c0
		a0 := 1/d[j] - e[j]*a1 - f[j]*a2
		trace += a0*p.qq0[j] + 2*a1*p.qq1[j] + 2*a2*p.qq2[j]
		b0, b1, c0 = a0, a1, b0
	}
	return trace
}

// choose returns the spline of least GCV score: a grid over log λ from
// interpolation to a straight line, then golden sections around its best point.
func (p *penalty) choose(s series) *spline {
	n := float64(len(s.t))
	base := math.Log(p.traceR / p.traceQ)
	lo, hi := base-12, base+12+4*math.Log(n)
	const points = 60
	step := (hi - lo) / (points - 1)
	at := func(x float64) *spline { return p.smooth(s, math.Exp(x)) }
	best, where := at(lo), lo
	for i := 1; i < points; i++ {
		if sp := at(lo + float64(i)*step); sp.score < best.score {
			best, where = sp, lo+float64(i)*step
		}
	}
	const golden = 0.6180339887498949
	a, b := where-step, where+step
	x, y := b-golden*(b-a), a+golden*(b-a)
	u, v := at(x), at(y)
	for b-a > 1e-3 {
		if u.score < v.score {
			b, y, v = y, x, u
			x = b - golden*(b-a)
			u = at(x)
		} else {
			a, x, u = x, y, v
			y = a + golden*(b-a)
			v = at(y)
		}
	}
	for _, sp := range []*spline{u, v} {
		if sp.score < best.score {
			best = sp
		}
	}
	return best
}
