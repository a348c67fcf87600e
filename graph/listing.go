package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
)

// Listing is a function y = f(t, x; θ) of one sample as a list of simple steps: what a program
// needs that writes it in another language. It is what the compiler has before it makes code:
// constants are folded, equal steps are one, and what only rearranges elements is in the operands.
type Listing struct {
	// Steps are in an order in which each comes after those that it reads.
	Steps []Step

	// Result is y, row-major.
	Result Operand

	// Shape is that of one sample of x, OutShape that of y.
	Shape, OutShape []int

	// Params tells where the parameters lie in θ.
	Params []Param

	// Timed reports whether f depends on t.
	Timed bool
}

// Step is a tensor, row-major, and how it is computed. The ops are
//
//	state time input rates             what the caller gives: x, t as one number, u, du/dt
//	parameter                          number Index of Listing.Params
//	constant                           Data
//	copy                               its operand
//	abs sign ceil floor sin cos exp log log2 neg square sqrt inv invsqrt cube tanh sigmoid
//	log1p expm1 softplus normalcdf     elementwise; inv is 1/x, normalcdf the normal distribution
//	add sub mul div pow min max        of two operands, elementwise
//	lt gt le ge eq ne                  1 or 0
//	tanhgrad sigmoidgrad               g·(1−y²) and g·y·(1−y) of operands g, y
//	matmul                             product of the last two axes; a first axis of three loops
//	sum largest                        along the middle one of three axes
//	join                               operands in the places that Parts tells, zeros elsewhere
//
// Elementwise operands have the shape of the result.
type Step struct {
	Op    string
	Shape []int
	Args  []Operand

	// Shared reports that the step depends on θ alone: it is the same for all samples.
	Shared bool

	Index int        // of a parameter
	Data  []float64  // of a constant
	Parts []JoinPart // of a join
}

// Operand is a way to read a step: element (i, j, …) is number Offset + i·Strides[0] +
// j·Strides[1] + … of it. Axes along which elements repeat have stride 0.
type Operand struct {
	Step           int
	Offset         int
	Shape, Strides []int
}

// JoinPart is where element (i, j, …) of an operand of a join goes: to number Offset +
// i·Strides[0] + …, negated if Neg is set.
type JoinPart struct {
	Offset  int
	Strides []int
	Neg     bool
}

var listedUnary = [...]string{
	"abs", "sign", "ceil", "floor", "sin", "cos", "exp", "log", "log2", "neg", "square",
	"sqrt", "inv", "invsqrt", "cube", "tanh", "sigmoid", "log1p", "expm1", "softplus", "normalcdf",
}

var listedBinary = [...]string{"add", "sub", "mul", "div", "pow", "lt", "gt", "le", "ge", "eq", "ne", "min", "max"}

