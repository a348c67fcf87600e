package experiment

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

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
