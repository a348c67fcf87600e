//go:build amd64 && !noasm

package vec

import "testing"

// forEachLevel runs f with every instruction set that the processor has.
func forEachLevel(t *testing.T, f func(t *testing.T)) {
	eachLevel(func(name string) { t.Run(name, f) })
}

// benchEachLevel is forEachLevel for benchmarks.
func benchEachLevel(b *testing.B, f func(b *testing.B)) {
	eachLevel(func(name string) { b.Run(name, f) })
}

func eachLevel(run func(name string)) {
	best := level
	defer func() { level = best }()
	for l, name := range []string{"Go", "AVX2", "AVX512"} {
		if l <= best {
			level = l
			run(name)
		}
	}
}
