//go:build amd64 && !noasm

package vec

import "testing"

// forEachLevel runs f with every instruction set that the processor has.
func forEachLevel(t *testing.T, f func(t *testing.T)) {
	best := level
	defer func() { level = best }()
	for l, name := range []string{"Go", "AVX2", "AVX512"} {
		if l > best {
			t.Logf("%s: the processor has it not", name)
			continue
		}
		level = l
		t.Run(name, f)
	}
}
