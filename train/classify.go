package train

import (
	"math"
	"slices"
)

// CrossEntropy is the loss of a classifier of so many classes: −Σ p log softmax(z), where z, the
// logits, are the first components of a predicted row, and p the observed ones: 1 for the class
// and 0 for others, or probabilities. Rows in which one of them is missing do not count;
// the weight of another is the sum of its components' weights. The model must not scale these
// components. See [Classified].
func CrossEntropy[T Float](classes int) Loss[T] {
	return classifier[T](classes, func(grad, z, p []T, weight float64) float64 {
		top, sum, loss, total := float64(slices.Max(z)), 0.0, 0.0, 0.0
		for _, v := range z {
			sum += math.Exp(float64(v) - top)
		}
		for j, v := range p {
			total += float64(v)
			if v != 0 {
				loss -= float64(v) * (float64(z[j]) - top - math.Log(sum))
			}
		}
		for j := range grad {
			grad[j] = T(weight * (total*math.Exp(float64(z[j])-top)/sum - float64(p[j])))
		}
		return weight * loss
	})
}

// Misclassified is 1 where the largest of the predicted components is not where the largest of the
// observed ones is, and 0 elsewhere, for rows and weights as in [CrossEntropy]. Its gradient is 0:
// it is for [Evaluate], which returns the share of wrong answers.
func Misclassified[T Float](classes int) Loss[T] {
	return classifier[T](classes, func(_, z, p []T, weight float64) float64 {
		if z[slices.Index(p, slices.Max(p))] == slices.Max(z) {
			return 0
		}
		return weight
	})
}

// classifier sums what f returns for each row whose first components are there. grad is nil if
// it is not wanted, and else zero.
func classifier[T Float](classes int, f func(grad, z, p []T, weight float64) float64) Loss[T] {
	if classes < 2 {
		panic("train: less than 2 classes")
	}
	return func(s Saved[T]) float64 {
		if classes > s.Dim {
			panic("train: more classes than components of the state")
		}
		clear(s.Grad)
		loss := 0.0
		for i := 0; i < len(s.Pred); i += s.Dim {
			p := s.Target[i : i+classes]
			if slices.ContainsFunc(p, func(v T) bool { return v != v }) {
				continue
			}
			weight := 0.0
			for _, w := range s.Weight[i : i+classes] {
				weight += w
			}
			var grad []T
			if s.Grad != nil {
				grad = s.Grad[i : i+classes]
			}
			loss += f(grad, s.Pred[i:i+classes], p, weight)
		}
		return loss
	}
}

// Classified is an input x of a class as a trajectory, for [CrossEntropy]: a solve from x over one
// unit of time, whose end is observed in the first components, 1 in that of the class and 0
// in others. It keeps x.
func Classified[T Float](x []T, class, classes int) Trajectory[T] {
	if class < 0 || class >= classes || classes > len(x) {
		panic("train: Classified with a class that is not below classes, or more classes than components")
	}
	tr := Trajectory[T]{Times: []float64{0, 1}, Start: x, States: slices.Repeat([]T{T(math.NaN())}, 2*len(x))}
	clear(tr.States[len(x) : len(x)+classes])
	tr.States[len(x)+class] = 1
	return tr
}
