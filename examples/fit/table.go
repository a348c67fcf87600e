package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/neuralode/neuralode/examples/internal/train"
)

// table is a time column and state columns of a CSV file. A value that is missing
// is NaN.
type table struct {
	file   string
	time   string   // name of the time column
	states []string // names of the state columns
	t      []float64
	y      []float64 // len(t) rows of len(states)
	lines  []int     // of the file, for each row
}

// columns says which columns of a file to read.
type columns struct {
	time   string   // empty: the first
	states []string // nil: all but the time column
}

// DataError says what is wrong with a data file, and where.
type DataError struct {
	File   string
	Line   int // counted from 1; 0: the file as a whole
	Reason string
}

func (e *DataError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

// minRows is the least number of rows that can be fitted.
const minRows = 3

// readTable reads a CSV file with a header line. Empty lines and lines that begin with # are
// skipped. Columns that are not asked for may hold anything. A fault of the data is
// a *DataError.
func readTable(file string, r io.Reader, want columns) (*table, error) {
	in := csv.NewReader(r)
	in.Comment = '#'
	in.FieldsPerRecord = -1 // checked here, for a message that says more
	in.TrimLeadingSpace = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, &DataError{file, 0, "the file is empty; it needs a header line and rows of numbers"}
	}
	if err != nil {
		return nil, readError(file, err)
	}
	line, _ := in.FieldPos(0)
	d := &table{file: file}
	index, err := d.choose(header, line, want)
	if err != nil {
		return nil, err
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, readError(file, err)
		}
		line, _ := in.FieldPos(0)
		if len(record) != len(header) {
			return nil, &DataError{file, line, fmt.Sprintf("the row has %d fields, the header has %d", len(record), len(header))}
		}
		if err := d.add(record, line, index); err != nil {
			return nil, err
		}
	}
	if len(d.t) < minRows {
		return nil, &DataError{file, 0, fmt.Sprintf("the file has too few rows: %d; at least %d are needed", len(d.t), minRows)}
	}
	return d, nil
}

// readError explains what encoding/csv could not read.
func readError(file string, err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return &DataError{file, parse.StartLine, parse.Err.Error()}
	}
	return fmt.Errorf("%s: %w", file, err)
}

// choose finds the columns in the header and returns their places, that of the time
// column first.
func (d *table) choose(header []string, line int, want columns) ([]int, error) {
	numbers := 0
	for i, name := range header {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // the byte order mark some programs write
		}
		header[i] = strings.TrimSpace(name)
		switch {
		case header[i] == "":
			return nil, &DataError{d.file, line, fmt.Sprintf("column %d of the header has no name", i+1)}
		case slices.Contains(header[:i], header[i]):
			return nil, &DataError{d.file, line, fmt.Sprintf("two columns are called %q", header[i])}
		}
		if _, err := strconv.ParseFloat(header[i], 64); err == nil {
			numbers++
		}
	}
	if numbers == len(header) {
		return nil, &DataError{d.file, line, "the first line holds numbers; it must be a header with the names of the columns"}
	}
	if len(header) < 2 {
		return nil, &DataError{d.file, line, "the file has one column; it needs a time column and at least one state column, separated by commas"}
	}
	if want.time == "" {
		want.time = header[0]
	}
	if want.states == nil {
		for _, name := range header {
			if name != want.time {
				want.states = append(want.states, name)
			}
		}
	}
	d.time, d.states = want.time, want.states
	var index []int
	for i, name := range append([]string{d.time}, d.states...) {
		at := slices.Index(header, name)
		if at < 0 {
			return nil, &DataError{d.file, line, fmt.Sprintf("there is no column %q; the columns are %s", name, strings.Join(header, ", "))}
		}
		if slices.Contains(index, at) {
			return nil, &DataError{d.file, line, fmt.Sprintf("column %q is asked for twice", name)}
		}
		if index = append(index, at); i > 0 && at == index[0] {
			return nil, &DataError{d.file, line, fmt.Sprintf("column %q cannot be both time and state", name)}
		}
	}
	return index, nil
}

// add appends a row.
func (d *table) add(record []string, line int, index []int) error {
	for i, at := range index {
		text := strings.TrimSpace(record[at])
		name := d.time
		if i > 0 {
			name = d.states[i-1]
		}
		v := math.NaN()
		if !missing(text) {
			var err error
			if v, err = strconv.ParseFloat(text, 64); err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
				return &DataError{d.file, line, fmt.Sprintf("column %q: %q is not a finite number", name, text)}
			}
		}
		if i > 0 {
			d.y = append(d.y, v)
			continue
		}
		switch n := len(d.t); {
		case math.IsNaN(v):
			return &DataError{d.file, line, fmt.Sprintf("the time in column %q is missing; only states may be", name)}
		case n > 0 && v == d.t[n-1]:
			return &DataError{d.file, line, fmt.Sprintf("time %v is there twice, also in line %d", v, d.lines[n-1])}
		case n > 0 && v < d.t[n-1]:
			return &DataError{d.file, line, fmt.Sprintf("time %v comes after %v; sort the rows by time", v, d.t[n-1])}
		}
		d.t = append(d.t, v)
		d.lines = append(d.lines, line)
	}
	return nil
}

// missing reports whether a field says that there is no value.
func missing(text string) bool {
	switch strings.ToLower(text) {
	case "", "na", "n/a", "nan", "null", "none", "?":
		return true
	}
	return false
}

// column returns the values of the k-th state.
func (d *table) column(k int) []float64 {
	return train.Column(d.y, len(d.states), k)
}

// check reports what makes the first rows of the table unfit for fitting, with or without
// logarithms.
func (d *table) check(rows int, log bool) error {
	if rows < minRows {
		return &DataError{d.file, 0, fmt.Sprintf("of %d rows %d are held out; at least %d must remain to be fitted", len(d.t), len(d.t)-rows, minRows)}
	}
	for k, name := range d.states {
		present := 0
		for i, v := range d.column(k) {
			if log && v <= 0 {
				return &DataError{d.file, d.lines[i], fmt.Sprintf("column %q: %v has no logarithm; use -log=false", name, v)}
			}
			if i < rows && !math.IsNaN(v) {
				present++
			}
		}
		if present < 2 {
			return &DataError{d.file, 0, fmt.Sprintf("column %q has %d values in the %d rows to be fitted; at least 2 are needed", name, present, rows)}
		}
	}
	return nil
}
