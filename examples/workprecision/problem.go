package main

import (
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// problem is an initial value problem from t = 0.
type problem struct {
	key, title string
	field      odeint.VectorField[float64]
	single     odeint.VectorField[float32] // the same in float32; nil: left out
	y0         []float64
	end        float64
	budget     int // evaluations that a solve may cost
}

func newProblems(seed uint64) ([]*problem, error) {
	problems := []*problem{
		{key: "lotkavolterra", title: "Lotka–Volterra", field: lotkaVolterra{2.0 / 3, 4.0 / 3, 1, 1}, y0: []float64{1, 1}, end: 20, budget: 50_000},
		{key: "kepler", title: "Kepler, e = 0.6, two orbits", field: kepler(), y0: perihelion(), end: 4 * math.Pi, budget: 50_000},
	}
	for _, net := range []struct {
		key, title string
		batch      int
		module     layers.MLP
		budget     int
	}{
		{"mlp2", "Network 2-64-2", 1, layers.MLP{In: 2, Hidden: []int{64}, Out: 2}, 50_000},
		{"mlp16", "Network 16-64-64-16, batch 16", 16, layers.MLP{In: 16, Hidden: []int{64, 64}, Out: 16}, 5_000},
	} {
		net.module.Activation, net.module.WeightInit = layers.Tanh, layers.GlorotUniform(2)
		r := rand.New(rand.NewPCG(seed, 0))
		field, err := graph.NewField[float64](net.module, net.batch, graph.FieldConfig{Rand: r})
		if err != nil {
			return nil, err
		}
		single, err := graph.NewField[float32](net.module, net.batch, graph.FieldConfig{})
		if err != nil {
			return nil, err
		}
		for i, v := range field.Params() {
			single.Params()[i] = float32(v)
		}
		p := &problem{key: net.key, title: net.title, field: field, single: single, y0: make([]float64, field.Dim()), end: 5, budget: net.budget}
		for i := range p.y0 {
			p.y0[i] = float64(float32(r.NormFloat64()))
		}
		problems = append(problems, p)
	}
	return problems, nil
}

// lotkaVolterra is u' = αu − βuv, v' = δuv − γv with θ = (α, β, δ, γ).
type lotkaVolterra []float64

func (p lotkaVolterra) Dim() int       { return 2 }
func (p lotkaVolterra) NumParams() int { return len(p) }

func (p lotkaVolterra) Eval(dydt []float64, _ float64, y []float64) {
	dydt[0] = p[0]*y[0] - p[1]*y[0]*y[1]
	dydt[1] = p[2]*y[0]*y[1] - p[3]*y[1]
}

func (p lotkaVolterra) VJP(dydt, dy, dtheta []float64, t float64, y, l []float64) {
	if dydt != nil {
		p.Eval(dydt, t, y)
	}
	meet := p[2]*l[1] - p[1]*l[0]
	dy[0] = p[0]*l[0] + meet*y[1]
	dy[1] = -p[3]*l[1] + meet*y[0]
	if dtheta != nil {
		dtheta[0] += l[0] * y[0]
		dtheta[1] -= l[0] * y[0] * y[1]
		dtheta[2] += l[1] * y[0] * y[1]
		dtheta[3] -= l[1] * y[1]
	}
}

// kepler is the motion in the plane about a fixed centre, H = |p|²/2 − 1/|q|.
func kepler() odeint.Separable[float64] {
	drift := func(dq []float64, _ float64, p []float64) { copy(dq, p) }
	kick := func(dp []float64, _ float64, q []float64) {
		r := math.Sqrt(q[0]*q[0] + q[1]*q[1])
		r3 := r * r * r
		dp[0], dp[1] = -q[0]/r3, -q[1]/r3
	}
	return odeint.NewSeparable(1, 2, drift, kick)
}

// perihelion is the state nearest to the centre on the orbit of eccentricity 0.6 and
// period 2π.
func perihelion() []float64 {
	const e = 0.6
	return []float64{1 - e, 0, 0, math.Sqrt((1 + e) / (1 - e))}
}

func keplerEnergy(z []float64) float64 {
	return (z[2]*z[2]+z[3]*z[3])/2 - 1/math.Sqrt(z[0]*z[0]+z[1]*z[1])
}
