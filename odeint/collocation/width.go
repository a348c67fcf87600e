package collocation

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Width is a bandwidth, or how to choose one: [Fixed], [Rule] or
// [CrossValidation].
type Width interface {
	validate() error
	// choose returns the bandwidth for local polynomials of the given degree, and
	// its mean squared cross-validation error where it was looked for.
	choose(l *local, degree int) (h, score float64, err error)
}

// Fixed is a bandwidth in units of time, for every component and order.
type Fixed float64

func (f Fixed) validate() error {
	if !(f > 0) || math.IsInf(float64(f), 1) {
		return errors.New("collocation: Fixed bandwidth must be positive and finite")
	}
	return nil
}

func (f Fixed) choose(*local, int) (h, score float64, err error) { return float64(f), 0, nil }

// Rule is the bandwidth h = Scale · n^(−1/5) n^(−3/35) (log n)^(−1/16), n the
// number of observed samples: the rate of Liang and Wu (2008) that Roesch,
// Rackauckas and Stumpf (2021) use. It looks neither at the noise nor at how
// fast the trajectory moves.
type Rule struct {
	// Scale carries the unit of time; 0 means the time between the first and the
	// last sample. The paper's program uses 1.
	Scale float64
}

func (r Rule) validate() error {
	if !(r.Scale >= 0) || math.IsInf(r.Scale, 1) {
		return errors.New("collocation: Rule.Scale must be finite and not negative")
	}
	return nil
}

func (r Rule) choose(l *local, _ int) (h, score float64, err error) {
	n := float64(len(l.t))
	scale := r.Scale
	if scale == 0 {
		scale = l.t[len(l.t)-1] - l.t[0]
	}
	return scale * math.Pow(n, -1./5-3./35) * math.Pow(math.Log(n), -1./16), 0, nil
}

// CrossValidation chooses the bandwidth that best predicts samples left out, by
// mean squared error, for every component and every order of derivative apart:
// the width for a derivative is that at which its local polynomial, of higher
// degree, predicts best.
//
// Its cost is bounded: of more than 500 samples 500, evenly spread, are predicted, each
// from at most 500 within the bandwidth, the same ones for all widths. That finds the best
// width to a few per cent of the error; the estimates of the curve itself use all samples.
type CrossValidation struct {
	// Folds is the number of parts of the samples, each of which is predicted
	// from the others. 0 leaves one sample out at a time, by the leverage formula
	// and therefore at the cost of one fit.
	Folds int

	// Widths are the candidates in units of time; nil means 40 in geometric
	// progression from half the mean distance of the samples to their whole span.
	// Candidates that leave a fit undetermined are passed over.
	Widths []float64

	// Shuffle deals the samples to the folds at random; nil deals them out in turn.
	Shuffle *rand.Rand
}

func (cv CrossValidation) validate() error {
	var errs []error
	if cv.Folds < 0 || cv.Folds == 1 {
		errs = append(errs, fmt.Errorf("collocation: CrossValidation.Folds is %d: want 0 (leave one out) or at least 2", cv.Folds))
	}
	for _, h := range cv.Widths {
		if Fixed(h).validate() != nil {
			errs = append(errs, fmt.Errorf("collocation: CrossValidation.Widths holds %g: want positive and finite widths", h))
		}
	}
	return errors.Join(errs...)
}

func (cv CrossValidation) choose(l *local, degree int) (h, score float64, err error) {
	widths := cv.Widths
	if len(widths) == 0 {
		widths = grid(l.t)
	}
	fold := cv.deal(len(l.t))
	score = math.Inf(1)
	for _, w := range widths {
		if err := cancelled(l.ctx); err != nil {
			return 0, 0, err
		}
		if !l.determined(w, degree) {
			continue
		}
		if s, ok := l.predictionError(w, degree, fold, cv.Folds); ok && s < score {
			h, score = w, s
		}
	}
	if h == 0 {
		return 0, 0, &SparseError{Degree: degree, Have: len(l.t)}
	}
	return h, score, nil
}

// deal returns the fold of each of n samples, nil for leaving one out.
func (cv CrossValidation) deal(n int) []int {
	if cv.Folds == 0 {
		return nil
	}
	fold := make([]int, n)
	for i := range fold {
		fold[i] = i % cv.Folds
	}
	if cv.Shuffle != nil {
		cv.Shuffle.Shuffle(n, func(i, j int) { fold[i], fold[j] = fold[j], fold[i] })
	}
	return fold
}

// grid returns the default candidates for samples at times t.
func grid(t []float64) []float64 {
	const count = 40
	span := t[len(t)-1] - t[0]
	lo := span / float64(len(t)-1) / 2
	h := make([]float64, count)
	for i := range h {
		h[i] = lo * math.Pow(span/lo, float64(i)/(count-1))
	}
	return h
}

// predicted bounds the samples that a cross-validation predicts, and those it predicts
// each from.
const predicted = 500

// determined reports whether there are enough samples with weight around every sample for
// a local polynomial without that sample.
func (l *local) determined(h float64, degree int) bool {
	r := l.kernel.Support * h
	if math.IsInf(r, 1) {
		return len(l.t) > degree+1
	}
	lo, hi := 0, 0
	for _, t := range l.t {
		for t-l.t[lo] > r {
			lo++
		}
		for hi < len(l.t) && l.t[hi]-t <= r {
			hi++
		}
		if hi-lo < degree+2 {
			return false
		}
	}
	return true
}

// predictionError is the mean squared error of predicting each sample without
// its fold, or without itself alone if fold is nil.
func (l *local) predictionError(h float64, degree int, fold []int, folds int) (mse float64, ok bool) {
	var buf [maxDegree + 1]float64
	d := buf[:degree+1]
	current := 0
	sel := selection{most: predicted, deal: folds}
	if fold != nil {
		sel.skip = func(j int) bool { return fold[j] == current }
	}
	sum, n := 0.0, len(l.t)
	count := min(n, predicted)
	for k := range count {
		i := (2*k + 1) * n / (2 * count)
		if fold != nil {
			current = fold[i]
		}
		sel.keep = i
		leverage, _, ok := l.regress(d, l.t[i], h, sel)
		if !ok {
			return 0, false
		}
		r := l.y[i] - d[0]
		if fold == nil {
			// The fit without sample i misses it by r/(1 − leverage). A leverage of
			// one means that the other samples do not determine a fit.
			if !(math.Abs(1-leverage) > 1e-8) {
				return 0, false
			}
			r /= 1 - leverage
		}
		sum += r * r
	}
	return sum / float64(count), true
}
