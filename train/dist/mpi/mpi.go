//go:build mpi

package mpi

/*
#include <mpi.h>
#include <stdlib.h>

// The constants of MPI are macros, of types that differ between implementations.
static int start(int *provided) { return MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, provided); }
static int serialized(int provided) { return provided >= MPI_THREAD_SERIALIZED; }
static int world_rank(int *r) { return MPI_Comm_rank(MPI_COMM_WORLD, r); }
static int world_size(int *n) { return MPI_Comm_size(MPI_COMM_WORLD, n); }
static int return_errors(void) { return MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN); }
static int all_gather(double *part, int n, double *all, int *counts, int *offsets) {
	return MPI_Allgatherv(part, n, MPI_DOUBLE, all, counts, offsets, MPI_DOUBLE, MPI_COMM_WORLD);
}
static int all_to_all(double *send, int *scounts, int *soffsets, double *recv, int *rcounts, int *roffsets) {
	return MPI_Alltoallv(send, scounts, soffsets, MPI_DOUBLE, recv, rcounts, roffsets, MPI_DOUBLE, MPI_COMM_WORLD);
}
static int broadcast(void *buf, int n, int root) { return MPI_Bcast(buf, n, MPI_BYTE, root, MPI_COMM_WORLD); }
static int barrier(void) { return MPI_Barrier(MPI_COMM_WORLD); }
static int end_all(int code) { return MPI_Abort(MPI_COMM_WORLD, code); }
static int text_of(int code, char *text, int *n) { return MPI_Error_string(code, text, n); }
enum { text_size = MPI_MAX_ERROR_STRING + 1 };
*/
import "C"

import (
	"fmt"
	"math"
	"os"
	"sync"
	"unsafe"

	"github.com/neuralode/neuralode/train/dist"
)

// comm is MPI_COMM_WORLD.
type comm struct {
	rank, size                               int
	mu                                       sync.Mutex // MPI calls come one at a time
	sendCounts, recvCounts, sendAt, recvFrom []C.int
}

// yield is Open MPI's parameter for what a rank does that waits for others. It spins, and where every
// core has a rank, the kernel does not get to deliver what the rank waits for: a sum over TCP took 24
// ms instead of 0.7. To give up the core between two looks costs 1 µs.
const yield = "OMPI_MCA_mpi_yield_when_idle"

func open() (dist.Comm, func() error, error) {
	if _, chosen := os.LookupEnv(yield); !chosen {
		if err := os.Setenv(yield, "1"); err != nil {
			return nil, nil, &Error{"setenv", err.Error()}
		}
	}
	var provided C.int
	if err := failed("MPI_Init_thread", C.start(&provided)); err != nil {
		return nil, nil, err
	}
	if C.serialized(provided) == 0 {
		return nil, nil, &Error{"MPI_Init_thread", "this MPI does not allow calls from several threads, one at a time (MPI_THREAD_SERIALIZED)"}
	}
	var rank, size C.int
	for _, err := range []error{
		failed("MPI_Comm_rank", C.world_rank(&rank)),
		failed("MPI_Comm_size", C.world_size(&size)),
		failed("MPI_Comm_set_errhandler", C.return_errors()),
	} {
		if err != nil {
			return nil, nil, err
		}
	}
	c := &comm{rank: int(rank), size: int(size)}
	return c, c.finalize, nil
}

func (c *comm) finalize() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return failed("MPI_Finalize", C.MPI_Finalize())
}

func (c *comm) Rank() int { return c.rank }
func (c *comm) Size() int { return c.size }

func (c *comm) AllGather(all, part []float64, counts []int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var total int
	if c.recvCounts, c.recvFrom, total = layout(c.recvCounts, c.recvFrom, counts); total < 0 {
		return tooLong("MPI_Allgatherv")
	}
	if len(counts) != c.size || len(all) != total || len(part) != counts[c.rank] {
		panic("mpi: AllGather with lengths other than its counts")
	}
	return failed("MPI_Allgatherv", C.all_gather(doubles(part), C.int(len(part)), doubles(all), &c.recvCounts[0], &c.recvFrom[0]))
}

func (c *comm) AllToAll(recv []float64, recvCounts []int, send []float64, sendCounts []int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sent, received int
	c.sendCounts, c.sendAt, sent = layout(c.sendCounts, c.sendAt, sendCounts)
	c.recvCounts, c.recvFrom, received = layout(c.recvCounts, c.recvFrom, recvCounts)
	if sent < 0 || received < 0 {
		return tooLong("MPI_Alltoallv")
	}
	if len(sendCounts) != c.size || len(recvCounts) != c.size || len(send) != sent || len(recv) != received {
		panic("mpi: AllToAll with lengths other than its counts")
	}
	return failed("MPI_Alltoallv", C.all_to_all(doubles(send), &c.sendCounts[0], &c.sendAt[0], doubles(recv), &c.recvCounts[0], &c.recvFrom[0]))
}

func (c *comm) Broadcast(buf []byte, root int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(buf) > 0 { // lengths are ints of C
		part := buf[:min(len(buf), 1<<30)]
		if err := failed("MPI_Bcast", C.broadcast(unsafe.Pointer(&part[0]), C.int(len(part)), C.int(root))); err != nil {
			return err
		}
		buf = buf[len(part):]
	}
	return nil
}

func (c *comm) Barrier() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return failed("MPI_Barrier", C.barrier())
}

// Abort prints err and ends the processes of all ranks, this one included.
func (c *comm) Abort(err error) {
	fmt.Fprintf(os.Stderr, "rank %d: %v\n", c.rank, err)
	C.end_all(1)
}

// layout stores counts and their offsets as C has them, and returns the sum; −1 if it is too large
// for an int of C.
func layout(c, at []C.int, counts []int) ([]C.int, []C.int, int) {
	c, at = c[:0], at[:0]
	total := 0
	for _, n := range counts {
		c, at = append(c, C.int(n)), append(at, C.int(total))
		if total += n; n < 0 || total > math.MaxInt32 {
			return c, at, -1
		}
	}
	return c, at, total
}

// nothing is where empty slices point to.
var nothing C.double

func doubles(v []float64) *C.double {
	if len(v) == 0 {
		return &nothing
	}
	return (*C.double)(unsafe.Pointer(&v[0]))
}

func tooLong(call string) error {
	return &Error{call, "more than 2³¹−1 numbers in one message; use more ranks"}
}

func failed(call string, code C.int) error {
	if code == 0 { // MPI_SUCCESS
		return nil
	}
	var text [C.text_size]C.char
	var n C.int
	C.text_of(code, &text[0], &n)
	return &Error{call, C.GoStringN(&text[0], n)}
}
