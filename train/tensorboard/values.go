package tensorboard

import (
	"math"
	"slices"
	"sort"

	"github.com/neuralode/neuralode/internal/wire"
	"github.com/neuralode/neuralode/train"
)

// Scalar writes a number of a step, a point of the curve that is called tag. A slash in a tag makes a group:
// "loss/training".
func (w *Writer) Scalar(tag string, step int, value float64) error {
	return w.value(tag, step, func(m []byte) []byte { return wire.Float(m, 2, float32(value)) })
}

// Histogram writes the distribution of values in a step, which must not be empty. Values that are not
// finite are left out.
func (w *Writer) Histogram(tag string, step int, values []float64) error {
	return w.value(tag, step, func(m []byte) []byte { return wire.Bytes(m, 5, histogram(values)) })
}

// histogram is a HistogramProto: min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6, bucket 7. The limits
// are 0 and ±1e-12·1.1ᵏ, as in TensorFlow; each is the largest value of its bucket.
func histogram(values []float64) []byte {
	low, high, n, sum, squares := math.Inf(1), math.Inf(-1), 0.0, 0.0, 0.0
	counts := map[float64]float64{}
	limits := bucketLimits()
	for _, v := range values {
		if v-v != 0 {
			continue
		}
		low, high, n, sum, squares = min(low, v), max(high, v), n+1, sum+v, squares+v*v
		counts[limits[sort.SearchFloat64s(limits, v)]]++
	}
	if n == 0 {
		low, high = 0, 0
	}
	var used, buckets []float64
	for limit := range counts {
		used = append(used, limit)
	}
	slices.Sort(used)
	for _, limit := range used {
		buckets = append(buckets, counts[limit])
	}
	m := wire.Double(nil, 1, low)
	m = wire.Double(m, 2, high)
	m = wire.Double(m, 3, n)
	m = wire.Double(m, 4, sum)
	m = wire.Double(m, 5, squares)
	return wire.Doubles(wire.Doubles(m, 6, used), 7, buckets)
}

func bucketLimits() []float64 {
	var up []float64
	for v := 1e-12; v < 1e20; v *= 1.1 {
		up = append(up, v)
	}
	limits := []float64{-math.MaxFloat64}
	for _, v := range slices.Backward(up) {
		limits = append(limits, -v)
	}
	limits = append(limits, 0)
	return append(append(limits, up...), math.MaxFloat64)
}

// Step writes what a training says of a step: loss/training, loss/validation, gradient/norm, rate, and
// evaluations/forward and /backward. What there is none of is left out.
func (w *Writer) Step(s train.Step) error {
	for _, v := range []struct {
		tag   string
		value float64
	}{
		{"loss/training", s.Loss},
		{"loss/validation", s.Validation},
		{"gradient/norm", s.GradNorm},
		{"rate", s.Rate},
		{"evaluations/forward", float64(s.Work.NFEForward)},
		{"evaluations/backward", float64(s.Work.NFEBackward)},
	} {
		if math.IsNaN(v.value) {
			continue
		}
		if err := w.Scalar(v.tag, s.Step, v.value); err != nil {
			return err
		}
	}
	return nil
}

// Hook returns a hook of a training that writes every step, see [Writer.Step], and then calls next, unless
// that is nil. A file that cannot be written ends the training.
func (w *Writer) Hook(next func(train.Step) error) func(train.Step) error {
	return func(s train.Step) error {
		if err := w.Step(s); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		return next(s)
	}
}
