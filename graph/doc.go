// Package graph differentiates Gorgonia graphs and compiles them.
//
// A model is built once as nodes of a [gorgonia.org/gorgonia.ExprGraph] and run
// millions of times as a vector field. The work has three phases:
//
//   - Building. Ordinary Gorgonia functions make the nodes; [VJP] and [Grad] add
//     nodes for derivatives to the same graph. The results are ordinary nodes, so
//     they nest: a vector field may be made of derivatives (a Hamiltonian's, for
//     instance) and is then differentiated once more for training.
//     [Solve] and [LogDet] are ops that Gorgonia lacks: linear equations and
//     determinants of a batch of matrices.
//   - Compiling. [Compile] reads the nodes that the wanted outputs need and lowers
//     them to a typed [Program]: constants folded, common expressions shared,
//     buffers laid out. A Program does not change and may be shared. An op of the
//     user's own runs by its Do, slowly; one with a method DoInto64(dst []float64,
//     src [][]float64) error, or DoInto32, by that on flat memory, without copies.
//     One with a method PieceOf() int is taken for that part of its operand, a
//     vector, that starts there, and costs nothing.
//   - Running. An [Instance] of a Program owns the buffers of one goroutine. Run
//     allocates nothing and never touches a Gorgonia machine. A [Field] gives the
//     roles of time, state and parameters to inputs of such programs; a module that
//     wants a vector field of another kind is a [FieldCompiler].
//
// A [Machine] does all three for a model that somebody else would run on a TapeMachine.
//
// # Terms
//
//   - op: what a node computes from its operands, the nodes it has edges to.
//   - cotangent: the derivative of some scalar by a node, in the shape of the node.
//   - VJP, vector–Jacobian product: the cotangents of inputs, given those of outputs.
//   - wrt: the nodes that are differentiated with respect to.
//   - reverse pass: from the outputs towards wrt, each op turns the cotangent of
//     its result into those of its operands by its rule. The rule is Gorgonia's own
//     (SDOp.SymDiff) or, where that is wrong, missing or cannot be differentiated
//     again, one of this package.
//   - active: depending on a wrt through derivatives that are not zero. Only active
//     nodes are visited.
//
// # Errors
//
// What a graph or its data can cause comes back as an error, typed where a caller
// may want to react, and says what to try; panics of Gorgonia on the way become
// errors too. Only nil receivers and slices of wrong length panic.
//
// # Limits
//
// A graph holds float32 or float64 throughout, and is built by one goroutine at
// a time. Gorgonia merges nodes by a hash of 32 bits of their print: give every
// input and constant a name of its own, and keep graphs below some thousand nodes.
// Its Slice hashes bounds modulo 256, so that x[0:10] and x[256:266] become one
// node; [Part] does not. It does not hash what tells SoftMax from LogSoftMax: of both
// on one node, along one axis, there is only the one that was built first, and
// nothing that could be detected later. Take the logarithm of the one, or the
// exponential of the other.
//
// Gorgonia's TapeMachine may run the derivatives made here, but has faults of its
// own, which a compiled Program does not share: it overwrites the operand of a
// Reshape that is the first operand of an elementwise op, sums the middle axes of
// tensors of four and more axes wrongly, and computes AveragePool2D, and GroupNorm
// of more than 263 values in a group, wrongly.
package graph