// List returns a module's function as a list of steps. The parameters are those of [NewFunction],
// in the same order and with the same names.
//
// Errors are those of NewFunction, except that f need not be differentiable, and a
// *RefusedError for an op that has no steps, such as [Solve], and for samples of a batch that
// depend on each other.
func List[T Float](m Module, cfg FieldConfig) (*Listing, error) {
	if m == nil {
		panic("graph: nil module")
	}
	if cfg.Shape == nil {
		if s, ok := m.(interface{ StateShape() []int }); ok {
			cfg.Shape = s.StateShape()
		}
		if cfg.Shape == nil {
			return nil, fmt.Errorf("graph: %T does not tell the shape of its state; set FieldConfig.Shape", m)
		}
	}
	if cfg.Name == "" {
		cfg.Name = "field"
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(0, 0))
	}
	// Two samples: what belongs to one of them is then told from what both share.
	const batch = 2
	shape := append([]int{batch}, cfg.Shape...)
	if err := checkSize(fmt.Sprintf("the state of %T", m), shape); err != nil {
		return nil, err
	}
	building.Lock()
	defer building.Unlock()
	g, dt := G.NewGraph(), dtypeOf[T]()
	node := func(what string, shape ...int) *G.Node {
		return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(what+" of "+cfg.Name))
	}
	inputs := G.Nodes{node("state", shape...), node("time", batch, 1)}
	names := []string{"state", "time"}
	var u, du *G.Node
	if in := cfg.Input; in != nil {
		if err := checkSize("the input", []int{batch, in.Channels}); err != nil {
			return nil, err
		}
		u = node("input", batch, in.Channels)
		inputs, names = append(inputs, u), append(names, "input")
		if in.Rates {
			du = node("rates", batch, in.Channels)
			inputs, names = append(inputs, du), append(names, "rates")
		}
	}
	f, layer, timed, err := place(m, cfg, cfg.Rand, inputs[1], u, du, inputs[0])
	if err != nil {
		return nil, fmt.Errorf("graph: building the function of %T: %w", m, err)
	}
	layout, _, learnables, err := collect[T](layer.Learnables())
	if err != nil {
		return nil, err
	}
	rowed := make([]bool, len(inputs)+len(learnables))
	for i := range inputs {
		rowed[i] = true
	}
	b := newBuilder()
	views, err := b.lower(dt, append(inputs, learnables...), G.Nodes{f})
	if err != nil {
		return nil, err
	}
	if err := fold[T](b, views); err != nil {
		return nil, err
	}
	out := views[0]
	order, _ := usesOf([]*value{out.of})
	var refused []Refusal
	for _, v := range order {
		if why := unlisted(v.do); why != "" {
			refused = append(refused, Refusal{Op: why, Node: f.Name(), Reason: "it has no simple steps"})
		}
	}
	if len(refused) > 0 {
		return nil, &RefusedError{Ops: refused}
	}
	rows, ok := newRows(batch, rowed, []target{{view: out, groups: 1}})
	axis := firstLong(out.shape)
	if ok {
		for _, v := range rows.order {
			ok = ok && (rows.kind[v] == shared || rows.kind[v] == perRow)
		}
		ok = ok && axis >= 0 && out.shape[axis]%batch == 0 && (rows.hasRows(out, axis) || rows.repeats(out, axis))
	}
	if !ok {
		return nil, &RefusedError{Ops: []Refusal{{Op: fmt.Sprintf("%T", m), Node: f.Name(), Reason: "its samples depend on each other"}}}
	}
	l := &lister{rows: rows, names: names, at: make(map[*value]int), Listing: &Listing{
		Shape: slices.Clone(cfg.Shape), OutShape: ints(f.Shape())[1:], Params: layout, Timed: timed,
	}}
	for _, v := range rows.order {
		l.step(v)
	}
	l.Result = l.operand(out, axis)
	return l.Listing, nil
}

// unlisted names an op that no step stands for, and is empty for others.
func unlisted(do op) string {
	switch do := do.(type) {
	case inputOp, literalOp, copyOp, unaryOp, binaryOp, gradOp, matmulOp, reduceOp, joinOp:
		return ""
	case foreignOp:
		return fmt.Sprint(do.op)
	case factorOp, solveOp:
		return "Solve"
	case logDetOp:
		return "LogDet"
	default: // images
		return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", do), "graph."), "Op")
	}
}

// lister turns values into steps of one sample.
type lister struct {
	*rows
	*Listing
	names []string // of the inputs before the parameters
	at    map[*value]int
}

// one is a shape of the batch as that of a sample: axis holds the samples.
func (l *lister) one(shape []int, axis int) []int {
	shape = slices.Clone(shape)
	if axis >= 0 {
		shape[axis] /= l.batch
	}
	return shape
}

func (l *lister) operand(v view, axis int) Operand {
	return Operand{Step: l.at[v.of], Offset: v.offset, Shape: l.one(v.shape, axis), Strides: slices.Clone(v.strides)}
}

func (l *lister) step(v *value) {
	s := Step{Shared: l.kind[v] == shared}
	along := l.along[v]
	axis, ok := l.axis[v]
	if !ok {
		axis = -1
	}
	switch do := v.do.(type) {
	case inputOp:
		if do.index < len(l.names) {
			s.Op, axis = l.names[do.index], 0
		} else {
			s.Op, s.Index = "parameter", do.index-len(l.names)
		}
	case literalOp:
		s.Op, s.Data = "constant", do.data
	case copyOp:
		s.Op = "copy"
	case unaryOp:
		s.Op = listedUnary[do.fn]
	case binaryOp:
		s.Op = listedBinary[do.fn]
	case gradOp:
		s.Op = listedUnary[do.fn] + "grad"
	case matmulOp:
		s.Op = "matmul"
	case reduceOp:
		s.Op = "sum"
		if do.max {
			s.Op = "largest"
		}
	case joinOp:
		s.Op = "join"
		for _, p := range do.parts {
			s.Parts = append(s.Parts, JoinPart{Offset: p.offset, Strides: slices.Clone(p.strides), Neg: p.neg})
		}
	}
	s.Shape = l.one(v.shape, axis)
	for i, a := range v.args {
		k := -1
		if along != nil {
			k = along[i]
		}
		s.Args = append(s.Args, l.operand(a, k))
	}
	l.at[v] = len(l.Steps)
	l.Steps = append(l.Steps, s)
}
