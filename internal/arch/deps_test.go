package arch

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs that only solve, differentiate solves or smooth data build without Gorgonia, and
// without anything else but the standard library and the feature bits of the processor.
func TestNumericWingNeedsLittle(t *testing.T) {
	allowed := []string{
		strings.TrimSuffix(module, "/"),
		"golang.org/x/sys/cpu",
		"gonum.org/v1/gonum/internal", "gonum.org/v1/gonum/blas", "gonum.org/v1/gonum/lapack", "gonum.org/v1/gonum/floats", "gonum.org/v1/gonum/mat",
	}
	for _, folder := range []string{"odeint", "odeint/collocation", "odeint/control", "adjoint"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+folder)
		cmd.Dir = filepath.Join("..", "..")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		packages := strings.Fields(string(out))
		if len(packages) == 0 {
			t.Fatalf("%s: no packages", folder)
		}
		for _, p := range packages {
			ok := false
			for _, a := range allowed {
				ok = ok || within(p, a)
			}
			if !ok {
				t.Errorf("%s needs %s", folder, p)
			}
		}
		for _, wing := range []string{"graph", "layers", "hnn", "train", "internal/nodes", "odeint/odelayer"} {
			for _, p := range packages {
				if within(p, module+wing) {
					t.Errorf("%s needs %s of the symbolic wing", folder, p)
				}
			}
		}
	}
}
