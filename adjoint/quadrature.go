package adjoint

import (
	"math"

	"github.com/neuralode/neuralode/odeint"
)

// quadrature is the adjoint equation for λ alone, for methods that solve it with its Jacobian
// −(∂f/∂y)ᵀ. That of the parameters, μ, is summed up after a solve: with the rule of Gauss and
// Legendre on every step, at states of the dense output, so that no linear system and no error norm
// knows how many parameters there are (SciMLSensitivity's GaussAdjoint; Kim et al. 2021, Stiff
// neural ordinary differential equations, Chaos 31, 093122).
type quadrature[T odeint.Float] struct {
	augmented[T]
	sample      int
	nodes       []float64 // in [0, 1]
	weights     []float64
	from, to    float64 // the times of the path, which a method may look beyond
	lambda, out []T
}

func newQuadrature[T odeint.Float](a augmented[T], order int) *quadrature[T] {
	n := (order + 2) / 2
	q := &quadrature[T]{
		augmented: a, sample: odeint.SampleDim[T](a.f), nodes: make([]float64, n), weights: make([]float64, n),
		lambda: make([]T, a.n), out: make([]T, a.n),
	}
	gaussLegendre(q.nodes, q.weights)
	return q
}

// gaussLegendre stores the rule of Gauss and Legendre on [0, 1], exact for polynomials of degree
// 2n − 1: its nodes are the roots of the n-th Legendre polynomial, found by Newton's iteration.
func gaussLegendre(nodes, weights []float64) {
	n := len(nodes)
	for i := range nodes {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		slope := 0.0
		for range 10 {
			p, before := 1.0, 0.0
			for k := range n {
				p, before = (float64(2*k+1)*x*p-float64(k)*before)/float64(k+1), p
			}
			slope = float64(n) * (x*p - before) / (x*x - 1)
			x -= p / slope
		}
		nodes[i], weights[i] = (1-x)/2, 1/((1-x*x)*slope*slope)
	}
}

func (q *quadrature[T]) Dim() int { return q.n }

// SampleDim implements odeint.Batched.
func (q *quadrature[T]) SampleDim() int { return q.sample }

func (q *quadrature[T]) Eval(dz []T, t float64, z []T) { q.rhs(dz, nil, q.within(t), z, 1) }

// JVP implements odeint.Forward: the equation is linear.
func (q *quadrature[T]) JVP(dd []T, t float64, _, v []T) { q.rhs(dd, nil, q.within(t), v, 1) }

func (q *quadrature[T]) within(t float64) float64 {
	return min(max(t, min(q.from, q.to)), max(q.from, q.to))
}

// start has the path of a new pass.
func (q *quadrature[T]) start(path *odeint.Solution[T]) {
	q.from, q.to, q.keeps, q.at = path.T[0], path.Reached(), true, math.NaN()
}

// sum adds the part of μ of a solve for λ to mu.
func (q *quadrature[T]) sum(p *pass[T], piece *odeint.Solution[T], mu []T) error {
	for i := range piece.NumSteps() {
		s := piece.Step(i)
		for k, c := range q.nodes {
			t := s.T0 + c*s.H
			if err := piece.At(q.lambda, t); err != nil {
				return err
			}
			q.rhs(q.out, mu, q.within(t), q.lambda, s.H*q.weights[k])
			p.stats.VJPs++
		}
	}
	return nil
}

func (q *quadrature[T]) bytes() int { return sizeOf[T](2*q.n) + 16*len(q.nodes) }
