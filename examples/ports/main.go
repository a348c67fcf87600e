// Command ports learns a pendulum with a motor as a Hamiltonian system with a port, and
// swings it up by what was learned.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

var program = experiment.New("ports", `Learns a pendulum with torque, observed as (cos θ, sin θ, θ′), as SymODEN does (Zhong, Dey
and Chakraborty 2020): M⁻¹(q), V(q) and g(q) of ṗ = −∂H/∂q + g(q)u, through the solver over
windows of 2 to 6 states, and beside it one network for H(q, p), and both given p. Then the energy of the
learned pendulum is shaped to swing the true one up and hold it with a weak motor.

    windows.png   prediction loss against the states in a window
    swingup.png   angle, torque and energy of a swing-up
    learned.png   M⁻¹, V and g beside the true ones
    metrics.json  ports_loss_tau2 … ports_loss_tau6, swingup_success`, run)

func main() { experiment.Main("ports", program) }

func run(ctx context.Context, r *experiment.Run) error {
	steps, swings := r.Steps(1500), 20
	if r.Quick {
		steps, swings = 30, 2
	}
	whole := context.WithoutCancel(ctx) // of all but the training, which is what takes time
	seen, judged, err := observe(rand.New(rand.NewPCG(r.Seed, 1)))
	if err != nil {
		return err
	}
	s := new(study)
	var reports []train.Report
	learn := func(name string, module graph.Module, points int, seen, judged []series) (*model, float64, error) {
		m, err := fit(ctx, fmt.Sprintf("%s, %d states", name, points), module, windows(seen, points), steps, rand.New(rand.NewPCG(r.Seed, 2)), r.Stderr)
		if err != nil && ctx.Err() == nil {
			return nil, 0, err
		}
		loss, _, err := m.predict(whole, judged)
		reports = append(reports, m.report)
		r.Metrics.Set(fmt.Sprintf("%s_loss_tau%d", name, points), loss)
		return m, loss, err
	}
	for points := 2; points <= 6; points++ {
		m, loss, err := learn("ports", hnn.Velocities{Field: structured}, points, seen, judged)
		if err != nil {
			return err
		}
		s.losses, s.best = append(s.losses, loss), m
	}
	velocities := hnn.Velocities{Field: unstructured, C: inverseMass, Epsilon: epsilon}
	if _, s.plain, err = learn("unstructured", velocities, 6, seen, judged); err != nil {
		return err
	}
	_, given, err := learn("momenta", structured, 6, momenta(seen), momenta(judged))
	if err != nil {
		return err
	}
	_, plain, err := learn("unstructured_momenta", unstructured, 6, momenta(seen), momenta(judged))
	if err != nil {
		return err
	}
	c, err := newController(s.best)
	if err != nil {
		return err
	}
	success, all, err := c.swingUps(swings, rand.New(rand.NewPCG(r.Seed, 3)))
	if err != nil {
		return err
	}
	s.controller, s.swings = c, all
	r.Metrics.Set("loss_ratio_tau2_tau6", s.losses[0]/s.losses[4])
	r.Metrics.Set("loss_ratio_structured_unstructured", s.losses[4]/s.plain)
	r.Metrics.Set("loss_ratio_structured_unstructured_momenta", given/plain)
	r.Metrics.Set("swingup_success", success)
	r.Metrics.Training(reports...)
	return s.figures(r)
}
