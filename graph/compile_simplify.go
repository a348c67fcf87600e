package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// builder makes values. Equal ones are made once: two values are the same if
// ops, shapes and operands are, compared in full.
type builder struct {
	values []*value
	byKey  map[string]*value
}

func newBuilder() *builder { return &builder{byKey: make(map[string]*value)} }

// add returns the value of do applied to args.
func (b *builder) add(do op, shape []int, args ...view) view {
	var key strings.Builder
	switch do := do.(type) {
	case literalOp:
		key.WriteString("literal")
		for _, x := range do.data {
			fmt.Fprintf(&key, " %x", math.Float64bits(x))
		}
	case foreignOp: // what makes two of them equal is not known
		fmt.Fprint(&key, "foreign", len(b.values))
	default:
		fmt.Fprintf(&key, "%T%+v", do, do)
	}
	fmt.Fprint(&key, shape)
	for _, a := range args {
		fmt.Fprint(&key, a.of.id, a.offset, a.shape, a.strides)
	}
	k := key.String()
	v := b.byKey[k]
	if v == nil {
		v = &value{id: len(b.values), shape: shape, do: do, args: args}
		b.values = append(b.values, v)
		b.byKey[k] = v
	}
	return v.all()
}

func (b *builder) literal(shape []int, data ...float64) view {
	return b.add(literalOp{data}, shape)
}

// number is a constant repeated to a shape.
func (b *builder) number(x float64, shape []int) view {
	return b.literal(nil, x).broadcast(shape)
}

// constantIn returns the one number that all elements of v have, if v is such
// a constant.
func constantIn(v view) (float64, bool) {
	l, ok := v.of.do.(literalOp)
	if !ok {
		return 0, false
	}
	if len(l.data) == 1 {
		return l.data[0], true
	}
	if !v.whole() {
		return 0, false
	}
	for _, x := range l.data {
		if math.Float64bits(x) != math.Float64bits(l.data[0]) {
			return 0, false
		}
	}
	return l.data[0], len(l.data) > 0
}

// unary applies fn to every element.
func (b *builder) unary(fn unaryFn, x view) view {
	if fn == fnNeg {
		if u, ok := x.of.do.(unaryOp); ok && u.fn == fnNeg && x.whole() {
			if w, ok := x.of.args[0].reshape(x.shape); ok {
				return w
			}
		}
	}
	return b.elementwise(unaryOp{fn}, x)
}

// binary applies fn to pairs of elements of operands of one shape. Operations
// that return an operand unchanged, bit for bit except for the sign of zero, are
// dropped; slow powers become products.
func (b *builder) binary(fn binaryFn, x, y view) view {
	cx, xConst := constantIn(x)
	cy, yConst := constantIn(y)
	switch {
	case fn == fnMul && yConst && cy == 1, fn == fnDiv && yConst && cy == 1,
		fn == fnAdd && yConst && cy == 0, fn == fnSub && yConst && cy == 0,
		fn == fnPow && yConst && cy == 1:
		return x
	case fn == fnMul && xConst && cx == 1, fn == fnAdd && xConst && cx == 0:
		return y
	case fn == fnMul && yConst && cy == -1:
		return b.unary(fnNeg, x)
	case fn == fnMul && xConst && cx == -1:
		return b.unary(fnNeg, y)
	case fn == fnPow && yConst && cy == 0:
		return b.number(1, x.shape)
	case fn == fnPow && yConst && cy == 2, fn == fnMul && same(x, y):
		return b.unary(fnSquare, x)
	case fn == fnPow && yConst && cy == 3:
		return b.unary(fnCube, x)
	case fn == fnPow && yConst && cy == -1:
		return b.unary(fnInv, x)
	}
	if fn == fnAdd {
		if v, ok := b.joined(x, y); ok {
			return v
		}
	}
	if fn == fnMul {
		if v, ok := b.slope(x, y); ok {
			return v
		}
		if v, ok := b.slope(y, x); ok {
			return v
		}
		if v, ok := b.sigmoidSlope(x, y); ok {
			return v
		}
	}
	return b.elementwise(binaryOp{fn}, x, y)
}

