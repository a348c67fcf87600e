package modelfile

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRoundTrip(t *testing.T) {
	f := sample()
	for name, format := range map[string]struct {
		write func(string, *File) error
		read  func(string) (*File, error)
	}{"safetensors": {Write, Read}, "npz": {WriteNPZ, ReadNPZ}} {
		path := filepath.Join(t.TempDir(), "new", "model."+name)
		if err := format.write(path, f); err != nil {
			t.Fatal(err)
		}
		got, err := format.read(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind != f.Kind || !reflect.DeepEqual(got.Metadata, f.Metadata) || !equalTensors(got, f) {
			t.Errorf("%s: read\n%+v\nwrote\n%+v", name, got, f)
		}
		var want, have struct {
			Hidden []int  `json:"hidden"`
			Name   string `json:"name"`
		}
		if err := errors.Join(f.Decode(&want), got.Decode(&have)); err != nil || !reflect.DeepEqual(want, have) {
			t.Errorf("%s: description %+v (%v), want %+v", name, have, err, want)
		}
	}
}

func TestEncodingIsDeterministic(t *testing.T) {
	a, b := encode(t, sample()), encode(t, sample())
	if !bytes.Equal(a, b) {
		t.Error("two files of one model differ")
	}
	if (8+headerLength(a))%8 != 0 {
		t.Errorf("data begin at byte %d, which is not aligned", 8+headerLength(a))
	}
}

func headerLength(b []byte) int { return int(b[0]) | int(b[1])<<8 }

func TestWriteRefuses(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		change func(f *File)
		want   string
	}{
		{"NaN", func(f *File) { f.Tensors[2].Float64[3] = nan }, "tensor net/W0: number 3 of 6 is NaN"},
		{"Inf", func(f *File) { f.Tensors[3].Float32[0] = float32(math.Inf(-1)) }, "tensor net/W1: number 0 of 3 is -Inf"},
		{"shape", func(f *File) { f.Tensors[2].Shape = []int{2, 2} }, "do not fill the shape [2 2]"},
		{"huge shape", func(f *File) { f.Tensors[2].Shape = []int{math.MaxInt, math.MaxInt, 2} }, "do not fill"},
		{"negative shape", func(f *File) { f.Tensors[2].Shape = []int{-2, -3} }, "do not fill"},
		{"twins", func(f *File) { f.Tensors[2].Name = "net/W1" }, "two of this name"},
		{"no name", func(f *File) { f.Tensors[2].Name = "" }, "no name"},
		{"reserved name", func(f *File) { f.Tensors[2].Name = "__metadata__" }, "no name"},
		{"two types", func(f *File) { f.Tensors[2].Float32 = []float32{1} }, "leave the other nil"},
		{"no numbers", func(f *File) { f.Tensors[2].Float64 = nil }, "leave the other nil"},
		{"no JSON", func(f *File) { f.Description = []byte("{") }, "description"},
		{"not UTF-8", func(f *File) { f.Kind = "\xff" }, "UTF-8"},
		{"reserved key", func(f *File) { f.Metadata["neuralode.kind"] = "x" }, "reserved"},
	} {
		f := sample()
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := Write(path, f); err != nil {
			t.Fatal(err)
		}
		c.change(f)
		for _, write := range []func(string, *File) error{Write, WriteNPZ} {
			err := write(path, f)
			var own *Error
			if !errors.As(err, &own) || own.Path != path || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
			}
		}
		if got, err := Read(path); err != nil || !equal(got, sample()) {
			t.Errorf("%s: a refused write changed the file (%v)", c.name, err)
		}
	}
}

