package mpi

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/neuralode/neuralode/train/dist"
)

// ErrNotBuilt is returned by Open in a program without MPI that was started as one of several
// processes.
var ErrNotBuilt = errors.New("mpi: one of several processes, but the program was built without MPI; build it with CC=mpicc go build -tags mpi")

// Open joins the group of processes and returns it, and a function that every rank must call before
// its program ends well. A rank that ends without, or with an exit code other than 0, makes the
// launcher end all others.
//
// Under Open MPI it sets mpi_yield_when_idle to 1, unless the environment or mpirun --mca has a value.
//
// Open is called once in a program. Calls of the Comm may come from any goroutine, one at a time.
// Its errors are *Error; after one the group is broken, and the program should end.
func Open() (c dist.Comm, finalize func() error, err error) { return open() }

// An Error is that of an MPI call.
type Error struct {
	Call string // "MPI_Allgatherv", …
	Text string // of the MPI
}

// Error returns the call and what the MPI says of it.
func (e *Error) Error() string { return fmt.Sprintf("mpi: %s: %s", e.Call, e.Text) }

// ranksByEnvironment is how many processes the launcher says there are: Open MPI's, MPICH's and
// Intel's, PMIx's by way of srun. 1: it says nothing.
func ranksByEnvironment() int {
	for _, name := range []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"} {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
	}
	return 1
}
