package graph

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// kernel is an elementwise op on slices; the function for its number of
// operands is set.
type kernel[T Float] struct {
	f1 func(dst, a []T)
	f2 func(dst, a, b []T)
	f3 func(dst, a, b, c []T)
}

// run applies the kernel to its operands.
func (k kernel[T]) run(dst []T, x [][]T) {
	switch {
	case k.f1 != nil:
		k.f1(dst, x[0])
	case k.f2 != nil:
		k.f2(dst, x[0], x[1])
	default:
		k.f3(dst, x[0], x[1], x[2])
	}
}

// kernelOfPair is the kernel of outer on the result of inner and another operand, or the other way
// round where swapped. ok is false if there is none.
func kernelOfPair[T Float](outer, inner op, swapped bool) (k kernel[T], ok bool) {
	in, isBinary := inner.(binaryOp)
	if g, isGrad := outer.(gradOp); isGrad && isBinary && in.fn == fnMul && g.fn == fnSigmoid && !swapped {
		return kernel[T]{f3: vec.MulSigmoidGrad[T]}, true
	}
	out, outBinary := outer.(binaryOp)
	if sq, isUnary := inner.(unaryOp); isUnary && sq.fn == fnSquare && outBinary && out.fn == fnMul {
		return kernel[T]{f3: vec.MulMul[T]}, true
	}
	if !isBinary || !outBinary {
		return k, false
	}
	switch {
	case in.fn == fnMul && out.fn == fnAdd:
		k.f3 = vec.MulAdd[T]
	case in.fn == fnMul && out.fn == fnMul:
		k.f3 = vec.MulMul[T]
	case in.fn == fnMul && out.fn == fnSub && !swapped:
		k.f3 = vec.MulSub[T]
	case in.fn == fnAdd && out.fn == fnMul:
		k.f3 = vec.AddMul[T]
	case in.fn == fnSub && out.fn == fnMul:
		k.f3 = vec.SubMul[T]
	}
	return k, k.f3 != nil
}

func kernelOf[T Float](o op) kernel[T] {
	switch o := o.(type) {
	case copyOp:
		return kernel[T]{f1: vec.Copy[T]}
	case unaryOp:
		return kernel[T]{f1: unaryKernel[T](o.fn)}
	case binaryOp:
		return kernel[T]{f2: binaryKernel[T](o.fn)}
	case gradOp:
		if o.fn == fnTanh {
			return kernel[T]{f2: vec.TanhGrad[T]}
		}
		return kernel[T]{f2: vec.SigmoidGrad[T]}
	}
	panic("graph: op is not elementwise")
}

func unaryKernel[T Float](fn unaryFn) func(dst, x []T) {
	switch fn {
	case fnAbs:
		return vec.Abs[T]
	case fnSign:
		return vec.Sign[T]
	case fnCeil:
		return vec.Ceil[T]
	case fnFloor:
		return vec.Floor[T]
	case fnSin:
		return vec.Sin[T]
	case fnCos:
		return vec.Cos[T]
	case fnExp:
		return vec.Exp[T]
	case fnLog:
		return vec.Log[T]
	case fnLog2:
		return vec.Map[T](math.Log2)
	case fnNeg:
		return vec.Neg[T]
	case fnSquare:
		return vec.Square[T]
	case fnSqrt:
		return vec.Sqrt[T]
	case fnInv:
		return vec.Inv[T]
	case fnInvSqrt:
		return vec.InvSqrt[T]
	case fnCube:
		return vec.Cube[T]
	case fnTanh:
		return vec.Tanh[T]
	case fnSigmoid:
		return vec.Sigmoid[T]
	case fnLog1p:
		return vec.Log1p[T]
	case fnExpm1:
		return vec.Expm1[T]
	case fnSoftplus:
		return vec.Softplus[T]
	case fnNormalCDF:
		return vec.NormalCDF[T]
	}
	panic("graph: unknown unary function")
}

func binaryKernel[T Float](fn binaryFn) func(dst, a, b []T) {
	switch fn {
	case fnAdd:
		return vec.Add[T]
	case fnSub:
		return vec.Sub[T]
	case fnMul:
		return vec.Mul[T]
	case fnDiv:
		return vec.Div[T]
	case fnPow:
		return vec.Pow[T]
	case fnLt:
		return vec.Less[T]
	case fnGt:
		return func(dst, a, b []T) { vec.Less(dst, b, a) }
	case fnLe:
		return vec.LessEqual[T]
	case fnGe:
		return func(dst, a, b []T) { vec.LessEqual(dst, b, a) }
	case fnEq:
		return vec.Equal[T]
	case fnNe:
		return vec.NotEqual[T]
	case fnMin:
		return vec.Min[T]
	case fnMax:
		return vec.Max[T]
	}
	panic("graph: unknown binary function")
}
