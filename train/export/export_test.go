package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// models are what the tests write: networks with all activations, energies, times, matrices in a state,
// scalers with logarithms.
func models() map[string]func() (graph.Module, train.Config) {
	all := map[string]func() (graph.Module, train.Config){}
	plain := func(name string, m graph.Module, cfg train.Config) {
		all[name] = func() (graph.Module, train.Config) { return m, cfg }
	}
	scaler := train.Scaler{Mean: []float64{0.5, -1}, Spread: []float64{2, 0.25}, Origin: 1, Unit: 3}
	for _, a := range layers.Activations() {
		plain("mlp_"+strings.ToLower(strings.ReplaceAll(a.String(), "-", "_")), layers.MLP{In: 2, Hidden: []int{7, 5}, Out: 2, Activation: a}, train.Config{Scaler: scaler})
	}
	logs := scaler
	logs.Log = []bool{true, false}
	plain("logarithms", layers.MLP{In: 2, Hidden: []int{6}, Out: 2}, train.Config{Scaler: logs})
	plain("timed", layers.AppendTime{Of: layers.MLP{In: 3, Hidden: []int{6}, Out: 2}}, train.Config{Scaler: scaler, Shape: []int{2}})
	plain("energy", hnn.Field{H: layers.MLP{In: 4, Hidden: []int{8, 8}, Out: 1}}, train.Config{Shape: []int{4}, Solve: odeint.Options{Method: odeint.RK4, Controller: odeint.Fixed{}, Steps: 4}})
	plain("separable", hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Masses: []float64{2, 3}, Learn: true}, V: layers.MLP{In: 2, Hidden: []int{8}, Out: 1}}}, train.Config{Shape: []int{4}})
	plain("anything", hnn.Field{H: layers.MLP{In: 2, Hidden: []int{8}, Out: 1}, Conservative: layers.MLP{In: 2, Hidden: []int{4}, Out: 1}, Drive: layers.MLP{In: 2, Hidden: []int{3}, Out: 1}}, train.Config{Shape: []int{2}})
	plain("pendulum", hnn.Field{H: hnn.DoublePendulum{}}, train.Config{})
	plain("damped", hnn.Field{H: layers.MLP{In: 2, Hidden: []int{8}, Out: 1}, Damping: &hnn.Damping{Degrees: 1}}, train.Config{Shape: []int{2}})
	plain("matrix", layers.MLP{In: 3, Hidden: []int{5}, Out: 3}, train.Config{Shape: []int{2, 3}})
	return all
}

func build[T train.Float](t *testing.T, name string, make func() (graph.Module, train.Config)) *train.Model[T] {
	t.Helper()
	module, cfg := make()
	cfg.Rand = rand.New(rand.NewPCG(1, 2))
	m, err := train.New[T](module, cfg)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	theta := m.Params()
	for i := range theta {
		theta[i] += T(0.1*cfg.Rand.Float64()) - 0.05
	}
	m.SetParams(theta)
	return m
}

// field evaluates a model in the units of the data by a short formula of its own.
func field[T train.Float](t *testing.T, m *train.Model[T], module graph.Module, cfg train.Config, at float64, y []T) []T {
	t.Helper()
	n := m.Dim()
	f, err := graph.CompileField[T](module, len(y)/n, graph.FieldConfig{Shape: cfg.Shape})
	if err != nil {
		t.Fatal(err)
	}
	copy(f.Params(), m.Params())
	s := m.Scaler()
	unit := s.Unit
	if unit == 0 {
		unit = 1
	}
	part := func(list []float64, j int, otherwise float64) float64 {
		if list == nil {
			return otherwise
		}
		return list[j%n]
	}
	x, d := make([]T, len(y)), make([]T, len(y))
	for j, v := range y {
		g := float64(v)
		if s.Log != nil && s.Log[j%n] {
			g = math.Log(g)
		}
		x[j] = T((g - part(s.Mean, j, 0)) / part(s.Spread, j, 1))
	}
	f.Eval(d, (at-s.Origin)/unit, x)
	for j := range d {
		d[j] = T(float64(d[j]) * part(s.Spread, j, 1) / unit)
		if s.Log != nil && s.Log[j%n] {
			d[j] *= y[j]
		}
	}
	return d
}

// tensor is an array in the files that Python reads and writes.
type tensor struct {
	Shape []int     `json:"shape"`
	Type  string    `json:"type,omitempty"`
	Data  []float64 `json:"data"`
}

