// Package dist lets processes, on one machine or many, work on one training: a [Comm] is the group
// they form, [Reducer] adds their vectors, and train.Options.Comm takes the Comm.
//
// [Local] makes a group of goroutines, for tests and for programs of one process. Package
// train/dist/mpi makes the group that mpirun or srun started.
//
// Floating-point sums depend on their order. Reducer therefore does not add what ranks found, but
// what blocks found: a fixed number of pieces of the work, each computed by some rank, added along
// one binary tree over the numbers of the blocks. The sum has the same bits on any number of ranks.
package dist
