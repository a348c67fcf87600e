package graph

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func softmaxCases() []opCase {
	along := func(f func(*G.Node, ...int) (*G.Node, error), axis ...int) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return f(x, axis...) }
	}
	logSoftMax := func(x *G.Node, axis ...int) (*G.Node, error) { return G.LogSoftMax(x, axis...) }
	cs := []opCase{
		unaryCase("softmax", along(G.SoftMax), in(3, 4)),
		innerCase("softmax rows", along(G.SoftMax, 1), in(3, 4)),
		innerCase("softmax columns", along(G.SoftMax, 0), in(3, 4)),
		innerCase("softmax of a vector", along(G.SoftMax), in(5)),
		innerCase("softmax middle axis", along(G.SoftMax, 1), in(2, 3, 4)),
		innerCase("softmax middle of four", along(G.SoftMax, 2), in(2, 3, 3, 4)),
		innerCase("softmax of five axes", along(G.SoftMax, 2), in(2, 2, 3, 1, 2)),
		opCase{name: "sparsemax", inputs: []caseInput{in(3, 4).over(-0.8, 0.9)}, order: 1, build: func(x G.Nodes) *G.Node { return ok(G.Sparsemax(tanh(x[0]))) }},
		unaryCase("log softmax", along(logSoftMax), in(3, 4)),
		innerCase("log softmax columns", along(logSoftMax, 0), in(3, 4)),
		innerCase("log softmax middle axis", along(logSoftMax, 1), in(2, 3, 4)),
		{name: "cross entropy", inputs: []caseInput{in(2, 3), in(3, 4), in(2, 4)}, build: func(x G.Nodes) *G.Node {
			logp := ok(G.LogSoftMax(matTimes(tanh(x[0]), x[1])))
			return ok(G.Neg(ok(G.Mean(times(logp, x[2])))))
		}},
	}
	return cs
}

func imageCases() []opCase {
	conv := func(pad, stride, dilation []int, kh, kw int) binaryNode {
		return func(x, w *G.Node) (*G.Node, error) {
			return G.Conv2d(x, w, tensor.Shape{kh, kw}, pad, stride, dilation)
		}
	}
	maxPool := func(pad, stride []int, k ...int) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return G.MaxPool2D(x, tensor.Shape(k), pad, stride) }
	}
	avgPool := func(pad, stride []int, k ...int) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return G.AveragePool2D(x, tensor.Shape(k), pad, stride) }
	}
	one, two := []int{1, 1}, []int{2, 2}
	cs := []opCase{
		binaryCase("conv2d", conv([]int{1, 1}, one, one, 3, 3), in(2, 2, 4, 4), in(3, 2, 3, 3)),
		binaryCase("conv2d stride 2", conv([]int{0, 0}, two, one, 2, 2), in(1, 2, 4, 6), in(2, 2, 2, 2)),
		binaryCase("conv2d dilation 2", conv([]int{1, 0}, one, two, 2, 2), in(1, 1, 5, 5), in(2, 1, 2, 2)),
		binaryCase("conv2d 1x1", conv([]int{0, 0}, one, one, 1, 1), in(2, 3, 2, 2), in(2, 3, 1, 1)),
		binaryCase("conv1d", func(x, w *G.Node) (*G.Node, error) {
			return G.Conv1d(x, w, 3, 1, 1, 1)
		}, in(2, 2, 1, 6), in(3, 2, 1, 3)),
		innerCase("max pool", maxPool([]int{0, 0}, two, 2, 2), in(2, 2, 4, 4)),
		thirdOrder(innerCase("max pool, third order", maxPool([]int{0, 0}, two, 2, 2), in(1, 2, 4, 4))),
		innerCase("max pool overlapping, padded", maxPool([]int{1, 1}, []int{2, 1}, 3, 2), in(1, 2, 5, 4)),
		innerCase("upsample", func(x *G.Node) (*G.Node, error) { return G.Upsample2D(x, 2) }, in(2, 2, 2, 3)),
		innerCase("upsample by 3", func(x *G.Node) (*G.Node, error) { return G.Upsample2D(x, 3) }, in(1, 2, 2, 3)),
		binaryCase("conv2d of one pixel", conv([]int{0, 0}, one, one, 1, 1), in(1, 1, 1, 1), in(1, 1, 1, 1)),
		innerCase("max pool, four paddings", maxPool([]int{0, 1, 1, 0}, []int{1, 2}, 2, 2), in(1, 2, 4, 5)),
		innerCase("max pool 1-D", func(x *G.Node) (*G.Node, error) { return G.MaxPool1D(x, 3, 1, 2) }, in(2, 1, 1, 7)),
		innerCase("global average pool", G.GlobalAveragePool2D, in(2, 3, 2, 3)),
	}
	for _, c := range []opCase{
		innerCase("average pool", avgPool([]int{0, 0}, two, 2, 2), in(2, 2, 4, 4)),
		innerCase("average pool, four paddings", avgPool([]int{0, 1, 1, 0}, []int{1, 2}, 2, 2), in(1, 2, 4, 5)),
		innerCase("average pool overlapping, padded", avgPool([]int{1, 1}, []int{2, 1}, 3, 3), in(1, 2, 5, 4)),
	} {
		c.tape = "Gorgonia divides by the width of the image"
		cs = append(cs, c)
	}
	return cs
}