// slope recognises the derivatives of tanh and sigmoid as Gorgonia writes
// them, s = 1-y² and s = y(1-y), in s·g.
func (b *builder) slope(s, g view) (view, bool) {
	if !s.whole() {
		return view{}, false
	}
	outer, ok := s.of.do.(binaryOp)
	if !ok {
		return view{}, false
	}
	one, rest := s.of.args[0], s.of.args[1]
	switch outer.fn {
	case fnSub: // 1 - y²
		square, ok := rest.of.do.(unaryOp)
		if c, isConst := constantIn(one); !ok || square.fn != fnSquare || !isConst || c != 1 || !rest.whole() {
			return view{}, false
		}
		y, ok := rest.of.args[0].reshape(s.shape)
		if !ok {
			return view{}, false
		}
		return b.elementwise(gradOp{fnTanh}, g, y), true
	case fnMul: // y ⊙ (1-y)
		sub, ok := rest.of.do.(binaryOp)
		if !ok || sub.fn != fnSub || !rest.whole() {
			return view{}, false
		}
		if c, isConst := constantIn(rest.of.args[0]); !isConst || c != 1 || !same(one, rest.of.args[1]) {
			return view{}, false
		}
		y, ok := one.reshape(s.shape)
		if !ok {
			return view{}, false
		}
		return b.elementwise(gradOp{fnSigmoid}, g, y), true
	}
	return view{}, false
}

// sigmoidSlope recognises the derivative of the sigmoid as Gorgonia's Sub writes it: a product
// x·y with the factors σ(w) and σ(-w), and others.
func (b *builder) sigmoidSlope(x, y view) (view, bool) {
	all := factors(factors(nil, x, 1), y, 1)
	sigmoid := func(v view) (of view, ok bool) {
		u, isUnary := v.of.do.(unaryOp)
		if !isUnary || u.fn != fnSigmoid || !v.whole() {
			return view{}, false
		}
		return v.of.args[0], true
	}
	for i, v := range all {
		minus, ok := sigmoid(v)
		if neg, isUnary := minus.of, ok && minus.whole(); !isUnary || neg.do != op(unaryOp{fnNeg}) {
			continue
		}
		for j, s := range all {
			if w, ok := sigmoid(s); !ok || !same(w, minus.of.args[0]) {
				continue
			}
			var rest view
			for k, f := range all {
				switch {
				case k == i || k == j:
				case rest.of == nil:
					rest = f
				default:
					rest = b.binary(fnMul, rest, f)
				}
			}
			if rest.of == nil || !slices.Equal(rest.shape, s.shape) {
				return view{}, false
			}
			return b.elementwise(gradOp{fnSigmoid}, rest, s), true
		}
	}
	return view{}, false
}

// factors appends the factors of v, which are products themselves to some depth.
func factors(to []view, v view, depth int) []view {
	if do, ok := v.of.do.(binaryOp); !ok || do.fn != fnMul || !v.whole() || !slices.Equal(v.shape, v.of.shape) || depth == 0 {
		return append(to, v)
	}
	return factors(factors(to, v.of.args[0], depth-1), v.of.args[1], depth-1)
}

func same(x, y view) bool {
	return x.of == y.of && x.offset == y.offset && slices.Equal(x.shape, y.shape) && slices.Equal(x.strides, y.strides)
}

// elementwise computes do along axes on which an operand varies, and repeats
// the result along the others.
func (b *builder) elementwise(do op, args ...view) view {
	full := args[0].shape
	if x, ok := folded(do, args); ok {
		return b.number(x, full)
	}
	shape := slices.Clone(full)
	for i := range shape {
		varies := false
		for _, a := range args {
			varies = varies || a.strides[i] != 0
		}
		if !varies {
			shape[i] = 1
		}
	}
	if slices.Equal(shape, full) {
		return b.add(do, shape, args...)
	}
	small := make([]view, len(args))
	for i, a := range args {
		small[i] = view{of: a.of, offset: a.offset, shape: shape, strides: a.strides}
	}
	return b.add(do, shape, small...).broadcast(full)
}

