// Package mpi is the group of processes that mpirun, mpiexec or srun started: a [dist.Comm] over the
// cluster's own MPI, Open MPI or MPICH.
//
// It is built with cgo and the build tag mpi, by the MPI's compiler:
//
//	CC=mpicc go build -tags mpi ./yourprogram
//	mpirun -n 4 ./yourprogram
//
// Without the tag nothing needs C: [Open] returns a group of one, or [ErrNotBuilt] if the process was
// started as one of several, which would otherwise all do the same work.
package mpi
