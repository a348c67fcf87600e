//go:build !mpi

package mpi

import "github.com/neuralode/neuralode/train/dist"

func open() (dist.Comm, func() error, error) {
	if ranksByEnvironment() > 1 {
		return nil, nil, ErrNotBuilt
	}
	return dist.Local(1)[0], func() error { return nil }, nil
}
