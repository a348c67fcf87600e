package main

import (
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
)

// typical is the rate of the third reaction for most of the time.
const typical = 0.04

// hybrid is Robertson's reaction in scaled concentrations with the first two rates known and the
// third reaction unknown but for what it makes of what, B + C → A + C: its rate is
// typical·sB·N(sB, sC) with a network N that is positive.
type hybrid struct {
	known *reaction // without the third
	net   *graph.Function[float64]
	x, dx []float64 // sB and sC of every sample
	n, dn []float64 // N, and one number a sample
	along []float64 // a tangent of x
}

func newHybrid(batch int, r *rand.Rand) (*hybrid, error) {
	net, err := graph.NewFunction[float64](layers.MLP{In: 2, Hidden: []int{6}, Out: 1, Final: layers.Softplus}, batch, graph.FieldConfig{Rand: r})
	if err != nil {
		return nil, err
	}
	h := &hybrid{
		known: &reaction{batch: batch, logK: atRates(rates[0], rates[1], 0)}, net: net,
		x: make([]float64, 2*batch), dx: make([]float64, 2*batch), n: make([]float64, batch), dn: make([]float64, batch), along: make([]float64, 2*batch),
	}
	return h, nil
}

func (h *hybrid) Dim() int          { return 3 * len(h.n) }
func (h *hybrid) SampleDim() int    { return 3 }
func (h *hybrid) NumParams() int    { return h.net.NumParams() }
func (h *hybrid) Params() []float64 { return h.net.Params() }
func (h *hybrid) Autonomous() bool  { return true }
func (h *hybrid) Err() error        { return h.net.Err() }

// take copies the second and third component of every sample of s to x.
func take(x, s []float64) {
	for i := range len(x) / 2 {
		copy(x[2*i:2*i+2], s[3*i+1:3*i+3])
	}
}

// exchange is how fast λᵀf rises with the rate of the third reaction.
func exchange(lambda []float64, i int) float64 {
	return typical * (lambda[3*i]/size[0] - lambda[3*i+1]/size[1])
}

func (h *hybrid) Eval(ds []float64, t float64, s []float64) {
	h.known.Eval(ds, t, s)
	take(h.x, s)
	h.net.Eval(h.n, t, h.x)
	for i, n := range h.n {
		rate := typical * s[3*i+1] * n
		ds[3*i] += rate / size[0]
		ds[3*i+1] -= rate / size[1]
	}
}

func (h *hybrid) VJP(ds, dy, dtheta []float64, t float64, s, lambda []float64) {
	h.known.VJP(nil, dy, nil, t, s, lambda)
	take(h.x, s)
	for i := range h.n {
		h.dn[i] = exchange(lambda, i) * s[3*i+1]
	}
	h.net.VJP(h.n, h.dx, dtheta, t, h.x, h.dn)
	for i, n := range h.n {
		dy[3*i+1] += exchange(lambda, i)*n + h.dx[2*i]
		dy[3*i+2] += h.dx[2*i+1]
	}
	if ds != nil {
		h.Eval(ds, t, s)
	}
}

// TangentVJP implements odeint.TwiceDifferentiable: the derivatives of what the network's tangent, sB·J_N v + vB·N,
// makes of λ.
func (h *hybrid) TangentVJP(dy, dtheta []float64, t float64, s, v, lambda []float64) {
	h.known.TangentVJP(dy, nil, t, s, v, lambda)
	take(h.x, s)
	for i := range h.n {
		h.dn[i] = exchange(lambda, i) * v[3*i+1]
	}
	h.net.VJP(nil, h.dx, dtheta, t, h.x, h.dn)
	for i := range h.n {
		dy[3*i+1] += h.dx[2*i]
		dy[3*i+2] += h.dx[2*i+1]
	}
	take(h.along, v)
	h.net.JVP(nil, h.n, t, h.x, h.along, nil)
	for i, n := range h.n {
		dy[3*i+1] += exchange(lambda, i) * n
		h.dn[i] = exchange(lambda, i) * s[3*i+1]
	}
	h.net.TangentVJP(h.dx, dtheta, t, h.x, h.along, h.dn)
	for i := range h.n {
		dy[3*i+1] += h.dx[2*i]
		dy[3*i+2] += h.dx[2*i+1]
	}
}

// rate is the rate of the third reaction at scaled concentrations s of a batch of one.
func (h *hybrid) rate(s []float64) float64 {
	h.net.Eval(h.n, 0, s[1:3])
	return typical * s[1] * h.n[0]
}
