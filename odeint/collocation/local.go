package collocation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
)

// LocalOptions says how [Local] smooths.
type LocalOptions struct {
	// Kernel weighs the samples; nil means [Epanechnikov].
	Kernel *Kernel

	// Width is the bandwidth, or how to choose it: [Fixed], [Rule] or
	// [CrossValidation]. nil means CrossValidation{}: leave one out.
	Width Width

	// MaxOrder is the highest order of derivative wanted; 0 means 1.
	MaxOrder int

	// Extra is by how much the degree of the local polynomial exceeds the order
	// of the derivative it estimates; 0 means 1, the paper's choice: linear for
	// the state, quadratic for its derivative. Odd values are best: an even one
	// pays for its degree with variance and gains nothing inside the interval
	// (Fan and Gijbels 1996, section 3.3). Samples with little noise gain from 3.
	Extra int

	// Context stops the fit when it is cancelled; the error then wraps its own. Nil: the
	// fit is not stopped.
	Context context.Context
}

// Local fits a curve by local polynomial kernel regression. At a time t the
// derivative of order m is m! β_m of the polynomial that minimises
//
//	Σ_i K((t_i − t)/h) (y_i − Σ_k β_k (t_i − t)^k)²
//
// of degree m + Extra, exactly reproducing polynomials of that degree. times
// are strictly increasing, values are (len(times), dim) row-major with NaN for
// a missing value; neither is kept.
//
// Errors are a [*DataError], a [*SparseError], or say which options are wrong.
// Wrong lengths panic.
func Local[T Float](times []float64, values []T, opt LocalOptions) (*Curve[T], error) {
	if opt.Kernel == nil {
		opt.Kernel = Epanechnikov
	}
	if opt.Width == nil {
		opt.Width = CrossValidation{}
	}
	if opt.MaxOrder == 0 {
		opt.MaxOrder = 1
	}
	if opt.Extra == 0 {
		opt.Extra = 1
	}
	if err := opt.validate(); err != nil {
		return nil, err
	}
	return newCurve(opt.Context, times, values, opt.MaxOrder, func(s series) (component, error) {
		l := &local{series: s, kernel: opt.Kernel, extra: opt.Extra, ctx: opt.Context}
		for order := range opt.MaxOrder + 1 {
			degree := order + opt.Extra
			if len(s.t) <= degree {
				return nil, &SparseError{Degree: degree, Have: len(s.t)}
			}
			h, score, err := opt.Width.choose(l, degree)
			if err != nil {
				return nil, err
			}
			l.widths = append(l.widths, h)
			if order == 0 {
				l.score = score
			}
		}
		l.ctx = nil
		return l, nil
	})
}

// maxDegree bounds the degree of local polynomials: beyond it, equidistant
// samples leave the derivatives at the ends of the interval to chance.
const maxDegree = 9

func (o *LocalOptions) validate() error {
	var errs []error
	if o.MaxOrder < 0 || o.Extra < 0 || o.MaxOrder+o.Extra > maxDegree {
		errs = append(errs, fmt.Errorf("collocation: MaxOrder %d and Extra %d: want both at least 0 and together at most %d",
			o.MaxOrder, o.Extra, maxDegree))
	}
	if o.Kernel.Weight == nil || !(o.Kernel.Support > 0) {
		errs = append(errs, errors.New("collocation: Kernel needs a Weight and a positive Support"))
	}
	if err := o.Width.validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// local is a component estimated by local polynomials.
type local struct {
	series
	kernel *Kernel
	extra  int
	ctx    context.Context // of the fit
	widths []float64
	score  float64
}

func (l *local) smoothing() Smoothing {
	return Smoothing{Samples: len(l.t), Widths: append([]float64(nil), l.widths...), Score: l.score}
}

func (l *local) derivative(order int, t float64) (float64, error) {
	h, degree := l.widths[order], order+l.extra
	var d [maxDegree + 1]float64
	_, have, ok := l.regress(d[:degree+1], t, h, everySample)
	if !ok {
		return 0, &SparseError{T: t, Degree: degree, Width: h, Have: have}
	}
	return d[order], nil
}

// selection says which samples a fit is made of.
type selection struct {
	skip func(i int) bool // samples to be left out; nil: none
	most int              // more samples than these are thinned out evenly; 0: never
	keep int              // a sample that is kept then
	deal int              // thinning out must not follow a period of this; 0: any will do
}

var everySample selection

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// regress fits the local polynomial of degree len(d)−1 at t and stores its
// derivatives there in d. It
// returns the weight that a sample at t itself has in the estimate d[0], its
// leverage, and the number of samples used; ok says whether they determine the
// polynomial.
//
// The polynomial is expanded in those π_k that are orthogonal under the
// weights, made by the Stieltjes procedure in u = (t_i − t)/h:
// π_{k+1} = (u − a_k) π_k − b_k π_{k−1}. No normal equations are formed.
func (l *local) regress(d []float64, t, h float64, sel selection) (leverage float64, have int, ok bool) {
	lo, hi := 0, len(l.t)
	if r := l.kernel.Support * h; !math.IsInf(r, 1) {
		lo = sort.SearchFloat64s(l.t, t-r)
		hi = lo + sort.Search(hi-lo, func(i int) bool { return l.t[lo+i] > t+r })
	}
	stride := 1
	if sel.most > 0 && hi-lo > sel.most {
		stride = (hi - lo + sel.most - 1) / sel.most
		for sel.deal > 1 && gcd(stride, sel.deal) > 1 {
			stride++ // or the samples that are left would be of few folds
		}
		lo += (sel.keep - lo) % stride
	}
	var a, b, c [maxDegree + 1]float64
	var pi, prev [maxDegree + 1]float64 // derivatives of π_k and π_{k−1} at t, in u
	pi[0] = 1
	for k := range d {
		d[k] = 0
	}
	normBefore := 1.0
	for k := range d {
		norm, size, first, moment := 0.0, 0.0, 0.0, 0.0
		have = 0
		for i := lo; i < hi; i += stride {
			if sel.skip != nil && sel.skip(i) {
				continue
			}
			u := (l.t[i] - t) / h
			w := l.kernel.At(u)
			if w == 0 {
				continue
			}
			have++
			p, q, rest := 1.0, 0.0, l.y[i]
			for j := range k {
				rest -= c[j] * p
				p, q = (u-a[j])*p-b[j]*q, p
			}
			norm += w * p * p
			size += math.Abs(w) * p * p
			first += w * u * p * p
			moment += w * p * rest
		}
		if have < len(d) || !(math.Abs(norm) > 1e-10*size) {
			return 0, have, false
		}
		c[k] = moment / norm
		a[k] = first / norm
		if k > 0 {
			b[k] = norm / normBefore
		}
		normBefore = norm
		leverage += pi[0] * pi[0] / norm
		for m := range d {
			d[m] += c[k] * pi[m]
		}
		for m := len(d) - 1; m >= 0; m-- {
			next := -a[k]*pi[m] - b[k]*prev[m]
			if m > 0 {
				next += float64(m) * pi[m-1]
			}
			prev[m], pi[m] = pi[m], next
		}
	}
	scale := 1.0
	for m := range d {
		d[m] *= scale
		scale /= h
	}
	return leverage * l.kernel.At(0), have, true
}
