package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// columns are the places in a record of what is read.
type columns struct {
	names  []string // of all columns of the file
	time   int
	id     int // −1: none
	states []int
}

// choose finds the columns. It returns whether the first record is a header.
func (t *Table) choose(s *source, opt *Options, line int) (c columns, header bool, err error) {
	fault := func(column, reason, remedy string) (columns, bool, error) {
		return columns{}, false, &Error{t.File, line, column, reason, remedy}
	}
	first := s.sample[0]
	switch opt.Header {
	case Present:
		header = true
	case Absent:
	default:
		header = !allValues(first)
		if !header {
			t.note("the first line holds numbers and is taken for data, not for names (Header: Present says otherwise)")
		}
	}
	unnamed := map[int]bool{}
	at := make(map[string]int, len(first))
	for i := range first {
		name := defaultName(i)
		if header {
			name = strings.TrimSpace(first[i])
			if !utf8.ValidString(name) || !printable(name) {
				return fault("", fmt.Sprintf("the name of column %d, %s, is not UTF-8", i+1, quote(name)), "save the file as UTF-8")
			}
		}
		if name == "" {
			unnamed[i] = true
			name = "column" + strconv.Itoa(i+1)
		}
		if j, twice := at[name]; twice {
			return fault("", fmt.Sprintf("columns %d and %d are both called %s", j+1, i+1, quote(name)), "rename one")
		}
		at[name] = i
		c.names = append(c.names, name)
	}
	if len(first) < 2 {
		return fault("", "the table has one column; it needs a time column and at least one state column",
			"separate columns by commas, semicolons, tabs, bars or spaces")
	}
	find := func(name string) (int, error) {
		if i, ok := at[name]; ok {
			return i, nil
		}
		return 0, &Error{t.File, line, "", fmt.Sprintf("there is no column %s", quote(name)), "the columns are " + list(c.names)}
	}
	c.id = -1
	if opt.ID != "" {
		if c.id, err = find(opt.ID); err != nil {
			return c, false, err
		}
	}
	skip := t.ignored(s, header, unnamed, opt, c)
	if opt.Time != "" {
		if c.time, err = find(opt.Time); err != nil {
			return c, false, err
		}
	} else {
		c.time = slices.IndexFunc(c.names, func(n string) bool { return at[n] != c.id && !skip[at[n]] })
	}
	if c.time < 0 {
		return fault("", "no column is left for the time", "")
	}
	if c.time == c.id {
		return fault(opt.ID, "it cannot be both time and id", "name another")
	}
	if opt.States == nil {
		for i := range c.names {
			if i != c.time && i != c.id && !skip[i] {
				c.states = append(c.states, i)
			}
		}
	}
	for _, name := range opt.States {
		i, err := find(name)
		switch {
		case err != nil:
			return c, false, err
		case i == c.time || i == c.id:
			return fault(name, "it cannot be a state too", "leave it out of the states")
		case slices.Contains(c.states, i):
			return fault(name, "it is asked for twice", "")
		}
		c.states = append(c.states, i)
	}
	if len(c.states) == 0 {
		return fault("", "no column is left for the states", "the columns are "+list(c.names))
	}
	t.Time = c.names[c.time]
	if c.id >= 0 {
		t.ID = c.names[c.id]
	}
	for _, i := range c.states {
		t.States = append(t.States, c.names[i])
	}
	return c, header, nil
}

func (t *Table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

func defaultName(i int) string {
	if i == 0 {
		return "time"
	}
	return "x" + strconv.Itoa(i)
}

// allValues reports whether a record holds numbers, times and missing values only, and a number
// at least.
func allValues(record []string) bool {
	numbers := 0
	for i, text := range record {
		text = strings.TrimSpace(text)
		switch {
		case isNumber(text) || timeFormat(text) != nil:
			numbers++
		case text == "" && i == 0, !missing(text): // pandas leaves the name of its index empty
			return false
		}
	}
	return numbers > 0
}

// ignored returns the columns without a name that hold nothing or, being the first, only
// number the rows.
func (t *Table) ignored(s *source, header bool, unnamed map[int]bool, opt *Options, c columns) map[int]bool {
	skip := map[int]bool{}
	rows := s.sample
	if header {
		rows = rows[1:]
	}
	for i := range c.names {
		if !unnamed[i] || c.names[i] == opt.Time || i == c.id {
			continue
		}
		empty, counts := true, i == 0 && len(rows) > 1
		for n, row := range rows {
			if i >= len(row) {
				continue
			}
			text := strings.TrimSpace(row[i])
			empty = empty && text == ""
			counts = counts && text == strconv.Itoa(n)
		}
		switch {
		case empty:
			skip[i] = true
			t.note("column %d has no name and no values; it is left out", i+1)
		case counts && (opt.Time != "" || len(c.names) > 2 && increases(rows, 1)):
			skip[i] = true
			t.note("column 1 has no name and numbers the rows; it is left out")
		default:
			t.note("column %d has no name; it is called %s", i+1, c.names[i])
		}
	}
	return skip
}

// increases reports whether a column of a sample could be the time.
func increases(rows [][]string, i int) bool {
	var d decimal
	last := 0.0
	for n, row := range rows {
		if i >= len(row) {
			return false
		}
		text := strings.TrimSpace(row[i])
		if timeFormat(text) != nil {
			continue
		}
		v, err := d.parse(text, true)
		if err != nil || n > 0 && v <= last {
			return false
		}
		last = v
	}
	return true
}
