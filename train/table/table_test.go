package table

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, text string, opt Options) *Table {
	t.Helper()
	table, err := Read(strings.NewReader(text), opt)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return table
}

// same compares numbers, NaN being equal to itself.
func same(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && (a[i] == a[i] || b[i] == b[i]) {
			return false
		}
	}
	return true
}

func TestDialects(t *testing.T) {
	nan := math.NaN()
	times, states := []float64{0, 0.5, 2}, []float64{1, -1.5, nan, 2e3, 3, 4}
	for _, c := range []struct{ name, text, notes string }{
		{"commas", "t,a,b\n0,1,-1.5\n0.5,,2e3\n2,3,4\n", ""},
		{"no last line end", "t,a,b\n0,1,-1.5\n0.5,NA,2e3\n2,3,4", ""},
		{"carriage returns", "t,a,b\r\n0,1,-1.5\r\n0.5,,2e3\r\n2,3,4\r\n", ""},
		{"byte order mark", "\ufefft,a,b\n0,1,-1.5\n0.5,,2e3\n2,3,4\n", ""},
		{"byte order mark and quotes", "\ufeff\"t\",\"a\",\"b\"\n\"0\",\"1\",\"-1.5\"\n0.5,,2e3\n2,3,4\n", ""},
		{"comments, blanks and empty lines", "# made by hand\nt, a ,b\n\n0, 1, -1.5\n#\n 0.5 ,nan,2e3\n2,3,4\n", ""},
		{"semicolons", "t;a;b\n0;1;-1.5\n0.5;;2e3\n2;3;4\n", "semicolons"},
		{"decimal commas", "t;a;b\n0;1;-1,5\n0,5;;2e3\n2;3;4\n", "decimal comma"},
		{"tabs", "t\ta\tb\n0\t1\t-1.5\n0.5\t\t2e3\n2\t3\t4\n", "tabs"},
		{"tabs and decimal commas", "t\ta\tb\n0\t1\t-1,5\n0,5\t\t2e3\n2\t3\t4\n", "decimal comma"},
		{"bars", "t|a|b\n0|1|-1.5\n0.5||2e3\n2|3|4\n", "bars"},
		{"spaces", "t  a b\n0.0 1 -1.5 \n0.5 ?   2e3\n  2 3 4\n", "spaces"},
		{"unnamed empty column", "t,a,b,\n0,1,-1.5,\n0.5,,2e3,\n2,3,4,\n", "no values"},
		{"pandas index", ",t,a,b\n0,0,1,-1.5\n1,0.5,,2e3\n2,2,3,4\n", "numbers the rows"},
	} {
		got := read(t, c.text, Options{})
		tr := got.Trajectories[0]
		if got.Time != "t" || !reflect.DeepEqual(got.States, []string{"a", "b"}) || !same(tr.Times, times) || !same(tr.States, states) {
			t.Errorf("%s: read %+v", c.name, got)
		}
		if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, c.notes) || c.notes == "" && notes != "" {
			t.Errorf("%s: notes %q, want %q", c.name, notes, c.notes)
		}
	}
}

func TestHeaderless(t *testing.T) {
	for _, text := range []string{"0,1,2\n1,3,4\n", "0;1;2\n1;3;4\n", "0 1 2\n1 3 4\n"} {
		got := read(t, text, Options{})
		if got.Time != "time" || !reflect.DeepEqual(got.States, []string{"x1", "x2"}) || !same(got.Trajectories[0].States, []float64{1, 2, 3, 4}) {
			t.Errorf("%q: read %+v", text, got)
		}
		if !strings.Contains(strings.Join(got.Notes, "\n"), "taken for data") {
			t.Errorf("%q: nothing was said: %q", text, got.Notes)
		}
	}
	got := read(t, "0,1,2\n1,3,4\n", Options{Header: Present})
	if !reflect.DeepEqual(got.States, []string{"1", "2"}) || got.Rows() != 1 {
		t.Errorf("a header of numbers: %+v", got)
	}
	got = read(t, "1900,30,4\n1901,47.2,6.1\n", Options{Time: "time", States: []string{"x2"}})
	if !same(got.Trajectories[0].States, []float64{4, 6.1}) {
		t.Errorf("%+v", got)
	}
}

