package arch

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Examples stay as short as the library makes them: lines of main.go, imports and error checks
// included.
func TestExamplesAreShort(t *testing.T) {
	for name, most := range map[string]int{"minibatch": 40, "ude": 45, "control": 50, "service": 60, "digits": 70, "linear": 120} {
		data, err := os.ReadFile(filepath.Join("..", "..", "examples", name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte("\n")); n > most {
			t.Errorf("examples/%s/main.go has %d lines; at most %d", name, n, most)
		}
	}
}
