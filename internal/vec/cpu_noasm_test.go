//go:build !amd64 || noasm

package vec

import "testing"

// forEachLevel runs f with every instruction set that the processor has.
func forEachLevel(t *testing.T, f func(t *testing.T)) { t.Run("Go", f) }

// benchEachLevel is forEachLevel for benchmarks.
func benchEachLevel(b *testing.B, f func(b *testing.B)) { b.Run("Go", f) }
