// Package hnn makes vector fields from energies: Hamiltonian neural networks,
// known mechanical systems, and mixtures of both, with damping and driving
// forces where there are any.
//
// An energy is a [Module] from states z = (q, p) to one number for each row. It
// is a network such as layers.MLP, a [Separable] T(p) + V(q), a system written
// down ([Pendulum], [DoublePendulum], [Kepler], [HenonHeiles], [Harmonic]),
// whose parameters may be learned, a [Sum] of such, or any module of the user's.
// [Field] turns it into the module of dz/dt = (∂H/∂p, −∂H/∂q), which goes
// wherever a network goes: into graph.CompileField and the solvers of odeint, into
// odelayer, or directly on a graph. Its gradients are graph nodes, so training
// differentiates through them.
//
// # State
//
// A state is a row of 2n numbers, n positions and then n momenta; nodes are
// (batch, 2n).
//
// # Training
//
// There are three ways, in order of cost:
//
//   - [Matching] fits the field to measured derivatives;
//   - [FromStates] and [FromPositions] estimate them first, from noisy samples,
//     by a curve of package odeint/collocation;
//   - package adjoint, or odelayer, goes through the solver; [TrajectoryLoss] is
//     the loss.
//
// A field trained cold through a solver may get stuck where the first two ways
// do not; they make a good start for it.
//
// # Lagrangians
//
// Where momenta cannot be had, [Lagrangian] makes the field of positions and
// velocities from a Lagrangian: a network, a [Mechanical] with a learned mass matrix,
// a known system (DoublePendulum{}.Lagrangian()), a [Sum] of such, with forces and
// friction. [LagrangianEnergy] is its energy, [Legendre] the map to momenta.
// [Velocities] is the other way to do without momenta: a Hamiltonian field whose inverse
// mass matrix is learned ([MechanicalEnergy]), in positions and velocities.
//
// # Inputs
//
// [Port] is the force of exogenous inputs u(t), such as a motor's torque, on either
// kind of field; see graph.FieldConfig.Input. With [Velocities] or [MechanicalEnergy] and a
// [Damping] it is SymODEN; [Angles] puts positions that are angles on the circle.
//
// # Energy
//
// [NewEnergy] compiles an energy into a function, to follow it along a
// trajectory and to add regularisers to a loss; [DriftOf] tells a drift from a
// bounded oscillation.
//
// # Symplectic methods
//
// graph.CompileField, and with it odelayer, compiles any field as its method can
// use it best: a separable energy by itself in the two halves that explicit
// symplectic methods ask for, a [SeparableField], everything else whole, a
// graph.Field, which Tao's and the implicit methods take. All of them are
// graph.Functions, or made of them: JVP, Clone, WithBatch.
//
// # Files
//
// Modules have descriptions in JSON: layers.Marshal writes them, and layers.Unmarshal and
// train.Load read them with [Kinds].
//
// Errors that data or options cause are values, mostly [*ConfigError] and
// [*ShapeError]; wrong slice lengths and nil nodes panic.
package hnn
