package pendulum

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// Training says what is measured and how a network learns it.
type Training struct {
	Kind         Kind    // Hamiltonian or Plain
	Width        int     // of both hidden layers
	Trajectories int     // that were measured, from random starts below Highest
	Noise        float64 // standard deviation, in radians and, for momenta, in Momentum
	Steps        int     // of Adam
	Seed         uint64  // of the starts, the noise and the first weights
}

// What is measured: Samples states of each trajectory, at equal distances over Span seconds.
const (
	Samples = 16
	Span    = 1.5
	Highest = 1.5 * Gravity // J; 2·Gravity is the energy of the upright pendulum at rest
)

// Progress is what becomes known during a training.
type Progress struct {
	Step       int
	Loss, Held float64   // mean squared errors, in the networks' units: on the data, on trajectories held out
	Params     []float64 // now
	NoiseFloor float64   // the variance of the noise, near which the loss of a good network is
}

func (o Training) check() error {
	switch {
	case o.Kind != Hamiltonian && o.Kind != Plain:
		return fmt.Errorf("pendulum: kind %q can not be trained; use %q or %q", o.Kind, Hamiltonian, Plain)
	case o.Trajectories < 1 || o.Trajectories > 500:
		return fmt.Errorf("pendulum: %d trajectories; want 1 to 500", o.Trajectories)
	case !(o.Noise >= 0 && o.Noise <= 1):
		return fmt.Errorf("pendulum: noise %v; want 0 to 1", o.Noise)
	case o.Steps < 1 || o.Steps > 100_000:
		return fmt.Errorf("pendulum: %d steps; want 1 to 100000", o.Steps)
	}
	return nil
}

// Measure returns n trajectories of the true pendulum with noise.
func Measure(ctx context.Context, n int, noise float64, r *rand.Rand) (train.Dataset[float64], error) {
	truth, err := New(Truth, 1, nil)
	if err != nil {
		return nil, err
	}
	data := make(train.Dataset[float64], n)
	for i := range data {
		// Starts at rest or in motion, of an energy that is uniform below Highest.
		e, phase := Highest*(0.02+0.98*r.Float64()), 2*math.Pi*r.Float64()
		q := math.Acos(1-min(e, Highest)/Gravity*math.Pow(math.Cos(phase), 2)) * math.Copysign(1, math.Cos(phase))
		p := math.Sqrt(max(0, 2*(e-Gravity*(1-math.Cos(q))))) * math.Copysign(1, math.Sin(phase))
		z, err := truth.Trajectory(ctx, q, p, Span, Samples-1)
		if err != nil {
			return nil, err
		}
		for j := range z {
			unit := 1.0
			if j%2 == 1 {
				unit = Momentum
			}
			z[j] += noise * unit * r.NormFloat64()
		}
		data[i] = train.Trajectory[float64]{Times: train.Grid(Span, Samples-1), States: z}
	}
	return data, nil
}

// Train measures, and trains a network through the solver: the loss is the squared distance of
// whole trajectories, whose starts are learned too, since they are measured with noise. Every few
// steps, and at the end, it calls hook, whose error ends the training. The model has the
// parameters of the lowest loss on trajectories held out; it is there after an interruption too.
func Train(ctx context.Context, o Training, every int, hook func(Progress) error) (*train.Model[float64], error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(o.Seed, 1))
	data, err := Measure(ctx, o.Trajectories, o.Noise, r)
	if err != nil {
		return nil, err
	}
	held, err := Measure(ctx, 8, 0, r)
	if err != nil {
		return nil, err
	}
	module, err := Module(o.Kind, o.Width)
	if err != nil {
		return nil, err
	}
	model, err := train.New[float64](module, train.Config{
		Shape:  []int{2},
		Solve:  odeint.Options{Method: odeint.RK4, Steps: 1},
		Scaler: train.Scaler{Spread: []float64{1, Momentum}, Unit: Time},
		Rand:   rand.New(rand.NewPCG(o.Seed, 2)),
	})
	if err != nil {
		return nil, err
	}
	problem, err := train.NewProblem(model, data, train.Options[float64]{LearnStarts: true})
	if err != nil {
		return nil, err
	}
	x := problem.Init()
	now := Progress{NoiseFloor: o.Noise * o.Noise}
	_, err = train.Minimize(ctx, problem.Loss(-1), x, train.MinimizeOptions{
		Steps:         o.Steps,
		Schedule:      train.Cosine(0.02, 2e-4, o.Steps),
		Clip:          1,
		MaxSkips:      20,
		ValidateEvery: every,
		Validate: func(ctx context.Context, x []float64) (float64, error) {
			problem.Set(x)
			var err error
			now.Held, err = train.Evaluate(ctx, model, held, nil)
			return now.Held, err
		},
		Hook: func(s train.Step) error {
			now.Step, now.Loss = s.Step+1, s.Loss
			if math.IsNaN(s.Validation) || hook == nil {
				return nil
			}
			now.Params = model.Params()
			return hook(now)
		},
	})
	problem.Set(x)
	return model, err
}
