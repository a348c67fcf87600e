package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// ReadFile reads the table in a file. See [Read].
func ReadFile(path string, opt Options) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if opt.File == "" {
		opt.File = filepath.ToSlash(path)
	}
	return Read(f, opt)
}

// Read reads a table. Empty lines and lines that begin with # are skipped. Columns that are
// not asked for may hold anything. A fault of the text is an *[Error]; other errors are
// those of r.
func Read(r io.Reader, opt Options) (*Table, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	s, err := begin(r, &opt)
	if err != nil {
		return nil, err
	}
	t := &Table{File: opt.File}
	in := &reader{table: t, opt: &opt, csv: newReader(s.in, s.comma), comma: s.comma, decimal: decimal(opt.Decimal), index: map[string]int{}}
	if err := in.readAll(s); err != nil {
		return nil, err
	}
	return t, nil
}

func (o *Options) check() error {
	fault := func(reason, remedy string) error { return &Error{File: o.File, Reason: reason, Remedy: remedy} }
	switch {
	case o.Header < 0 || o.Header >= endOfSet:
		return fault(fmt.Sprintf("the option Header has the value %d", o.Header), "use Detect, Present or Absent")
	case o.Comma != 0 && separatorName(o.Comma)[0] == '\'':
		return fault(fmt.Sprintf("columns cannot be separated by %q", o.Comma), "use a comma, semicolon, tab, bar or space")
	case o.Decimal != 0 && o.Decimal != '.' && o.Decimal != ',':
		return fault(fmt.Sprintf("%q is no decimal sign", o.Decimal), "use a point or a comma")
	case o.Decimal == ',' && o.Comma == ',':
		return fault("the comma cannot be both decimal sign and separator", "choose another Comma")
	case o.Clock != nil && o.Clock.Unit <= 0:
		return fault("the unit of the clock is not positive", "use time.Second, time.Hour …")
	case o.MinRows < 0:
		return fault("MinRows is negative", "")
	}
	return nil
}

// reader is a table being read.
type reader struct {
	table   *Table
	opt     *Options
	csv     *csv.Reader
	comma   rune
	decimal decimal
	columns columns
	index   map[string]int // of trajectories, by id

	stamp  stamp // how the times are written; nil: as numbers
	origin time.Time
	texts  [2]string // of the last two times, see backwards
	last   []string  // the record before
}

func (in *reader) readAll(s *source) error {
	t := in.table
	record, err := in.csv.Read()
	if errors.Is(err, io.EOF) {
		return &Error{File: t.File, Reason: "the table is empty", Remedy: "it needs a header line and rows of numbers"}
	}
	if err != nil {
		return in.readError(err)
	}
	record = trimEnd(record, in.comma)
	line, _ := in.csv.FieldPos(0)
	s.sample = append([][]string{record}, s.sample[min(1, len(s.sample)):]...)
	var header bool
	if in.columns, header, err = t.choose(s, in.opt, line); err != nil {
		return err
	}
	if s.guessed {
		t.note("columns are separated by %s", separatorName(s.comma))
	}
	for first := true; ; first = false {
		if !first || header {
			if record, err = in.csv.Read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return in.readError(err)
			}
			record = trimEnd(record, in.comma)
			line, _ = in.csv.FieldPos(0)
		}
		if err := in.add(record, line); err != nil {
			return err
		}
	}
	if in.decimal == ',' && in.opt.Decimal == 0 {
		t.note("numbers have a decimal comma")
	}
	return in.finish()
}

// readError explains what encoding/csv could not read.
func (in *reader) readError(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("%s: %w", in.table.File, err)
	}
	return &Error{File: in.table.File, Line: parse.StartLine, Reason: "a quoted cell is not closed, or is followed by more",
		Remedy: `a quote inside a cell is written ""`}
}

