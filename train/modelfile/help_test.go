package modelfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
)

// sample is a small model with all that a file can hold.
func sample() *File {
	return &File{
		Kind:        "test 1",
		Description: json.RawMessage(`{"hidden":[3,2],"name":"<é> & \u2028"}`),
		Metadata:    map[string]string{"format": "pt"},
		Tensors: []Tensor{
			{Name: "none", Shape: []int{0, 7}, Float64: []float64{}},
			{Name: "net.0.bias", Float64: []float64{-math.MaxFloat64}},
			{Name: "net/W0", Shape: []int{2, 3}, Float64: []float64{0, math.Copysign(0, -1), 1e-310, math.Pi, -2, math.MaxFloat64}},
			{Name: "net/W1", Shape: []int{3}, Float32: []float32{1, -math.MaxFloat32, 1e-45}},
		},
	}
}

func encode(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeNPZ(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.EncodeNPZ(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// raw is a safetensors file of any header and data.
func raw(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// equal reports whether two models are equal, every number bit for bit.
func equal(a, b *File) bool {
	return a.Kind == b.Kind && string(a.Description) == string(b.Description) && equalTensors(a, b)
}

func equalTensors(a, b *File) bool {
	if len(a.Tensors) != len(b.Tensors) {
		return false
	}
	for i := range a.Tensors {
		if !bytes.Equal(fingerprint(&a.Tensors[i]), fingerprint(&b.Tensors[i])) {
			return false
		}
	}
	return true
}

func fingerprint(t *Tensor) []byte {
	b, _ := json.Marshal([]any{t.Name, len(t.Shape), t.Shape, t.Float32 != nil})
	w := bytes.NewBuffer(b)
	t.writeData(w)
	return w.Bytes()
}
