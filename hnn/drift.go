package hnn

import "math"

// Drift says how an energy, or anything that ought to be conserved, changes
// along a trajectory. A symplectic method bounds the amplitude and has no slope;
// a method that is not has a slope however small its errors are.
type Drift struct {
	// Mean is the mean of the energies, Start the first of them.
	Mean, Start float64

	// MaxDeviation is max |H(t) − H(t₀)|.
	MaxDeviation float64

	// Slope is the rate of change, energy per unit of time, of the least squares
	// line.
	Slope float64

	// StdErr is the standard error of Slope, from the means of the line's residuals
	// over some 50 blocks of consecutive samples: an oscillation averages out and
	// noise does not pass for more than it is, however dense the samples. The means
	// are taken for a first-order autoregression, of which m count as m(1−ρ)/(1+ρ), ρ
	// being the correlation of neighbours where it is positive (Santer et al. 2000,
	// "Statistical significance of trends", eq. 6), corrected for its bias (Orcutt and
	// Winokur 1969). A random walk, as of rounding errors, still looks like more than
	// 3 standard errors one time in five.
	StdErr float64

	// Amplitude is half the range of the residuals of the line: of the bounded
	// oscillation.
	Amplitude float64
}

// Sigma is the slope in units of its standard error: beyond about 3 the energy
// drifts. It is 0 for a slope of 0 and infinite where no residual is left.
func (d Drift) Sigma() float64 {
	if d.Slope == 0 {
		return 0
	}
	return d.Slope / d.StdErr
}

// DriftOf measures energies h at times t, of equal length, at least three. The
// times are in any order of integration, forward or backward. A NaN makes every
// result NaN.
func DriftOf(t, h []float64) Drift {
	n := len(t)
	if n != len(h) || n < 3 {
		panic("hnn: DriftOf needs equally many times and energies, at least three")
	}
	// Deviations from the start keep their digits where H is large.
	d := Drift{Start: h[0]}
	meanT, meanD := 0.0, 0.0
	for i := range t {
		dev := h[i] - h[0]
		d.MaxDeviation = math.Max(d.MaxDeviation, math.Abs(dev))
		meanT += (t[i] - t[0]) / float64(n)
		meanD += dev / float64(n)
	}
	d.Mean = h[0] + meanD
	stt, std := 0.0, 0.0
	for i := range t {
		s := t[i] - t[0] - meanT
		stt += s * s
		std += s * (h[i] - h[0] - meanD)
	}
	d.Slope = std / stt

	lo, hi := math.Inf(1), math.Inf(-1)
	blocks := min(max(n/4, min(n, 10)), 50)
	means, centres := make([]float64, blocks), make([]float64, blocks)
	for i := range t {
		s := t[i] - t[0] - meanT
		r := h[i] - h[0] - meanD - d.Slope*s
		lo, hi = math.Min(lo, r), math.Max(hi, r)
		b := i * blocks / n
		size := float64(((b+1)*n+blocks-1)/blocks - (b*n+blocks-1)/blocks)
		means[b] += r / size
		centres[b] += s / size
	}
	d.Amplitude = (hi - lo) / 2
	d.StdErr = slopeError(centres, means)
	return d
}

// slopeError is the standard error of the slope of a line through points with
// residuals r at times t, of mean zero, for autocorrelated residuals.
func slopeError(t, r []float64) float64 {
	rr, tt, lag := 0.0, 0.0, 0.0
	for i := range t {
		rr += r[i] * r[i]
		tt += t[i] * t[i]
		if i > 0 {
			lag += r[i] * r[i-1]
		}
	}
	if rr == 0 {
		return 0
	}
	m, rho := float64(len(t)), lag/rr
	rho = math.Min(math.Max(0, rho+(2+4*rho)/m), 0.99)
	return math.Sqrt(rr / ((m - 2) * (1 - rho) / (1 + rho)) / tt)
}
