package main

import (
	"io"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/experiment"
)

// FuzzParse reads command lines of any content: one that is refused is a wrong usage, and what
// is accepted can be described.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"", "-h", "-quick -out x", "-hidden 16,16 -activation gelu -holdout 3", "-data a.csv -time t -states x,y -log=false",
		"-load x -epochs 0", "-hidden 99999999999999999999", "-tol NaN", "-step Inf", "-lr -1", "-seed -1", "-states ,", "-epochs 0x10",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := parse(strings.Fields(line), io.Discard)
		if err != nil {
			if code := experiment.Report("fit", err, io.Discard); code != experiment.ExitUsage && code != experiment.ExitOK {
				t.Errorf("%q: exit code %d: %v", line, code, err)
			}
			return
		}
		if c.String() == "" || c.epochs < 0 || c.polish < 0 || c.holdout < 0 || !(c.tolerance > 0) || !(c.rate > 0) {
			t.Errorf("%q: accepted as %+v", line, c)
		}
		for _, w := range c.hidden {
			if w < 1 {
				t.Errorf("%q: a width of %d", line, w)
			}
		}
	})
}
