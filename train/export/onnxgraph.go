package export

import (
	"fmt"
	"slices"

	"github.com/neuralode/neuralode/graph"
)

// onnx writes nodes of one model. Numbers of a sample are a tensor (N, n), N samples of n numbers;
// what all samples share is (n). Graphs inside of a Loop see the names outside of it.
type onnx struct {
	*source
	kind int // of numbers
	top  *graphProto
	in   *graphProto // where nodes go

	names     int
	constants map[string]string // by their contents
	zeros     string            // a tensor (N, 1) of zeros
}

func (o *onnx) fresh() string {
	o.names++
	return fmt.Sprintf("v%d", o.names)
}

// node appends a node and returns its only output.
func (o *onnx) node(op string, inputs []string, attributes ...attribute) string {
	out := o.fresh()
	o.in.nodes = append(o.in.nodes, nodeProto(op, inputs, []string{out}, attributes...))
	return out
}

// constant returns the name of a tensor that is stored once.
func (o *onnx) constant(kind int, shape []int, data ...float64) string {
	bytes := raw(kind, data)
	key := fmt.Sprint(kind, shape, string(bytes))
	name, ok := o.constants[key]
	if !ok {
		name = fmt.Sprintf("c%d", len(o.constants))
		o.constants[key] = name
		o.top.initializers = append(o.top.initializers, tensorProto(name, kind, shape, bytes))
	}
	return name
}

func (o *onnx) scalar(v float64) string { return o.constant(o.kind, []int{1}, v) }

func (o *onnx) ints(v ...int) string {
	list := make([]float64, len(v))
	for i, x := range v {
		list[i] = float64(x)
	}
	return o.constant(typeInt64, []int{len(v)}, list...)
}

func (o *onnx) reshape(x string, shape ...int) string {
	return o.node("Reshape", []string{x, o.ints(shape...)})
}

// cast changes the type of elements.
func (o *onnx) cast(x string, kind int) string {
	return o.node("Cast", []string{x}, intAttribute("to", kind))
}

// field appends the function of a sample in scaled units: state is (N, n), t a tensor of one element.
func (o *onnx) field(state, t, u, du string) string {
	f := &onnxField{onnx: o, at: make([]string, len(o.Steps))}
	for i, s := range o.Steps {
		f.at[i] = f.step(s, state, t, u, du)
	}
	return f.perSample(f.read(o.Result), o.Result)
}

// onnxField is one use of the listing.
type onnxField struct {
	*onnx
	at []string // the names of the steps, as (N, n) or (n)
}

// fixed returns the numbers of a parameter or constant.
func (f *onnxField) fixed(step int) ([]float64, bool) {
	switch s := f.Steps[step]; s.Op {
	case "parameter":
		_, data := f.parameter(s.Index)
		return data, true
	case "constant":
		return s.Data, true
	}
	return nil, false
}

// named returns the name of a parameter, stored with its own shape.
func (f *onnxField) named(index int) string {
	p, data := f.parameter(index)
	if key := "parameter " + p.Name; f.constants[key] == "" {
		f.constants[key] = p.Name
		f.top.initializers = append(f.top.initializers, tensorProto(p.Name, f.kind, p.Shape, raw(f.kind, data)))
	}
	return f.constants["parameter "+p.Name]
}

// biased is read for an elementwise step of each sample: a bias keeps its name and its shape (1, n).
func (f *onnxField) biased(o graph.Operand) string {
	if s := f.Steps[o.Step]; s.Op == "parameter" {
		p, data := f.parameter(s.Index)
		if list := indices(o); len(list) == len(data) && consecutive(list) && len(p.Shape) <= 2 && p.Shape[len(p.Shape)-1] == len(data) {
			return f.named(s.Index)
		}
	}
	return f.read(o)
}

// read returns the operand's numbers as (N, n) or (n), where n is 1 if all are the same one.
func (f *onnxField) read(o graph.Operand) string {
	s := f.Steps[o.Step]
	list := []int{o.Offset}
	if slices.ContainsFunc(o.Strides, func(n int) bool { return n != 0 }) {
		list = indices(o)
	}
	return f.take(o.Step, s.Shared, product(s.Shape), list)
}

// all is read with every number written out.
func (f *onnxField) all(o graph.Operand) string {
	s := f.Steps[o.Step]
	return f.take(o.Step, s.Shared, product(s.Shape), indices(o))
}

func (f *onnxField) take(step int, shared bool, size int, list []int) string {
	whole := len(list) == size && consecutive(list) && list[0] == 0
	if data, ok := f.fixed(step); ok {
		picked := make([]float64, len(list))
		for i, k := range list {
			picked[i] = data[k]
		}
		return f.constant(f.kind, []int{len(list)}, picked...)
	}
	x := f.at[step]
	axis := 1
	if shared {
		axis = 0
	}
	switch {
	case whole:
		return x
	case consecutive(list):
		return f.node("Slice", []string{x, f.ints(list[0]), f.ints(list[0] + len(list)), f.ints(axis)})
	}
	return f.node("Gather", []string{x, f.ints(list...)}, intAttribute("axis", axis))
}

// perSample makes x, as it was read, a tensor (N, n) with all numbers.
func (f *onnxField) perSample(x string, o graph.Operand) string {
	n := product(o.Shape)
	varies := slices.ContainsFunc(o.Strides, func(n int) bool { return n != 0 })
	if !f.Steps[o.Step].Shared && (varies || n == 1) {
		return x
	}
	return f.node("Add", []string{x, f.node("Mul", []string{f.zeros, f.constant(f.kind, []int{n}, slices.Repeat([]float64{1}, n)...)})})
}

