package vec

import "math"

// dd is an unevaluated sum of two numbers, with about 104 bits: the reference of the tests of
// accuracy (Dekker 1971; Hida, Li & Bailey 2001).
type dd struct{ hi, lo float64 }

func twoSum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

func (a dd) add(b dd) dd {
	s, t := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	s = twoSum(s.hi, s.lo+t.hi)
	return twoSum(s.hi, s.lo+t.lo)
}

func (a dd) neg() dd            { return dd{-a.hi, -a.lo} }
func (a dd) sub(b dd) dd        { return a.add(b.neg()) }
func (a dd) scale(f float64) dd { return dd{a.hi * f, a.lo * f} } // f is a power of two

func (a dd) mul(b dd) dd {
	p := a.hi * b.hi
	return twoSum(p, math.FMA(a.hi, b.hi, -p)+(a.hi*b.lo+a.lo*b.hi))
}

func (a dd) div(b dd) dd {
	q := a.hi / b.hi
	r := a.sub(b.mul(dd{q, 0}))
	q1 := r.hi / b.hi
	r = r.sub(b.mul(dd{q1, 0}))
	return twoSum(q, q1).add(dd{r.hi / b.hi, 0})
}

var (
	ddOne = dd{1, 0}
	// π/2 and ln2 in three parts.
	halfPiParts = [3]float64{1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33}
	ln2Parts    = [3]float64{0.6931471805599453, 2.3190468138462996e-17, 5.707708438416212e-34}
)

// ddReduce is x - k·step for a step in three parts, and k.
func ddReduce(x dd, step [3]float64) (r dd, k float64) {
	k = math.RoundToEven(x.hi / step[0])
	r = x
	for _, s := range step {
		p := k * s
		r = r.sub(dd{p, math.FMA(k, s, -p)})
	}
	return r, k
}

// ddSeries is Σ z^i/(c(0)·c(1)·…·c(i)) for i from 0, with c(0) = 1.
func ddSeries(z dd, c func(i float64) float64) dd {
	sum, term := ddOne, ddOne
	for i := 1.0; math.Abs(term.hi) > 1e-34*math.Abs(sum.hi); i++ {
		term = term.mul(z).div(dd{c(i), 0})
		sum = sum.add(term)
	}
	return sum
}

// ddExpm1Reduced is eʳ-1 for small r: r(1 + r/2 + r²/6 + …).
func ddExpm1Reduced(r dd) dd {
	return r.mul(ddSeries(r, func(i float64) float64 { return i + 1 }))
}

func ddExp(x dd) dd {
	r, k := ddReduce(x, ln2Parts)
	e := ddOne.add(ddExpm1Reduced(r))
	half := math.Floor(k / 2)
	return e.scale(math.Ldexp(1, int(half))).scale(math.Ldexp(1, int(k-half)))
}

func ddExpm1(x dd) dd {
	r, k := ddReduce(x, ln2Parts)
	if k == 0 {
		return ddExpm1Reduced(r)
	}
	return ddExp(x).sub(ddOne)
}

// ddLog1p is log(1+x), by a step of Newton's method from the nearest float64, or by its series
// where x is small.
func ddLog1p(x dd) dd {
	if math.Abs(x.hi) < 1e-9 {
		x2 := x.mul(x)
		x3 := x2.mul(x)
		return x.sub(x2.scale(0.5)).add(x3.div(dd{3, 0})).sub(x3.mul(x).scale(0.25))
	}
	l := dd{math.Log1p(x.hi), 0}
	y := ddOne.add(x).mul(ddExp(l.neg())).sub(ddOne)
	return l.add(y.sub(y.mul(y).scale(0.5)))
}

func ddLog(x dd) dd {
	f, e := math.Frexp(x.hi)
	if f < math.Sqrt2/2 {
		f, e = 2*f, e-1
	}
	m := dd{f, 0}.sub(ddOne)
	k := float64(e)
	l := ddLog1p(m)
	for i := len(ln2Parts) - 1; i >= 0; i-- {
		p := k * ln2Parts[i]
		l = l.add(dd{p, math.FMA(k, ln2Parts[i], -p)})
	}
	return l
}

func ddTanh(x dd) dd {
	if math.Abs(x.hi) > 300 {
		return dd{math.Copysign(1, x.hi), 0}
	}
	e := ddExpm1(x.scale(2))
	return e.div(e.add(dd{2, 0}))
}

func ddSigmoid(x dd) dd {
	if x.hi < 0 {
		e := ddExp(x)
		return e.div(ddOne.add(e))
	}
	return ddOne.div(ddOne.add(ddExp(x.neg())))
}

func ddSoftplus(x dd) dd {
	if x.hi > 0 {
		return x.add(ddLog1p(ddExp(x.neg())))
	}
	return ddLog1p(ddExp(x))
}

func ddSin(x dd) dd { return ddSinQuarter(x, 0) }
func ddCos(x dd) dd { return ddSinQuarter(x, 1) }

// ddSinQuarter is sin(x + quarter·π/2).
func ddSinQuarter(x dd, quarter int64) dd {
	r, k := ddReduce(x, halfPiParts)
	z := r.mul(r).neg()
	q := int64(k) + quarter
	var y dd
	if q&1 == 0 {
		y = r.mul(ddSeries(z, func(i float64) float64 { return 2 * i * (2*i + 1) }))
	} else {
		y = ddSeries(z, func(i float64) float64 { return 2 * i * (2*i - 1) })
	}
	if q&2 != 0 {
		return y.neg()
	}
	return y
}

// ddNormalCDF is Φ(x): ½ + φ(x)·(x + x³/3 + x⁵/15 + …), or far to the left Laplace's continued
// fraction φ(x)/(t + 1/(t + 2/(t + …))) for t = -x.
func ddNormalCDF(x dd) dd {
	// 1/√(2π)
	density := dd{0.3989422804014327, -2.492327202777433e-17}.mul(ddExp(x.mul(x).scale(-0.5)))
	if x.hi > -4 {
		s := ddSeries(x.mul(x), func(i float64) float64 { return 2*i + 1 })
		return dd{0.5, 0}.add(density.mul(x.mul(s)))
	}
	t := x.neg()
	f := t
	for i := 120.0; i >= 1; i-- {
		f = t.add(dd{i, 0}.div(f))
	}
	return density.div(f)
}
