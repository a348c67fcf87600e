package nodes

import (
	"fmt"
	"math"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// NormalCDF returns Φ(x), the distribution function of the standard normal distribution,
// of every element.
func NormalCDF(x *G.Node) (*G.Node, error) {
	return G.ApplyOp(NormalCDFOp{Base{Name: "Φ", Dims: x.Dims()}}, x)
}

// NormalCDFOp is NormalCDF as an op. Package graph knows it and compiles it.
type NormalCDFOp struct{ Base }

var (
	_ G.SDOp            = NormalCDFOp{}
	_ G.ADOp            = NormalCDFOp{}
	_ G.UsePreallocDoer = NormalCDFOp{}
)

// Phi is Φ(x) = ½ erfc(−x/√2), which keeps its relative accuracy where Φ is small.
func Phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

func (NormalCDFOp) Arity() int         { return 1 }
func (o NormalCDFOp) Type() hm.Type    { return FunctionType(o.Dims, o.Dims) }
func (NormalCDFOp) DiffWRT(int) []bool { return []bool{true} }

// Do returns Φ of its operand.
func (o NormalCDFOp) Do(in ...G.Value) (G.Value, error) {
	switch x := in[0].(type) {
	case *G.F64:
		return G.NewF64(Phi(float64(*x))), nil
	case *G.F32:
		return G.NewF32(float32(Phi(float64(*x)))), nil
	}
	return o.UsePreallocDo(o.New(in[0]), in...)
}

// UsePreallocDo is Do into out.
func (o NormalCDFOp) UsePreallocDo(out G.Value, in ...G.Value) (G.Value, error) {
	if o.Dims == 0 {
		return o.Do(in...) // a number has no buffer
	}
	err := Update(out, in[0], func(y *float64, x float64) { *y = Phi(x) }, func(y *float32, x float32) { *y = float32(Phi(float64(x))) })
	if err != nil {
		return nil, fmt.Errorf("op %v: %w", o, err)
	}
	return out, nil
}

// SymDiff multiplies by the density exp(−x²/2)/√(2π), made of Gorgonia's own ops.
func (o NormalCDFOp) SymDiff(in G.Nodes, _, cotangent *G.Node) (G.Nodes, error) {
	b := On(in[0])
	exponent := b.Mul(b.Square(in[0]), b.Constant(-0.5))
	density := b.Mul(b.Exp(exponent), b.Constant(1/math.Sqrt(2*math.Pi)))
	dx, err := b.Result(b.Mul(cotangent, density))
	return G.Nodes{dx}, err
}

// DoDiff adds the gradient, as a LispMachine wants it.
func (o NormalCDFOp) DoDiff(_ G.ExecutionContext, in G.Nodes, out *G.Node) error {
	density := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	slope, err := slopes(in[0].Value(), density)
	if err != nil {
		return fmt.Errorf("gradient of op %v: %w", o, err)
	}
	i := 0
	next := func() float64 { i++; return slope[i-1] }
	return Accumulate(o, in[0], out,
		func(dx *float64, dy float64) { *dx += next() * dy },
		func(dx *float32, dy float32) { *dx += float32(next()) * dy })
}

// slopes returns f of the elements of x, in row-major order.
func slopes(x G.Value, f func(float64) float64) ([]float64, error) {
	var values []float64
	size := max(1, x.Shape().TotalSize())
	scratch := tensor.New(tensor.Of(x.Dtype()), tensor.WithShape(size))
	err := Update(scratch, x,
		func(_ *float64, x float64) { values = append(values, f(x)) },
		func(_ *float32, x float32) { values = append(values, f(float64(x))) })
	return values, err
}
