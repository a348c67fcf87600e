package graph

import "fmt"

// Besides the ops of Gorgonia, values are computed by
type (
	// inputOp is what the caller of a program passes.
	inputOp struct{ index int }

	// priorOp is what an accumulating output holds before the run.
	priorOp struct{ index int }

	// literalOp is a constant.
	literalOp struct{ data []float64 }

	// copyOp makes a view dense.
	copyOp struct{}

	// matmulOp is a product of the last two axes of its operands; the axes
	// before are equal and loop. Transposition is in the views.
	matmulOp struct{}

	// reduceOp reduces the middle one of three axes.
	reduceOp struct{ max bool }

	// joinOp writes its operands, or their negatives, into parts of the result that
	// do not overlap, and zeros into the rest.
	joinOp struct{ parts []joinPart }

	// gradOp is a fused elementwise function of g and y: the VJP of tanh or
	// sigmoid in terms of its value.
	gradOp struct{ fn unaryFn }

	// factorOp has the factors of the matrices (B, n, n) of a solve in rows of n·n+n
	// numbers. What else needs those of the same matrices shares them.
	factorOp struct {
		opt  SolveOptions
		node string // for errors
	}
)

// String tells what makes two of them equal.
func (o factorOp) String() string { return fmt.Sprint(o.opt) }
