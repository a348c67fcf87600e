// Package apptest tests example programs as a whole.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/experiment"
)

// Run runs a program in a folder of its own and returns the numbers of its
// metrics.json. The figures must be pictures; metrics.json must have seconds, steps,
// nfe_forward, nfe_backward and seed, and all its numbers must be printed.
func Run(t *testing.T, p experiment.Program, figures []string, args ...string) map[string]float64 {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	if err := p(context.Background(), append(args, "-out", dir), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, name := range figures {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]float64
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"seconds", "steps", "nfe_forward", "nfe_backward", "seed"} {
		if _, ok := m[name]; !ok {
			t.Errorf("metrics.json has no %q", name)
		}
	}
	for name := range m {
		if !strings.Contains(out.String(), name) {
			t.Errorf("%q is in metrics.json and not printed", name)
		}
	}
	return m
}

// Refuse checks that a program calls its arguments a wrong usage and writes nothing.
func Refuse(t *testing.T, p experiment.Program, args ...string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	err := p(context.Background(), append(args, "-out", dir), io.Discard, io.Discard)
	if !errors.Is(err, experiment.ErrUsage) {
		t.Errorf("%v: error %v, want one of usage", args, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%v: wrote to the folder", args)
	}
}

// Interrupt checks that a program whose context is cancelled says so and still writes
// metrics.json.
func Interrupt(t *testing.T, p experiment.Program, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if err := p(ctx, append(args, "-out", dir), io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "metrics.json")); err != nil {
		t.Error(err)
	}
}
