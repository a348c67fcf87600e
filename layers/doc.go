// Package layers describes neural networks and places them on Gorgonia graphs.
//
// A [Module] is a description: plain data, without nodes or weights. Placing it
// on a graph, under a name and with a source of random numbers, makes a
// [Layer]: nodes for the weights, and a Fwd that adds the computation to the
// graph. One module can be placed many times, on one graph or on several, as
// float64 or as float32; the placed layers share nothing. The same module is
// also the dynamics of a Neural ODE: packages graph and odelayer take a Module
// and compile it.
//
// # Shapes
//
// The first axis of an input is the batch. Dense layers act on the last axis,
// whatever lies between. Weights have shape (in, out) and biases (1, out), so
// that y = x·W + b.
//
// # Names
//
// Gorgonia identifies nodes by their names and merges those with equal names,
// so every layer on a graph needs a name of its own, and learnables are named
// by their path below it: "net/W0", "net/b0", "net/0/W". A name that is taken
// is a [*NameError], never a shared weight.
//
// # Randomness
//
// Initial weights are drawn in float64, in the order in which Learnables lists
// them, and rounded for float32. The same seed gives the same bits. A nil source
// means rand.New(rand.NewPCG(0, 0)), here and in graph, hnn and odelayer; no clock and
// no global source is asked.
//
// # Composition
//
// [Sequential] puts modules one after another, [Sum] adds them, [Scale] weighs one, and
// [AppendTime] gives one the time. [Func] is a function of nodes, [Custom] one with
// learnables and modules, and [Equations] a system of differential equations with an
// expression for each component: known physics plus a network is
// Sum{physics, network}. [Marshal] and [Unmarshal] write and read what is plain data.
//
// # Errors
//
// Descriptions that make no sense are [*ConfigError], inputs that do not fit
// are [*ShapeError], and weights that do not fit are [*WeightsError]; nil graphs
// and nodes are programmer errors and panic.
package layers
