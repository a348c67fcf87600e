package table

import (
	"math"
	"time"
)

// Table is what was read: one trajectory, or one for each value of the id column, in the order
// of their first rows.
type Table struct {
	File         string
	Time         string   // name of the time column
	ID           string   // name of the id column; empty: there is one trajectory
	States       []string // names of the state columns
	Clock        *Clock   // what the times of trajectories count; nil: they are as in the table
	Trajectories []Trajectory
	Notes        []string // what was detected, a sentence each
}

// Trajectory is a series of states. Times increase strictly.
type Trajectory struct {
	ID    string // the text in the id column
	Times []float64
	// States holds a row of len(Table.States) values for each time; NaN: missing.
	States []float64
	Lines  []int // of the file, for each time
}

// Column returns a copy of the values of the k-th of n states.
func (t *Trajectory) Column(k, n int) []float64 {
	if n <= 0 || k < 0 || k >= n {
		panic("table: no such column")
	}
	column := make([]float64, 0, len(t.Times))
	for i := k; i < len(t.States); i += n {
		column = append(column, t.States[i])
	}
	return column
}

// Rows returns the number of rows of all trajectories.
func (t *Table) Rows() int {
	n := 0
	for i := range t.Trajectories {
		n += len(t.Trajectories[i].Times)
	}
	return n
}

// Clock says what number a date has: (date − Origin)/Unit.
type Clock struct {
	Origin time.Time     `json:"origin"`
	Unit   time.Duration `json:"unit"`
}

// At returns the date of a number.
func (c Clock) At(t float64) time.Time {
	seconds := t * c.Unit.Seconds()
	whole := math.Floor(seconds)
	return time.Unix(c.Origin.Unix()+int64(whole), int64(c.Origin.Nanosecond())+int64((seconds-whole)*1e9)).UTC()
}

// String names the unit, for the axis of a figure: "days since 2020-01-31".
func (c Clock) String() string {
	layout := time.RFC3339Nano
	if c.Origin.Truncate(24 * time.Hour).Equal(c.Origin) {
		layout = time.DateOnly
	}
	unit := c.Unit.String()
	for _, u := range units {
		if u.length == c.Unit {
			unit = u.name
		}
	}
	return unit + " since " + c.Origin.UTC().Format(layout)
}

var units = []struct {
	name   string
	length time.Duration
}{{"days", 24 * time.Hour}, {"hours", time.Hour}, {"minutes", time.Minute}, {"seconds", time.Second}}

// Header says whether the first line holds the names of the columns.
type Header int

// The values of Header.
const (
	Detect   Header = iota // it does, unless all it holds are numbers
	Present                // it does
	Absent                 // it does not; columns are called time, x1, x2 …
	endOfSet               // of the values
)

// Options choose columns and settle what would be detected. The zero value takes the first
// column for the time and all others for states.
type Options struct {
	File   string   // the name of the file in errors
	Time   string   // name of the time column; empty: the first that is not ID
	ID     string   // name of the column that tells trajectories apart; empty: there is one
	States []string // names of the state columns; nil: all others
	Header Header
	// Comma separates the columns: ',', ';', '\t', '|' or ' ' (any number of them); 0: detected.
	Comma rune
	// Decimal is '.' or ','; 0: as in the first number that has one of them.
	Decimal rune
	// Sort sorts the rows of each trajectory by time; without it they must be sorted.
	Sort bool
	// Clock is the origin and unit of dates; nil: the first date, and days, hours, minutes or
	// seconds by the length of the table. A model that was fitted to one table reads the
	// next one with the clock of the first.
	Clock *Clock
	// MinRows is the least number of rows a trajectory may have; 0: 1.
	MinRows int
}
