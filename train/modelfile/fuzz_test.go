package modelfile

import (
	"bytes"
	"testing"
)

// Whatever is read can be written and read again, and is the same.
func again(t *testing.T, f *File, err error) {
	if err != nil {
		if f != nil {
			t.Error("a file beside an error")
		}
		if len(err.Error()) > 2000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		return
	}
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	got, err := Decode(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	if got.Kind != f.Kind || string(got.Description) != string(f.Description) || len(got.Tensors) != len(f.Tensors) {
		t.Errorf("read %+v, wrote %+v", got, f)
	}
	for i := range f.Tensors {
		a := &f.Tensors[i]
		if b, ok := got.Tensor(a.Name); !ok || !bytes.Equal(fingerprint(a), fingerprint(&b)) {
			t.Errorf("tensor %q has changed", a.Name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, sample()))
	f.Add(encode(f, new(File)))
	f.Add(raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[],"data_offsets":[8,16]}}`, make([]byte, 16)...))
	f.Add(raw(`{"__metadata__":{"neuralode.description":"[1,2]"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(bytes.NewReader(data), int64(len(data)))
		again(t, m, err)
	})
}

func FuzzDecodeNPZ(f *testing.F) {
	f.Add(encodeNPZ(f, sample()))
	f.Add(encodeNPZ(f, &File{Tensors: []Tensor{New("a", nil, []float32{1})}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeNPZ(bytes.NewReader(data), int64(len(data)))
		again(t, m, err)
	})
}

// FuzzDecodeNPY mutates an array itself, which FuzzDecodeNPZ's checksums keep from changing.
func FuzzDecodeNPY(f *testing.F) {
	f.Add([]byte(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n") + "12345678"))
	f.Add([]byte(header("{'descr': '>f8', 'fortran_order': True, 'shape': (), }\n") + "12345678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decodeNPY(data)
		if err != nil {
			return
		}
		if n, ok := product(a.Shape); !ok || n != a.Len() || (a.Float32 == nil) == (a.Float64 == nil) {
			t.Errorf("%d numbers of shape %v", a.Len(), a.Shape)
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"hidden":[1,2],"rates":{"a":1},"next":{"hidden":null},"Plain":3,"name":"x","made":"2024-01-02T03:04:05Z","any":{"x":[null,{}]},"box":[1,2]}`))
	f.Add([]byte(`{"next":{"next":{"x":1}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d described
		if err := DecodeJSON(data, &d); err != nil {
			return
		}
		var file File
		if err := file.Describe(d); err != nil {
			t.Fatalf("what was decoded has no JSON: %v", err)
		}
		if err := file.Decode(new(described)); err != nil {
			t.Errorf("what was described cannot be decoded: %v", err)
		}
	})
}
