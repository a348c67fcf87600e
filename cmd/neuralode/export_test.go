package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/modelfile"
)

// A model of each type of numbers goes out in all formats; its weights come back, bit for bit, into
// a model of other weights.
func TestExportImport(t *testing.T) {
	t.Run("float64", testExportImport[float64])
	t.Run("float32", testExportImport[float32])
}

func testExportImport[T train.Float](t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for i, name := range []string{"model", "other"} {
		m, err := train.New[T](layers.MLP{In: 2, Hidden: []int{5}, Out: 2}, train.Config{Rand: rand.New(rand.NewPCG(uint64(i), 0))})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Save(at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"-out", at("field.onnx")},
		{"-out", at("solve.onnx"), "-format", "onnx-solve", "-method", "RK4", "-steps", "3"},
		{"-out", at("model.go"), "-package", "hares"},
		{"-out", at("w.npz")},
		{"-out", at("w.safetensors")},
	} {
		out, errs, code := call(append(append([]string{"export"}, args...), at("model"))...)
		info, err := os.Stat(args[1])
		if code != 0 || err != nil || info.Size() == 0 || !strings.Contains(out, args[1]) {
			t.Errorf("%q: code %d, %s%s, %v", args, code, out, errs, err)
		}
	}
	if text, err := os.ReadFile(at("model.go")); err != nil || !strings.Contains(string(text), "package hares") {
		t.Errorf("%v", err)
	}
	want, err := modelfile.Read(at("model"))
	if err != nil {
		t.Fatal(err)
	}
	for _, weights := range []string{"w.npz", "w.safetensors"} {
		out, errs, code := call("import", "-into", at("other"), "-out", at("new"), at(weights))
		if code != 0 {
			t.Fatalf("%s%s", out, errs)
		}
		got, err := modelfile.Read(at("new"))
		if err != nil || !slices.EqualFunc(got.Tensors, want.Tensors, func(a, b modelfile.Tensor) bool {
			return a.Name == b.Name && slices.Equal(a.Float32, b.Float32) && slices.Equal(a.Float64, b.Float64)
		}) {
			t.Errorf("%s: other weights came back, %v", weights, err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"export", at("model")}, 2, "-out"},
		{[]string{"export", "-out", at("x.pt"), at("model")}, 2, `"pt" is unknown`},
		{[]string{"export", "-out", at("x.onnx"), "-member", "2", at("model")}, 2, "with 1"},
		{[]string{"export", "-out", at("x.onnx"), "-method", "kvaerno5", at("model")}, 2, "tsit5"},
		{[]string{"export", "-out", at("x.go"), "-package", "a-b", at("model")}, 2, "no name"},
		{[]string{"export", "-out", at("x.onnx"), at("w.safetensors")}, 1, "neuralode"},
		{[]string{"export", "-out", at("x.onnx")}, 2, "0 arguments"},
		{[]string{"export", "-out", at("x.txt"), at("model")}, 2, "no known equations"},
		{[]string{"import", at("w.npz")}, 2, "-into"},
		{[]string{"import", "-into", at("other"), "-out", at("x"), at("model.go")}, 1, "model.go"},
		{[]string{"import", "-into", at("other"), "-out", at("x")}, 2, "0 arguments"},
	} {
		if _, errs, code := call(c.args...); code != c.code || !strings.Contains(errs, c.errs) {
			t.Errorf("%q: code %d, %s", c.args, code, errs)
		}
	}
	if _, err := os.Stat(at("x.onnx")); err == nil {
		t.Error("a refused export left a file")
	}
}

// What fit saved can be written, and an ensemble's members one by one.
func TestExportForecast(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model.safetensors")
	if out, errs, code := call("fit", "-quick", "-hidden", "4", "-epochs", "5", "-polish", "-1", "-ensemble", "2", "-out", dir); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	weights := filepath.Join(dir, "w.npz")
	out, errs, code := call("export", "-out", weights, "-member", "2", model)
	if code != 0 || !strings.Contains(out, "model 2 of an ensemble of 2") {
		t.Fatalf("%s%s", out, errs)
	}
	field := filepath.Join(dir, "field.onnx")
	if out, errs, code := call("export", "-out", field, model); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	changed := filepath.Join(dir, "new.safetensors")
	if out, errs, code := call("import", "-into", model, "-out", changed, weights); code != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	a, err := loadAny(changed)
	if err != nil || a.members() != 2 || !slices.Equal(a.wide[0].Params(), a.wide[1].Params()) {
		t.Errorf("%v", err)
	}
}

// Known equations go out as text that fit reads again, and as Go.
func TestExportEquations(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	fit := func(known string) {
		t.Helper()
		if out, errs, code := call("fit", "-known", known, "-epochs", "5", "-polish", "-1", "-ensemble", "2", "-out", dir); code != 0 {
			t.Fatalf("%s%s", out, errs)
		}
	}
	fit("dlynx = delta*hare*lynx - gamma*lynx; dhare = alpha*hare - beta*hare*lynx")
	for _, name := range []string{"system.txt", "model.go", "field.onnx"} {
		if out, errs, code := call("export", "-out", at(name), at("model.safetensors")); code != 0 {
			t.Fatalf("%s%s", out, errs)
		}
	}
	text, err := os.ReadFile(at("system.txt"))
	if err != nil || !strings.Contains(string(text), "\ndlynx = delta*hare*lynx - gamma*lynx\ndhare = alpha*hare - beta*hare*lynx\n") || strings.Count(string(text), "# -param ") != 4 {
		t.Errorf("%s, %v", text, err)
	}
	fit("@" + at("system.txt"))
}
