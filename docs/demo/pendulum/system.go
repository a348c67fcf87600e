package pendulum

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// The pendulum, a mass of 1 kg on a rod of 1 m, and the units in which networks
// see it: the angle as it is, momenta in Momentum and times in Time.
const Gravity = 9.81

var (
	Time     = math.Sqrt(1 / Gravity) // s
	Momentum = math.Sqrt(Gravity)     // kg·m²/s
)

// Kind is a way to describe the pendulum.
type Kind string

// The kinds of systems.
const (
	Truth       Kind = "truth" // the equations of motion
	Hamiltonian Kind = "hnn"   // (∂H/∂p, −∂H/∂q) of a network H(q, p)
	Plain       Kind = "node"  // a network for dq/dt and dp/dt
)

// Module returns the vector field of a kind, in the networks' units. Both
// networks have two hidden layers of the given width and get the angle as its
// cosine and sine, so both know that it is an angle.
func Module(kind Kind, width int) (graph.Module, error) {
	if width < 1 || width > 256 {
		return nil, fmt.Errorf("pendulum: width %d; want 1 to 256", width)
	}
	net := layers.MLP{In: 3, Hidden: []int{width, width}, Out: 1, Activation: layers.Tanh}
	switch kind {
	case Truth:
		return hnn.Field{H: hnn.Pendulum{Gravity: 1}}, nil
	case Hamiltonian:
		return hnn.Field{H: hnn.Angles{Of: net, Columns: []int{0}}}, nil
	case Plain:
		net.Out = 2
		return hnn.Angles{Of: net, Columns: []int{0}}, nil
	}
	return nil, fmt.Errorf("pendulum: there is no kind %q; use %q, %q or %q", kind, Truth, Hamiltonian, Plain)
}

// Energy is the energy of a state, 0 at rest and 2·Gravity upright at rest.
func Energy(q, p float64) float64 { return p*p/2 + Gravity*(1-math.Cos(q)) }

// System is the pendulum as a kind sees it. It belongs to one goroutine.
type System struct {
	kind   Kind
	one    graph.CompiledField[float64]
	fields map[int]graph.CompiledField[float64] // by the number of rows
	steps  map[int]*swarm
	energy *hnn.Energy[float64] // of Truth and Hamiltonian
}

type swarm struct {
	in  *odeint.Integrator[float64]
	sol odeint.Solution[float64]
}

// New returns an untrained system of a kind whose parameters are drawn from r,
// nil for those of a fixed seed. Truth has none.
func New(kind Kind, width int, r *rand.Rand) (*System, error) {
	m, err := Module(kind, width)
	if err != nil {
		return nil, err
	}
	cfg := graph.FieldConfig{Shape: []int{2}, Rand: r}
	s := &System{kind: kind, fields: map[int]graph.CompiledField[float64]{}, steps: map[int]*swarm{}}
	if s.one, err = graph.CompileField[float64](m, 1, cfg); err != nil {
		return nil, err
	}
	s.fields[1] = s.one
	if f, ok := m.(hnn.Field); ok {
		if s.energy, err = hnn.NewEnergy[float64](f.H, 1, graph.FieldConfig{Shape: []int{2}}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Kind returns the system's kind.
func (s *System) Kind() Kind { return s.kind }

// NumParams is the number of the network's parameters.
func (s *System) NumParams() int { return s.one.NumParams() }

// SetParams copies theta, of length NumParams, into the system.
func (s *System) SetParams(theta []float64) error {
	if len(theta) != s.NumParams() {
		return fmt.Errorf("pendulum: %d parameters; the network has %d", len(theta), s.NumParams())
	}
	copy(s.one.Params(), theta)
	return nil
}

// Params returns the parameters themselves.
func (s *System) Params() []float64 { return s.one.Params() }

// rows returns the field of n rows, which shares its parameters with all others.
func (s *System) rows(n int) (graph.CompiledField[float64], error) {
	if f, ok := s.fields[n]; ok {
		return f, nil
	}
	f, err := s.one.FieldWithBatch(n)
	if err != nil {
		return nil, err
	}
	s.fields[n] = f
	return f, nil
}

// Slopes stores (dq/dt, dp/dt) of the states z in dst, of the same length.
func (s *System) Slopes(dst, z []float64) error {
	f, err := s.rows(len(z) / 2)
	if err != nil {
		return err
	}
	y := make([]float64, len(z))
	scale(y, z, 1/Momentum)
	f.Eval(dst, 0, y)
	for i := range dst {
		dst[i] /= Time
	}
	scale(dst, dst, Momentum)
	return f.Err()
}

// Learned stores in dst the energies that the system has for the states z: the true ones of
// Truth and, of Hamiltonian, those of the network less its energy at rest. Plain has none.
func (s *System) Learned(dst, z []float64) error {
	if s.energy == nil {
		return fmt.Errorf("pendulum: a system of kind %q has no energy", s.kind)
	}
	copy(s.energy.Params(), s.one.Params())
	var rest [1]float64
	s.energy.Eval(rest[:], 0, []float64{0, 0})
	for i := range dst {
		s.energy.Eval(dst[i:i+1], 0, []float64{z[2*i], z[2*i+1] / Momentum})
		dst[i] = (dst[i] - rest[0]) * Gravity // a mass of 1 kg on 1 m: energies in units of m·g·l
	}
	return s.energy.Err()
}

// Trajectory solves from (q, p) over span seconds, forward or backward, by Tsit5 with a relative
// tolerance of 1e-6, and returns the n+1 states at equal distances.
func (s *System) Trajectory(ctx context.Context, q, p, span float64, n int) ([]float64, error) {
	if n < 1 || n > 100_000 {
		return nil, fmt.Errorf("pendulum: %d intervals; want 1 to 100000", n)
	}
	times := make([]float64, n+1)
	for i := range times {
		times[i] = span / Time * float64(i) / float64(n)
	}
	sol, err := odeint.New[float64](s.one, odeint.Options{RTol: 1e-6, ATol: 1e-8, MaxSteps: 20_000})
	if err != nil {
		return nil, err
	}
	var out odeint.Solution[float64]
	err = sol.SolveAt(ctx, &out, times, []float64{q, p / Momentum})
	scale(out.Y, out.Y, Momentum)
	return out.Y, err
}

// Step advances many states by dt seconds, in one step of RK4.
func (s *System) Step(ctx context.Context, z []float64, dt float64) error {
	n := len(z) / 2
	st, ok := s.steps[n]
	if !ok {
		f, err := s.rows(n)
		if err != nil {
			return err
		}
		in, err := odeint.New[float64](f, odeint.Options{Method: odeint.RK4, Steps: 1})
		if err != nil {
			return err
		}
		st = &swarm{in: in}
		s.steps[n] = st
	}
	scale(z, z, 1/Momentum)
	err := st.in.Solve(ctx, &st.sol, 0, dt/Time, z)
	copy(z, st.sol.Last())
	scale(z, z, Momentum)
	return err
}

// scale stores the states z with their momenta multiplied in dst.
func scale(dst, z []float64, by float64) {
	for i := 0; i+1 < len(z); i += 2 {
		dst[i], dst[i+1] = z[i], z[i+1]*by
	}
}
