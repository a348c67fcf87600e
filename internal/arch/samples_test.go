package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The programs in the README and in docs run, from a folder of their own, and print something.
func TestReadmeSamples(t *testing.T)     { runSamples(t, "README.md", 3) }
func TestStartSamples(t *testing.T)      { runSamples(t, "docs/start.md", 3) }
func TestCookbookSamples(t *testing.T)   { runSamples(t, "docs/cookbook.md", 9) }
func TestComingFromSamples(t *testing.T) { runSamples(t, "docs/coming-from.md", 1) }

func runSamples(t *testing.T, path string, want int) {
	if testing.Short() {
		t.Skip("programs are built and run")
	}
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	programs := 0
	for _, block := range strings.Split(string(text), "```go\n")[1:] {
		code, _, closed := strings.Cut(block, "```")
		if !closed || !strings.HasPrefix(code, "package main\n") {
			t.Errorf("a sample is not a whole program:\n%s", code)
			continue
		}
		programs++
		if lines := strings.Count(code, "\n"); strings.Contains(code, "train.Fit") && lines > 35 && path == "README.md" {
			t.Errorf("the sample that trains a model has %d lines, want at most 35", lines)
		}
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(code), 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("go", "run", file)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("sample %d: %v\n%s", programs, err, out)
		}
	}
	if programs != want {
		t.Errorf("%d programs, want %d", programs, want)
	}
}
