// Package gradtest helps tests of gradients: finite differences of values that do not
// come from the code under test, the checks that every vector-Jacobian product owes,
// and comparisons that say which component is off. It imports nothing of this
// module, so any package's tests may use it.
package gradtest
