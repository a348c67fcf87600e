package modelfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// npzOf is an archive with one member.
func npzOf(t testing.TB, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	m, err := z.Create("a.npy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lie makes the directory of an archive say that its first member is of 4 GB.
func lie(file []byte) []byte {
	file = slices.Clone(file)
	at := bytes.LastIndex(file, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(file[at+24:], 1<<32-2)
	return file
}

// header is the header of an array in numpy's format 1.0.
func header(dict string) string {
	return "\x93NUMPY\x01\x00" + string([]byte{byte(len(dict)), byte(len(dict) >> 8)}) + dict
}

func TestDecodeNPY(t *testing.T) {
	for _, c := range []struct {
		name, dict, data string
		want             []float64
		shape            []int
	}{
		{"C order", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n", "\x00\x00\x80\x3f\x00\x00\x00\xc0", []float64{1, -2}, []int{2, 1}},
		{"big-endian", "{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }\n", "\x3f\xf0\x00\x00\x00\x00\x00\x00", []float64{1}, []int{1}},
		{"scalar", "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", "\x00\x00\x80\x3f", []float64{1}, nil},
		{"Fortran order", "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 2), }\n",
			"\x3f\x80\x00\x00\x40\x40\x00\x00\x40\x00\x00\x00\x40\x80\x00\x00", []float64{1, 2, 3, 4}, []int{2, 2}},
	} {
		file := npzOf(t, header(c.dict)+c.data)
		f, err := DecodeNPZ(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if a := f.Tensors[0]; a.Name != "a" || !slices.Equal(Values[float64](a), c.want) || !slices.Equal(a.Shape, c.shape) {
			t.Errorf("%s: read %+v", c.name, a)
		}
	}
	for _, c := range []struct{ name, content, want string }{
		{"no array", "hello", "not an array"},
		{"integers", header("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n") + "12345678", "only float32 and float64"},
		{"pickle", header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n") + "12345678", "only float32 and float64"},
		{"5 of 6", header("{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }\n") + strings.Repeat("12345678", 5), "40 bytes do not hold"},
		{"7 of 6", header("{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }\n") + strings.Repeat("12345678", 7), "56 bytes do not hold"},
		{"part of a number", header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n") + "123456789", "9 bytes do not hold"},
		{"NaN", header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n") + "\xff\xff\xff\xff", "is NaN"},
		{"version", "\x93NUMPY\x09\x00\x00\x00\x00\x00", "version 9"},
		{"cut", header("{'descr': '<f4'}\n")[:12], "cut short"},
	} {
		file := npzOf(t, c.content)
		if _, err := DecodeNPZ(bytes.NewReader(file), int64(len(file))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestFromFortran(t *testing.T) {
	// a[i][j][k] = 100i + 10j + k of shape (2, 3, 2), first index fastest.
	var a, want []int
	for k := range 2 {
		for j := range 3 {
			for i := range 2 {
				a = append(a, 100*i+10*j+k)
			}
		}
	}
	for i := range 2 {
		for j := range 3 {
			for k := range 2 {
				want = append(want, 100*i+10*j+k)
			}
		}
	}
	if got := fromFortran(a, []int{2, 3, 2}); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
