//go:build !amd64 || noasm

package vec

// vectorBytes is the size of a vector register, zero without assembly.
func vectorBytes() int { return 0 }
