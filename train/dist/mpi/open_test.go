//go:build !mpi

package mpi

import (
	"errors"
	"testing"
)

// A program without MPI is a group of one, but not under a launcher of several.
func TestOpenWithoutMPI(t *testing.T) {
	for _, name := range []string{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"} {
		t.Setenv(name, "")
	}
	c, finalize, err := Open()
	if err != nil || c.Size() != 1 || c.Rank() != 0 || c.Barrier() != nil || finalize() != nil {
		t.Errorf("%v, %v", c, err)
	}
	t.Setenv("PMI_SIZE", "4")
	if _, _, err := Open(); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("%v", err)
	}
}
