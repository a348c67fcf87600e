package dist

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Comm is one process's place in a group of Size processes. All methods but Rank, Size and Abort are
// collective: every rank must call the same ones in the same order, with counts that agree, and a
// call returns when the rank's part is done. Slices that are read and written must not overlap.
// A Comm is used by one goroutine at a time; Abort may be called from any.
//
// After an error the group is broken, and all later calls fail.
type Comm interface {
	// Rank is the number of this process, from 0, and Size how many there are.
	Rank() int
	Size() int

	// AllGather stores the parts of all ranks in all, one after the other. counts has the
	// length of each rank's part; part has the length counts[Rank()], and all their sum.
	AllGather(all, part []float64, counts []int) error

	// AllToAll sends to each rank its piece of send, sendCounts[r] numbers for rank r, one
	// after the other, and stores what the ranks sent here in recv, recvCounts[r] from rank r.
	AllToAll(recv []float64, recvCounts []int, send []float64, sendCounts []int) error

	// Broadcast copies buf of rank root, of the same length everywhere, to all ranks.
	Broadcast(buf []byte, root int) error

	// Barrier returns when all ranks have called it.
	Barrier() error

	// Abort ends the group because of err: calls of other ranks, also those that wait, fail or
	// their processes end.
	Abort(err error)
}

// ErrAborted is matched by the errors of a group that a rank has ended.
var ErrAborted = errors.New("dist: the group was ended")

// RankError is an error of another rank, of which only the text is known here.
type RankError struct {
	Rank int
	Text string
}

// Error returns the text with the rank.
func (e *RankError) Error() string { return fmt.Sprintf("rank %d: %s", e.Rank, e.Text) }

// Range returns which of n pieces of work, from lo to hi without hi, are those of a rank: an equal
// number for each, up to one.
func Range(n, size, rank int) (lo, hi int) {
	// As rank·n/size, without overflow.
	q, r := n/size, n%size
	return rank*q + rank*r/size, (rank+1)*q + (rank+1)*r/size
}

// Share returns the bytes of rank root on every rank.
func Share(c Comm, data []byte, root int) ([]byte, error) {
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(data)))
	if err := c.Broadcast(length[:], root); err != nil {
		return nil, err
	}
	if c.Rank() != root {
		data = make([]byte, binary.LittleEndian.Uint64(length[:]))
	}
	if len(data) == 0 {
		return data, nil
	}
	return data, c.Broadcast(data, root)
}

// FromFirst calls f on rank 0 and returns its result on every rank. On other ranks an error of f is
// a *RankError.
func FromFirst(c Comm, f func() ([]byte, error)) ([]byte, error) {
	var message []byte
	var failed error
	if c.Rank() == 0 {
		var data []byte
		if data, failed = f(); failed != nil {
			message = append([]byte{1}, failed.Error()...)
		} else {
			message = append([]byte{0}, data...)
		}
	}
	message, err := Share(c, message, 0)
	switch {
	case err != nil:
		return nil, errors.Join(failed, err)
	case failed != nil:
		return nil, failed
	case message[0] == 1:
		return nil, &RankError{Rank: 0, Text: string(message[1:])}
	}
	return message[1:], nil
}
