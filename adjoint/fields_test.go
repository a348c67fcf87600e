package adjoint

import (
	"math"

	"github.com/neuralode/neuralode/odeint"
)

// mlp is a batch of autonomous multilayer perceptrons, y ↦ act(… act(y W0 + b0) …) Wk
// + bk, with its derivative written by hand. θ is W0, b0, W1, b1, …, weights row-major
// (in, out).
type mlp[T odeint.Float] struct {
	batch int
	sizes []int
	act   activation
	theta []T
	z     [][]T // activations of the layers for one sample; the first is the input
	d     [][]T // derivatives of the hidden activations
	g     [][]T // cotangents
}

// activation returns a function and its derivative.
type activation func(x float64) (y, dy float64)

var activations = map[string]activation{
	"tanh":     func(x float64) (float64, float64) { y := math.Tanh(x); return y, 1 - y*y },
	"sigmoid":  func(x float64) (float64, float64) { y := 1 / (1 + math.Exp(-x)); return y, y * (1 - y) },
	"softplus": func(x float64) (float64, float64) { return math.Log1p(math.Exp(x)), 1 / (1 + math.Exp(-x)) },
}

func newMLP[T odeint.Float](batch int, sizes []int, act string) *mlp[T] {
	m := &mlp[T]{batch: batch, sizes: sizes, act: activations[act]}
	params := 0
	for i, n := range sizes {
		if i > 0 {
			params += (sizes[i-1] + 1) * n
		}
		m.z = append(m.z, make([]T, n))
		m.d = append(m.d, make([]T, n))
		m.g = append(m.g, make([]T, n))
	}
	m.theta = make([]T, params)
	return m
}

// randomMLP has deterministic parameters of size 1/√in.
func randomMLP[T odeint.Float](batch int, sizes []int, act string) *mlp[T] {
	m := newMLP[T](batch, sizes, act)
	for i := range m.theta {
		m.theta[i] = T(0.6 * math.Sin(12.9898*float64(i+1)))
	}
	return m
}

func (m *mlp[T]) Dim() int       { return m.batch * m.sizes[0] }
func (m *mlp[T]) NumParams() int { return len(m.theta) }

// layer returns the weights and biases of a layer of theta, and the rest of it.
func (m *mlp[T]) layer(l int, theta []T) (w, b, rest []T) {
	in, out := m.sizes[l], m.sizes[l+1]
	return theta[:in*out], theta[in*out : (in+1)*out], theta[(in+1)*out:]
}

// forward computes one sample; the output is the last of m.z.
func (m *mlp[T]) forward(y []T) {
	copy(m.z[0], y)
	rest := m.theta
	for l := range len(m.sizes) - 1 {
		var w, b []T
		w, b, rest = m.layer(l, rest)
		in, out := m.z[l], m.z[l+1]
		for j := range out {
			sum := b[j]
			for i, x := range in {
				sum += x * w[i*len(out)+j]
			}
			out[j] = sum
			if l < len(m.sizes)-2 {
				y, dy := m.act(float64(sum))
				out[j], m.d[l+1][j] = T(y), T(dy)
			}
		}
	}
}

func (m *mlp[T]) Eval(dydt []T, _ float64, y []T) {
	n := m.sizes[0]
	for s := range m.batch {
		m.forward(y[s*n:][:n])
		copy(dydt[s*n:][:n], m.z[len(m.z)-1])
	}
}

func (m *mlp[T]) VJP(dydt, dy, dtheta []T, _ float64, y, lambda []T) {
	n := m.sizes[0]
	for s := range m.batch {
		m.forward(y[s*n:][:n])
		if dydt != nil {
			copy(dydt[s*n:][:n], m.z[len(m.z)-1])
		}
		m.backward(dy[s*n:][:n], dtheta, lambda[s*n:][:n])
	}
}

