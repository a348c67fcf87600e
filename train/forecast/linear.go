package forecast

import (
	"math"
	"math/cmplx"
	"path"

	"gonum.org/v1/gonum/mat"

	"github.com/neuralode/neuralode/train"
)

// linear stores in θ the linear system ds/dτ = As + Bu + c, in the units of the model, that fits the
// data best in the least-squares sense: the differences of neighbouring rows against the
// integrals between them by the trapezoidal rule. A system that would grow by more than e³ over the data is
// slowed down.
func (d *dataset) linear(m *train.Model[float64], theta []float64) {
	s := m.Scaler()
	n, channels := len(d.states), len(d.controls)
	width := n + channels + 1
	normal := mat.NewSymDense(width, nil)
	right := mat.NewDense(width, n, nil)
	span := 0.0
	x := make([]float64, width)
	for i := range d.all {
		tr := &d.all[i]
		dim := d.dim()
		scaled := func(r int, row []float64) bool {
			for j := range n {
				v := tr.States[r*dim+j]
				if len(s.Log) > 0 && s.Log[j] {
					v = math.Log(v)
				}
				row[j] = (v - s.Mean[j]) / s.Spread[j]
			}
			for j := range channels {
				row[n+j] = (tr.Controls.Values[r*channels+j] - s.InputMean[j]) / s.InputSpread[j]
			}
			for _, v := range row {
				if v-v != 0 {
					return false
				}
			}
			return true
		}
		a, b := make([]float64, n+channels), make([]float64, n+channels)
		for r := 1; r < d.cut[i]; r++ {
			if !scaled(r-1, a) || !scaled(r, b) {
				continue
			}
			dt := (tr.Times[r] - tr.Times[r-1]) / s.Unit
			span = max(span, (tr.Times[r]-tr.Times[0])/s.Unit)
			for k := range n + channels {
				x[k] = dt * (a[k] + b[k]) / 2
			}
			x[width-1] = dt
			normal.SymRankOne(normal, 1, mat.NewVecDense(width, x))
			for j := range n {
				for k := range width {
					right.Set(k, j, right.At(k, j)+x[k]*(b[j]-a[j]))
				}
			}
		}
	}
	for k := range width {
		normal.SetSym(k, k, normal.At(k, k)*(1+1e-9)+1e-12)
	}
	var fit mat.Dense
	if err := fit.Solve(normal, right); err != nil {
		return // singular: the linear map begins at 0
	}
	growth := 0.0
	var eig mat.Eigen
	if eig.Factorize(fit.Slice(0, n, 0, n), mat.EigenNone) {
		for _, v := range eig.Values(nil) {
			growth = max(growth, real(v))
			if cmplx.IsNaN(v) || cmplx.IsInf(v) {
				return
			}
		}
	}
	if most := 3 / span; growth > most {
		for j := range n {
			fit.Set(j, j, fit.At(j, j)-(growth-most))
		}
	}
	for _, p := range m.Layout() {
		switch path.Base(p.Name) {
		case "W":
			rows := p.Shape[0]
			for k := range min(rows, n+channels) {
				for j := range n {
					theta[p.Offset+k*p.Shape[1]+j] = fit.At(k, j)
				}
			}
		case "b":
			for j := range n {
				theta[p.Offset+j] = fit.At(width-1, j)
			}
		}
	}
}
