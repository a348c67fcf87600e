// Package vec holds the floating-point kernels of the numeric engines: loops
// over slices of either width, without allocation and without knowledge of
// what they are used for.
//
// Destinations come first, except Gemm's, as in BLAS. Unless a kernel says otherwise, the operands are at
// least as long as the destination, and may be the destination itself but not
// overlap it partially. Results do not depend on the number of processors.
//
// On amd64 most kernels are assembly, written by the generator in _gen for AVX2
// and for AVX-512 and chosen when the program starts. The build tag noasm, or
// another architecture, leaves the same in Go.
package vec
