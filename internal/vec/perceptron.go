package vec

import "unsafe"

// Perceptron is one sample through a network of one hidden layer of tanh, with as many
// inputs as outputs: y = b2 + tanh(b1 + x·W1)·W2. Its parameters are parts of a vector θ. The results
// have the bits of Gemm, GemmBias, Tanh and TanhGrad one after the other.
//
// A Perceptron holds memory of its own and belongs to one goroutine at a time.
type Perceptron[T Float] struct {
	dim, hidden    int
	w1, b1, w2, b2 int // where the parameters begin in θ
	params         int // the end of the last of them
	args           perceptronArgs[T]
	left           int // hidden units after the last whole block
	tail           []T // copies of their parameters and room for gradients, each of blocks

	z, g []T // hidden units, for Go
}

// perceptronArgs is what the assembly reads, as _gen/perceptron.go has it.
type perceptronArgs[T Float] struct {
	w1, b1, w2, b2         int // bytes
	ld, blocks, tail       int
	tailW1, tailB1, tailW2 *T
	tailDW1, tailDB1       *T
	tailDW2                *T
	_                      [3]int
	sums                   [4 * 64]byte
	lambda                 [3 * 32]byte
}

// maxPerceptron is the largest number of inputs of a Perceptron.
const maxPerceptron = 4

// NewPerceptron returns the network of dim inputs, with the parameters at the given places in θ:
// W1 is dim×hidden, W2 hidden×dim, both row-major without gaps. It is nil where there is no
// kernel: for more than 4 inputs, for few or very many hidden units.
func NewPerceptron[T Float](dim, hidden, w1, b1, w2, b2 int) *Perceptron[T] {
	if dim < 1 || dim > maxPerceptron || hidden > dotBlock || !dots[T](false, dim, hidden) {
		return nil
	}
	size := int(unsafe.Sizeof(T(0)))
	lanes := 64 / size
	p := &Perceptron[T]{
		dim: dim, hidden: hidden, w1: w1, b1: b1, w2: w2, b2: b2,
		params: max(w1+dim*hidden, b1+hidden, w2+dim*hidden, b2+dim),
		left:   hidden % lanes, tail: make([]T, 2*(2*dim+1)*lanes),
		z: make([]T, hidden), g: make([]T, hidden),
	}
	a := &p.args
	a.w1, a.b1, a.w2, a.b2 = w1*size, b1*size, w2*size, b2*size
	a.ld, a.blocks, a.tail = hidden*size, hidden/lanes, p.left
	at := func(block int) *T { return &p.tail[block*lanes] }
	a.tailW1, a.tailB1, a.tailW2 = at(0), at(dim), at(dim+1)
	a.tailDW1, a.tailDB1, a.tailDW2 = at(2*dim+1), at(3*dim+1), at(3*dim+2)
	return p
}

// Value stores the network's value at x in y, of length dim.
func (p *Perceptron[T]) Value(y, theta, x []T) {
	y, x, theta = y[:p.dim], x[:p.dim], theta[:p.params]
	if p.ready(theta, x, x) {
		args, t, y, x := (*T)(unsafe.Pointer(&p.args)), &theta[0], &y[0], &x[0]
		switch p.dim {
		case 1:
			perceptron1Asm(args, t, y, x)
		case 2:
			perceptron2Asm(args, t, y, x)
		case 3:
			perceptron3Asm(args, t, y, x)
		case 4:
			perceptron4Asm(args, t, y, x)
		}
		return
	}
	p.units(theta, x)
	if p.dim == 1 { // the bias of one column is no start of a row for the compiler in package graph
		Gemm(false, false, 1, 1, p.hidden, p.z, p.hidden, theta[p.w2:], 1, false, y, 1)
		y[0] += theta[p.b2]
		return
	}
	GemmBias(false, false, 1, p.dim, p.hidden, p.z, p.hidden, theta[p.w2:], p.dim, theta[p.b2:], y, p.dim)
}

