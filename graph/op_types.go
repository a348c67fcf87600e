package graph

import (
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// op is what a Gorgonia node computes, in our own words: one of the types
// below, or nil for a variable. Axes are counted from 0 and never negative.
//
// How Gorgonia names and stores its private ops is known to op.go and op_reader.go alone.
type op any

type (
	// constantOp is a fixed value: *G.F64, *G.F32 or a *tensor.Dense.
	constantOp struct{ value G.Value }

	// unaryOp applies fn to every element.
	unaryOp struct{ fn unaryFn }

	// binaryOp applies fn to pairs of elements. The operands have equal
	// shapes, or one of them is a scalar. Comparisons give 1 or 0.
	binaryOp struct{ fn binaryFn }

	// productOp is one of the linear algebra products. Transposition swaps
	// the last two axes and happens before the product.
	productOp struct {
		kind           productKind
		transA, transB bool
	}

	// tensordotOp contracts axes aAxes[i] with bAxes[i].
	tensordotOp struct{ aAxes, bAxes []int }

	// sumOp and maxOp reduce axes, which are dropped from the shape.
	sumOp struct{ axes []int }
	maxOp struct{ axes []int }

	// sizeOp is the length of an axis of its child, as a number.
	sizeOp struct{ size int }

	// repeatOp repeats every element count times in a row along axis. The
	// child's shape is padded with trailing axes of length 1.
	repeatOp struct{ axis, count int }

	// pieceOp takes elements from start on of a vector, in the shape of the node.
	pieceOp struct{ start int }

	// reshapeOp keeps the elements and their row-major order.
	reshapeOp struct{}

	// transposeOp: axis i of the result is axis perm[i] of the child.
	transposeOp struct{ perm []int }

	// sliceOp takes elements start, start+step, … (count of them) of axis.
	// The axis is dropped when drop is set (then count is 1).
	sliceOp struct {
		axis, start, step, count int
		drop                     bool
	}

	// sliceGradOp has children x and g: zeros in the shape of x with g where
	// the slice was.
	sliceGradOp struct{ sliceOp }

	// atOp picks one element.
	atOp struct{ coords []int }

	// concatOp joins its children along axis.
	concatOp struct{ axis int }

	// softmaxOp is (log-)softmax over axis; softmaxGradOp is its VJP with
	// children x, y and g.
	softmaxOp struct {
		axis int
		log  bool
	}
	softmaxGradOp struct{ softmaxOp }

	// im2colOp lays out the patches of a (B, C, H, W) image as
	// (B, H', W', C·h·w); col2imOp is its transpose, from patches to an
	// image of the node's shape.
	im2colOp struct{ window }
	col2imOp struct{ window }

	// The pools act on (B, C, H, W); their gradients have children x, y, g.
	// averagePoolOp divides by the number of elements of the window, also
	// where it hangs over the edge. A maximum's gradient goes to the first
	// of equal elements.
	maxPoolOp         struct{ window }
	maxPoolGradOp     struct{ window }
	averagePoolOp     struct{ window }
	averagePoolGradOp struct{ window }

	// globalAveragePoolOp averages over the last two of four axes, kept with
	// length 1.
	globalAveragePoolOp struct{}

	// upsampleOp repeats each pixel scale×scale times; its gradient has
	// children x, y, g.
	upsampleOp     struct{ scale int }
	upsampleGradOp struct{ scale int }

	// groupNormOp normalises each of groups groups of channels of a
	// (B, C, …) tensor; its gradient has children x and g.
	groupNormOp struct {
		groups  int
		epsilon float64
	}
	groupNormGradOp struct{ groupNormOp }

	// batchNormOp in evaluation mode (training false) uses fixed statistics.
	batchNormOp struct {
		training bool
		epsilon  float64
	}

	// dropoutOp is the identity unless training.
	dropoutOp struct {
		probability float64
		training    bool
	}

	// solveOp has children a and b: a⁻¹b, or a⁻ᵀb, for (B, n, n) and (B, n, m);
	// logDetOp is log|det a| as a column.
	solveOp struct {
		opt   SolveOptions
		trans bool
	}
	logDetOp struct{ opt SolveOptions }

	// identityOp returns its child.
	identityOp struct{}

	// convertOp changes the dtype.
	convertOp struct{ from, to tensor.Dtype }

	// randomOp draws new numbers at every run.
	randomOp struct{}

	// statementOp is a node without a value (read, let).
	statementOp struct{}

	// foreignOp is an op that Gorgonia's Op interface is all we know of.
	foreignOp struct{ op G.Op }
)

// window is a moving window over the last two axes of an image.
type window struct {
	h, w                 int
	padH, padW           int
	strideH, strideW     int
	dilationH, dilationW int
}

type unaryFn uint8

// In the order of Gorgonia's ʘUnaryOperatorType; the last is an op of our own.
const (
	fnAbs unaryFn = iota
	fnSign
	fnCeil
	fnFloor
	fnSin
	fnCos
	fnExp
	fnLog
	fnLog2
	fnNeg
	fnSquare
	fnSqrt
	fnInv
	fnInvSqrt
	fnCube
	fnTanh
	fnSigmoid
	fnLog1p
	fnExpm1
	fnSoftplus
	fnNormalCDF
)

var unaryNames = [...]string{
	"abs", "sign", "ceil", "floor", "sin", "cos", "exp", "ln", "log2", "neg", "square",
	"sqrt", "inv", "invSqrt", "cube", "tanh", "sigmoid", "log1p", "expm1", "softplus", "Φ",
}

func (f unaryFn) String() string { return unaryNames[f] }

type binaryFn uint8

// In the order of Gorgonia's ʘBinaryOperatorType; minimum and maximum are ops
// of their own there.
const (
	fnAdd binaryFn = iota
	fnSub
	fnMul
	fnDiv
	fnPow
	fnLt
	fnGt
	fnLe
	fnGe
	fnEq
	fnNe
	fnMin
	fnMax
)

var binaryNames = [...]string{"+", "-", "⊙", "÷", "^", "<", ">", "<=", ">=", "==", "!=", "min", "max"}

func (f binaryFn) String() string { return binaryNames[f] }

type productKind uint8

// In the order of Gorgonia's āBinaryOperator.
const (
	matMat productKind = iota
	matVec
	vecDot
	outer
	batchedMatMat
)
