package vec

import "unsafe"

// Epsilon is the distance from 1 to the next number of type T.
func Epsilon[T Float]() float64 {
	var x T
	if unsafe.Sizeof(x) == 4 {
		return 0x1p-23
	}
	return 0x1p-52
}
