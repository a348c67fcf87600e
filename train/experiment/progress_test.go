package experiment

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestQuietUnlessTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, b := range []*Bar{NewBar(&bytes.Buffer{}, "fit", 3), NewBar(f, "fit", 3), nil} {
		if b != nil {
			t.Fatal("a bar on something that is not a terminal")
		}
		b.Step(1)
		b.Done(1)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%d bytes were written (%v)", info.Size(), err)
	}
}

func TestShowsLoss(t *testing.T) {
	var out bytes.Buffer
	b := newBar(&out, "adam", 3)
	for range 3 {
		b.Step(0.5)
	}
	b.Done(0.125)
	for _, want := range []string{"adam", "loss 0.5", "loss 0.125", "3/3", "100%"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed %q, without %q", out.String(), want)
		}
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Error("the line is not ended")
	}
}