// matrix returns a factor of a product with its own axes, after that of the samples. A parameter
// keeps its name.
func (f *onnxField) matrix(o graph.Operand) string {
	s := f.Steps[o.Step]
	if data, ok := f.fixed(o.Step); ok {
		list := indices(o)
		if s.Op == "parameter" && len(list) == len(data) && consecutive(list) && list[0] == 0 {
			if p, _ := f.parameter(s.Index); slices.Equal(p.Shape, o.Shape) {
				return f.named(s.Index)
			}
		}
		picked := make([]float64, len(list))
		for i, k := range list {
			picked[i] = data[k]
		}
		return f.constant(f.kind, o.Shape, picked...)
	}
	x := f.all(o)
	if s.Shared {
		return f.reshape(x, o.Shape...)
	}
	if len(o.Shape) == 2 && o.Shape[0] == 1 {
		return x // (N, 1, n) times (n, m) is (N, n) times (n, m)
	}
	return f.reshape(x, append([]int{-1}, o.Shape...)...)
}

// step appends a step.
func (f *onnxField) step(s graph.Step, state, t, u, du string) string {
	switch s.Op {
	case "state":
		return state
	case "time":
		return f.node("Add", []string{f.zeros, t})
	case "input":
		return u
	case "rates":
		return du
	case "constant", "parameter":
		return "" // stored where they are read
	case "matmul":
		return f.product(s)
	case "sum", "largest":
		return f.reduce(s)
	case "join":
		return f.join(s)
	}
	args := make([]string, len(s.Args))
	for i, a := range s.Args {
		if s.Shared {
			args[i] = f.read(a)
		} else {
			args[i] = f.biased(a)
		}
	}
	return f.spread(s, f.formula(s.Op, args))
}

// spread repeats the result of an elementwise step of which no operand varies.
func (f *onnxField) spread(s graph.Step, x string) string {
	n := product(s.Shape)
	for _, a := range s.Args {
		if n == 1 || slices.ContainsFunc(a.Strides, func(n int) bool { return n != 0 }) {
			return x
		}
	}
	return f.node("Mul", []string{x, f.constant(f.kind, []int{n}, slices.Repeat([]float64{1}, n)...)})
}

func (f *onnxField) product(s graph.Step) string {
	x, y := s.Args[0], s.Args[1]
	sx, sy := f.Steps[x.Step].Shared, f.Steps[y.Step].Shared
	left, right := f.matrix(x), f.matrix(y)
	if !sx && !sy && len(x.Shape) == 2 { // both have samples
		left, right = f.reshape(f.all(x), append([]int{-1}, x.Shape...)...), f.reshape(f.all(y), append([]int{-1}, y.Shape...)...)
	}
	if sx && !sy && len(y.Shape) == 2 {
		right = f.reshape(f.all(y), append([]int{-1}, y.Shape...)...)
	}
	z := f.node("MatMul", []string{left, right})
	switch {
	case s.Shared:
		return f.reshape(z, product(s.Shape))
	case sy && len(x.Shape) == 2 && x.Shape[0] == 1:
		return z
	}
	return f.reshape(z, -1, product(s.Shape))
}

func (f *onnxField) reduce(s graph.Step) string {
	a := s.Args[0]
	shape, axis := a.Shape, 1
	if !s.Shared {
		shape, axis = append([]int{-1}, shape...), 2
	}
	x := f.reshape(f.all(a), shape...)
	if s.Op == "largest" {
		x = f.node("ReduceMax", []string{x}, intsAttribute("axes", axis), intAttribute("keepdims", 0))
	} else {
		x = f.node("ReduceSum", []string{x, f.ints(axis)}, intAttribute("keepdims", 0))
	}
	if s.Shared {
		return f.reshape(x, product(s.Shape))
	}
	return f.reshape(x, -1, product(s.Shape))
}

// join puts all operands and a zero one after the other and takes each number from its place.
func (f *onnxField) join(s graph.Step) string {
	size := product(s.Shape)
	from := slices.Repeat([]int{-1}, size)
	var parts []string
	at, axis := 0, 1
	if s.Shared {
		axis = 0
	}
	for i, a := range s.Args {
		x := f.all(a)
		if !s.Shared && f.Steps[a.Step].Shared {
			x = f.node("Add", []string{f.zeros, x})
		}
		p := s.Parts[i]
		if p.Neg {
			x = f.node("Neg", []string{x})
		}
		parts = append(parts, x)
		for k, to := range indices(graph.Operand{Offset: p.Offset, Shape: a.Shape, Strides: p.Strides}) {
			from[to] = at + k
		}
		at += product(a.Shape)
	}
	if slices.Contains(from, -1) {
		zero := f.zeros
		if s.Shared {
			zero = f.scalar(0)
		}
		parts = append(parts, zero)
		for i, k := range from {
			if k < 0 {
				from[i] = at
			}
		}
		at++
	}
	x := parts[0]
	if len(parts) > 1 {
		x = f.node("Concat", parts, intAttribute("axis", axis))
	}
	if consecutive(from) && len(from) == at {
		return x
	}
	return f.node("Gather", []string{x, f.ints(from...)}, intAttribute("axis", axis))
}
