package adjoint

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// network is a module of given weights, row-vector convention: the layers' act(x W +
// b), the last linear, and without bias if there are fewer biases than weights.
type network struct {
	weights, biases []array
	hamiltonian     bool // the field is J∇H of the network's one output
}

// placed is a network on a graph.
type placed struct {
	network
	w, b []*G.Node
	j    *G.Node
}

func (m network) Place(g *G.ExprGraph, name string, dt tensor.Dtype, _ *rand.Rand) (graph.Layer, error) {
	p := &placed{network: m}
	matrix := func(name string, a array) *G.Node {
		shape := a.Shape
		if len(shape) == 1 {
			shape = []int{1, shape[0]}
		}
		t := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(slices.Clone(a.Data)))
		return G.NewMatrix(g, dt, G.WithShape(shape...), G.WithName(name), G.WithValue(t))
	}
	for i, w := range m.weights {
		p.w = append(p.w, matrix(fmt.Sprintf("%s/W%d", name, i), w))
	}
	for i, b := range m.biases {
		p.b = append(p.b, matrix(fmt.Sprintf("%s/b%d", name, i), b))
	}
	if m.hamiltonian {
		// ∇H J with z = (q, p): (H_q, H_p) ↦ (H_p, −H_q).
		d := m.weights[0].Shape[0]
		j := make([]float64, d*d)
		for i := range d / 2 {
			j[(d/2+i)*d+i], j[i*d+d/2+i] = 1, -1
		}
		p.j = G.NewConstant(tensor.New(tensor.WithShape(d, d), tensor.WithBacking(j)), G.WithName(name+"/J"))
	}
	return p, nil
}

func (p *placed) Learnables() G.Nodes { return append(slices.Clone(p.w), p.b...) }

func (p *placed) Fwd(x *G.Node) (*G.Node, error) {
	h, err := p.apply(x)
	if err != nil || !p.hamiltonian {
		return h, err
	}
	if h, err = G.Sum(h); err != nil { // each sample's energy depends on its own row alone
		return nil, err
	}
	grad, err := graph.Grad(h, x)
	if err != nil {
		return nil, err
	}
	return G.Mul(grad[0], p.j)
}

