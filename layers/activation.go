package layers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Activation is an elementwise function. It is a [Module] without learnables,
// and it reads and writes itself as text by its name: "tanh", "leaky_relu".
//
// All of them may be differentiated twice and more. Where a derivative jumps, at 0 for
// ReLU, LeakyReLU and (the second) for ELU, it is the one from the right.
type Activation uint8

// The zero Activation is no choice: a place that takes one says what it stands
// for, and placed as a module it is Identity.
const (
	Identity  Activation = iota + 1 // x
	Tanh                            // tanh x
	Sigmoid                         // σ(x) = 1/(1 + exp(−x))
	Softplus                        // log(1 + exp x)
	ReLU                            // max(x, 0)
	LeakyReLU                       // x for x ≥ 0, else x/100
	ELU                             // x for x ≥ 0, else exp(x) − 1 (Clevert et al. 2016, α = 1)
	GELU                            // x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016); the default of PyTorch
	GELUTanh                        // x·σ(√(8/π)(x + 0.044715x³)), the tanh form of GELU; the default of JAX
	Swish                           // x·σ(x), also called SiLU
	Sin                             // sin x
)

var activationNames = [...]string{
	Identity: "identity", Tanh: "tanh", Sigmoid: "sigmoid", Softplus: "softplus", ReLU: "relu",
	LeakyReLU: "leaky_relu", ELU: "elu", GELU: "gelu", GELUTanh: "gelu_tanh", Swish: "swish", Sin: "sin",
}

// Activations lists all there are.
func Activations() []Activation {
	all := make([]Activation, 0, len(activationNames)-1)
	for a := Identity; int(a) < len(activationNames); a++ {
		all = append(all, a)
	}
	return all
}

// String is the name, and empty for the zero Activation.
func (a Activation) String() string {
	if int(a) >= len(activationNames) {
		return fmt.Sprintf("Activation(%d)", uint8(a))
	}
	return activationNames[a]
}

// MarshalText writes the name; it fails for a value that is no Activation.
func (a Activation) MarshalText() ([]byte, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads a name; it fails, with the names there are, for any other.
// Empty text is the zero Activation.
func (a *Activation) UnmarshalText(text []byte) error {
	for i, name := range activationNames {
		if name == string(text) {
			*a = Activation(i)
			return nil
		}
	}
	return &ConfigError{What: "Activation", Faults: []string{fmt.Sprintf(
		"there is none named %q; use one of %s", text, strings.Join(activationNames[1:], ", "))}}
}

func (a Activation) validate() error {
	if int(a) < len(activationNames) {
		return nil
	}
	return &ConfigError{What: "Activation", Faults: []string{fmt.Sprintf("%v is not defined; use one of the constants", a)}}
}

// or returns a, or other if a is no choice.
func (a Activation) or(other Activation) Activation {
	if a == 0 {
		return other
	}
	return a
}

// Place implements [Module]; it adds nothing to g.
func (a Activation) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	return placedActivation{a}, nil
}

type placedActivation struct{ a Activation }

func (l placedActivation) Fwd(x *G.Node) (*G.Node, error) { return l.a.Apply(x) }
func (l placedActivation) Learnables() G.Nodes            { return nil }

// Apply adds the function of x to x's graph. The result has x's shape; it is x
// itself for Identity.
func (a Activation) Apply(x *G.Node) (*G.Node, error) {
	if x == nil {
		panic("layers: nil input")
	}
	b := nodes.On(x)
	var y *G.Node
	switch a {
	case 0, Identity:
		y = x
	case Tanh:
		y = b.Tanh(x)
	case Sigmoid:
		y = b.Sigmoid(x)
	case Softplus:
		y = b.Softplus(x)
	case Sin:
		y = b.Sin(x)
	case ReLU:
		y = relu(b, x)
	case LeakyReLU:
		// The slope is 1 or 1/100, so nothing overflows that x does not.
		y = b.Mul(x, b.Add(b.Mul(b.Positive(x), b.Constant(0.99)), b.Constant(0.01)))
	case ELU:
		// x − relu(x) is min(x, 0): expm1 never sees a large argument.
		pos := relu(b, x)
		y = b.Add(pos, b.Expm1(b.Sub(x, pos)))
	case GELU:
		y = b.Mul(x, b.NormalCDF(x))
	case GELUTanh:
		// The tanh form, 0.5x(1 + tanh u), is x·σ(2u), which keeps its accuracy
		// where 1 + tanh u cancels.
		cube := b.Mul(x, b.Mul(x, x))
		u2 := b.Mul(b.Add(x, b.Mul(cube, b.Constant(0.044715))), b.Constant(math.Sqrt(8/math.Pi)))
		y = b.Mul(x, b.Sigmoid(u2))
	case Swish:
		y = b.Mul(x, b.Sigmoid(x))
	default:
		return nil, a.validate()
	}
	return b.Result(y)
}

func relu(b *nodes.Builder, x *G.Node) *G.Node { return b.Mul(x, b.Positive(x)) }
