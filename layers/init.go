package layers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Init says how a weight gets its initial value. It is made by one of the
// functions below, compares with ==, and reads and writes itself as text:
// "glorot_uniform", "uniform(-0.1,0.1)". The zero Init is no choice: a place
// that takes one says what it stands for.
//
// Glorot and He scale by fanIn and fanOut. For a shape (in, out) these are in
// and out; for more axes the shape is read as Gorgonia's convolution filters,
// (out, in, k…), with both multiplied by the size of the kernel k; one axis
// counts for both.
type Init struct {
	kind initKind
	a, b float64
}

type initKind uint8

const (
	_ initKind = iota
	glorotUniform
	glorotNormal
	heUniform
	heNormal
	orthogonal
	constant
	uniform
	normal
)

// initForms tells each kind's name, and how many arguments it has.
var initForms = [...]struct {
	name string
	args int
}{
	glorotUniform: {"glorot_uniform", 1}, glorotNormal: {"glorot_normal", 1},
	heUniform: {"he_uniform", 1}, heNormal: {"he_normal", 1}, orthogonal: {"orthogonal", 1},
	constant: {"constant", 1}, uniform: {"uniform", 2}, normal: {"normal", 2},
}

// GlorotUniform draws from U(−s, s) with s = gain·√(6/(fanIn + fanOut)) (Glorot
// and Bengio 2010, eq. 16).
func GlorotUniform(gain float64) Init { return Init{kind: glorotUniform, a: gain} }

// GlorotNormal draws from N(0, s²) with s = gain·√(2/(fanIn + fanOut)) (Glorot
// and Bengio 2010, eq. 12).
func GlorotNormal(gain float64) Init { return Init{kind: glorotNormal, a: gain} }

// HeUniform draws from U(−s, s) with s = gain·√(3/fanIn); the gain for ReLU is
// √2 (He et al. 2015, eq. 10).
func HeUniform(gain float64) Init { return Init{kind: heUniform, a: gain} }

// HeNormal draws from N(0, s²) with s = gain/√fanIn; the gain for ReLU is √2
// (He et al. 2015, eq. 10).
func HeNormal(gain float64) Init { return Init{kind: heNormal, a: gain} }

// Orthogonal draws a matrix with orthogonal rows or columns of length gain,
// whichever are fewer, uniformly among all such (Saxe, McClelland and Ganguli
// 2014). Axes after the first are taken together.
func Orthogonal(gain float64) Init { return Init{kind: orthogonal, a: gain} }

// Zeros is Constant(0).
func Zeros() Init { return Constant(0) }

// Constant sets every element to v.
func Constant(v float64) Init { return Init{kind: constant, a: v} }

// Uniform draws from U(low, high).
func Uniform(low, high float64) Init { return Init{kind: uniform, a: low, b: high} }

// Normal draws from N(mean, dev²).
func Normal(mean, dev float64) Init { return Init{kind: normal, a: mean, b: dev} }

// Draw fills dst, the row-major elements of a weight of the given shape, from
// r; nil means rand.New(rand.NewPCG(0, 0)), the same numbers at every call. It
// reports a [*ConfigError] for arguments that are not finite, a range that is
// reversed and a negative deviation. It panics if dst and shape do not fit. The
// zero Init draws as GlorotUniform(1).
func (in Init) Draw(dst []float64, shape []int, r *rand.Rand) error {
	size := 1
	for _, n := range shape {
		size *= n
	}
	if size != len(dst) {
		panic("layers: length of destination does not fit the shape")
	}
	in = in.or(GlorotUniform(1))
	if err := in.validate(); err != nil {
		return err
	}
	r = sourceOr(r)
	fanIn, fanOut := fans(shape)
	switch in.kind {
	case glorotUniform:
		s := in.a * math.Sqrt(6/(fanIn+fanOut))
		fillUniform(dst, -s, s, r)
	case heUniform:
		s := in.a * math.Sqrt(3/fanIn)
		fillUniform(dst, -s, s, r)
	case uniform:
		fillUniform(dst, in.a, in.b, r)
	case glorotNormal:
		fillNormal(dst, 0, in.a*math.Sqrt(2/(fanIn+fanOut)), r)
	case heNormal:
		fillNormal(dst, 0, in.a/math.Sqrt(fanIn), r)
	case normal:
		fillNormal(dst, in.a, in.b, r)
	case orthogonal:
		rows := shape[0]
		fillOrthogonal(dst, rows, len(dst)/rows, in.a, r)
	case constant:
		for i := range dst {
			dst[i] = in.a
		}
	}
	return nil
}