func TestColumns(t *testing.T) {
	const text = "when,name,a,b,c\n0,x,1,2,3\n1,y,4,5,6\n"
	got := read(t, text, Options{States: []string{"c", "a"}})
	if got.Time != "when" || !same(got.Trajectories[0].States, []float64{3, 1, 6, 4}) {
		t.Errorf("%+v", got)
	}
	got = read(t, text, Options{Time: "b", States: []string{"when"}})
	if !same(got.Trajectories[0].Times, []float64{2, 5}) || !same(got.Trajectories[0].Column(0, 1), []float64{0, 1}) {
		t.Errorf("%+v", got)
	}
	if got := read(t, ",x,y\n5,1,2\n7,3,4\n", Options{}); got.Time != "column1" || len(got.States) != 2 {
		t.Errorf("an index that is the time: %+v", got)
	}
}

func TestTrajectories(t *testing.T) {
	const text = "id,t,x\nB,0,1\nA,0,2\nB,1,3\nA,0.5,\nA,7,5\n"
	got := read(t, text, Options{ID: "id"})
	want := []Trajectory{
		{"B", []float64{0, 1}, []float64{1, 3}, []int{2, 4}},
		{"A", []float64{0, 0.5, 7}, []float64{2, math.NaN(), 5}, []int{3, 5, 6}},
	}
	if got.ID != "id" || got.Time != "t" || got.Rows() != 5 || len(got.Trajectories) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		g := got.Trajectories[i]
		if g.ID != w.ID || !same(g.Times, w.Times) || !same(g.States, w.States) || !reflect.DeepEqual(g.Lines, w.Lines) {
			t.Errorf("%+v, want %+v", g, w)
		}
	}
}

func TestSort(t *testing.T) {
	got := read(t, "t,x\n2,5\n0,3\n1,4\n", Options{Sort: true})
	tr := got.Trajectories[0]
	if !same(tr.Times, []float64{0, 1, 2}) || !same(tr.States, []float64{3, 4, 5}) || !reflect.DeepEqual(tr.Lines, []int{3, 4, 2}) {
		t.Errorf("%+v", tr)
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		name, text, clock string
		times             []float64
	}{
		{"days", "d,x\n2020-02-28,1\n2020-03-01,2\n2021-02-28,3\n", "days since 2020-02-28", []float64{0, 2, 366}},
		{"RFC 3339", "d,x\n2020-01-01T00:00:00+01:00,1\n2020-01-01T00:00:30Z,2\n", "minutes since 2019-12-31T23:00:00Z", []float64{0, 60.5}},
		{"fractions", "d,x\n2020-01-01 00:00:00.25,1\n2020-01-01 00:00:00.5,2\n", "seconds since 2020-01-01T00:00:00.25Z", []float64{0, 0.25}},
		{"hours", "d,x\n2020-01-01 12:00,1\n2020-01-01 18:30,2\n", "hours since 2020-01-01T12:00:00Z", []float64{0, 6.5}},
		{"date, then time", "d,x\n2020-01-01,1\n2020-01-01 18:00:00,2\n", "hours since 2020-01-01", []float64{0, 18}},
		{"months", "d;x\n2020-01;1,5\n2020-02;2\n", "days since 2020-01-01", []float64{0, 31}},
		{"German", "d;x\n31.12.2019;1,5\n02.01.2020;2\n05.01.2020;2\n", "days since 2019-12-31", []float64{0, 2, 5}},
		{"nanoseconds", "ns,x\n1700000000000000001,1\n1700000000000000003,2\n1700000003000000001,2\n", "seconds since 2023-11-14T22:13:20.000000001Z", []float64{0, 2e-9, 3}},
		{"no header", "2020-02-28,1\n2020-03-01,2\n2020-03-03,2\n", "days since 2020-02-28", []float64{0, 2, 4}},
		{"wide", "d,x\n0001-01-01,1\n9999-12-31,2\n", "days since 0001-01-01", []float64{0, 3652058}},
	} {
		got := read(t, c.text, Options{})
		if got.Clock == nil || got.Clock.String() != c.clock || !same(got.Trajectories[0].Times, c.times) {
			t.Errorf("%s: %v, %v; want %s, %v", c.name, got.Trajectories[0].Times, got.Clock, c.clock, c.times)
		}
	}
	clock := &Clock{time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), 24 * time.Hour}
	got := read(t, "d,x\n2020-02-01,1\n2020-02-02,2\n", Options{Clock: clock})
	if tr := got.Trajectories[0]; !same(tr.Times, []float64{31, 32}) {
		t.Errorf("with the clock of another table: %v", tr.Times)
	}
	if at := clock.At(31.5); !at.Equal(time.Date(2020, 2, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("At: %v", at)
	}
	if at := clock.At(-0.25); !at.Equal(time.Date(2019, 12, 31, 18, 0, 0, 0, time.UTC)) {
		t.Errorf("At: %v", at)
	}
}

