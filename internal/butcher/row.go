package butcher

// Row is a row of coefficients without its zeros: the sum Σ W_j k_j over the stages
// in Stages.
type Row struct {
	Stages []int
	W      []float64
}

// NewRow returns the row of the coefficients w of the stages 0, 1, ….
func NewRow(w []float64) Row {
	var r Row
	for i, x := range w {
		r.Add(i, x)
	}
	return r
}

// Add appends the coefficient w of a stage unless it is 0.
func (r *Row) Add(stage int, w float64) {
	if w != 0 {
		r.Stages, r.W = append(r.Stages, stage), append(r.W, w)
	}
}
