package main

import (
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/table"
)

// The page has the commands of this program and what its template says, and a picture of each.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../gallery.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range exhibits() {
		if !strings.Contains(string(page), "\n"+e.Command()+"\n") {
			t.Errorf("%s: the page has another command; run go generate ./docs", name)
		}
		if s, err := os.Stat("../images/gallery_" + e.Name + ".png"); err != nil || s.Size() > 150_000 {
			t.Errorf("%s: %v (%v), want a picture of 150 kB at most", name, s, err)
		}
	}
	for i, part := range strings.Split(text, "\n") {
		if !strings.Contains(part, "{{") && !strings.Contains(string(page), part) {
			t.Errorf("line %d of the template is not on the page; run go generate ./docs", i+1)
		}
	}
	if n := strings.Count(string(page), "**neuralode**"); n != 4 || strings.Count(string(page), "last fitted value") != n {
		t.Errorf("%d results, and %d baselines", n, strings.Count(string(page), "last fitted value"))
	}
}

// The data are what was compared with other copies: sums of rows that a typing error would change.
func TestData(t *testing.T) {
	for _, c := range []struct {
		file, id, column string
		rows             int
		sum              float64
	}{
		{"theophylline.csv", "subject", "concentration", 132, 2625.82},
		{"gas_furnace.csv", "", "co2", 296, 63067.4},
		{"gas_furnace.csv", "", "gas", 296, -58.525},
		{"nottingham.csv", "", "temperature", 240, 46795.6},
	} {
		opt := table.Options{ID: c.id, States: []string{c.column}}
		if c.id != "" {
			opt.Time = "hours"
		}
		tb, err := table.ReadFile(c.file, opt)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range tb.Trajectories {
			for k, v := range tb.Trajectories[i].States {
				sum += v * float64(1+k%7)
			}
		}
		if tb.Rows() != c.rows || math.Abs(sum-c.sum) > 1e-6 {
			t.Errorf("%s, %s: %d rows and a sum of %v, want %d and %v", c.file, c.column, tb.Rows(), sum, c.rows, c.sum)
		}
		if c.id != "" && len(tb.Trajectories) != 12 {
			t.Errorf("%d subjects", len(tb.Trajectories))
		}
	}
}

// The commands do what they say, in a hurry.
func TestCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of training")
	}
	t.Chdir(filepath.Join("..", ".."))
	for name, e := range exhibits() {
		e.Args = append(e.Args, "-quick", "-ensemble", "1")
		if err := e.fit(context.Background(), t.TempDir(), io.Discard); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
