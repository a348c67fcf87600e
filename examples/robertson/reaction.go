package main

import "math"

// size is what the concentrations are divided by: the second stays below 4e-5.
var size = []float64{1, 4e-5, 1}

// reaction is Robertson's in scaled concentrations s = y/size, a sample of three after the
// other:
//
//	A → B  at the rate k₁·yA,   2B → B + C  at k₂·yB²,   B + C → A + C  at k₃·yB·yC
//
// Its parameters are log k.
type reaction struct {
	batch int
	logK  []float64
}

func (r *reaction) Dim() int          { return 3 * r.batch }
func (r *reaction) SampleDim() int    { return 3 }
func (r *reaction) NumParams() int    { return 3 }
func (r *reaction) Params() []float64 { return r.logK }
func (r *reaction) Autonomous() bool  { return true }

// atRates returns the logarithms of three rates.
func atRates(k ...float64) []float64 {
	log := make([]float64, len(k))
	for i, v := range k {
		log[i] = math.Log(v)
	}
	return log
}

// constants returns k₁, k₂ and k₃.
func (r *reaction) constants() (k1, k2, k3 float64) {
	return math.Exp(r.logK[0]), math.Exp(r.logK[1]), math.Exp(r.logK[2])
}

func (r *reaction) Eval(ds []float64, _ float64, s []float64) {
	k1, k2, k3 := r.constants()
	for i := 0; i < len(s); i += 3 {
		a, b, c := s[i]*size[0], s[i+1]*size[1], s[i+2]*size[2]
		r1, r2, r3 := k1*a, k2*b*b, k3*b*c
		ds[i], ds[i+1], ds[i+2] = (r3-r1)/size[0], (r1-r2-r3)/size[1], r2/size[2]
	}
}

func (r *reaction) VJP(ds, dy, dtheta []float64, t float64, s, lambda []float64) {
	if ds != nil {
		r.Eval(ds, t, s)
	}
	k1, k2, k3 := r.constants()
	for i := 0; i < len(s); i += 3 {
		a, b, c := s[i]*size[0], s[i+1]*size[1], s[i+2]*size[2]
		la, lb, lc := lambda[i]/size[0], lambda[i+1]/size[1], lambda[i+2]/size[2]
		d1, d2, d3 := lb-la, lc-lb, la-lb // the derivatives of λᵀf by the three rates
		dy[i] = size[0] * d1 * k1
		dy[i+1] = size[1] * (d2*2*k2*b + d3*k3*c)
		dy[i+2] = size[2] * d3 * k3 * b
		if dtheta != nil {
			dtheta[0] += d1 * k1 * a
			dtheta[1] += d2 * k2 * b * b
			dtheta[2] += d3 * k3 * b * c
		}
	}
}

// TangentVJP implements odeint.TwiceDifferentiable, which Rodas5P is reversed with.
func (r *reaction) TangentVJP(dy, dtheta []float64, _ float64, s, v, lambda []float64) {
	k1, k2, k3 := r.constants()
	for i := 0; i < len(s); i += 3 {
		b, c := s[i+1]*size[1], s[i+2]*size[2]
		va, vb, vc := v[i]*size[0], v[i+1]*size[1], v[i+2]*size[2]
		la, lb, lc := lambda[i]/size[0], lambda[i+1]/size[1], lambda[i+2]/size[2]
		d1, d2, d3 := lb-la, lc-lb, la-lb
		dy[i] = 0
		dy[i+1] = size[1] * (d2*2*k2*vb + d3*k3*vc)
		dy[i+2] = size[2] * d3 * k3 * vb
		if dtheta != nil {
			dtheta[0] += d1 * k1 * va
			dtheta[1] += d2 * k2 * 2 * b * vb
			dtheta[2] += d3 * k3 * (vb*c + b*vc)
		}
	}
}
