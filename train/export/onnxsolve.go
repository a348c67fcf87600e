package export

// The bodies of ONNX's Loop: inputs are the number of the iteration, a condition, and what is carried
// from one iteration to the next; outputs are the condition, what is carried, and what is collected.

// intervals appends a loop over the intervals between times, and returns the states at their ends,
// (times−1, N, n).
func (o *onnx) intervals(times, count, start string) string {
	yes := o.constant(typeBool, nil, 1)
	body := &graphProto{name: "interval"}
	body.inputs = [][]byte{valueInfo("i", typeInt64), valueInfo("go", typeBool), valueInfo("y_from", o.kind, "batch", o.dim)}
	outer := o.in
	o.in = body
	i := o.reshape("i", 1)
	from := o.node("Gather", []string{times, i})
	to := o.node("Gather", []string{times, o.node("Add", []string{i, o.ints(1)})})
	h := o.node("Div", []string{o.node("Sub", []string{to, from}), o.constant(typeDouble, []int{1}, float64(o.steps))})
	y := o.inner(from, h, "y_from", yes)
	end := o.node("Identity", []string{y})
	more := o.node("Identity", []string{"go"})
	body.outputs = [][]byte{valueInfo(more, typeBool), valueInfo(y, o.kind, "batch", o.dim), valueInfo(end, o.kind, "batch", o.dim)}
	o.in = outer
	last, all := o.fresh(), o.fresh()
	o.in.nodes = append(o.in.nodes, nodeProto("Loop", []string{count, yes, start}, []string{last, all}, graphAttribute("body", body.encode())))
	return all
}

// inner appends the loop over the steps of one interval.
func (o *onnx) inner(from, h, start, yes string) string {
	if o.steps == 1 {
		return o.rungeKutta(from, h, start)
	}
	body := &graphProto{name: "step"}
	body.inputs = [][]byte{valueInfo("k", typeInt64), valueInfo("on", typeBool), valueInfo("y_step", o.kind, "batch", o.dim)}
	outer := o.in
	o.in = body
	k := o.cast(o.reshape("k", 1), typeDouble)
	t := o.node("Add", []string{from, o.node("Mul", []string{k, h})})
	y := o.rungeKutta(t, h, "y_step")
	more := o.node("Identity", []string{"on"})
	body.outputs = [][]byte{valueInfo(more, typeBool), valueInfo(y, o.kind, "batch", o.dim)}
	o.in = outer
	return o.node("Loop", []string{o.ints(o.steps), yes, start}, graphAttribute("body", body.encode()))
}

// rungeKutta appends one step from y at t. t and h are doubles.
func (o *onnx) rungeKutta(t, h, y string) string {
	own := func(x string) string {
		if o.kind == typeDouble {
			return x
		}
		return o.cast(x, o.kind)
	}
	size := own(h)
	var k []string
	combine := func(row []float64) string {
		sum := ""
		for j, a := range row {
			if a == 0 {
				continue
			}
			term := o.node("Mul", []string{k[j], o.scalar(a)})
			if sum != "" {
				term = o.node("Add", []string{sum, term})
			}
			sum = term
		}
		if sum == "" {
			return y
		}
		return o.node("Add", []string{y, o.node("Mul", []string{sum, size})})
	}
	for i, row := range o.method.A[:len(o.method.B)] {
		at := o.node("Add", []string{t, o.node("Mul", []string{h, o.constant(typeDouble, []int{1}, o.method.C[i])})})
		k = append(k, o.field(combine(row), own(at), "", ""))
	}
	return combine(o.method.B)
}