func normCases() []opCase {
	batchNorm := func(training bool) func(x G.Nodes) *G.Node {
		return func(x G.Nodes) *G.Node {
			y, _, _, op, err := G.BatchNorm(tanh(x[0]), x[1], x[2], 0.9, 1e-2)
			if err != nil {
				panic(err)
			}
			if err := op.SetTraining(training); err != nil {
				panic(err)
			}
			if !training {
				mean, variance := op.Stats()
				setTo(mean, 0.3, -0.2, 0.1)
				setTo(variance, 0.5, 1.5, 2)
			}
			return ok(G.Square(y))
		}
	}
	groupNorm := func(groups int) func(x G.Nodes) *G.Node {
		return func(x G.Nodes) *G.Node {
			y, err := G.GroupNorm(tanh(x[0]), x[1], x[2], groups, x[0].Shape()[1], 1e-2)
			return ok(G.Square(ok(y, err)))
		}
	}
	image := []caseInput{in(2, 3, 2, 2), in(1, 3, 1, 1).over(0.5, 1.5), in(1, 3, 1, 1)}
	rows := []caseInput{in(4, 3), in(1, 3).over(0.5, 1.5), in(1, 3)}
	cs := []opCase{
		{name: "batch norm, evaluation, 4-D", inputs: image, build: batchNorm(false)},
		{name: "batch norm, evaluation, 2-D", inputs: rows, build: batchNorm(false)},
		{name: "batch norm, training, 4-D", inputs: image, build: batchNorm(true), state: true},
		{name: "batch norm, training, 2-D", inputs: rows, build: batchNorm(true), state: true},
		{name: "group norm", inputs: []caseInput{in(2, 4, 3, 3), in(1, 4, 1, 1).over(0.5, 1.5), in(1, 4, 1, 1)}, build: groupNorm(2)},
		{name: "group norm, 300 values", inputs: []caseInput{in(1, 4, 10, 15), in(1, 4, 1, 1).over(0.5, 1.5), in(1, 4, 1, 1)},
			build: groupNorm(2), tape: "Gorgonia's moments are wrong from 264 values on"},
		{name: "group norm from basic ops", inputs: []caseInput{in(2, 4, 3)}, tape: "the TapeMachine overwrites what was reshaped", build: func(x G.Nodes) *G.Node {
			rows := ok(G.Reshape(tanh(x[0]), tensor.Shape{4, 6})) // (B·groups, n)
			mean := ok(G.Reshape(ok(G.Mean(rows, 1)), tensor.Shape{4, 1}))
			d := ok(G.BroadcastSub(rows, mean, nil, []byte{1}))
			v := ok(G.Reshape(ok(G.Mean(ok(G.Square(d)), 1)), tensor.Shape{4, 1}))
			sd := ok(G.Sqrt(plus(v, num(v, 1e-2))))
			y := ok(G.BroadcastHadamardDiv(d, sd, nil, []byte{1}))
			return ok(G.Square(ok(G.Reshape(y, tensor.Shape{2, 4, 3}))))
		}},
	}
	return cs
}

func setTo(t tensor.Tensor, values ...float64) {
	for i, v := range values {
		var x any = v
		if t.Dtype() == tensor.Float32 {
			x = float32(v)
		}
		if err := t.SetAt(x, i); err != nil {
			panic(err)
		}
	}
}

