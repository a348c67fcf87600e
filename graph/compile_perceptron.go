package graph

import (
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

// hiddenLayer is a function y = b2 + tanh(b1 + x·W1)·W2 of one sample, with the inputs of
// the program that are its parameters.
type hiddenLayer struct {
	dim, hidden    int
	w1, b1, w2, b2 int
}

// hiddenLayerOf recognises that v is such a function of input 0. ok is false if it is not.
func hiddenLayerOf(v view) (l hiddenLayer, ok bool) {
	z, w2, b2, ok := rowTimes(v)
	if !ok {
		return l, false
	}
	act, isUnary := z.of.do.(unaryOp)
	if !isUnary || act.fn != fnTanh || !z.whole() {
		return l, false
	}
	x, w1, b1, ok := rowTimes(z.of.args[0])
	if !ok {
		return l, false
	}
	var inputs []int
	for i, p := range []view{x, w1, b1, w2, b2} {
		in, isInput := p.of.do.(inputOp)
		if !isInput || !p.whole() || slices.Contains(inputs, in.index) || i == 0 && in.index != 0 {
			return l, false
		}
		inputs = append(inputs, in.index)
	}
	l = hiddenLayer{w1.shape[0], w1.shape[1], inputs[1], inputs[2], inputs[3], inputs[4]}
	return l, w2.shape[1] == l.dim
}

// rowTimes recognises v = x·W + b, for one row x.
func rowTimes(v view) (x, w, b view, ok bool) {
	sum, isBinary := v.of.do.(binaryOp)
	if !isBinary || sum.fn != fnAdd || !v.whole() {
		return x, w, b, false
	}
	product, b := v.of.args[0], v.of.args[1]
	if _, first := product.of.do.(matmulOp); !first {
		product, b = b, product
	}
	if _, isProduct := product.of.do.(matmulOp); !isProduct || !product.whole() || len(product.shape) != 2 || product.shape[0] != 1 {
		return x, w, b, false
	}
	x, w = product.of.args[0], product.of.args[1]
	return x, w, b, true
}

// inParams tells where the parameters lie in θ instead of which inputs they are: the
// learnables are those from first on. ok is false if one is not a learnable.
func (l hiddenLayer) inParams(first int, layout []Param) (_ *hiddenLayer, ok bool) {
	for _, at := range []*int{&l.w1, &l.b1, &l.w2, &l.b2} {
		if *at < first {
			return nil, false
		}
		*at = layout[*at-first].Offset
	}
	return &l, true
}

// newKernel returns the function as a kernel, or nil if there is none.
func newKernel[T Float](l *hiddenLayer) *vec.Perceptron[T] {
	if l == nil {
		return nil
	}
	return vec.NewPerceptron[T](l.dim, l.hidden, l.w1, l.b1, l.w2, l.b2)
}
