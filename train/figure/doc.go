// Package figure draws figures of trajectories, fits and losses on gonum/plot: panels with
// the title and the legend above the axes, where they hide no data, one palette that
// readers with any colour vision can tell apart, ticks like 10⁻⁵, and PNG files written
// atomically.
//
// A [Panel] is one pair of axes; [Save] puts panels into columns, their axes aligned. Each
// series that has a colour of its own should have a label, which is its entry of the
// legend.
//
// A million rows and thousands of series are drawn in about a second: lines are reduced to
// what pixels can show, marks that cover each other to one, and a legend has at most 24
// entries and tells how many more there are.
package figure
