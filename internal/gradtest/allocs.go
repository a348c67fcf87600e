package gradtest

import "testing"

// Allocs returns how often f allocates in a call, averaged over runs calls: the least of
// five measurements, since the runtime counts the allocations of all goroutines and the
// finalizers of other tests' garbage run at any time. An allocation of f is in all of them.
func Allocs(runs int, f func()) float64 {
	least := testing.AllocsPerRun(runs, f)
	for i := 1; i < 5 && least > 0; i++ {
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