// add appends a row.
func (in *reader) add(record []string, line int) error {
	t, c := in.table, &in.columns
	if len(record) != len(c.names) {
		return &Error{t.File, line, "", fmt.Sprintf("the row has %d cells, the first has %d", len(record), len(c.names)),
			"leave the cell of a missing value empty, but keep its " + strings.TrimSuffix(separatorName(in.comma), "s")}
	}
	id := ""
	if c.id >= 0 {
		if id = strings.TrimSpace(record[c.id]); id == "" {
			return &Error{t.File, line, t.ID, "the id is missing", ""}
		}
		if !utf8.ValidString(id) {
			return &Error{t.File, line, t.ID, quote(id) + " is not UTF-8", "save the file as UTF-8"}
		}
	}
	at, known := in.index[id]
	if !known {
		at = len(t.Trajectories)
		in.index[strings.Clone(id)] = at
		t.Trajectories = append(t.Trajectories, Trajectory{ID: strings.Clone(id)})
	}
	tr := &t.Trajectories[at]
	v, err := in.time(record, line)
	if err != nil {
		return err
	}
	if n := len(tr.Times); n > 0 && v <= tr.Times[n-1] && !in.opt.Sort {
		return in.backwards(tr, record, line, v)
	}
	tr.Times = append(tr.Times, v)
	tr.Lines = append(tr.Lines, line)
	for k, i := range c.states {
		text := record[i]
		v, err := in.decimal.parse(text, in.comma != ',')
		if err != nil {
			if text = strings.TrimSpace(text); missing(text) {
				v = math.NaN()
			} else if v, err = in.decimal.parse(text, in.comma != ','); err != nil {
				return in.noNumber(t.States[k], text, line, err)
			}
		}
		tr.States = append(tr.States, v)
	}
	if c.id < 0 { // an id column would be suggested
		in.last = append(in.last[:0], record...)
	}
	return nil
}

// noNumber explains a cell of a state.
func (in *reader) noNumber(column, text string, line int, err error) error {
	e := &Error{in.table.File, line, column, fmt.Sprintf("%s %v", quote(text), err), ""}
	switch {
	case errors.Is(err, errThousands):
		e.Remedy = "write numbers without a sign between thousands"
	case errors.Is(err, errMixed):
		e.Remedy = "use one decimal sign in the whole table"
	case errors.Is(err, errInfinite):
		e.Remedy = "leave the cell empty if the value is missing"
	case in.comma == ',' && isNumber(text):
		e.Remedy = "write a decimal point, or separate the columns by semicolons"
	default:
		var others []string
		for _, s := range in.table.States {
			if s != column {
				others = append(others, s)
			}
		}
		e.Remedy = "leave the cell empty if the value is missing; a column of names can be the id, or is left out by naming the states"
		if len(others) > 0 {
			e.Remedy += ": " + list(others)
		}
	}
	return e
}

// time reads the time of a record. Dates are seconds since the first until finish.
func (in *reader) time(record []string, line int) (float64, error) {
	t := in.table
	text := strings.TrimSpace(record[in.columns.time])
	fault := func(reason, remedy string) (float64, error) {
		return 0, &Error{t.File, line, t.Time, reason, remedy}
	}
	if missing(text) {
		return fault("the time is missing", "only states may be; remove the row")
	}
	in.texts[0], in.texts[1] = in.texts[1], text
	if in.firstRow() {
		if in.stamp = timeFormat(text); in.stamp != nil {
			in.origin, _ = in.stamp(text)
			if in.opt.Clock != nil {
				in.origin = in.opt.Clock.Origin
			}
			if nanoseconds(text) {
				t.note("times are nanoseconds since 1970")
			}
		} else if in.opt.Clock != nil {
			return fault(fmt.Sprintf("%s is not a date, but the clock that is given counts from %v", quote(text), in.opt.Clock.Origin),
				"give the times as dates")
		}
	}
	if in.stamp != nil {
		date, err := in.stamp(text)
		if err != nil {
			if other := timeFormat(text); other != nil && !nanoseconds(text) {
				if date, err = other(text); err == nil {
					return since(in.origin, date), nil
				}
			}
			return fault(quote(text)+" is not a date like those before it", "write all as 2006-01-02 or 2006-01-02T15:04:05Z")
		}
		return since(in.origin, date), nil
	}
	v, err := in.decimal.parse(text, in.comma != ',')
	switch {
	case err == nil:
		return v, nil
	case dayAndMonth(text):
		return fault(quote(text)+" leaves open what is the day and what the month", "write dates as 2006-01-02")
	case timeFormat(text) != nil:
		return fault(quote(text)+" is a date; the times before it are numbers", "write all times in one way")
	}
	e := in.noNumber(t.Time, text, line, err).(*Error)
	if errors.Is(err, errNotNumber) {
		e.Reason = quote(text) + " is neither a number nor a date"
		e.Remedy = "name the time column, and the id column if this one tells trajectories apart; the columns are " + list(in.columns.names)
	}
	return 0, e
}

func (in *reader) firstRow() bool {
	return len(in.table.Trajectories) == 1 && len(in.table.Trajectories[0].Times) == 0
}