func TestErrors(t *testing.T) {
	var wide []string
	for i := range 3000 {
		wide = append(wide, fmt.Sprint("column", i))
	}
	for _, c := range []struct {
		name, text string
		opt        Options
		want       string
	}{
		{"empty", "", Options{}, "f.csv: the table is empty; it needs a header"},
		{"comments only", "# a\n", Options{}, "empty"},
		{"header only", "t,x\n", Options{}, "no rows; at least 1"},
		{"few rows", "t,x\n0,1\n", Options{MinRows: 3}, "f.csv:2: there are too few rows: 1; at least 3"},
		{"few rows of one", "i,t,x\na,0,1\na,1,1\nb,0,1\n", Options{MinRows: 2, ID: "i"}, `too few rows of i "b": 1`},
		{"one column", "x\n1\n2\n", Options{}, "one column"},
		{"short row", "t,x\n0,1\n1\n", Options{}, "f.csv:3: the row has 1 cells, the first has 2; leave"},
		{"long row", "t,x\n0,1,2\n1,1,2\n", Options{}, "3 cells, the first has 2"},
		{"text", "t,x,y\n0,1,2\n1,hare,2\n", Options{}, `f.csv:3: column "x": "hare" is not a number; leave the cell empty`},
		{"text, others", "t,species,y\n0,hare,2\n", Options{}, "naming the states: y"},
		{"infinite", "t,x\n0,Inf\n", Options{}, `"Inf" is not finite`},
		{"too large", "t,x\n0,1e999\n", Options{}, "not finite"},
		{"hex with underscores", "t,x\n0,0x_1p0\n", Options{}, "not a number"},
		{"long cell", "t,x\n0," + strings.Repeat("y", 5<<20) + "\n", Options{}, "y…\" (5242880 bytes) is not a number"},
		{"long name", strings.Repeat("y", 1<<20) + ",t,u\n0,1,x\n", Options{}, `column "u"`},
		{"many columns", strings.Join(wide, ",") + "\n", Options{Time: "z"}, "and 2988 more"},
		{"thousands", "t;x\n0;1.234,5\n", Options{}, "has both . and ,"},
		{"mixed signs", "t;x\n0;1.5\n1;2,5\n", Options{}, "another decimal sign"},
		{"decimal comma between commas", "t,x\n0,\"1,5\"\n", Options{}, "separate the columns by semicolons"},
		{"backwards", "t,x\n0,1\n2,1\n1,1\n", Options{}, `f.csv:4: column "t": time "1" comes after a later one, in line 3; sort`},
		{"twice", "t,x\n0,1\n0,1\n", Options{}, `time "0" is there twice, also in line 2; remove`},
		{"several trajectories", "subject,t,x\n1,0,1.5\n1,1,2.5\n2,0,3.5\n", Options{Time: "t"}, "as ID, perhaps subject"},
		{"id taken for time", "subject,t,x\n1,0,1.5\n1,1,2.5\n2,0,3.5\n", Options{}, "as ID"},
		{"twice of one", "i,t,x\na,0,1\na,0,2\n", Options{ID: "i"}, `for i "a"; remove one of the rows, or average`},
		{"twice after sorting", "t,x\n1,1\n0,1\n1,1\n", Options{Sort: true}, "f.csv:4: column \"t\": the time is there twice, also in line 2"},
		{"too fine", "t,x\n1700000000.0000000001,1\n1700000000.0000000002,2\n", Options{}, "same number in double precision"},
		{"missing time", "t,x\n0,1\n,1\n", Options{}, "the time is missing"},
		{"missing id", "i,t,x\n,0,1\n", Options{ID: "i"}, "id is missing"},
		{"day or month", "t,x\n01/02/2020,1\n", Options{}, "leaves open what is the day"},
		{"not all dates", "t,x\n2020-01-01,1\nsoon,2\n", Options{}, `"soon" is not a date`},
		{"date among numbers", "t,x\n1,1\n2020-01-01,2\n", Options{}, "is a date; the times before it are numbers"},
		{"time is text", "name,t,x\nhare,1,1\n", Options{}, "neither a number nor a date; name the time column, and the id column if this one tells trajectories apart; the columns are name, t, x"},
		{"numbers for a clock", "t,x\n1,1\n", Options{Clock: &Clock{Unit: time.Hour}}, "is not a date"},
		{"same name", "t,x,x\n0,1,2\n", Options{}, `columns 2 and 3 are both called "x"`},
		{"no such column", "t,x\n0,1\n", Options{States: []string{"y"}}, `no column "y"; the columns are t, x`},
		{"state twice", "t,x\n0,1\n", Options{States: []string{"x", "x"}}, "asked for twice"},
		{"state is time", "t,x\n0,1\n", Options{States: []string{"t"}}, "cannot be a state too"},
		{"no states", "t,x\n0,1\n", Options{States: []string{}}, "no column is left for the states"},
		{"time is id", "t,x\n0,1\n", Options{Time: "t", ID: "t"}, "both time and id"},
		{"Latin-1", "t,temp\xe9rature\n0,1\n", Options{}, "is not UTF-8; save the file as UTF-8"},
		{"Latin-1 id", "i,t,x\n\xe9,0,1\n", Options{ID: "i"}, "is not UTF-8"},
		{"UTF-16", "\xff\xfet\x00,\x00x\x00", Options{}, "UTF-16"},
		{"workbook", "PK\x03\x04", Options{}, "workbook"},
		{"gzip", "\x1f\x8b\x08", Options{}, "gunzip"},
		{"binary", "t,x\n0,\x00\n", Options{}, "not text"},
		{"quote", "t,x\n0,\"1\n1,2\n", Options{}, "f.csv:2: a quoted cell is not closed"},
		{"bad header option", "", Options{Header: 7}, "Header has the value 7"},
		{"bad separator", "", Options{Comma: 'x'}, "separated by 'x'"},
		{"bad decimal", "", Options{Decimal: ';'}, "no decimal sign"},
		{"decimal is separator", "", Options{Decimal: ',', Comma: ','}, "both decimal sign and separator"},
		{"bad clock", "", Options{Clock: &Clock{}}, "unit of the clock"},
		{"bad least", "", Options{MinRows: -1}, "MinRows"},
	} {
		c.opt.File = "f.csv"
		_, err := Read(strings.NewReader(c.text), c.opt)
		var own *Error
		if !errors.As(err, &own) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d bytes", c.name, len(err.Error()))
		}
	}
}

