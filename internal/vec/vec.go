package vec

//go:generate go run -C _gen .

// Float is the element type of the kernels.
type Float interface{ ~float32 | ~float64 }
