package layers

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// FromTorch turns the state of a PyTorch model of linear layers, as its state_dict lists
// it, into weights for l that [SetWeights] takes. PyTorch keeps a weight as (out, in) and a
// bias as (out): weights are transposed and biases become (1, out).
//
// The k-th learnable of l gets the k-th tensor of the state in PyTorch's order, whatever
// the order of the slice: by module ("net.0" before "net.2" before "net.10"), the weight
// before the bias. A state that does not fit is a [*WeightsError] with all that is wrong.
func FromTorch(l Layer, state []Weight) ([]Weight, error) {
	own, err := Weights(l)
	if err != nil {
		return nil, err
	}
	sorted := slices.Clone(state)
	slices.SortStableFunc(sorted, func(a, b Weight) int { return CompareTorch(a.Name, b.Name) })
	fault := &WeightsError{}
	for i, w := range own {
		if i >= len(sorted) {
			fault.Missing = append(fault.Missing, w.Name)
			continue
		}
		from := sorted[i]
		switch {
		case len(from.Shape) == 2 && len(w.Shape) == 2 && from.Shape[0] == w.Shape[1] && from.Shape[1] == w.Shape[0] && len(from.Data) == len(w.Data):
			for r := range w.Shape[0] {
				for c := range w.Shape[1] {
					own[i].Data[r*w.Shape[1]+c] = from.Data[c*w.Shape[0]+r]
				}
			}
		case len(from.Shape) == 1 && len(w.Shape) == 2 && w.Shape[0] == 1 && from.Shape[0] == w.Shape[1] && len(from.Data) == len(w.Data):
			copy(own[i].Data, from.Data)
		default:
			fault.Misshapen = append(fault.Misshapen, fmt.Sprintf("%s (shape %v with %d values, want PyTorch's layout of %s %v)",
				from.Name, from.Shape, len(from.Data), w.Name, w.Shape))
		}
	}
	for i := len(own); i < len(sorted); i++ {
		fault.Extra = append(fault.Extra, sorted[i].Name)
	}
	if !fault.empty() {
		return nil, fault
	}
	return own, nil
}

// CompareTorch orders the names of a state_dict as PyTorch's modules are: numbers by
// value, a weight before its bias. It is for [slices.SortFunc].
func CompareTorch(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if as[i] == bs[i] {
			continue
		}
		if as[i] == "weight" && bs[i] == "bias" {
			return -1
		}
		if as[i] == "bias" && bs[i] == "weight" {
			return 1
		}
		if c := compareNatural(as[i], bs[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// compareNatural compares text, but a number at the end of equal texts by its value: fc2
// is before fc10.
func compareNatural(a, b string) int {
	split := func(s string) (string, int) {
		head := strings.TrimRightFunc(s, unicode.IsDigit)
		n, err := strconv.Atoi(s[len(head):])
		if err != nil {
			return s, -1
		}
		return head, n
	}
	ah, an := split(a)
	bh, bn := split(b)
	return cmp.Or(cmp.Compare(ah, bh), cmp.Compare(an, bn), cmp.Compare(a, b))
}