type failing struct{ r io.Reader }

func (f failing) Read(b []byte) (int, error) {
	if n, err := f.r.Read(b); err == nil {
		return n, nil
	}
	return 0, os.ErrDeadlineExceeded
}

func TestReaderFails(t *testing.T) {
	for _, text := range []string{"", "t,x\n0,1\n", "t,x\n" + strings.Repeat("0,", 1<<17)} {
		if _, err := Read(failing{strings.NewReader(text)}, Options{}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after %d bytes: %v", len(text), err)
		}
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.csv")
	if _, err := ReadFile(path, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("t,x\n0,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(path, Options{}); err != nil || got.Rows() != 1 || got.File == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// million is a table of n rows and three columns.
func million(n int) string {
	var b strings.Builder
	b.WriteString("t,x,v\n")
	for i := range n {
		fmt.Fprintf(&b, "%.3f,%.9g,%.9g\n", float64(i)/1000, math.Sin(float64(i)/1000), math.Cos(float64(i)/1000))
	}
	return b.String()
}

func TestLongTable(t *testing.T) {
	const n = 100_000
	got := read(t, million(n), Options{})
	tr := got.Trajectories[0]
	if len(tr.Times) != n || len(tr.States) != 2*n || math.Abs(tr.States[2*n-2]-math.Sin(99.999)) > 1e-9 || tr.Lines[n-1] != n+1 {
		t.Errorf("%d times, %d values", len(tr.Times), len(tr.States))
	}
}

func BenchmarkRead(b *testing.B) {
	text := million(1_000_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Read(strings.NewReader(text), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
