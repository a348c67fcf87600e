//go:build mpi

package mpi

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/neuralode/neuralode/train/dist"
)

// These tests are for any number of ranks:
//
//	CC=mpicc go test -c -tags mpi ./train/dist/mpi && mpirun -n 4 ./mpi.test -test.v

var world dist.Comm

func TestMain(m *testing.M) {
	c, finalize, err := Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	world = c
	code := m.Run()
	if err := finalize(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Sums have the bits of one process for vectors that go by either way, and the time of one of 1e5
// numbers is printed.
func TestSum(t *testing.T) {
	for _, p := range []int{0, 3, 100_000} {
		const n = 21
		data := make([][]float64, n)
		for b := range data {
			for k := range p {
				data[b] = append(data[b], 1/float64(1+b*p+k)-0.01)
			}
		}
		clones := func(v [][]float64) (all [][]float64) {
			for _, x := range v {
				all = append(all, slices.Clone(x))
			}
			return all
		}
		var alone dist.Reducer
		want, got := make([]float64, p), make([]float64, p)
		if err := alone.Sum(want, n, clones(data)); err != nil {
			t.Fatal(err)
		}
		r := dist.Reducer{Comm: world}
		lo, hi := dist.Range(n, world.Size(), world.Rank())
		if err := r.Sum(got, n, clones(data[lo:hi])); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d numbers: another sum; %v", p, err)
		}
	}
}

func TestSumTime(t *testing.T) {
	for _, p := range []int{1000, 100_000, 1_000_000} {
		r := dist.Reducer{Comm: world}
		own, dst := [][]float64{make([]float64, p)}, make([]float64, p)
		var times []time.Duration
		for range 100 {
			if err := world.Barrier(); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := r.Sum(dst, world.Size(), own); err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		if world.Rank() == 0 {
			t.Logf("%d ranks, %d float64: median %v, lowest %v", world.Size(), p, times[50], times[0])
		}
	}
}

func TestBroadcast(t *testing.T) {
	if err := world.Broadcast(nil, 0); err != nil {
		t.Error(err)
	}
	root := world.Size() - 1
	var data []byte
	if world.Rank() == root {
		data = []byte("from the last")
	}
	got, err := dist.Share(world, data, root)
	if err != nil || string(got) != "from the last" {
		t.Errorf("%q, %v", got, err)
	}
	_, err = dist.FromFirst(world, func() ([]byte, error) { return nil, errors.New("no file") })
	if err == nil || (world.Rank() > 0) != (err.Error() == "rank 0: no file") {
		t.Errorf("rank %d: %v", world.Rank(), err)
	}
}
