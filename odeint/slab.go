package odeint

// slab hands out memory that is returned all at once.
type slab[T Float] struct {
	chunks [][]T
	chunk  int // the chunk in use
	used   int // of it
}

// Chunks grow with what is kept, between these lengths.
const (
	minChunk = 1 << 10
	maxChunk = 1 << 18
)

// reserve returns n elements, not zeroed, that stay free until they are taken.
func (s *slab[T]) reserve(n int) []T {
	for s.chunk < len(s.chunks) && s.used+n > len(s.chunks[s.chunk]) {
		s.chunk, s.used = s.chunk+1, 0
	}
	if s.chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, max(n, minChunk, min(s.size(), maxChunk))))
	}
	return s.chunks[s.chunk][s.used : s.used+n : s.used+n]
}

// take makes the first n elements of the last reservation the caller's own.
func (s *slab[T]) take(n int) { s.used += n }

func (s *slab[T]) reset() { s.chunk, s.used = 0, 0 }

func (s *slab[T]) size() int {
	n := 0
	for _, c := range s.chunks {
		n += len(c)
	}
	return n
}
