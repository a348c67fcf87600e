package export

import (
	"fmt"
	"io"

	"github.com/neuralode/neuralode/train"
)

// ONNXField writes the vector field, in the units of the data: an ONNX model (opset 17) with
//
//	inputs   t   (1)             the time
//	         y   (batch, n…)     states, of any number of samples
//	         u   (batch, m)      inputs, of a model that has them; and du, their rates
//	outputs  dydt (batch, n…)
func ONNXField[T train.Float](w io.Writer, m *train.Model[T], o Options) error {
	s, err := sourceOf(m, o)
	if err != nil {
		return err
	}
	g := newONNX(s, "field")
	g.input("t", 1)
	y := g.state("y")
	g.samples(y)
	u, du := "", ""
	if s.channels > 0 {
		mean, spread := make([]float64, s.channels), make([]float64, s.channels)
		rate := make([]float64, s.channels)
		for j := range mean {
			mean[j], spread[j] = s.input(j)
			rate[j] = s.unit() / spread[j]
		}
		g.input("u", "batch", s.channels)
		u = g.node("Div", []string{g.node("Sub", []string{"u", g.row(mean)}), g.row(spread)})
		if s.rates {
			g.input("du", "batch", s.channels)
			du = g.node("Mul", []string{"du", g.row(rate)})
		}
	}
	t := g.node("Div", []string{g.node("Sub", []string{"t", g.scalar(s.scaler.Origin)}), g.scalar(s.unit())})
	d := g.field(g.scaled(y), t, u, du)
	rate := make([]float64, s.dim)
	for j := range rate {
		_, spread, _ := s.component(j)
		rate[j] = spread / s.unit()
	}
	d = g.node("Mul", []string{d, g.row(rate)})
	if mask, any := g.logs(); any { // dy/dt = y·d(log y)/dt
		d = g.node("Where", []string{mask, g.node("Mul", []string{d, y}), d})
	}
	g.output("dydt", d, -1)
	return g.write(w, "The vector field dy/dt = f(t, y) of a trained model.")
}

// ONNXSolve writes a solve with steps of fixed size, in the units of the data: an ONNX model (opset 17)
// with
//
//	inputs   times  (times)             strictly monotone, double; the first is that of y0
//	         y0     (batch, n…)         initial states
//	outputs  states (times, batch, n…)  those of y0 first
//
// Models with inputs u(t) are refused.
func ONNXSolve[T train.Float](w io.Writer, m *train.Model[T], o Options) error {
	s, err := sourceOf(m, o)
	if err != nil {
		return err
	}
	if s.channels > 0 {
		return fmt.Errorf("%w: a solve of a model with inputs u(t) cannot be written as ONNX; write the field", ErrUsage)
	}
	g := newONNX(s, "solve")
	g.top.inputs = append(g.top.inputs, valueInfo("times", typeDouble, "times"))
	y := g.state("y0")
	g.samples(y)
	start := g.scaled(y)
	double := func(v float64) string { return g.constant(typeDouble, []int{1}, v) }
	scaled := g.node("Div", []string{g.node("Sub", []string{"times", double(s.scaler.Origin)}), double(s.unit())})
	count := g.node("Sub", []string{g.node("Shape", []string{"times"}), g.ints(1)})
	states := g.intervals(scaled, count, start)
	flat := g.unscaled(states)
	first := g.node("Unsqueeze", []string{y, g.ints(0)})
	g.output("states", g.node("Concat", []string{first, flat}, intAttribute("axis", 0)), -2)
	return g.write(w, fmt.Sprintf("A solve of a trained model by %d steps of %s from each time to the next.", s.steps, s.method))
}

func newONNX(s *source, name string) *onnx {
	g := &onnx{source: s, kind: typeDouble, top: &graphProto{name: name}, constants: map[string]string{}}
	if s.narrow {
		g.kind = typeFloat
	}
	g.in = g.top
	return g
}

func (o *onnx) write(w io.Writer, doc string) error {
	_, err := w.Write(modelProto(o.top, doc))
	return err
}

func (o *onnx) input(name string, dims ...any) {
	o.top.inputs = append(o.top.inputs, valueInfo(name, o.kind, dims...))
}

func (o *onnx) row(v []float64) string { return o.constant(o.kind, []int{len(v)}, v...) }

// state adds the states as an input and returns them as (N, n).
func (o *onnx) state(name string) string {
	dims := []any{"batch"}
	for _, d := range o.Shape {
		dims = append(dims, d)
	}
	o.input(name, dims...)
	if len(o.Shape) == 1 {
		return name
	}
	return o.reshape(name, -1, o.dim)
}

// output adds an output, x with the shape of a state in the place of its last axis; leading are the axes
// before, −1 for (batch) and −2 for (times, batch).
func (o *onnx) output(name, x string, leading int) {
	dims := []any{"batch"}
	if leading == -2 {
		dims = []any{"times", "batch"}
	}
	for _, d := range o.Shape {
		dims = append(dims, d)
	}
	if len(o.Shape) == 1 {
		o.in.nodes = append(o.in.nodes, nodeProto("Identity", []string{x}, []string{name}))
	} else {
		shape := append(make([]int, -leading), o.Shape...) // 0: as it is
		o.in.nodes = append(o.in.nodes, nodeProto("Reshape", []string{x, o.ints(shape...)}, []string{name}))
	}
	o.top.outputs = append(o.top.outputs, valueInfo(name, o.kind, dims...))
}

// samples makes the zeros, one for each sample of states (N, n).
func (o *onnx) samples(state string) {
	n := o.node("Slice", []string{o.node("Shape", []string{state}), o.ints(0), o.ints(1)})
	shape := o.node("Concat", []string{n, o.ints(1)}, intAttribute("axis", 0))
	zero := tensorAttribute("value", tensorProto("", o.kind, []int{1}, raw(o.kind, []float64{0})))
	o.zeros = o.node("ConstantOfShape", []string{shape}, zero)
}

// logs returns which components are logarithms, and whether any is.
func (o *onnx) logs() (mask string, any bool) {
	list := make([]float64, o.dim)
	for j := range list {
		if _, _, log := o.component(j); log {
			list[j], any = 1, true
		}
	}
	if !any {
		return "", false
	}
	return o.constant(typeBool, []int{o.dim}, list...), true
}

// means returns the rows of means and spreads.
func (o *onnx) means() (mean, spread string) {
	m, s := make([]float64, o.dim), make([]float64, o.dim)
	for j := range m {
		m[j], s[j], _ = o.component(j)
	}
	return o.row(m), o.row(s)
}

// scaled maps states to the units of the model.
func (o *onnx) scaled(y string) string {
	mean, spread := o.means()
	if mask, any := o.logs(); any {
		y = o.node("Where", []string{mask, o.node("Log", []string{o.node("Where", []string{mask, y, o.scalar(1)})}), y})
	}
	return o.node("Div", []string{o.node("Sub", []string{y, mean}), spread})
}

// unscaled is its inverse.
func (o *onnx) unscaled(y string) string {
	mean, spread := o.means()
	y = o.node("Add", []string{o.node("Mul", []string{y, spread}), mean})
	if mask, any := o.logs(); any {
		y = o.node("Where", []string{mask, o.node("Exp", []string{o.node("Where", []string{mask, y, o.scalar(0)})}), y})
	}
	return y
}
