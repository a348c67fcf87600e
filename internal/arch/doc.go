// Package arch holds the test of the import picture: which package of this
// module may import which other, and which of them may know Gorgonia.
package arch
