package dist

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// together runs f on every rank of a local group.
func together(n int, f func(c Comm) error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i, c := range Local(n) {
		group.Go(func() { errs[i] = f(c) })
	}
	group.Wait()
	return errs
}

// tree is the sum as the definition has it, by recursion from the top.
func tree(v []float64) float64 {
	if len(v) == 1 {
		return v[0]
	}
	w := 1
	for 2*w < len(v) {
		w *= 2
	}
	return tree(v[:w]) + tree(v[w:])
}

// The sum has the bits of the tree for any number of ranks, of blocks, and components; numbers of
// very different sizes make another order visible.
func TestSumHasTheBitsOfTheTree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 7, 16, 21} {
		for _, p := range []int{0, 1, 5, 3001} {
			data := make([][]float64, n)
			for b := range data {
				data[b] = make([]float64, p)
				for k := range data[b] {
					data[b][k] = math.Exp(20*r.NormFloat64()) * (r.Float64() - 0.5)
				}
			}
			want := make([]float64, p)
			for k := range want {
				var column []float64
				for _, v := range data {
					column = append(column, v[k])
				}
				if n > 0 {
					want[k] = tree(column)
				}
			}
			for _, size := range []int{1, 2, 3, 4, 5, 9} {
				for rank, err := range together(size, func(c Comm) error {
					s := Reducer{Comm: c}
					for range 2 {
						lo, hi := Range(n, size, c.Rank())
						var own [][]float64
						for _, v := range data[lo:hi] {
							own = append(own, slices.Clone(v))
						}
						got := slices.Repeat([]float64{7}, p)
						if err := s.Sum(got, n, own); err != nil {
							return err
						}
						if !slices.Equal(got, want) {
							return fmt.Errorf("%d blocks of %d numbers on %d ranks: another sum", n, p, size)
						}
					}
					return nil
				}) {
					if err != nil {
						t.Fatalf("rank %d: %v", rank, err)
					}
				}
			}
		}
	}
	var s Reducer
	got := make([]float64, 1)
	if err := s.Sum(got, 2, [][]float64{{1}, {2}}); err != nil || got[0] != 3 {
		t.Errorf("without a Comm: %v, %v", got, err)
	}
}

func TestRangeCoversAll(t *testing.T) {
	for n := range 30 {
		for size := 1; size < 12; size++ {
			at := 0
			for rank := range size {
				lo, hi := Range(n, size, rank)
				if lo != at || hi-lo < n/size || hi-lo > (n+size-1)/size {
					t.Fatalf("%d pieces, rank %d of %d: %d to %d", n, rank, size, lo, hi)
				}
				at = hi
			}
			if at != n {
				t.Fatalf("%d of %d pieces", at, n)
			}
		}
	}
}

func TestFromFirst(t *testing.T) {
	bad := errors.New("no such file")
	for rank, err := range together(3, func(c Comm) error {
		for _, text := range []string{"", "some bytes"} {
			got, err := FromFirst(c, func() ([]byte, error) {
				if c.Rank() != 0 {
					return nil, errors.New("called on another rank")
				}
				return []byte(text), nil
			})
			if err != nil || string(got) != text {
				return fmt.Errorf("%q, %w", got, err)
			}
		}
		_, err := FromFirst(c, func() ([]byte, error) { return nil, bad })
		return err
	}) {
		var other *RankError
		if rank == 0 && err != bad || rank > 0 && (!errors.As(err, &other) || err.Error() != "rank 0: no such file") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

// A rank that gives up ends the waiting of all others, and every later call.
func TestAbort(t *testing.T) {
	began := time.Now()
	for rank, err := range together(4, func(c Comm) error {
		if c.Rank() == 2 {
			time.Sleep(20 * time.Millisecond)
			c.Abort(errors.New("out of memory"))
			return nil
		}
		var s Reducer
		s.Comm = c
		lo, hi := Range(4, 4, c.Rank())
		err := s.Sum(make([]float64, 10), 4, slices.Repeat([][]float64{make([]float64, 10)}, hi-lo))
		return errors.Join(err, c.Barrier())
	}) {
		if rank != 2 && (!errors.Is(err, ErrAborted) || !strings.Contains(err.Error(), "rank 2: out of memory")) {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func BenchmarkSum(b *testing.B) {
	for _, size := range []int{1, 2, 4} {
		for _, p := range []int{1e3, 1e5} {
			b.Run(fmt.Sprintf("ranks=%d/floats=%d", size, p), func(b *testing.B) {
				b.ReportAllocs()
				together(size, func(c Comm) error {
					s, dst, own := Reducer{Comm: c}, make([]float64, p), make([]float64, p)
					for range b.N {
						if err := s.Sum(dst, size, [][]float64{own}); err != nil {
							return err
						}
					}
					return nil
				})
			})
		}
	}
}