// folded returns the value of do if all operands are one number each.
func folded(do op, args []view) (float64, bool) {
	x := make([][]float64, len(args))
	for i, a := range args {
		c, ok := constantIn(a)
		if !ok {
			return 0, false
		}
		x[i] = []float64{c}
	}
	y := []float64{0}
	kernelOf[float64](do).run(y, x)
	return y[0], true
}

// dense returns v or a dense copy of it.
func (b *builder) dense(v view) view {
	if v.dense() {
		return v
	}
	return b.add(copyOp{}, v.shape, v)
}

// reshape returns v under another shape, copied if strides cannot express it.
func (b *builder) reshape(v view, shape []int) view {
	if w, ok := v.reshape(shape); ok {
		return w
	}
	w, _ := b.dense(v).reshape(shape)
	return w
}

// matmul is the product of the last two axes.
func (b *builder) matmul(x, y view) view {
	if v, ok := b.constantFactor(x, y); ok {
		return v
	}
	n := len(x.shape)
	shape := append(slices.Clone(x.shape[:n-1]), y.shape[n-1])
	return b.add(matmulOp{}, shape, b.matrix(x), b.matrix(y))
}

// constantFactor recognises a product of matrices of which one has the same number in
// all places, such as the cotangent of a sum: it is a sum along the inner axis.
func (b *builder) constantFactor(x, y view) (view, bool) {
	if len(x.shape) != 2 {
		return view{}, false
	}
	shape := []int{x.shape[0], y.shape[1]}
	if c, ok := constantIn(x); ok {
		sum := b.reshape(b.sumAlong(y, 0), []int{1, shape[1]}).broadcast(shape)
		return b.binary(fnMul, sum, b.number(c, shape)), true
	}
	if c, ok := constantIn(y); ok {
		sum := b.reshape(b.sumAlong(x, 1), []int{shape[0], 1}).broadcast(shape)
		return b.binary(fnMul, sum, b.number(c, shape)), true
	}
	return view{}, false
}

// sumAlong sums a matrix along an axis, by rows of what is stored.
func (b *builder) sumAlong(x view, axis int) view {
	if trans, _, ok := x.matrix(); ok && trans {
		x, axis = x.permute([]int{1, 0}), 1-axis
	}
	return b.reduce(false, x, []int{axis})
}

func (b *builder) matrix(v view) view {
	if _, _, ok := v.matrix(); ok {
		return v
	}
	return b.dense(v)
}

// reduce sums, or takes the maximum, over axes, which are dropped.
func (b *builder) reduce(largest bool, x view, axes []int) view {
	axes = slices.Clone(axes)
	slices.Sort(axes)
	axes = slices.Compact(axes)
	repeats := 1
	for len(axes) > 0 {
		// Take the last run of neighbouring axes.
		hi := axes[len(axes)-1]
		lo := hi
		for axes = axes[:len(axes)-1]; len(axes) > 0 && axes[len(axes)-1] == lo-1; axes = axes[:len(axes)-1] {
			lo--
		}
		kept := append(slices.Clone(x.shape[:lo]), x.shape[hi+1:]...)
		// Axes on which nothing varies need no loop.
		varies := false
		y := view{of: x.of, offset: x.offset, shape: slices.Clone(x.shape), strides: x.strides}
		for i := lo; i <= hi; i++ {
			if x.strides[i] == 0 {
				repeats *= x.shape[i]
				y.shape[i] = 1
			}
			varies = varies || y.shape[i] != 1
		}
		if varies {
			three := []int{sizeOf(y.shape[:lo]), sizeOf(y.shape[lo : hi+1]), sizeOf(y.shape[hi+1:])}
			y = b.reshape(y, three)
			y = b.add(reduceOp{largest}, []int{three[0], three[2]}, b.dense(y))
		}
		x = b.reshape(y, kept)
	}
	if !largest && repeats > 1 {
		x = b.binary(fnMul, x, b.number(float64(repeats), x.shape))
	}
	return x
}
