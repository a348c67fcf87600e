package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/table"
)

func TestCheck(t *testing.T) {
	const text = "t,a,b\n0,1,2\n1,,-1\n2,,4\n3,7,\n"
	d, err := readTable(strings.NewReader(text), table.Options{File: "d.csv"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rows int
		log  bool
		want string
	}{
		{4, false, ""},
		{2, false, "d.csv: of 4 rows 2 are held out; at least 3"},
		{3, false, `d.csv: column "a": it has 1 values in the 3 rows`},
		{4, true, `d.csv:3: column "b": -1 has no logarithm; use -log=false`},
	} {
		err := d.check(c.rows, c.log)
		var own *table.Error
		if c.want == "" && err == nil {
			continue
		}
		if !errors.As(err, &own) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d rows, log %v: %v, want %q", c.rows, c.log, err, c.want)
		}
	}
	if _, err := readTable(strings.NewReader("t,a\n0,1\n1,2\n"), table.Options{}); err == nil || !strings.Contains(err.Error(), "at least 3") {
		t.Errorf("two rows: %v", err)
	}
	d, err = readTable(strings.NewReader("t,a\n0,1\n1,1e160\n2,2\n"), table.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.check(3, false); err == nil || !strings.Contains(err.Error(), "another unit") {
		t.Errorf("values whose squares overflow: %v", err)
	}
}
