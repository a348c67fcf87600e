package export

import "math"

// onnxNames are the elementwise ops that ONNX has under one name.
var onnxNames = map[string]string{
	"copy": "Identity", "abs": "Abs", "sign": "Sign", "ceil": "Ceil", "floor": "Floor", "sin": "Sin", "cos": "Cos", "exp": "Exp", "log": "Log", "neg": "Neg",
	"sqrt": "Sqrt", "inv": "Reciprocal", "tanh": "Tanh", "sigmoid": "Sigmoid",
	"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "min": "Min", "max": "Max",
	"lt": "Less", "gt": "Greater", "le": "LessOrEqual", "ge": "GreaterOrEqual", "eq": "Equal",
}

// formula appends an elementwise op.
func (o *onnx) formula(op string, x []string) string {
	do := func(op string, x ...string) string { return o.node(op, x) }
	switch op {
	case "log2":
		return do("Mul", do("Log", x[0]), o.scalar(1/math.Ln2))
	case "square":
		return do("Mul", x[0], x[0])
	case "cube":
		return do("Mul", do("Mul", x[0], x[0]), x[0])
	case "invsqrt":
		return do("Reciprocal", do("Sqrt", x[0]))
	case "log1p": // log(1+x)·x/((1+x)−1), or x where 1+x is 1
		one := o.scalar(1)
		u := do("Add", x[0], one)
		d := do("Sub", u, one)
		flat := do("Equal", d, o.scalar(0))
		return do("Where", flat, x[0], do("Div", do("Mul", do("Log", u), x[0]), do("Where", flat, one, d)))
	case "expm1": // 2·tanh(x/2)/(1−tanh(x/2)), or exp(x)−1 for large x
		h := do("Tanh", do("Mul", x[0], o.scalar(0.5)))
		small := do("Div", do("Mul", h, o.scalar(2)), do("Sub", o.scalar(1), h))
		return do("Where", do("Less", do("Abs", x[0]), o.scalar(1)), small, do("Sub", do("Exp", x[0]), o.scalar(1)))
	case "softplus": // max(x, 0) + log1p(exp(−|x|))
		return do("Add", do("Max", x[0], o.scalar(0)), o.formula("log1p", []string{do("Exp", do("Neg", do("Abs", x[0])))}))
	case "normalcdf": // (1 + erf(x/√2))/2
		if o.kind == typeDouble {
			return o.normalCDF(x[0])
		}
		return do("Mul", do("Add", do("Erf", do("Mul", x[0], o.scalar(1/math.Sqrt2))), o.scalar(1)), o.scalar(0.5))
	case "tanhgrad":
		return do("Mul", x[0], do("Sub", o.scalar(1), do("Mul", x[1], x[1])))
	case "sigmoidgrad":
		return do("Mul", x[0], do("Mul", x[1], do("Sub", o.scalar(1), x[1])))
	case "ne":
		return o.cast(do("Not", do("Equal", x...)), o.kind)
	}
	y := do(onnxNames[op], x...)
	switch op {
	case "lt", "gt", "le", "ge", "eq":
		return o.cast(y, o.kind)
	}
	return y
}
