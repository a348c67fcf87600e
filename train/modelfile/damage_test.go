package modelfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// Whatever bit of a file flips, it is refused or loads as it was.
func TestEveryBitFlip(t *testing.T) {
	want := sample()
	read := func(o Options, file []byte) (f *File, err error) {
		defer func() {
			if r := recover(); r != nil {
				t.Fatalf("panic: %v", r)
			}
		}()
		return o.Decode(bytes.NewReader(file), int64(len(file)))
	}
	file := encode(t, want)
	ok, unchecked := 0, 0
	for bit := range 8 * len(file) {
		file[bit/8] ^= 1 << (bit % 8)
		if got, err := read(Options{}, file); err == nil {
			ok++
			if !equal(got, want) {
				t.Errorf("bit %d: loads as something else", bit)
			}
		}
		// Without the checksum the values may differ, but no size may.
		if got, err := read(Options{SkipChecksum: true, AllowNonFinite: true}, file); err == nil {
			unchecked++
			for _, x := range got.Tensors {
				if n, good := product(x.Shape); !good || n != x.Len() {
					t.Errorf("bit %d: shape %v with %d numbers", bit, x.Shape, x.Len())
				}
			}
		}
		file[bit/8] ^= 1 << (bit % 8)
	}
	t.Logf("%d bits: %d flips load unharmed, %d without the checksum", 8*len(file), ok, unchecked)
	if ok > len(file) || unchecked < 8*8*7 {
		t.Errorf("%d flips load, %d without checksum: the test does not test what it should", ok, unchecked)
	}
}

func TestEveryBitFlipNPZ(t *testing.T) {
	want := sample()
	file := encodeNPZ(t, want)
	for bit := range 8 * len(file) {
		file[bit/8] ^= 1 << (bit % 8)
		// The archive has a checksum of each member; names in the directory have none.
		if got, err := DecodeNPZ(bytes.NewReader(file), int64(len(file))); err == nil {
			for _, x := range got.Tensors {
				if w, ok := want.Tensor(x.Name); ok && !bytes.Equal(fingerprint(&w), fingerprint(&x)) {
					t.Errorf("bit %d: %s loads as something else", bit, x.Name)
				}
			}
		}
		file[bit/8] ^= 1 << (bit % 8)
	}
}

func TestEveryCut(t *testing.T) {
	for name, c := range map[string]struct {
		file   []byte
		decode func(r io.ReaderAt, size int64) (*File, error)
	}{"safetensors": {encode(t, sample()), Decode}, "npz": {encodeNPZ(t, sample()), DecodeNPZ}} {
		for n := range c.file {
			if _, err := c.decode(bytes.NewReader(c.file[:n]), int64(n)); err == nil {
				t.Errorf("%s: %d of %d bytes load", name, n, len(c.file))
			}
			// A file that is cut while it is being read. The end of an archive holds nothing.
			if f, err := c.decode(bytes.NewReader(c.file[:n]), int64(len(c.file))); err == nil && !(name == "npz" && equalTensors(f, sample())) {
				t.Errorf("%s: %d of %d bytes load", name, n, len(c.file))
			}
		}
	}
}

// No file makes the reader allocate more than a constant times the length of the file.
func TestMemoryIsBounded(t *testing.T) {
	const size = 1700
	pad := func(file []byte) []byte { return append(file, make([]byte, max(0, size-len(file)))...) }
	var entries []string
	for i := range 25 {
		entries = append(entries, fmt.Sprintf(`"t%d":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}`, i))
	}
	for name, file := range map[string][]byte{
		"a header of 100 MB":     append([]byte{0, 0xe1, 0xf5, 5, 0, 0, 0, 0}, make([]byte, size)...),
		"a tensor of 800 GB":     pad(raw(`{"a":{"dtype":"F64","shape":[100000000000],"data_offsets":[0,800000000000]}}`)),
		"a shape of 800 GB":      pad(raw(`{"a":{"dtype":"F64","shape":[100000000000],"data_offsets":[0,8]}}`, make([]byte, 8)...)),
		"wraps around 64 bits":   pad(raw(`{"a":{"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]}}`, make([]byte, 8)...)),
		"zero times huge":        raw(`{"a":{"dtype":"F64","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,0]}}`),
		"deep":                   raw(strings.Repeat(`{"a":`, 300) + strings.Repeat("}", 300)),
		"wide below a long key":  raw(`{"__metadata__":{"` + strings.Repeat("k", 800) + `":"` + strings.Repeat("v", 800) + `"}}`),
		"many empty tensors":     raw("{" + strings.Join(entries, ",") + "}"),
		"long shape":             raw(`{"a":{"dtype":"F64","shape":[`+strings.Repeat("1,", 800)+`1],"data_offsets":[0,8]}}`, make([]byte, 8)...),
		"many keys, a long path": raw(`{"` + strings.Repeat("k", 800) + `":{` + strings.TrimSuffix(strings.Repeat(`"":1,`, 150), ",") + `}}`),
		"long path":              raw(`{"__metadata__":{"neuralode.description":"{\"` + strings.Repeat("k", 800) + `\":[` + strings.Repeat("1,", 400) + `1]}"}}`),
	} {
		before := allocated()
		Decode(bytes.NewReader(file), int64(len(file)))
		if got, most := allocated()-before, uint64(200*size); got > most {
			t.Errorf("%s: %d bytes allocated for a file of %d, more than %d", name, got, len(file), most)
		}
	}
	// An archive may hold a thousand times its length, of zeros, which is read twice; under the race
	// detector twice as much is allocated.
	long := encodeNPZ(t, &File{Tensors: []Tensor{New("z", []int{1 << 17}, make([]float64, 1<<17))}})
	for name, file := range map[string][]byte{
		"an honest archive": long,
		"lies on its size":  lie(long),
		"a header of 4 GB":  npzOf(t, "\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n"),
		"a shape of 8 TB":   npzOf(t, "\x93NUMPY\x01\x00\x46\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"),
		"a negative shape":  npzOf(t, "\x93NUMPY\x01\x00\x3d\x00{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }\n12345678"),
		"no line end":       npzOf(t, "\x93NUMPY\x01\x00\x3d\x00{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), } 12345678"),
	} {
		before := allocated()
		_, err := DecodeNPZ(bytes.NewReader(file), int64(len(file)))
		if got, most := allocated()-before, uint64(8*inflation*len(file)); got > most {
			t.Errorf("%s: %d bytes allocated for a file of %d, more than %d", name, got, len(file), most)
		}
		var own *Error
		if name != "an honest archive" && name != "lies on its size" && !errors.As(err, &own) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
