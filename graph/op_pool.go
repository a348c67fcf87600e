package graph

import (
	"fmt"
	"slices"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// poolKind is one of the linear maps that pooling and its derivatives are made
// of. They come in transposed pairs.
type poolKind uint8

const (
	poolPick    poolKind = iota // from each window the element of g where x is largest
	poolRoute                   // the transpose: each element of g to where its window of x is largest
	poolAverage                 // the mean of g over each window
	poolSpread                  // the transpose: each element of g shared out over its window
)

var poolNames = [...]string{"PoolPick", "PoolRoute", "PoolAverage", "PoolSpread"}

// poolOp has operands x, y and v: the image, its pooled value, of which only
// the shape matters, and the argument of the linear map. An average needs no
// more than v.
//
// Gorgonia keeps where the maxima are as a state of its op and has no second
// derivative; its average divides by the width of the image.
type poolOp struct {
	nodes.Base
	kind          poolKind
	win           window
	image, pooled tensor.Shape
}

func applyPool(kind poolKind, w window, x, y, v *G.Node) *G.Node {
	image, pooled := x.Shape(), y.Shape()
	shape := pooled
	if kind == poolRoute || kind == poolSpread {
		shape = image
	}
	o := poolOp{
		Base: nodes.Base{Name: fmt.Sprintf("%s(%v of %v, %v)", poolNames[kind], pooled, image, w), Dims: 4, Shape: shape},
		kind: kind, win: w, image: image, pooled: pooled,
	}
	if kind == poolAverage {
		return must(G.ApplyOp(o, v))
	}
	return must(G.ApplyOp(o, x, y, v))
}

func (o poolOp) Arity() int {
	if o.kind == poolAverage {
		return 1
	}
	return 3
}

func (o poolOp) Type() hm.Type { return nodes.FunctionType(slices.Repeat([]int{4}, o.Arity()+1)...) }

func (o poolOp) DiffWRT(operands int) []bool {
	diff := make([]bool, operands)
	diff[operands-1] = true
	return diff
}

func (o poolOp) Do(v ...G.Value) (G.Value, error) { return o.UsePreallocDo(o.New(v[0]), v...) }

func (o poolOp) SymDiff(v G.Nodes, r, g *G.Node) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	switch o.kind {
	case poolAverage:
		return G.Nodes{applyPool(poolSpread, o.win, v[0], r, g)}, nil
	case poolSpread:
		return G.Nodes{nil, nil, applyPool(poolAverage, o.win, v[0], v[1], g)}, nil
	case poolRoute:
		return G.Nodes{nil, nil, applyPool(poolPick, o.win, v[0], v[1], g)}, nil
	}
	return G.Nodes{nil, nil, applyPool(poolRoute, o.win, v[0], v[1], g)}, nil
}

// decode shows the compiler the kinds that Gorgonia has ops for.
func (o poolOp) decode() op {
	switch o.kind {
	case poolRoute:
		return maxPoolGradOp{o.win}
	case poolAverage:
		return averagePoolOp{o.win}
	case poolSpread:
		return averagePoolGradOp{o.win}
	}
	return foreignOp{o}
}

func (o poolOp) UsePreallocDo(r G.Value, v ...G.Value) (G.Value, error) {
	x, arg := v[0], v[len(v)-1]
	return r, nodes.OnFloats(o.Name, func(d [][]float64) { runPool(o, d[0], d[1], d[2]) },
		func(d [][]float32) { runPool(o, d[0], d[1], d[2]) }, r, x, arg)
}

// runPool computes r from the image x and the argument v.
func runPool[T Float](o poolOp, r, x, v []T) {
	clear(r)
	height, width := o.image[2], o.image[3]
	share := 1 / T(o.win.h*o.win.w)
	for i := range o.pooled.TotalSize() {
		plane, row, col := i/(o.pooled[2]*o.pooled[3]), i/o.pooled[3]%o.pooled[2], i%o.pooled[3]
		top, left := row*o.win.strideH-o.win.padH, col*o.win.strideW-o.win.padW
		first := -1
		for h := max(top, 0); h < min(top+o.win.h, height); h++ {
			for w := max(left, 0); w < min(left+o.win.w, width); w++ {
				at := (plane*height+h)*width + w
				switch o.kind {
				case poolAverage:
					r[i] += v[at] * share
				case poolSpread:
					r[at] += v[i] * share
				default:
					if first < 0 || x[at] > x[first] {
						first = at
					}
				}
			}
		}
		switch {
		case first < 0:
		case o.kind == poolPick:
			r[i] = v[first]
		case o.kind == poolRoute:
			r[first] += v[i]
		}
	}
}
