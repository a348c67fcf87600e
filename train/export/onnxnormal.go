package export

import "math"

// normalCDF appends Φ(x), the normal distribution, for doubles, for which onnxruntime has no Erf. With z = |x|/√2, cut off
// at 6, where erfc is 2e-17, and t = 2/(2+z),
//
//	erfc(z) = t·exp(−z² + P(t))
//
// where P is a polynomial, by its Chebyshev series on the t of these z.
func (o *onnx) normalCDF(x string) string {
	const far = 6.0
	lo, hi := 2/(2+far), 1.0
	c := chebyshev(24, lo, hi, func(t float64) float64 {
		z := 2/t - 2
		return math.Log(math.Erfc(z)/t) + z*z
	})
	do := func(op string, x ...string) string { return o.node(op, x) }
	z := do("Min", do("Mul", do("Abs", x), o.scalar(1/math.Sqrt2)), o.scalar(far))
	t := do("Div", o.scalar(2), do("Add", z, o.scalar(2)))
	double := do("Mul", do("Sub", t, o.scalar((lo+hi)/2)), o.scalar(4/(hi-lo))) // 2u, where u is from −1 to 1
	b1, b2 := o.scalar(0), o.scalar(0)
	for k := len(c) - 1; k > 0; k-- { // Clenshaw
		b1, b2 = do("Add", do("Sub", do("Mul", double, b1), b2), o.scalar(c[k])), b1
	}
	p := do("Add", do("Sub", do("Mul", do("Mul", double, o.scalar(0.5)), b1), b2), o.scalar(c[0]))
	tail := do("Mul", do("Mul", t, do("Exp", do("Sub", p, do("Mul", z, z)))), o.scalar(0.5))
	return do("Where", do("Greater", x, o.scalar(0)), do("Sub", o.scalar(1), tail), tail)
}

// chebyshev returns the first n coefficients of the Chebyshev series of f on an interval, by interpolation
// at the zeros of T_n.
func chebyshev(n int, lo, hi float64, f func(float64) float64) []float64 {
	c := make([]float64, n)
	for j := range n {
		angle := math.Pi * (float64(j) + 0.5) / float64(n)
		y := f((lo+hi)/2 + (hi-lo)/2*math.Cos(angle))
		for k := range c {
			c[k] += 2 / float64(n) * y * math.Cos(float64(k)*angle)
		}
	}
	c[0] /= 2
	return c
}
