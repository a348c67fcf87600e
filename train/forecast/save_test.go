package forecast_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/train/forecast"
	"github.com/neuralode/neuralode/train/modelfile"
)

// small returns the file of a small model.
func small(t testing.TB) *modelfile.File {
	t.Helper()
	tb := read(t, "t,x,u\n0,1,0\n1,2,1\n2,3,0\n3,4,1\n4,5,\n5,6,2\n", tableOptions)
	m, err := forecast.Fit(context.Background(), tb, forecast.Options{Hidden: []int{2}, Decay: -1, Log: forecast.No, Linear: forecast.No, Steps: 2, Polish: -1, Ensemble: 2, Controls: []string{"u"}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.File()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every part of a file is checked, also where the checksum is right.
func TestLoadErrors(t *testing.T) {
	replace := func(old, new string) func(f *modelfile.File) {
		return func(f *modelfile.File) {
			if !strings.Contains(string(f.Description), old) {
				t.Fatalf("%s has no %s", f.Description, old)
			}
			f.Description = []byte(strings.Replace(string(f.Description), old, new, 1))
		}
	}
	tensor := func(name string, change func(t *modelfile.Tensor)) func(f *modelfile.File) {
		return func(f *modelfile.File) {
			for i := range f.Tensors {
				if f.Tensors[i].Name == name {
					change(&f.Tensors[i])
					return
				}
			}
			t.Fatalf("no tensor %s", name)
		}
	}
	number := func(i int, v float64) func(t *modelfile.Tensor) {
		return func(t *modelfile.Tensor) {
			t.Float64 = append([]float64(nil), t.Float64...)
			t.Float64[i] = v
		}
	}
	for _, c := range []struct {
		name   string
		damage func(f *modelfile.File)
		want   string
	}{
		{"other kind", func(f *modelfile.File) { f.Kind = "neuralode forecast 99" }, "neuralode forecast 99"},
		{"unknown key", replace(`"setting"`, `"sitting"`), `"sitting" is unknown`},
		{"unknown model", replace(`"kind":"node"`, `"kind":"magic"`), `there is no kind "magic"`},
		{"no states", replace(`"states":["x"]`, `"states":[]`), "states: there are none"},
		{"same columns", replace(`"controls":["u"]`, `"controls":["x"]`), `"x" is there twice`},
		{"more members", replace(`},"members":2`, `},"members":3`), "tensor starts: it has shape [2 1 1], and should have [3 1 1]"},
		{"members", replace(`},"members":2`, `},"members":-2`), "members"},
		{"many members", replace(`},"members":2`, `},"members":1000000000`), "members"},
		{"latent", replace(`"states":["x"]`, `"latent":1000000,"states":["x"]`), "0 names of 1000000 components"},
		{"no ids", replace(`"ids":[""]`, `"ids":[]`), "ids"},
		{"figures", replace(`"figures":{`, `"figures":{"a":"b",`), "figures"},
		{"huge network", replace(`"hidden":[2],"out"`, `"hidden":[200000,200000],"out"`), "member 0"},
		{"other scaling", replace(`"log":false`, `"log":true`), "does not fit the columns"},
		{"no starts", tensor("starts", func(t *modelfile.Tensor) { t.Name = "begins" }), "tensor starts: it is missing"},
		{"start NaN", tensor("starts", number(0, math.NaN())), "tensor starts: a number is not finite"},
		{"weight NaN", tensor("1/field/W0", number(0, math.NaN())), "tensor 1/field/W0: a number is not finite"},
		{"noise infinite", tensor("noise", number(0, math.Inf(1))), "tensor noise: a number is infinite"},
		{"anchor", tensor("anchors", number(0, 1)), "tensor anchors: row 0"},
		{"rows", tensor("trajectories", number(0, 7)), "tensor trajectories: row 0"},
		{"fewer rows", tensor("trajectories", number(0, 5)), "tensor trajectories: row 0"},
		{"time order", tensor("data/times", number(2, 0.5)), "time 0.5 follows 1"},
		{"more", func(f *modelfile.File) {
			f.Tensors = append(f.Tensors, modelfile.New("more", []int{1}, []float64{1}))
		}, "tensors, of which"},
	} {
		f := small(t)
		c.damage(f)
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := (modelfile.Options{AllowNonFinite: true}).Write(path, f); err != nil {
			t.Fatal(err)
		}
		if _, err := forecast.Load(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// FuzzLoad reads model files of any content, without their checksum: what is accepted can be asked
// and saved, and what is refused costs no more memory than a constant times its length.
func FuzzLoad(f *testing.F) {
	path := filepath.Join(f.TempDir(), "model.safetensors")
	if err := (modelfile.Options{AllowNonFinite: true}).Write(path, small(f)); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := modelfile.Options{AllowNonFinite: true, SkipChecksum: true}.Decode(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := forecast.FromFile(file)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20+1000*uint64(len(data)) {
			t.Errorf("%d bytes of a file took %d bytes of memory (%v)", len(data), used, err)
		}
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = m.Predict(ctx, forecast.Query{Times: []float64{m.Trajectories[0].End}})
		if _, err := m.File(); err != nil {
			t.Error(err)
		}
	})
}
