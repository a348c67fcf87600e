//go:build amd64 && !noasm

package vec

import "golang.org/x/sys/cpu"

// level is the instruction set that the kernels use. Tests set it.
var level = detect()

const (
	levelGo     = iota // no assembly
	levelAVX2          // AVX2 and FMA
	levelAVX512        // AVX-512 F, DQ, VL and BW besides
)

func detect() int {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasBMI2:
		return levelGo
	case x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512BW:
		return levelAVX512
	default:
		return levelAVX2
	}
}

// vectorBytes is the size of a vector register, zero without assembly.
func vectorBytes() int { return [...]int{levelGo: 0, levelAVX2: 32, levelAVX512: 64}[level] }