// backward follows forward.
func (m *mlp[T]) backward(dy, dtheta, lambda []T) {
	last := len(m.sizes) - 1
	copy(m.g[last], lambda)
	end := len(m.theta)
	for l := last - 1; l >= 0; l-- {
		in, out := m.sizes[l], m.sizes[l+1]
		begin := end - (in+1)*out
		w, _, _ := m.layer(l, m.theta[begin:end])
		g := m.g[l+1]
		for i, x := range m.z[l] {
			var sum T
			for j, gj := range g {
				sum += gj * w[i*out+j]
				if dtheta != nil {
					dtheta[begin+i*out+j] += x * gj
				}
			}
			m.g[l][i] = sum
			if l > 0 {
				m.g[l][i] *= m.d[l][i]
			}
		}
		if dtheta != nil {
			for j, gj := range g {
				dtheta[begin+in*out+j] += gj
			}
		}
		end = begin
	}
	copy(dy, m.g[0])
}

// field is a vector field made of functions. vjp fills dy, which is zero before, and
// adds to dtheta, which is never nil.
type field[T odeint.Float] struct {
	dim   int
	theta []T
	eval  func(dydt []T, t float64, y, theta []T)
	vjp   func(dy, dtheta []T, t float64, y, theta, lambda []T)
	evals []float64 // the times of all evaluations
	err   error
	spare []T
}

func (f *field[T]) Dim() int       { return f.dim }
func (f *field[T]) NumParams() int { return len(f.theta) }

func (f *field[T]) Eval(dydt []T, t float64, y []T) {
	f.evals = append(f.evals, t)
	f.eval(dydt, t, y, f.theta)
}

func (f *field[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	f.evals = append(f.evals, t)
	if dydt != nil {
		f.eval(dydt, t, y, f.theta)
	}
	if dtheta == nil {
		if f.spare == nil {
			f.spare = make([]T, len(f.theta))
		}
		dtheta = f.spare
	}
	clear(dy)
	f.vjp(dy, dtheta, t, y, f.theta, lambda)
}

func (f *field[T]) Err() error {
	err := f.err
	f.err = nil
	return err
}

// lotkaVolterra is u' = p1 u − p2 u v s, v' = −p3 v + p4 u v s with s = t or 1.
func lotkaVolterra[T odeint.Float](withTime bool, p ...T) *field[T] {
	time := func(t float64) T {
		if withTime {
			return T(t)
		}
		return 1
	}
	return &field[T]{
		dim: 2, theta: p,
		eval: func(dydt []T, t float64, y, p []T) {
			uv := y[0] * y[1] * time(t)
			dydt[0] = p[0]*y[0] - p[1]*uv
			dydt[1] = -p[2]*y[1] + p[3]*uv
		},
		vjp: func(dy, dp []T, t float64, y, p, l []T) {
			s := time(t)
			a := (p[3]*l[1] - p[1]*l[0]) * s
			dy[0] = p[0]*l[0] + a*y[1]
			dy[1] = -p[2]*l[1] + a*y[0]
			dp[0] += y[0] * l[0]
			dp[1] -= y[0] * y[1] * s * l[0]
			dp[2] -= y[1] * l[1]
			dp[3] += y[0] * y[1] * s * l[1]
		},
	}
}

// linear is y' = A y with θ = A, row-major.
func linear[T odeint.Float](a ...T) *field[T] {
	n := int(math.Sqrt(float64(len(a))))
	return &field[T]{
		dim: n, theta: a,
		eval: func(dydt []T, _ float64, y, a []T) {
			for i := range n {
				dydt[i] = 0
				for j, v := range y {
					dydt[i] += a[i*n+j] * v
				}
			}
		},
		vjp: func(dy, da []T, _ float64, y, a, l []T) {
			for i := range n {
				for j, v := range y {
					dy[j] += a[i*n+j] * l[i]
					da[i*n+j] += v * l[i]
				}
			}
		},
	}
}