func wideOf[T train.Float](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// python returns an interpreter with onnxruntime, or skips the test.
func python(t *testing.T) string {
	t.Helper()
	p := os.Getenv("PYTHON")
	if p == "" {
		t.Skip("set PYTHON to an interpreter that has onnxruntime")
	}
	return p
}

const samples = 3

// expectation is what a file should compute.
type expectation struct {
	want []float64
	kind string
	tol  float64
}

// prepare writes the ONNX files of a model and says what they should compute.
func prepare[T train.Float](t *testing.T, dir, name, kind string, tol float64, make func() (graph.Module, train.Config), cases *[]any, expect map[string]expectation) {
	t.Helper()
	m := build[T](t, name, make)
	module, cfg := make()
	shape := cfg.Shape
	if shape == nil {
		shape = []int{m.Dim()}
	}
	r := rand.New(rand.NewPCG(3, 4))
	var y []T
	for range samples * m.Dim() {
		y = append(y, T(0.2+r.Float64()))
	}
	times := []float64{0.5, 0.9, 1.2, 2}
	state := tensor{Shape: append([]int{samples}, shape...), Data: wideOf(y)}
	write := func(file string, f func(b *bytes.Buffer) error) {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Errorf("%s: %v", file, err)
			return
		}
		if err := os.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	file := name + "_" + kind + "_field.onnx"
	write(file, func(b *bytes.Buffer) error { return ONNXField(b, m, Options{}) })
	at := 0.75
	*cases = append(*cases, map[string]any{"file": file, "inputs": map[string]tensor{"t": {Shape: []int{1}, Data: []float64{at}}, "y": state}})
	expect[file] = expectation{wideOf(field(t, m, module, cfg, at, y)), kind, tol}

	file = name + "_" + kind + "_solve.onnx"
	o := Options{Steps: 3}
	write(file, func(b *bytes.Buffer) error { return ONNXSolve(b, m, o) })
	*cases = append(*cases, map[string]any{"file": file, "inputs": map[string]tensor{"times": {Shape: []int{len(times)}, Data: times}, "y0": state}})
	expect[file] = expectation{wideOf(predicted(t, m, module, cfg, o, times, y)), kind, 20 * tol}
}

// predicted is the library's own solve with the same steps.
func predicted[T train.Float](t *testing.T, m *train.Model[T], module graph.Module, cfg train.Config, o Options, times []float64, y []T) []T {
	t.Helper()
	method, ok := cfg.Solve.Method.(*odeint.Tableau)
	if !ok {
		method = odeint.Tsit5
	}
	cfg.Solve = odeint.Options{Method: method, Controller: odeint.Fixed{}, Steps: o.Steps}
	twin, err := train.New[T](module, cfg)
	if err != nil {
		t.Fatal(err)
	}
	twin.SetParams(m.Params())
	want, err := twin.Predict(t.Context(), times, y)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// Every model, as float32 and float64, gives in onnxruntime what it gives here, and onnx's checker is
// content.
func TestONNX(t *testing.T) {
	interpreter, dir := python(t), t.TempDir()
	var cases []any
	expect := map[string]expectation{}
	for name, make := range models() {
		prepare[float64](t, dir, name, "float64", 1e-13, make, &cases, expect)
		prepare[float32](t, dir, name, "float32", 4e-6, make, &cases, expect)
	}
	data, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cases.json"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(interpreter, filepath.Join("testdata", "run.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	} else if len(out) > 0 {
		t.Errorf("onnxruntime says: %s", out)
	}
	var outputs map[string]tensor
	data, err = os.ReadFile(filepath.Join(dir, "outputs.json"))
	if err == nil {
		err = json.Unmarshal(data, &outputs)
	}
	if err != nil {
		t.Fatal(err)
	}
	for file, e := range expect {
		got := outputs[file]
		if got.Type != e.kind || len(got.Data) != len(e.want) {
			t.Errorf("%s: %d numbers of %s, want %d", file, len(got.Data), got.Type, len(e.want))
			continue
		}
		if d := distance(got.Data, e.want); !(d < e.tol) {
			t.Errorf("%s: differs by %g\n%v\n%v", file, d, got.Data, e.want)
		}
	}
}

// distance is the largest difference, over 1 and the largest number.
func distance(a, b []float64) float64 {
	scale, d := 1.0, 0.0
	for i := range b {
		scale = max(scale, math.Abs(b[i]))
		d = max(d, math.Abs(a[i]-b[i]))
	}
	return d / scale
}

// goModule writes models as packages of a module with one program, which prints what they compute.
func TestGoSource(t *testing.T) {
	dir := t.TempDir()
	var imports, body strings.Builder
	type entry struct {
		name string
		want []float64
		tol  float64
	}
	var entries []entry
	times := []float64{0.5, 0.9, 1.2, 2}
	add := func(name, kind string, tol float64, source []byte, d []float64, y []float64, states []float64) {
		pkg := name + kind
		if err := os.MkdirAll(filepath.Join(dir, pkg), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, pkg, "model.go"), source, 0o666); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&imports, "\t%s %q\n", pkg, "example.com/m/"+pkg)
		list := fmt.Sprintf("[]%s{", kind)
		for _, v := range y {
			list += fmt.Sprintf("%g, ", v)
		}
		fmt.Fprintf(&body, "\t{y, d := %s}, make([]%s, %s.Dim); %s.Field(d, 0.75, y); show(wide(d)); for _, row := range %s.Solve([]float64{0.5, 0.9, 1.2, 2}, y) { show(wide(row)) }; fmt.Println(testing.AllocsPerRun(5, func() { %s.Field(d, 0.75, y) })) }\n", list, kind, pkg, pkg, pkg, pkg)
		entries = append(entries, entry{pkg, append(slices.Clone(d), states...), tol})
	}
	for name, make := range models() {
		source, d, y, states := goCase[float64](t, name, times, make)
		add(name, "float64", 1e-13, source, d, y, states)
		source, d, y, states = goCase[float32](t, name, times, make)
		add(name, "float32", 4e-6, source, d, y, states)
	}
	main := "package main\n\nimport (\n\t\"fmt\"\n\t\"testing\"\n\n" + imports.String() + ")\n\n" +
		"func show(x []float64) { for _, v := range x { fmt.Println(v) } }\n\n" +
		"func wide[T float32 | float64](x []T) (y []float64) { for _, v := range x { y = append(y, float64(v)) }; return y }\n\n" +
		"func main() {\n" + body.String() + "}\n"
	for file, text := range map[string]string{"main.go": main, "go.mod": "module example.com/m\n\ngo 1.25\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"vet", "./..."}, {"run", "."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
		if args[0] == "vet" {
			continue
		}
		words := strings.Fields(string(out))
		for _, e := range entries {
			got := make([]float64, len(e.want)+1)
			for i := range got {
				if len(words) == 0 {
					t.Fatalf("%s: the output ends early", e.name)
				}
				if _, err := fmt.Sscan(words[0], &got[i]); err != nil {
					t.Fatal(err)
				}
				words = words[1:]
			}
			if d := distance(got[:len(e.want)], e.want); !(d < e.tol) {
				t.Errorf("%s: differs by %g\n%v\n%v", e.name, d, got, e.want)
			}
			if allocs := got[len(e.want)]; allocs != 0 {
				t.Errorf("%s: Field allocates %v times", e.name, allocs)
			}
		}
	}
}