func networkCases() []opCase {
	// mlp applies layers of weights x[first], bias x[first+1], … to y.
	mlp := func(y *G.Node, act unaryNode, w G.Nodes) *G.Node {
		for i := 0; i < len(w); i += 2 {
			y = affine(y, w[i], w[i+1])
			if i+2 < len(w) {
				y = ok(act(y))
			}
		}
		return y
	}
	mlpCase := func(name string, act unaryNode, batch int, sizes ...int) opCase {
		inputs := []caseInput{in(batch, sizes[0])}
		for i := 1; i < len(sizes); i++ {
			inputs = append(inputs, in(sizes[i-1], sizes[i]), in(1, sizes[i]))
		}
		return opCase{name: name, inputs: inputs, order: 3, build: func(x G.Nodes) *G.Node { return mlp(x[0], act, x[1:]) }}
	}
	timed := opCase{name: "mlp with a time column", order: 3,
		inputs: []caseInput{in(3, 1), in(3, 2), in(3, 5), in(1, 5), in(5, 2), in(1, 2)},
		build: func(x G.Nodes) *G.Node {
			return mlp(ok(G.Concat(1, x[1], x[0])), G.Tanh, x[2:])
		}}
	residual := opCase{name: "mlp with a residual and shared weights", order: 3,
		inputs: []caseInput{in(3, 2), in(2, 2), in(1, 2)},
		build: func(x G.Nodes) *G.Node {
			y := x[0]
			for range 2 {
				y = plus(y, tanh(affine(y, x[1], x[2])))
			}
			return y
		}}
	// hnn is (∂H/∂p, −∂H/∂q) for an MLP H; the cases are derivatives of a field
	// that holds derivatives already.
	hnn := func(name string, act unaryNode, n int) opCase {
		return opCase{name: name, inputs: []caseInput{in(3, 2*n), in(2*n, 6), in(1, 6), in(6, 1), in(1, 1)},
			build: func(x G.Nodes) *G.Node {
				h := sumAll(mlp(x[0], act, x[1:]))
				d, err := Grad(h, x[0])
				if err != nil {
					panic(err)
				}
				dq := ok(G.Slice(d[0], nil, G.S(0, n)))
				dp := ok(G.Slice(d[0], nil, G.S(n, 2*n)))
				if n == 1 {
					dq, dp = ok(G.Reshape(dq, tensor.Shape{3, 1})), ok(G.Reshape(dp, tensor.Shape{3, 1}))
				}
				return ok(G.Concat(1, dp, ok(G.Neg(dq))))
			}}
	}
	separate := opCase{name: "hnn with separate q and p", inputs: []caseInput{in(3, 1), in(3, 1), in(2, 6), in(1, 6), in(6, 1), in(1, 1)},
		build: func(x G.Nodes) *G.Node {
			z := ok(G.Concat(1, x[0], x[1]))
			d, err := Grad(sumAll(mlp(z, G.Tanh, x[2:])), x[0], x[1])
			if err != nil {
				panic(err)
			}
			return ok(G.Concat(1, d[1], ok(G.Neg(d[0]))))
		}}
	loss := hnn("hnn loss", G.Tanh, 2)
	field := loss.build
	loss.build = func(x G.Nodes) *G.Node { return ok(G.Mean(ok(G.Square(field(x))))) }
	cs := []opCase{
		mlpCase("mlp 2-8-2 tanh", G.Tanh, 3, 2, 8, 2),
		mlpCase("mlp 2-8-8-1 softplus", G.Softplus, 3, 2, 8, 8, 1),
		mlpCase("mlp 3-5-3 sigmoid, one row", G.Sigmoid, 1, 3, 5, 3),
		mlpCase("mlp 2-6-2 sin", G.Sin, 2, 2, 6, 2),
		timed, residual,
		hnn("hnn tanh", G.Tanh, 1), hnn("hnn tanh, two degrees", G.Tanh, 2),
		hnn("hnn softplus", G.Softplus, 1), hnn("hnn sigmoid", G.Sigmoid, 1), hnn("hnn sin", G.Sin, 2),
		separate, loss,
	}
	return cs
}

// thirdOrder asks for one derivative more.
func thirdOrder(c opCase) opCase {
	c.order = 3
	return c
}
