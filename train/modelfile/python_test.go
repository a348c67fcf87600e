package modelfile

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What this package writes, PyPI's safetensors and numpy read, and the other way round.
func TestPython(t *testing.T) {
	python := os.Getenv("PYTHON")
	if python == "" {
		t.Skip("set PYTHON to an interpreter that has safetensors and numpy")
	}
	dir := t.TempDir()
	f := sample()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := errors.Join(Write(in+".safetensors", f), WriteNPZ(in+".npz", f)); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(python, filepath.Join("testdata", "roundtrip.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	a, err := Read(out + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadNPZ(out + ".npz")
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []*File{a, b} {
		if len(got.Tensors) != len(f.Tensors) {
			t.Errorf("%d tensors came back, not %d", len(got.Tensors), len(f.Tensors))
		}
		for i := range f.Tensors {
			w := &f.Tensors[i]
			if x, ok := got.Tensor(w.Name); !ok || !bytes.Equal(fingerprint(w), fingerprint(&x)) {
				t.Errorf("%s came back as %+v", w.Name, x)
			}
		}
	}
}
