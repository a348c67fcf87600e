package collocation

import "math"

// Kernel weighs a sample by its distance in time from the point of estimation,
// in units of the bandwidth. Users may write their own.
type Kernel struct {
	// Name is the kernel's name.
	Name string

	// Weight is the kernel K(u), an even function of u. It is only called with
	// |u| ≤ Support.
	Weight func(u float64) float64

	// Support is the largest |u| with a weight that is not zero; +Inf for a
	// kernel without bound.
	Support float64
}

// At returns K(u), zero outside the kernel's support.
func (k *Kernel) At(u float64) float64 {
	if !(math.Abs(u) <= k.Support) {
		return 0
	}
	return k.Weight(u)
}

// String returns the kernel's name.
func (k *Kernel) String() string { return k.Name }

// Kernels returns the kernels of this package, those of bounded support first.
func Kernels() []*Kernel {
	return []*Kernel{
		Epanechnikov, Uniform, Triangular, Quartic, Triweight, Tricube, Cosine,
		Gaussian, Logistic, Sigmoid, Silverman,
	}
}

// Kernels of support [-1, 1].
var (
	// Epanechnikov is ¾(1−u²), of least mean squared error among the
	// non-negative kernels of second order.
	Epanechnikov = &Kernel{Name: "Epanechnikov", Support: 1, Weight: func(u float64) float64 {
		return 0.75 * (1 - u*u)
	}}

	// Uniform is ½.
	Uniform = &Kernel{Name: "uniform", Support: 1, Weight: func(float64) float64 {
		return 0.5
	}}

	// Triangular is 1−|u|.
	Triangular = &Kernel{Name: "triangular", Support: 1, Weight: func(u float64) float64 {
		return 1 - math.Abs(u)
	}}

	// Quartic is 15/16 (1−u²)², also called biweight.
	Quartic = &Kernel{Name: "quartic", Support: 1, Weight: func(u float64) float64 {
		v := 1 - u*u
		return 15. / 16 * v * v
	}}

	// Triweight is 35/32 (1−u²)³.
	Triweight = &Kernel{Name: "triweight", Support: 1, Weight: func(u float64) float64 {
		v := 1 - u*u
		return 35. / 32 * v * v * v
	}}

	// Tricube is 70/81 (1−|u|³)³.
	Tricube = &Kernel{Name: "tricube", Support: 1, Weight: func(u float64) float64 {
		v := 1 - math.Abs(u*u*u)
		return 70. / 81 * v * v * v
	}}

	// Cosine is π/4 cos(πu/2).
	Cosine = &Kernel{Name: "cosine", Support: 1, Weight: func(u float64) float64 {
		return math.Pi / 4 * math.Cos(math.Pi/2*u)
	}}
)

// Kernels without bound. They look at every sample for every estimate.
var (
	// Gaussian is the density of the standard normal distribution.
	Gaussian = &Kernel{Name: "Gaussian", Support: math.Inf(1), Weight: func(u float64) float64 {
		return math.Exp(-u*u/2) / math.Sqrt(2*math.Pi)
	}}

	// Logistic is 1/(eᵘ + 2 + e⁻ᵘ).
	Logistic = &Kernel{Name: "logistic", Support: math.Inf(1), Weight: func(u float64) float64 {
		return 1 / (math.Exp(u) + 2 + math.Exp(-u))
	}}

	// Sigmoid is (2/π)/(eᵘ + e⁻ᵘ).
	Sigmoid = &Kernel{Name: "sigmoid", Support: math.Inf(1), Weight: func(u float64) float64 {
		return 2 / math.Pi / (math.Exp(u) + math.Exp(-u))
	}}

	// Silverman is ½ exp(−|u|/√2) sin(|u|/√2 + π/4). It is of fourth order and
	// takes negative values.
	Silverman = &Kernel{Name: "Silverman", Support: math.Inf(1), Weight: func(u float64) float64 {
		v := math.Abs(u) / math.Sqrt2
		return 0.5 * math.Exp(-v) * math.Sin(v+math.Pi/4)
	}}
)
