package train

// Grid returns the n+1 times that divide the interval from 0 to end into n equal
// parts.
func Grid(end float64, n int) []float64 {
	t := make([]float64, n+1)
	for i := range t {
		t[i] = end * float64(i) / float64(n)
	}
	return t
}

// Column returns component j of states that stand one after the other, width numbers
// each.
func Column(y []float64, width, j int) []float64 {
	c := make([]float64, len(y)/width)
	for i := range c {
		c[i] = y[i*width+j]
	}
	return c
}
