// Package figure draws the example programs' figures on gonum/plot: panels with
// the title and the legend above the axes, where they hide no data, one palette
// for all, and PNG files written atomically.
package figure