func TestNonFiniteWhenAsked(t *testing.T) {
	f := sample()
	f.Tensors[2].Float64[1] = math.Inf(1)
	path := filepath.Join(t.TempDir(), "m")
	if err := (Options{AllowNonFinite: true}).Write(path, f); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "+Inf") {
		t.Errorf("reading an infinite weight: %v", err)
	}
	if got, err := (Options{AllowNonFinite: true}).Read(path); err != nil || !equal(got, f) {
		t.Errorf("asked for: %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	entry := func(s string) string { return `{"a":` + s + `}` }
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes"},
		{"short", []byte("1234567"), "7 bytes"},
		{"long header", raw("{}")[:9], "2 bytes in a file of 9"},
		{"huge header", append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "{}"...), "18446744073709551615"},
		{"zip", append([]byte("PK\x03\x04\x14\x00\x08\x00"), make([]byte, 100)...), "ReadNPZ"},
		{"array", raw("[]"), "begin with {"},
		{"not JSON", raw("{,}"), "header"},
		{"cut JSON", raw(`{"a":`), "header"},
		{"more JSON", raw("{}{}"), "more follows"},
		{"data without tensor", raw("{}", 1), "describes 0 bytes of data; the file has 1"},
		{"no shape", raw(entry(`{"dtype":"F32","data_offsets":[0,4]}`), 0, 0, 0, 0), "no shape"},
		{"no offsets", raw(entry(`{"dtype":"F32","shape":[]}`), 0, 0, 0, 0), "bytes -1 to -1"},
		{"no type", raw(entry(`{"shape":[],"data_offsets":[0,4]}`), 0, 0, 0, 0), "only F32 and F64"},
		{"half", raw(entry(`{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}`), 0, 0, 0, 0), ".float()"},
		{"unknown key", raw(entry(`{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}`), 0, 0, 0, 0), `key "x" is unknown`},
		{"same key", raw(entry(`{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}`), 0, 0, 0, 0), "twice"},
		{"same tensor", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`, make([]byte, 8)...), "twice"},
		{"overlap", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, make([]byte, 4)...), "ends at 4"},
		{"hole", raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}`, make([]byte, 12)...), "ends at 4"},
		{"5 of 6", raw(entry(`{"dtype":"F64","shape":[2,3],"data_offsets":[0,40]}`), make([]byte, 40)...), "40 bytes do not hold"},
		{"beyond the file", raw(entry(`{"dtype":"F64","shape":[6],"data_offsets":[0,48]}`), make([]byte, 40)...), "the data at 40"},
		{"negative", raw(entry(`{"dtype":"F64","shape":[-2,-3],"data_offsets":[0,48]}`), make([]byte, 48)...), "do not hold"},
		{"overflow", raw(entry(`{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}`)), "restore"},
		{"backwards", raw(entry(`{"dtype":"F64","shape":[0],"data_offsets":[0,-8]}`)), "ends at 0"},
		{"description", raw(`{"__metadata__":{"neuralode.description":"{\"a\":1,\"a\":2}"}}`), `key "a" is there twice`},
		{"later version", raw(`{"__metadata__":{"neuralode.new":"1"}}`), "version"},
		{"metadata", raw(`{"__metadata__":{"a":1}}`), "header"},
		{"null", raw(`{"__metadata__":null,"a":null}`), "null"},
	} {
		_, err := Decode(bytes.NewReader(c.file), int64(len(c.file)))
		var own *Error
		if !errors.As(err, &own) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	for _, read := range []func(string) (*File, error){Read, ReadNPZ} {
		if _, err := read(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
		if _, err := read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("a folder: %v", err)
		}
	}
}

func TestReadForeign(t *testing.T) {
	// As PyTorch's safetensors writes it: other metadata, spaces at the end, no checksum.
	file := raw(`{"__metadata__":{"format":"pt"},"0.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}   `, 0, 0, 128, 63, 0, 0, 0, 192)
	f, err := Decode(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	w, ok := f.Tensor("0.weight")
	if !ok || !slices.Equal(w.Float32, []float32{1, -2}) || !slices.Equal(w.Shape, []int{2, 1}) || f.Metadata["format"] != "pt" {
		t.Errorf("read %+v", f)
	}
	if err := f.Decode(new(any)); err == nil || !strings.Contains(err.Error(), "has none") {
		t.Errorf("no description: %v", err)
	}
}

func TestWriteAtomicCleansUp(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m")
	stale, fresh, other := filepath.Join(dir, ".m.1.tmp"), filepath.Join(dir, ".m.2.tmp"), filepath.Join(dir, ".n.1.tmp")
	for _, f := range []string{stale, fresh, other} {
		if err := os.WriteFile(f, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * staleAfter)
	if err := errors.Join(os.Chtimes(stale, old, old), os.Chtimes(other, old, old)); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{".m.2.tmp", ".n.1.tmp", "m"}; !slices.Equal(names, want) {
		t.Errorf("the folder holds %v, want %v", names, want)
	}
}

func TestWriteThroughLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if err := Write(link, sample()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone (%v)", err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode has changed to %v (%v)", info.Mode(), err)
	}
	if _, err := Read(target); err != nil {
		t.Error(err)
	}
}

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	if err := Probe(filepath.Join(dir, "a", "b")); err != nil {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var own *Error
	if err := Probe(filepath.Join(file, "c")); !errors.As(err, &own) || own.Remedy == "" {
		t.Errorf("a folder below a file: %v", err)
	}
}

func TestTensorConversions(t *testing.T) {
	type mine float32
	w := New("w", []int{2, 3}, []mine{1, 2, 3, 4, 5, 6})
	if !slices.Equal(w.Float32, []float32{1, 2, 3, 4, 5, 6}) {
		t.Errorf("New: %v", w)
	}
	if x := w.Transposed(); !slices.Equal(x.Float32, []float32{1, 4, 2, 5, 3, 6}) || !slices.Equal(x.Shape, []int{3, 2}) {
		t.Errorf("Transposed: %v", x)
	}
	if v := Values[float64](w); !slices.Equal(v, []float64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("Values: %v", v)
	}
	data := []float64{1.5}
	d := New("d", nil, data)
	if v := Values[float32](d); !slices.Equal(v, []float32{1.5}) {
		t.Errorf("Values: %v", v)
	}
	if Values[float64](d)[0] = 7; data[0] != 1.5 {
		t.Error("Values does not copy")
	}
	if d = New("d", []int{0}, []float64(nil)); d.Float64 == nil {
		t.Error("no numbers are kept as nil, which Write refuses")
	}
}