// Grad stores λᵀ∂y/∂x in dx and adds λᵀ∂y/∂θ to dtheta, a vector like θ.
func (p *Perceptron[T]) Grad(dx, dtheta, theta, x, lambda []T) {
	dx, x, lambda, theta, dtheta = dx[:p.dim], x[:p.dim], lambda[:p.dim], theta[:p.params], dtheta[:p.params]
	if p.ready(theta, x, lambda) {
		if p.left > 0 {
			p.swap(dtheta, false)
		}
		args, t, dt, dx, x, l := (*T)(unsafe.Pointer(&p.args)), &theta[0], &dtheta[0], &dx[0], &x[0], &lambda[0]
		switch p.dim {
		case 1:
			perceptronGrad1Asm(args, t, dt, dx, x, l)
		case 2:
			perceptronGrad2Asm(args, t, dt, dx, x, l)
		case 3:
			perceptronGrad3Asm(args, t, dt, dx, x, l)
		case 4:
			perceptronGrad4Asm(args, t, dt, dx, x, l)
		}
		if p.left > 0 {
			p.swap(dtheta, true)
		}
	} else {
		d, h := p.dim, p.hidden
		p.units(theta, x)
		Gemm(false, true, 1, h, d, lambda, d, theta[p.w2:], d, false, p.g, h)
		TanhGrad(p.g, p.g, p.z)
		Gemm(false, true, 1, d, h, p.g, h, theta[p.w1:], h, false, dx, d)
		Gemm(true, false, d, h, 1, x, d, p.g, h, true, dtheta[p.w1:], h)
		Gemm(true, false, h, d, 1, p.z, h, lambda, d, true, dtheta[p.w2:], d)
		b1 := dtheta[p.b1:][:h]
		Add(b1, b1, p.g)
	}
	b2 := dtheta[p.b2:][:p.dim]
	for i, v := range lambda {
		b2[i] += v
	}
}

// units computes the hidden units.
func (p *Perceptron[T]) units(theta, x []T) {
	GemmBias(false, false, 1, p.hidden, p.dim, x, p.dim, theta[p.w1:], p.hidden, theta[p.b1:], p.z, p.hidden)
	Tanh(p.z, p.z)
}

// ready tells whether the assembly can be used, and copies the parameters of the units
// after the last whole block for it. They are followed by zeros, which only finite numbers leave zero.
func (p *Perceptron[T]) ready(theta, x, lambda []T) bool {
	if vectorBytes() == 0 {
		return false
	}
	if p.left == 0 {
		return true
	}
	for i, v := range x {
		if w := lambda[i]; v-v != 0 || w-w != 0 {
			return false
		}
	}
	d, h, first, lanes := p.dim, p.hidden, p.hidden-p.left, len(p.tail)/(2*(2*p.dim+1))
	for k := range d {
		copy(p.tail[k*lanes:], theta[p.w1+k*h+first:][:p.left])
	}
	copy(p.tail[d*lanes:], theta[p.b1+first:][:p.left])
	copy(p.tail[(d+1)*lanes:], theta[p.w2+first*d:][:p.left*d])
	return true
}

// swap copies the gradients of the units after the last whole block from dtheta, or back.
func (p *Perceptron[T]) swap(dtheta []T, back bool) {
	d, h, first, lanes := p.dim, p.hidden, p.hidden-p.left, len(p.tail)/(2*(2*p.dim+1))
	move := func(block, at, n int) {
		own, theirs := p.tail[(2*d+1+block)*lanes:][:n], dtheta[at:][:n]
		if back {
			copy(theirs, own)
		} else {
			copy(own, theirs)
		}
	}
	for k := range d {
		move(k, p.w1+k*h+first, p.left)
	}
	move(d, p.b1+first, p.left)
	move(d+1, p.w2+first*d, p.left*d)
}