func goCase[T train.Float](t *testing.T, name string, times []float64, make func() (graph.Module, train.Config)) (source []byte, d, y, states []float64) {
	t.Helper()
	m := build[T](t, name, make)
	module, cfg := make()
	var b bytes.Buffer
	o := Options{Steps: 3, Package: "model"}
	if err := GoSource(&b, m, o); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	var start []T
	for range m.Dim() {
		start = append(start, T(0.2+r.Float64()))
	}
	return b.Bytes(), wideOf(field(t, m, module, cfg, 0.75, start)), wideOf(start), wideOf(predicted(t, m, module, cfg, o, times, start))
}

// What cannot be written is refused by name.
func TestRefused(t *testing.T) {
	dim := func(batch int) (train.Field[float64], error) {
		return graph.NewField[float64](layers.MLP{In: 2, Out: 2}, batch, graph.FieldConfig{Shape: []int{2}})
	}
	m, err := train.FromField(dim, train.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := ONNXField(&bytes.Buffer{}, m, Options{}); !errors.Is(err, train.ErrGoField) {
		t.Errorf("a field of Go: %v", err)
	}
	lagrangian, err := train.New[float64](hnn.Lagrangian{L: layers.MLP{In: 4, Hidden: []int{4}, Out: 1, Activation: layers.Softplus}}, train.Config{Shape: []int{4}})
	if err != nil {
		t.Fatal(err)
	}
	var refused *graph.RefusedError
	if err := GoSource(&bytes.Buffer{}, lagrangian, Options{}); !errors.As(err, &refused) || refused.Ops[0].Op != "Solve" {
		t.Errorf("a solve of linear equations: %v", err)
	}
	image := layers.Func(func(x *G.Node) (*G.Node, error) {
		return G.MaxPool2D(x, gt.Shape{3, 3}, []int{1, 1}, []int{1, 1})
	})
	if _, err := graph.List[float64](image, graph.FieldConfig{Shape: []int{1, 4, 4}}); !errors.As(err, &refused) || refused.Ops[0].Op != "maxPool" {
		t.Errorf("an image: %v", err)
	}
	mean := layers.Func(func(x *G.Node) (*G.Node, error) {
		s, err := G.Sum(x, 0)
		if err != nil {
			return nil, err
		}
		a, b, err := G.Broadcast(x, s, G.NewBroadcastPattern(nil, []byte{0}))
		if err != nil {
			return nil, err
		}
		return G.Sub(a, b)
	})
	if _, err := graph.List[float64](mean, graph.FieldConfig{Shape: []int{2}}); !errors.As(err, &refused) {
		t.Errorf("samples that depend on each other: %v", err)
	}
	module, cfg := models()["timed"]()
	ok, err := train.New[float64](module, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Package: "a b"}, {Package: "main"}, {Steps: -1}} {
		if err := GoSource(&bytes.Buffer{}, ok, o); !errors.Is(err, ErrUsage) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
