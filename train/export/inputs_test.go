package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train"
)

// driven are models with inputs, and what the field is to be: for one sample, at time 0.75, state y, inputs u and
// their rates du.
type driven struct {
	name     string
	module   graph.Module
	channels int
	rates    bool
}

var (
	drivenModels = []driven{
		{"forced", layers.AppendInput{Of: layers.MLP{In: 4, Hidden: []int{6}, Out: 2}, Channels: 2}, 2, false},
		{"cde", layers.CDE{Of: layers.MLP{In: 2, Hidden: []int{6}, Out: 4}, Channels: 2}, 2, true},
	}
	drivenScaler      = train.Scaler{Mean: []float64{0.5, -1}, Spread: []float64{2, 0.25}, InputMean: []float64{1, 0.25}, InputSpread: []float64{0.5, 4}, Origin: 0.5, Unit: 3}
	drivenY           = []float64{0.3, -0.7}
	drivenU, drivenDu = []float64{0.8, 1.5}, []float64{-0.4, 2}
	drivenAt          = 0.75
)

func (d driven) model(t *testing.T) *train.Model[float64] {
	t.Helper()
	m, err := train.New[float64](d.module, train.Config{Shape: []int{2}, Scaler: drivenScaler, Input: &train.InputConfig{Channels: d.channels, Rates: d.rates}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// field is that of the model by this library: the inputs are lines through the values.
func (d driven) field(t *testing.T, m *train.Model[float64]) []float64 {
	t.Helper()
	s := drivenScaler
	f, err := graph.NewField[float64](d.module, 1, graph.FieldConfig{Shape: []int{2}, Input: &graph.InputConfig{Channels: d.channels, Rates: d.rates}})
	if err != nil {
		t.Fatal(err)
	}
	copy(f.Params(), m.Params())
	at := (drivenAt - s.Origin) / s.Unit
	var before, after, x []float64
	for j := range drivenU {
		u, du := (drivenU[j]-s.InputMean[j])/s.InputSpread[j], drivenDu[j]*s.Unit/s.InputSpread[j]
		before, after = append(before, u-du), append(after, u+du)
	}
	path, err := control.New(control.Linear, d.channels, [][]float64{{at - 1, at + 1}}, append(before, after...))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(path); err != nil {
		t.Fatal(err)
	}
	for j := range drivenY {
		x = append(x, (drivenY[j]-s.Mean[j])/s.Spread[j])
	}
	out := make([]float64, 2)
	f.Eval(out, at, x)
	for j := range out {
		out[j] *= s.Spread[j] / s.Unit
	}
	return out
}

// The field of a model with inputs, as Go source.
func TestGoSourceWithInputs(t *testing.T) {
	dir := t.TempDir()
	var imports, calls strings.Builder
	var want []float64
	for _, d := range drivenModels {
		m := d.model(t)
		var b bytes.Buffer
		if err := GoSource(&b, m, Options{Package: d.name}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "func Solve") {
			t.Errorf("%s: a solve without inputs", d.name)
		}
		if err := os.MkdirAll(filepath.Join(dir, d.name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, d.name, "model.go"), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		du := ""
		if d.rates {
			du = ", []float64{-0.4, 2}"
		}
		fmt.Fprintf(&imports, "\t%q\n", "example.com/m/"+d.name)
		fmt.Fprintf(&calls, "\t%s.Field(d, 0.75, []float64{0.3, -0.7}, []float64{0.8, 1.5}%s)\n\tfmt.Println(d[0], d[1])\n", d.name, du)
		want = append(want, d.field(t, m)...)
	}
	main := "package main\n\nimport (\n\t\"fmt\"\n\n" + imports.String() + ")\n\nfunc main() {\n\td := make([]float64, 2)\n" + calls.String() + "}\n"
	for file, text := range map[string]string{"main.go": main, "go.mod": "module example.com/m\n\ngo 1.25\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []float64
	for _, w := range strings.Fields(string(out)) {
		var v float64
		if _, err := fmt.Sscan(w, &v); err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	if len(got) != len(want) || !(distance(got, want) < 1e-13) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The same as ONNX, for two samples of which the second is the first again.
func TestONNXWithInputs(t *testing.T) {
	for _, d := range drivenModels {
		if err := ONNXSolve(&bytes.Buffer{}, d.model(t), Options{}); !errors.Is(err, ErrUsage) {
			t.Errorf("a solve with inputs: %v", err)
		}
	}
	interpreter, dir := python(t), t.TempDir()
	var cases []any
	for _, d := range drivenModels {
		var b bytes.Buffer
		if err := ONNXField(&b, d.model(t), Options{}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, d.name), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		twice := func(v []float64) tensor { return tensor{Shape: []int{2, 2}, Data: slices.Concat(v, v)} }
		cases = append(cases, map[string]any{"file": d.name, "inputs": map[string]tensor{
			"t": {Shape: []int{1}, Data: []float64{drivenAt}}, "y": twice(drivenY), "u": twice(drivenU), "du": twice(drivenDu),
		}})
	}
	data, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cases.json"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(interpreter, filepath.Join("testdata", "run.py"), dir).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	var outputs map[string]tensor
	data, err = os.ReadFile(filepath.Join(dir, "outputs.json"))
	if err == nil {
		err = json.Unmarshal(data, &outputs)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drivenModels {
		want := d.field(t, d.model(t))
		if got := outputs[d.name].Data; len(got) != 4 || !(distance(got, slices.Concat(want, want)) < 1e-13) {
			t.Errorf("%s: %v, want %v twice", d.name, got, want)
		}
	}
}
