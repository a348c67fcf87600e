package artifact

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// want checks that dir holds the one file, with the content.
func want(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("file is %q (%v), want %q", got, err, content)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v (%v), want one file", entries, err)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "file.txt")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	want(t, path, "old")
	if err := Write(path, text("new")); err != nil {
		t.Fatal(err)
	}
	want(t, path, "new")
}

func TestWriteFailureKeepsOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.txt")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := Write(path, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error %v, want %v", err, boom)
	}
	want(t, path, "old")
}

func TestStage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.txt")
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	staged, err := Stage(path, text("new"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("before Commit the file is %q (%v)", got, err)
	}
	if err := staged.Discard(); err != nil {
		t.Fatal(err)
	}
	want(t, path, "old")
}

func TestMetrics(t *testing.T) {
	var m Metrics
	m.Set("loss", 1.0/3)
	m.Set("nothing", math.NaN())
	m.Set("gone", 1)
	m.Set("gone", math.Inf(1))
	m.SetInt("steps", 12)
	m.SetUint("seed", math.MaxUint64)

	path := filepath.Join(t.TempDir(), "metrics.json")
	if err := m.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	const content = "{\n  \"loss\": 0.3333333333333333,\n  \"seed\": 18446744073709551615,\n  \"steps\": 12\n}\n"
	want(t, path, content)

	var flat map[string]float64
	if err := json.Unmarshal([]byte(content), &flat); err != nil || flat["loss"] != 1.0/3 {
		t.Errorf("read back %v (%v)", flat, err)
	}
	if v, ok := m.Get("loss"); !ok || v != 1.0/3 {
		t.Errorf("Get(loss) = %v, %v", v, ok)
	}
	if _, ok := m.Get("nothing"); ok {
		t.Error("a number that is not finite was kept")
	}
	const printed = "  loss   0.333333\n  seed   18446744073709551615\n  steps  12\n"
	if m.String() != printed {
		t.Errorf("String:\n%swant:\n%s", m.String(), printed)
	}
}

func TestNoMetrics(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.json")
	if err := new(Metrics).WriteFile(path); err != nil {
		t.Fatal(err)
	}
	want(t, path, "{}\n")
}
