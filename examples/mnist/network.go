package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// The images before the blocks, and the classes.
const (
	side    = 28
	pixels  = side * side
	small   = 6 // side of an image after two convolutions that halve it
	classes = 10
	blocks  = 6 // of the residual network
)

// network is a classifier on a Gorgonia graph.
type network struct {
	images, targets *G.Node // (batch, 1, 28, 28); (batch, 10), with 10 at the right class
	scores, loss    *G.Node // logarithms of probabilities; cross entropy
	learnables      G.Nodes
	ode             *odelayer.Layer // nil for the residual network
	machine         *graph.Machine

	imageData, targetData []float32
}

// architecture is table 1 of Chen et al. (2018): two convolutions that halve the image, then
// one ODE, or six residual blocks, then pooling and a linear layer.
type architecture struct {
	channels int
	residual bool
	solve    odeint.Options
}

// newNetwork builds the network for a batch of images, with gradients if it is to be trained.
func newNetwork(a architecture, batch int, train bool, r *rand.Rand) (*network, error) {
	g := G.NewGraph()
	n := &network{imageData: make([]float32, batch*pixels), targetData: make([]float32, batch*classes)}
	n.images = G.NewTensor(g, tensor.Float32, 4, G.WithShape(batch, 1, side, side), G.WithName("images"),
		G.WithValue(tensor.New(tensor.WithShape(batch, 1, side, side), tensor.WithBacking(n.imageData))))
	n.targets = G.NewMatrix(g, tensor.Float32, G.WithShape(batch, classes), G.WithName("targets"),
		G.WithValue(tensor.New(tensor.WithShape(batch, classes), tensor.WithBacking(n.targetData))))
	x, c := n.images, a.channels
	apply := func(name string, m layers.Module) error {
		l, err := m.Place(g, name, tensor.Float32, r)
		if err == nil {
			x, err = l.Fwd(x)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		n.learnables = append(n.learnables, l.Learnables()...)
		return nil
	}
	type named struct {
		name   string
		module layers.Module
	}
	stem := []named{
		{"conv1", convolution(1, c, 3, 1, 0)}, {"norm1", norm(c, true)},
		{"conv2", convolution(c, c, 4, 2, 1)}, {"norm2", norm(c, true)},
		{"conv3", convolution(c, c, 4, 2, 1)},
	}
	for _, m := range stem {
		if err := apply(m.name, m.module); err != nil {
			return nil, err
		}
	}
	if a.residual {
		for i := range blocks {
			if err := apply(fmt.Sprint("block", i+1), residual(c)); err != nil {
				return nil, err
			}
		}
	} else {
		ode, err := odelayer.New(g, "ode", dynamics(c), odelayer.Config{
			Batch: batch, Times: []float64{0, 1}, Final: true, Shape: []int{c, small, small}, Dtype: tensor.Float32, Solve: a.solve, Rand: r,
		})
		if err != nil {
			return nil, err
		}
		if x, err = ode.Fwd(x); err != nil {
			return nil, err
		}
		n.ode = ode
		n.learnables = append(n.learnables, ode.Learnables()...)
	}
	for _, m := range []named{{"norm", norm(c, true)}, {"pool", pool}, {"linear", layers.MLP{In: c, Out: classes}}} {
		if err := apply(m.name, m.module); err != nil {
			return nil, err
		}
	}
	e := layers.NewExpr(x)
	n.scores = e.Do("log softmax", func() (*G.Node, error) { return G.LogSoftMax(x, 1) })
	product := e.Mul(n.scores, n.targets)
	n.loss = e.Neg(e.Do("mean", func() (*G.Node, error) { return G.Mean(product) }))
	if _, err := e.Result(n.loss); err != nil {
		return nil, err
	}
	cfg := graph.MachineConfig{Values: G.Nodes{n.scores, n.loss}, Batch: batch}
	if train {
		if _, err := G.Grad(n.loss, n.learnables...); err != nil {
			return nil, err
		}
		cfg.Learnables = n.learnables
	}
	var err error
	n.machine, err = graph.NewMachine(g, cfg)
	return n, err
}

// kernel declares the weights of a convolution and their bias, drawn as PyTorch draws them.
func kernel(name string, in, out, k, fan int) []layers.Param {
	bound := 1 / math.Sqrt(float64(fan))
	return []layers.Param{
		{Name: "w" + name, Shape: []int{out, in, k, k}, Init: layers.Uniform(-bound, bound)},
		{Name: "b" + name, Shape: []int{1, out, 1, 1}, Init: layers.Uniform(-bound, bound)},
	}
}

// convolve is the convolution of x by the kernel w.
func convolve(e *layers.Expr, x, w *G.Node, stride, pad int) *G.Node {
	return e.Do("convolution", func() (*G.Node, error) {
		k := w.Shape()[2:]
		return G.Conv2d(x, w, k, []int{pad, pad}, []int{stride, stride}, []int{1, 1})
	}, x, w)
}

func relu(e *layers.Expr, x *G.Node) *G.Node {
	return e.Do("relu", func() (*G.Node, error) { return G.Rectify(x) }, x)
}

// normalise is group norm with scale and bias.
func normalise(e *layers.Expr, x, scale, bias *G.Node) *G.Node {
	c := x.Shape()[1]
	return e.Do("group norm", func() (*G.Node, error) { return G.GroupNorm(x, scale, bias, groups(c), c, 1e-5) }, x, scale, bias)
}

// groups is the number of groups of channels, of four channels each. The paper has 32 groups of
// 64 channels; with fewer channels, so small groups would lose what differs between them.
func groups(c int) int {
	if c >= 64 {
		return 32
	}
	return max(1, c/4)
}

// normParams are those of normalise.
func normParams(name string, c int) []layers.Param {
	return []layers.Param{
		{Name: "scale" + name, Shape: []int{1, c, 1, 1}, Init: layers.Constant(1)},
		{Name: "shift" + name, Shape: []int{1, c, 1, 1}, Init: layers.Zeros()},
	}
}

func convolution(in, out, k, stride, pad int) layers.Module {
	return layers.Custom{Params: kernel("", in, out, k, in*k*k), Forward: func(x *G.Node, p layers.Parts) (*G.Node, error) {
		e := layers.NewExpr(x)
		return e.Result(e.Add(convolve(e, x, p.Params[0], stride, pad), p.Params[1]))
	}}
}

// norm is group norm, and a rectifier after it if asked.
func norm(c int, rectify bool) layers.Module {
	return layers.Custom{Params: normParams("", c), Forward: func(x *G.Node, p layers.Parts) (*G.Node, error) {
		e := layers.NewExpr(x)
		y := normalise(e, x, p.Params[0], p.Params[1])
		if rectify {
			y = relu(e, y)
		}
		return e.Result(y)
	}}
}

// pool is the mean of each channel.
var pool = layers.Custom{Forward: func(x *G.Node, _ layers.Parts) (*G.Node, error) {
	return G.Mean(x, 2, 3)
}}

// residual is x + conv(relu(norm(conv(relu(norm x))))).
func residual(c int) layers.Module {
	params := append(normParams("0", c), kernel("0", c, c, 3, c*9)...)
	params = append(append(params, normParams("1", c)...), kernel("1", c, c, 3, c*9)...)
	return layers.Custom{Params: params, Forward: func(x *G.Node, in layers.Parts) (*G.Node, error) {
		e, y, p := layers.NewExpr(x), x, in.Params
		for ; len(p) > 0; p = p[4:] {
			y = relu(e, normalise(e, y, p[0], p[1]))
			y = e.Add(convolve(e, y, p[2], 1, 1), p[3])
		}
		return e.Result(e.Add(x, y))
	}}
}

// dynamics are those of the ODE: norm(conv(relu(norm(conv(relu(norm y)))))), where the
// convolutions see the time as one more channel. That channel is the same at all
// pixels, so its part is the time times a convolution of ones.
func dynamics(c int) layers.Module {
	var params []layers.Param
	for _, name := range []string{"0", "1"} {
		fan := (c + 1) * 9
		bound := 1 / math.Sqrt(float64(fan))
		params = append(append(params, normParams(name, c)...), kernel(name, c, c, 3, fan)...)
		params = append(params, layers.Param{Name: "t" + name, Shape: []int{c, 1, 3, 3}, Init: layers.Uniform(-bound, bound)})
	}
	params = append(params, normParams("2", c)...)
	return layers.Custom{Params: params, State: []int{c, small, small}, ForwardAt: func(t, y *G.Node, in layers.Parts) (*G.Node, error) {
		e, p := layers.NewExpr(y), in.Params
		ones := tensor.Ones(tensor.Float32, 1, 1, small, small)
		one := y.Graph().AddNode(G.NewConstant(ones, G.WithName("ones of the time channel")))
		time := e.Do("reshape", func() (*G.Node, error) { return G.Reshape(t, tensor.Shape{t.Shape()[0], 1, 1, 1}) }, t)
		for ; len(p) > 2; p = p[5:] {
			y = relu(e, normalise(e, y, p[0], p[1]))
			y = e.Add(convolve(e, y, p[2], 1, 1), p[3], e.Mul(time, convolve(e, one, p[4], 1, 1)))
		}
		return e.Result(normalise(e, y, p[0], p[1]))
	}}
}

// load stores theta in the learnables.
func (n *network) load(theta []float64) {
	for _, l := range n.learnables {
		w := l.Value().Data().([]float32)
		for i := range w {
			w[i] = float32(theta[i])
		}
		theta = theta[len(w):]
	}
}

// store appends the learnables to theta.
func (n *network) store(theta []float64) []float64 {
	for _, l := range n.learnables {
		for _, w := range l.Value().Data().([]float32) {
			theta = append(theta, float64(w))
		}
	}
	return theta
}

// gradient stores the gradients in grad and clears them.
func (n *network) gradient(grad []float64) error {
	for _, l := range n.learnables {
		v, err := l.Grad()
		if err != nil {
			return err
		}
		d := v.Data().([]float32)
		for i, x := range d {
			grad[i] = float64(x)
		}
		clear(d)
		grad = grad[len(d):]
	}
	return nil
}
