package layers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
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
	GELU                            // x·σ(√(8/π)(x + 0.044715x³)), the tanh form of x·Φ(x) (Hendrycks and Gimpel 2016)
	Swish                           // x·σ(x), also called SiLU
	Sin                             // sin x
)

var activationNames = [...]string{
	Identity: "identity", Tanh: "tanh", Sigmoid: "sigmoid", Softplus: "softplus", ReLU: "relu",
	LeakyReLU: "leaky_relu", ELU: "elu", GELU: "gelu", Swish: "swish", Sin: "sin",
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
	return &ConfigError{Module: "Activation", Faults: []string{fmt.Sprintf(
		"there is none named %q; use one of %s", text, strings.Join(activationNames[1:], ", "))}}
}

func (a Activation) validate() error {
	if int(a) < len(activationNames) {
		return nil
	}
	return &ConfigError{Module: "Activation", Faults: []string{fmt.Sprintf("%v is not defined; use one of the constants", a)}}
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
	b := builder{g: x.Graph(), dt: x.Dtype()}
	var y *G.Node
	switch a {
	case 0, Identity:
		y = x
	case Tanh:
		y = b.try(G.Tanh(x))
	case Sigmoid:
		y = b.try(G.Sigmoid(x))
	case Softplus:
		y = b.try(G.Softplus(x))
	case Sin:
		y = b.try(G.Sin(x))
	case ReLU:
		y = b.relu(x)
	case LeakyReLU:
		// The slope is 1 or 1/100, so nothing overflows that x does not.
		y = b.mul(x, b.add(b.mul(b.positive(x), b.constant(0.99)), b.constant(0.01)))
	case ELU:
		// x − relu(x) is min(x, 0): expm1 never sees a large argument.
		pos := b.relu(x)
		y = b.add(pos, b.expm1(b.sub(x, pos)))
	case GELU:
		// The tanh form, 0.5x(1 + tanh u), is x·σ(2u), which keeps its accuracy
		// where 1 + tanh u cancels.
		cube := b.mul(x, b.mul(x, x))
		u2 := b.mul(b.add(x, b.mul(cube, b.constant(0.044715))), b.constant(math.Sqrt(8/math.Pi)))
		y = b.mul(x, b.sigmoid(u2))
	case Swish:
		y = b.mul(x, b.sigmoid(x))
	default:
		return nil, a.validate()
	}
	return y, b.err
}

// builder chains graph operations; after the first error the rest do nothing.
type builder struct {
	g   *G.ExprGraph
	dt  tensor.Dtype
	err error
}

func (b *builder) try(n *G.Node, err error) *G.Node {
	if b.err == nil {
		b.err = err
	}
	return n
}

func (b *builder) binary(op func(x, y *G.Node) (*G.Node, error), x, y *G.Node) *G.Node {
	if b.err != nil {
		return nil
	}
	return b.try(op(x, y))
}

func (b *builder) unary(op func(x *G.Node) (*G.Node, error), x *G.Node) *G.Node {
	if b.err != nil {
		return nil
	}
	return b.try(op(x))
}

func (b *builder) add(x, y *G.Node) *G.Node  { return b.binary(G.Add, x, y) }
func (b *builder) sub(x, y *G.Node) *G.Node  { return b.binary(G.Sub, x, y) }
func (b *builder) mul(x, y *G.Node) *G.Node  { return b.binary(G.HadamardProd, x, y) }
func (b *builder) sigmoid(x *G.Node) *G.Node { return b.unary(G.Sigmoid, x) }
func (b *builder) expm1(x *G.Node) *G.Node   { return b.unary(G.Expm1, x) }
func (b *builder) relu(x *G.Node) *G.Node    { return b.mul(x, b.positive(x)) }

// positive is 1 where x ≥ 0, else 0; its derivative is none.
func (b *builder) positive(x *G.Node) *G.Node {
	gte := func(x, y *G.Node) (*G.Node, error) { return G.Gte(x, y, true) }
	return b.binary(gte, x, b.constant(0))
}

// constant returns the graph's node for a constant. Gorgonia tells constants
// apart by name alone, so the name carries the value and the type.
func (b *builder) constant(v float64) *G.Node {
	if b.err != nil {
		return nil
	}
	var value any = v
	if b.dt == tensor.Float32 {
		value = float32(v)
	}
	return b.g.AddNode(G.NewConstant(value, G.WithName(fmt.Sprintf("layers: %v %v", b.dt, v))))
}
