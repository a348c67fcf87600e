package graph

import (
	"fmt"
	"math"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// batchNorm: y = (x − mean)/deviation for each channel. In evaluation the
// statistics are fixed; in training they are those of x, as in groupNorm.
func (c ruleInput) batchNorm(o batchNormOp) (G.Nodes, error) {
	bn, ok := c.n.Op().(*G.BatchNormOp)
	if !ok {
		return nil, errStockGradient
	}
	x, s := c.x[0], c.x[0].Shape()
	if !o.training {
		scale := inverseDeviation(x, bn, o.epsilon)
		return G.Nodes{product(c.g, spreadOver(scale, x, others(len(s), []int{1})))}, nil
	}
	// Channels to the front: one row of B·H·W values for each.
	perm := append([]int{1, 0}, others(len(s), []int{0, 1})...)
	size := tensor.Shape{s[1], s.TotalSize() / s[1]}
	rows := func(v *G.Node) *G.Node { return reshaped(transposed(v, perm), size) }
	d := normSlope(rows(x), rows(c.n), rows(c.g), o.epsilon)
	front := transposed(x, perm).Shape()
	return G.Nodes{transposed(reshaped(d, front), inverse(perm))}, nil
}

// groupNorm: the values of a group are one row.
func (c ruleInput) groupNorm(o groupNormOp) G.Nodes {
	s := c.x[0].Shape()
	size := tensor.Shape{s[0] * o.groups, s.TotalSize() / (s[0] * o.groups)}
	d := normSlope(reshaped(c.x[0], size), reshaped(c.n, size), reshaped(c.g, size), o.epsilon)
	return G.Nodes{reshaped(d, s)}
}

// normSlope is the derivative of y = (x − mean x)/√(var x + ε) in each row:
// dx = (g − mean g − y ⊙ mean(g⊙y))/√(var x + ε).
func normSlope(x, y, g *G.Node, epsilon float64) *G.Node {
	n := constant(x, float64(x.Shape()[1]))
	mean := func(v *G.Node) *G.Node { return quotient(must(G.Sum(v, 1)), n) }
	wide := func(v *G.Node) *G.Node { return spreadOver(v, x, []int{1}) }
	variance := mean(must(G.Square(difference(x, wide(mean(x))))))
	deviation := must(G.Sqrt(must(G.Add(variance, constant(x, epsilon)))))
	d := difference(difference(g, wide(mean(g))), product(y, wide(mean(product(g, y)))))
	return quotient(d, wide(deviation))
}

// deviationOp is 1/√(variance + ε) for each channel of a batch norm in
// evaluation mode, read when it runs, as the batch norm itself does.
type deviationOp struct {
	nodes.Base
	norm    *G.BatchNormOp
	epsilon float64
}

func inverseDeviation(x *G.Node, norm *G.BatchNormOp, epsilon float64) *G.Node {
	return must(G.ApplyOp(deviationOp{
		Base:    nodes.Base{Name: fmt.Sprintf("Deviation(%p, %v)", norm, epsilon), Dims: x.Dims(), Shape: tensor.Shape{x.Shape()[1]}},
		norm:    norm,
		epsilon: epsilon,
	}, x))
}

func (deviationOp) Arity() int                                         { return 1 }
func (o deviationOp) Type() hm.Type                                    { return nodes.FunctionType(o.Dims, 1) }
func (deviationOp) DiffWRT(int) []bool                                 { return []bool{false} }
func (deviationOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) { return nil, nil }
func (o deviationOp) Do(x ...G.Value) (G.Value, error)                 { return o.UsePreallocDo(o.New(x[0]), x...) }

func (o deviationOp) UsePreallocDo(y G.Value, _ ...G.Value) (G.Value, error) {
	_, variance := o.norm.Stats()
	return y, nodes.OnFloats(o.Name, func(d [][]float64) { inverseRoots(d[0], d[1], o.epsilon) },
		func(d [][]float32) { inverseRoots(d[0], d[1], o.epsilon) }, y, variance.(*tensor.Dense))
}

func inverseRoots[T Float](y, variance []T, epsilon float64) {
	for i, v := range variance {
		y[i] = T(1 / math.Sqrt(float64(v)+epsilon))
	}
}