// sourceOr returns r, or the source that stands for nil.
func sourceOr(r *rand.Rand) *rand.Rand {
	if r == nil {
		return rand.New(rand.NewPCG(0, 0))
	}
	return r
}

// fans returns fanIn and fanOut of a weight.
func fans(shape []int) (in, out float64) {
	switch len(shape) {
	case 1:
		return float64(shape[0]), float64(shape[0])
	case 2:
		return float64(shape[0]), float64(shape[1])
	}
	kernel := 1.0
	for _, n := range shape[2:] {
		kernel *= float64(n)
	}
	return float64(shape[1]) * kernel, float64(shape[0]) * kernel
}

func fillUniform(dst []float64, low, high float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = low + (high-low)*r.Float64()
	}
}

func fillNormal(dst []float64, mean, dev float64, r *rand.Rand) {
	for i := range dst {
		dst[i] = mean + dev*r.NormFloat64()
	}
}

// fillOrthogonal orthogonalises the rows or columns of a Gaussian matrix, the
// fewer of them, by Gram–Schmidt done twice, which leaves them orthogonal to
// round-off (Giraud, Langou and Rozložník 2005).
func fillOrthogonal(dst []float64, rows, cols int, gain float64, r *rand.Rand) {
	fillNormal(dst, 0, 1, r)
	n, length, step, next := rows, cols, 1, cols // vector i is dst[i*next + j*step]
	if rows > cols {
		n, length, step, next = cols, rows, cols, 1
	}
	dot := func(i, k int) (sum float64) {
		for j := range length {
			sum += dst[i*next+j*step] * dst[k*next+j*step]
		}
		return sum
	}
	for i := range n {
		for range 2 {
			for k := range i {
				c := dot(i, k)
				for j := range length {
					dst[i*next+j*step] -= c * dst[k*next+j*step]
				}
			}
			norm := math.Sqrt(dot(i, i))
			for j := range length {
				dst[i*next+j*step] /= norm
			}
		}
	}
	for i := range dst {
		dst[i] *= gain
	}
}

// or returns in, or other if in is no choice.
func (in Init) or(other Init) Init {
	if in == (Init{}) {
		return other
	}
	return in
}

func (in Init) validate() error {
	var faults []string
	for _, v := range []float64{in.a, in.b} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			faults = append(faults, "an argument is not finite")
			break
		}
	}
	if in.kind == uniform && in.a > in.b {
		faults = append(faults, "the lower end lies above the upper end")
	}
	if in.kind == normal && in.b < 0 {
		faults = append(faults, "the deviation is negative")
	}
	if faults != nil {
		return &ConfigError{What: "Init " + in.String(), Faults: faults}
	}
	return nil
}

// String is the text that UnmarshalText reads.
func (in Init) String() string {
	form := initForms[in.kind]
	switch {
	case form.name == "" || in.kind < constant && in.a == 1:
		return form.name
	case form.args == 1:
		return fmt.Sprintf("%s(%s)", form.name, exact(in.a))
	}
	return fmt.Sprintf("%s(%s,%s)", form.name, exact(in.a), exact(in.b))
}

// exact writes v so that it is read back with all its bits.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// MarshalText writes String.
func (in Init) MarshalText() ([]byte, error) { return []byte(in.String()), nil }

// UnmarshalText reads a name and, in parentheses, its arguments; the gain may
// be left out and is then 1. "zeros" is short for "constant(0)". Empty text is
// the zero Init.
func (in *Init) UnmarshalText(text []byte) error {
	name, rest, hasArgs := strings.Cut(string(text), "(")
	switch string(text) {
	case "":
		*in = Init{}
		return nil
	case "zeros":
		*in = Zeros()
		return nil
	}
	for kind, form := range initForms {
		if form.name != name || name == "" {
			continue
		}
		read := Init{kind: initKind(kind)}
		if !hasArgs && read.kind < constant {
			read.a = 1
			*in = read
			return nil
		}
		args := strings.Split(strings.TrimSuffix(rest, ")"), ",")
		if !hasArgs || !strings.HasSuffix(rest, ")") || len(args) != form.args {
			break
		}
		var errA, errB error
		read.a, errA = strconv.ParseFloat(strings.TrimSpace(args[0]), 64)
		if form.args == 2 {
			read.b, errB = strconv.ParseFloat(strings.TrimSpace(args[1]), 64)
		}
		if errA != nil || errB != nil {
			break
		}
		*in = read
		return nil
	}
	return &ConfigError{What: "Init", Faults: []string{fmt.Sprintf("cannot read %q; write one of glorot_uniform, glorot_normal, "+
		"he_uniform, he_normal, orthogonal (each with an optional gain, as in he_normal(1.5)), zeros, constant(v), uniform(low,high), normal(mean,dev)", text)}}
}