func (p *placed) apply(x *G.Node) (*G.Node, error) {
	for i, w := range p.w {
		var err error
		if x, err = G.Mul(x, w); err != nil {
			return nil, err
		}
		if i < len(p.b) {
			if x, err = G.BroadcastAdd(x, p.b[i], nil, []byte{0}); err != nil {
				return nil, err
			}
		}
		if i < len(p.w)-1 {
			if x, err = G.Tanh(x); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

func graphField(t testing.TB, m network, batch int) *graph.Field[float64] {
	t.Helper()
	f, err := graph.NewField[float64](m, batch, graph.FieldConfig{Shape: m.weights[0].Shape[:1]})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestGoldenHNN has H = tanh(z W1 + b1) W2 through graph.Grad for the field, so
// that ∂L/∂θ is a double backward.
func TestGoldenHNN(t *testing.T) {
	for _, c := range golden(t, "hnn") {
		net := network{weights: []array{c.W1, c.W2}, biases: []array{c.B1}, hamiltonian: true}
		want := slices.Concat(c.GradW1.Data, c.GradW2.Data, c.GradB1.Data)
		f := graphField(t, net, c.U0.Shape[0])
		for _, m := range goldenMethods {
			t.Run(fmt.Sprintf("n=%d/%s", c.N, m.name), func(t *testing.T) {
				g := c.gradient(t, f, odeint.Options{Method: odeint.Dop853, RTol: 1e-13, ATol: 1e-13}, m.m)
				gradtest.Close(t, "∂L/∂u0", g.Y0, c.GradU0.Data, m.tol)
				gradtest.Close(t, "∂L/∂θ", g.Theta, want, m.tol)
			})
		}

		// The field itself, and derivative matching: the mean over the batch of |f(x)
		// − dx|².
		k := c.Collocation
		batch, n := k.X.Shape[0], len(k.X.Data)
		f = graphField(t, net, batch)
		dydt, dy, dtheta := gradtest.NaNs[float64](n), gradtest.NaNs[float64](n), make([]float64, f.NumParams())
		f.Eval(dydt, 0, k.X.Data)
		gradtest.Close(t, "field", dydt, k.Field.Data, 1e-12)
		loss := 0.0
		lambda := make([]float64, n)
		for i, v := range dydt {
			d := v - k.DX.Data[i]
			loss += d * d / float64(batch)
			lambda[i] = 2 * d / float64(batch)
		}
		f.VJP(nil, dy, dtheta, 0, k.X.Data, lambda)
		gradtest.Close(t, "collocation loss", []float64{loss}, []float64{k.Loss}, 1e-12)
		gradtest.Close(t, "collocation ∂L/∂θ", dtheta, slices.Concat(k.GradW1.Data, k.GradW2.Data, k.GradB1.Data), 1e-12)
	}
}

// TestTimeColumn has a network that sees the time, by all methods, against central differences
// of steps of fixed size.
func TestTimeColumn(t *testing.T) {
	net := layers.AppendTime{Of: layers.MLP{In: 3, Hidden: []int{6}, Out: 2, Activation: layers.Softplus}}
	f, err := graph.NewField[float64](net, 3, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	times, y0 := []float64{0.5, 0.3, -1}, []float64{0.3, -0.8, 1.1, 0.2, 0.7, -0.4}
	opt := odeint.Options{Method: odeint.Dop853, Controller: odeint.Fixed{}, H0: 0.15}
	loss := func() float64 {
		sol, err := odeint.Solve(f, times[0], times[2], y0, odeint.Options{
			Method: opt.Method, Controller: opt.Controller, H0: opt.H0, SaveAt: odeint.SaveAt{Times: times},
		})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, y := range sol.Y {
			sum += float64(i%4-1) * y
		}
		return sum
	}
	wantY0, wantTheta := gradtest.Gradient(loss, y0, 1e-3), gradtest.Gradient(loss, f.Params(), 1e-3)
	eachMethod(t, func(t *testing.T, m Method) {
		_, g, _ := pull(t, f, opt, m, times, y0, constant(-1.0, 0, 1, 2))
		gradtest.Close(t, "∂L/∂y0", g.Y0, wantY0, 1e-8)
		gradtest.Close(t, "∂L/∂θ", g.Theta, wantTheta, 1e-8)
	})
}

// TestUnrolled holds Discrete against backpropagation through the solver, literally:
// the steps are nodes of a Gorgonia graph, and graph.Grad differentiates the whole of
// it. Both do the same sums in another order, so they agree to round-off.
func TestUnrolled(t *testing.T) {
	c := golden(t, "mlp")[1] // 3-16-16-3, batch 5
	net := network{weights: c.Weights, biases: c.Biases}
	f := graphField(t, net, c.Batch)
	const h, steps, inside = 0.1, 8, 0.25
	weights := make([]float64, 2*len(c.U0.Data)) // of the states inside and at the end, in the loss
	for i := range weights {
		weights[i] = float64(i%7) - 2.5
	}
	for _, m := range []*odeint.Tableau{odeint.Euler, odeint.RK4, odeint.Tsit5} {
		t.Run(m.Name, func(t *testing.T) {
			loss, y0, params := unroll(t, net, m.WithDense(), c.U0, h, steps, inside, weights)
			inputs := append(G.Nodes{y0}, params...)
			grads, err := graph.Grad(loss, inputs...)
			if err != nil {
				t.Fatal(err)
			}
			program, err := graph.Compile[float64](inputs, append(G.Nodes{loss}, grads...))
			if err != nil {
				t.Fatal(err)
			}
			src, dst := [][]float64{c.U0.Data}, [][]float64{make([]float64, 1)}
			for _, in := range inputs {
				dst = append(dst, make([]float64, in.Shape().TotalSize()))
				if in != y0 {
					src = append(src, in.Value().Data().([]float64))
				}
			}
			if err := program.NewInstance().Run(dst, src); err != nil {
				t.Fatal(err)
			}

			opt := odeint.Options{Method: m, Controller: odeint.Fixed{}, H0: h}
			dys := append(make([]float64, len(c.U0.Data)), weights...)
			sol, g, _ := pull(t, f, opt, Discrete{}, []float64{0, inside, steps * h}, c.U0.Data, func([]float64) []float64 { return dys })
			if step, theta := sol.Origin(1); step != 2 || theta == 1 {
				t.Fatalf("saved inside step %d at %v", step, theta)
			}
			sum := 0.0
			for i, y := range sol.Y {
				sum += dys[i] * y
			}
			gradtest.Close(t, "loss", []float64{sum}, dst[0], 1e-12)
			gradtest.Close(t, "∂L/∂y0", g.Y0, dst[1], 1e-12)
			gradtest.Close(t, "∂L/∂θ", g.Theta, slices.Concat(dst[2:]...), 1e-12)
		})
	}
}

// unroll builds the steps of a solve and the loss as nodes. A time inside that no step
// has in its interior leaves the loss of the end alone.
func unroll(t testing.TB, net network, m *odeint.Tableau, u0 array, h float64, steps int, inside float64, weights []float64) (loss, y0 *G.Node, params G.Nodes) {
	t.Helper()
	must := func(n *G.Node, err error) *G.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	g := G.NewGraph()
	y0 = G.NewMatrix(g, G.Float64, G.WithShape(u0.Shape...), G.WithName("y0"))
	layer, err := net.Place(g, "net", G.Float64, nil)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	constant := func(v any) *G.Node {
		constants++
		return G.NewConstant(v, G.WithName(fmt.Sprintf("constant%d", constants)))
	}
	combine := func(y *G.Node, h float64, w []float64, k []*G.Node) *G.Node {
		for i, wi := range w {
			if wi != 0 {
				y = must(G.Add(y, must(G.Mul(constant(h*wi), k[i]))))
			}
		}
		return y
	}
	part := func(y *G.Node, weights []float64) *G.Node {
		w := tensor.New(tensor.WithShape(u0.Shape...), tensor.WithBacking(weights))
		return must(G.Sum(must(G.HadamardProd(y, constant(w)))))
	}
	y, n := y0, len(weights)/2
	for i := range steps {
		var k []*G.Node
		for _, a := range m.A {
			k = append(k, must(layer.Fwd(combine(y, h, a, k))))
		}
		if theta := inside/h - float64(i); theta > 0 && theta < 1 {
			b := make([]float64, len(m.P))
			m.DenseWeights(b, theta)
			loss = part(combine(y, h, b, k), weights[:n])
		}
		y = combine(y, h, m.B, k)
	}
	end := part(y, weights[n:])
	if loss == nil {
		return end, y0, layer.Learnables()
	}
	return must(G.Add(loss, end)), y0, layer.Learnables()
}
