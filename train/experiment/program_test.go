package experiment

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{nil, ExitOK, ""},
		{flag.ErrHelp, ExitOK, ""},
		{errors.New("disk full"), ExitFailure, "prog: disk full\n"},
		{Usagef("-epochs is %d", -1), ExitUsage, "prog: -epochs is -1\n"},
		{fmt.Errorf("opening: %w", Usagef("no such column")), ExitUsage, "prog: opening: no such column\n"},
		{&reportedError{Usagef("printed before")}, ExitUsage, ""},
		{Stopped(fmt.Errorf("solve: %w", context.Canceled), 3, "dir"), ExitInterrupted, "prog: interrupted after 3 steps; results so far are in dir\n"},
		{Stopped(errors.New("diverged"), 3, "dir"), ExitFailure, "prog: stopped after 3 steps, results so far are in dir: diverged\n"},
	} {
		var b bytes.Buffer
		if code := Report("prog", c.err, &b); code != c.code || b.String() != c.text {
			t.Errorf("Report(%v) = %d, printed %q; want %d, %q", c.err, code, b.String(), c.code, c.text)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args    []string
		code    int
		printed string // part of what is printed, by Parse or by Report
	}{
		{[]string{"-quick", "-seed", "7", "-out", "x"}, ExitOK, ""},
		{[]string{"-h"}, ExitOK, "does things"},
		{[]string{"-nonsense"}, ExitUsage, "-nonsense"},
		{[]string{"-seed", "-1"}, ExitUsage, "-seed"},
		{[]string{"data.csv"}, ExitUsage, `"data.csv"`},
	} {
		var b bytes.Buffer
		common := Common{Seed: 1, Out: "out/prog"}
		fs := NewFlags("prog", "Prog does things.", &common)
		err := Parse(fs, c.args, &b)
		if code := Report("prog", err, &b); code != c.code {
			t.Errorf("%v: exit code %d (%v), want %d", c.args, code, err, c.code)
		}
		if !strings.Contains(b.String(), c.printed) {
			t.Errorf("%v: printed %q, want it to contain %q", c.args, b.String(), c.printed)
		}
		if n := strings.Count(b.String(), "not defined"); n > 1 {
			t.Errorf("%v: the error is printed %d times:\n%s", c.args, n, b.String())
		}
		if c.printed == "" && (common != Common{Quick: true, Seed: 7, Out: "x"}) {
			t.Errorf("%v: parsed %+v", c.args, common)
		}
	}
}

func TestIsSet(t *testing.T) {
	var c Common
	fs := NewFlags("prog", "", &c)
	if err := Parse(fs, []string{"-seed", "0"}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if !IsSet(fs, "seed") || IsSet(fs, "quick") {
		t.Errorf("IsSet: seed %v, quick %v; want true, false", IsSet(fs, "seed"), IsSet(fs, "quick"))
	}
}
