package train

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/train/modelfile"
)

// FuzzLoadDescription loads a model with any description. It is refused, or it is a model that
// saves and loads again.
func FuzzLoadDescription(f *testing.F) {
	path := filepath.Join(f.TempDir(), "model.safetensors")
	m := newNet(f, Config{})
	if err := m.Save(path); err != nil {
		f.Fatal(err)
	}
	file, err := modelfile.Read(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(file.Description))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, description []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a")
		if err := modelfile.Write(path, &modelfile.File{Kind: file.Kind, Description: description, Tensors: file.Tensors}); err != nil {
			return
		}
		a, err := Load[float64](path)
		if err != nil {
			if len(err.Error()) > 5000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if err := a.Save(filepath.Join(dir, "b")); err != nil {
			t.Fatalf("what was loaded cannot be saved: %v", err)
		}
		b, err := Load[float64](filepath.Join(dir, "b"))
		if err != nil {
			t.Fatalf("what was saved cannot be loaded: %v", err)
		}
		if !slices.Equal(a.Params(), b.Params()) {
			t.Error("the parameters have changed")
		}
	})
}