// backwards explains a time that is not after the one before it.
func (in *reader) backwards(tr *Trajectory, record []string, line int, v float64) error {
	t := in.table
	n := len(tr.Times) - 1
	now := in.texts[1]
	e := &Error{File: t.File, Line: line, Column: t.Time}
	same := v == tr.Times[n]
	switch {
	case same && in.stamp == nil && t.ID == "" && in.texts[0] != now && len(now) > 15:
		e.Reason = fmt.Sprintf("%s and %s in line %d are the same number in double precision", quote(now), quote(in.texts[0]), tr.Lines[n])
		e.Remedy = "count the times from the first one"
		return e
	case same:
		e.Reason = fmt.Sprintf("time %s is there twice, also in line %d", quote(now), tr.Lines[n])
	default:
		e.Reason = fmt.Sprintf("time %s comes after a later one, in line %d", quote(now), tr.Lines[n])
	}
	if t.ID != "" {
		e.Reason += fmt.Sprintf(", for %s %s", strings.Trim(quote(t.ID), `"`), quote(tr.ID))
		e.Remedy = "sort the rows of each by time, or set Sort"
		if same {
			e.Remedy = "remove one of the rows, or average them"
		}
		return e
	}
	e.Remedy = "sort the rows by time, or set Sort"
	if same {
		e.Remedy = "remove one of the rows"
	}
	// A column that changes here, in a way a measurement does not, may tell trajectories apart.
	var candidates []string
	for i, name := range in.columns.names {
		if i != in.columns.time && i < len(in.last) && in.last[i] != record[i] && !strings.ContainsAny(record[i], ".,") {
			candidates = append(candidates, name)
		}
	}
	e.Remedy += "; if the table holds several trajectories, name the column that tells them apart as ID"
	if len(candidates) > 0 {
		e.Remedy += ", perhaps " + list(candidates)
	}
	return e
}

// finish checks and completes the trajectories.
func (in *reader) finish() error {
	t := in.table
	least := max(in.opt.MinRows, 1)
	if len(t.Trajectories) == 0 {
		return &Error{File: t.File, Reason: fmt.Sprintf("the table has no rows; at least %d are needed", least)}
	}
	span := 0.0
	for i := range t.Trajectories {
		tr := &t.Trajectories[i]
		if n := len(tr.Times); n < least {
			of := ""
			if t.ID != "" {
				of = fmt.Sprintf(" of %s %s", strings.Trim(quote(t.ID), `"`), quote(tr.ID))
			}
			return &Error{File: t.File, Line: tr.Lines[0], Reason: fmt.Sprintf("there are too few rows%s: %d; at least %d are needed", of, n, least)}
		}
		if in.opt.Sort {
			if err := in.sort(tr); err != nil {
				return err
			}
		}
		for _, v := range []float64{tr.Times[0], tr.Times[len(tr.Times)-1]} {
			if math.Abs(v) > math.Abs(span) {
				span = v
			}
		}
	}
	if in.stamp == nil {
		return nil
	}
	clock := newClock(in.origin, span)
	if in.opt.Clock != nil {
		clock = *in.opt.Clock
	}
	t.Clock = &clock
	t.note("times are dates; they are counted in %v", clock)
	for i := range t.Trajectories {
		for j := range t.Trajectories[i].Times {
			t.Trajectories[i].Times[j] /= clock.Unit.Seconds()
		}
	}
	return nil
}

// sort sorts the rows of a trajectory by time.
func (in *reader) sort(tr *Trajectory) error {
	order := make([]int, len(tr.Times))
	for i := range order {
		order[i] = i
	}
	if sort.Float64sAreSorted(tr.Times) {
		return in.distinct(tr)
	}
	sort.SliceStable(order, func(a, b int) bool { return tr.Times[order[a]] < tr.Times[order[b]] })
	n := len(in.table.States)
	sorted := Trajectory{ID: tr.ID}
	for _, i := range order {
		sorted.Times = append(sorted.Times, tr.Times[i])
		sorted.Lines = append(sorted.Lines, tr.Lines[i])
		sorted.States = append(sorted.States, tr.States[i*n:(i+1)*n]...)
	}
	*tr = sorted
	return in.distinct(tr)
}

func (in *reader) distinct(tr *Trajectory) error {
	for i := 1; i < len(tr.Times); i++ {
		if tr.Times[i] == tr.Times[i-1] {
			return &Error{in.table.File, tr.Lines[i], in.table.Time, fmt.Sprintf("the time is there twice, also in line %d", tr.Lines[i-1]), "remove one of the rows"}
		}
	}
	return nil
}
