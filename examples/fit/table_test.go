package main

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestReadTable(t *testing.T) {
	const text = "\ufeff# a comment\nt, a ,note,b\n0,1,x,2\n\n1,NA,y,\n# another\n2.5,-3e-1,\"z, and\nmore\",4\n9, 5 ,,nan\n"
	d, err := readTable("d.csv", strings.NewReader(strings.TrimPrefix(text, "\ufeff")), columns{states: []string{"b", "a"}})
	if err != nil {
		t.Fatal(err)
	}
	if d.time != "t" || !reflect.DeepEqual(d.t, []float64{0, 1, 2.5, 9}) || !reflect.DeepEqual(d.lines, []int{3, 5, 7, 9}) {
		t.Errorf("time %q: %v in lines %v", d.time, d.t, d.lines)
	}
	nan := math.NaN()
	want := []float64{2, 1, nan, nan, 4, -0.3, nan, 5}
	for i, v := range d.y {
		if v != want[i] && !(math.IsNaN(v) && math.IsNaN(want[i])) {
			t.Errorf("y = %v, want %v", d.y, want)
			break
		}
	}
}

func TestReadTableByteOrderMark(t *testing.T) {
	d, err := readTable("d.csv", strings.NewReader("\ufefft,a\n0,1\n1,2\n2,3\n"), columns{time: "t"})
	if err != nil || d.time != "t" || len(d.t) != 3 {
		t.Errorf("%+v, %v", d, err)
	}
}

// Every malformed file is answered by file, line and reason.
func TestReadTableErrors(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       columns
		line       int
		reason     string // part of it
	}{
		{"empty", "", columns{}, 0, "empty"},
		{"comments only", "# nothing\n\n", columns{}, 0, "empty"},
		{"header only", "t,a\n", columns{}, 0, "too few rows: 0"},
		{"two rows", "t,a\n0,1\n1,2\n", columns{}, 0, "too few rows: 2"},
		{"no header", "0,1\n1,2\n2,3\n", columns{}, 1, "header"},
		{"one column", "t\n0\n1\n2\n", columns{}, 1, "one column"},
		{"semicolons", "t;a\n0;1\n1;2\n", columns{}, 1, "separated by commas"},
		{"nameless column", "t,,b\n0,1,2\n", columns{}, 1, "column 2 of the header has no name"},
		{"same name twice", "t,a,a\n0,1,2\n", columns{}, 1, `two columns are called "a"`},
		{"unknown state", "t,a\n0,1\n", columns{states: []string{"b"}}, 1, `no column "b"; the columns are t, a`},
		{"unknown time", "# c\nt,a\n0,1\n", columns{time: "year"}, 2, `no column "year"`},
		{"time as state", "t,a\n0,1\n", columns{states: []string{"t"}}, 1, `asked for twice`},
		{"state twice", "t,a\n0,1\n", columns{states: []string{"a", "a"}}, 1, `asked for twice`},
		{"short row", "t,a,b\n0,1,2\n1,2\n2,3,4\n", columns{}, 3, "the row has 2 fields, the header has 3"},
		{"long row", "t,a\n0,1\n# c\n1,2,3\n2,3\n", columns{}, 4, "the row has 3 fields, the header has 2"},
		{"text in a state", "t,a\n0,1\n1,2\n2,many\n", columns{}, 4, `column "a": "many" is not a finite number`},
		{"text in the time", "t,a\n0,1\n1 Jan,2\n2,3\n", columns{}, 3, `column "t": "1 Jan" is not a finite number`},
		{"decimal comma", "t,a\n0,\"1,5\"\n1,2\n2,3\n", columns{}, 2, `"1,5" is not a finite number`},
		{"infinite", "t,a\n0,1\n1,Inf\n2,3\n", columns{}, 3, `"Inf" is not a finite number`},
		{"overflow", "t,a\n0,1\n1,1e999\n2,3\n", columns{}, 3, `"1e999" is not a finite number`},
		{"missing time", "t,a\n0,1\n,2\n2,3\n", columns{}, 3, `the time in column "t" is missing`},
		{"unsorted", "t,a\n0,1\n2,2\n1,3\n", columns{}, 4, "time 1 comes after 2; sort the rows"},
		{"duplicate time", "t,a\n0,1\n1,2\n1,3\n", columns{}, 4, "time 1 is there twice, also in line 3"},
		{"open quote", "t,a\n0,1\n1,\"2\n2,3\n", columns{}, 3, "quoted-field"},
	} {
		_, err := readTable("d.csv", strings.NewReader(c.text), c.want)
		var data *DataError
		if !errors.As(err, &data) {
			t.Errorf("%s: %v, not a DataError", c.name, err)
			continue
		}
		if data.File != "d.csv" || data.Line != c.line || !strings.Contains(data.Reason, c.reason) {
			t.Errorf("%s: %v; want line %d and %q", c.name, err, c.line, c.reason)
		}
	}
}

func TestTableCheck(t *testing.T) {
	const text = "t,a,b\n0,1,\n1,2,\n2,3,5\n3,4,6\n4,0,7\n"
	for _, c := range []struct {
		name   string
		rows   int
		log    bool
		line   int
		reason string // empty: no error
	}{
		{"fine", 4, false, 0, ""},
		{"few", 2, false, 0, "of 5 rows 3 are held out"},
		{"no values", 3, false, 0, `column "b" has 1 values in the 3 rows`},
		{"log", 4, true, 6, `column "a": 0 has no logarithm`},
	} {
		d, err := readTable("d.csv", strings.NewReader(text), columns{})
		if err != nil {
			t.Fatal(err)
		}
		err = d.check(c.rows, c.log)
		var data *DataError
		if c.reason == "" && err == nil {
			continue
		}
		if !errors.As(err, &data) || data.Line != c.line || !strings.Contains(data.Reason, c.reason) {
			t.Errorf("%s: %v; want line %d and %q", c.name, err, c.line, c.reason)
		}
	}
}

func TestReadTableFailure(t *testing.T) {
	boom := errors.New("boom")
	_, err := readTable("d.csv", failing{boom}, columns{})
	if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "d.csv: ") {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
