package modelfile

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

type readerAt = io.ReaderAt

// Decode reads a model from a stream of known length, such as a [bytes.Reader]. Tensors come
// in the order of the data: those without numbers, those of float64, those of float32
// where this library wrote them.
func Decode(r io.ReaderAt, size int64) (*File, error) { return Options{}.Decode(r, size) }

// Decode is like the function [Decode].
func (o Options) Decode(r io.ReaderAt, size int64) (*File, error) { return o.decode(r, size) }

func (o Options) decode(r io.ReaderAt, size int64) (*File, error) {
	header, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	f, layout, checksum, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	begin := 8 + int64(len(header))
	if err := layout.check(size - begin); err != nil {
		return nil, err
	}
	f.Tensors = make([]Tensor, len(layout))
	sum := newDigest(f.Kind, f.Description)
	for i, p := range layout {
		t := &f.Tensors[i]
		*t = Tensor{Name: p.name, Shape: p.Shape}
		if len(p.Shape) == 0 {
			t.Shape = nil
		}
		if err := t.readData(io.NewSectionReader(r, begin+p.Offsets[0], p.Offsets[1]-p.Offsets[0]), p); err != nil {
			return nil, err
		}
		if checksum != "" {
			sum.add(t)
		}
	}
	if checksum != "" && !o.SkipChecksum && sum.String() != checksum {
		return nil, &Error{Reason: "the content is not what was written: the checksum differs", Remedy: restore}
	}
	if !o.AllowNonFinite {
		for i := range f.Tensors {
			if err := f.Tensors[i].checkFinite(); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	notOne := func(reason string) error {
		return &Error{Part: "header", Reason: reason, Remedy: "if this is a model file, " + restore + "; a numpy archive is read by ReadNPZ"}
	}
	var length [8]byte
	if size < 8 {
		return nil, notOne(fmt.Sprintf("a file of %d bytes is no safetensors file", size))
	}
	if err := readFull(r, length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	switch {
	case n > maxHeader || n > uint64(size-8):
		return nil, notOne(fmt.Sprintf("its length is given as %d bytes in a file of %d", n, size))
	case n < 2:
		return nil, notOne(fmt.Sprintf("its length is given as %d bytes", n))
	}
	header := make([]byte, n)
	if err := readFull(r, header, 8); err != nil {
		return nil, err
	}
	if header[0] != '{' {
		return nil, notOne("it does not begin with {")
	}
	return header, nil
}

func readFull(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{Reason: "the file cannot be read", Err: err, Remedy: restore}
}

// place is a tensor in the header.
type place struct {
	name string
	entry
}

type layout []place

// parseHeader returns the file without its tensors, where those are in the order of the data,
// and the checksum.
func parseHeader(header []byte) (f *File, l layout, checksum string, err error) {
	fault := func(err error) error {
		return &Error{Part: "header", Reason: "it is not the JSON that the format asks for", Err: err, Remedy: restore}
	}
	var members map[string]json.RawMessage
	if err := strict(header, &members, ""); err != nil {
		return nil, nil, "", fault(err)
	}
	f = new(File)
	for name, text := range members {
		if name == metadataKey {
			if err := strict(text, &f.Metadata, metadataKey); err != nil {
				return nil, nil, "", fault(err)
			}
			continue
		}
		p := place{name: name}
		// What is missing would be taken for a scalar of no bytes.
		p.Offsets = [2]int64{-1, -1}
		if err := strict(text, &p.entry, quote(name)); err != nil {
			return nil, nil, "", fault(err)
		}
		if p.Shape == nil {
			return nil, nil, "", fault(fmt.Errorf("%s has no shape", quote(name)))
		}
		l = append(l, p)
	}
	f.Kind = f.Metadata[kindKey]
	if d, ok := f.Metadata[descriptionKey]; ok {
		f.Description = json.RawMessage(d)
		if err := checkJSON(f.Description); err != nil {
			return nil, nil, "", err
		}
	}
	checksum = f.Metadata[checksumKey]
	for k := range f.Metadata {
		if !reserved(k) {
			continue
		}
		if k != kindKey && k != descriptionKey && k != checksumKey {
			return nil, nil, "", &Error{Part: "header", Reason: fmt.Sprintf("the key %q is not known to this version", quote(k)),
				Remedy: "read the file with the version that wrote it, or a later one"}
		}
		delete(f.Metadata, k)
	}
	if len(f.Metadata) == 0 {
		f.Metadata = nil
	}
	slices.SortFunc(l, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]), strings.Compare(a.name, b.name))
	})
	return f, l, checksum, nil
}

// check reports tensors that do not lie end to end in the data and fill it.
func (l layout) check(data int64) error {
	end := int64(0)
	for i := range l {
		p := &l[i]
		fault := func(format string, args ...any) error {
			return &Error{Part: "tensor " + quote(p.name), Reason: fmt.Sprintf(format, args...), Remedy: restore}
		}
		var width int64
		switch p.DType {
		case f32:
			width = 4
		case f64:
			width = 8
		default:
			return &Error{Part: "tensor " + quote(p.name), Reason: fmt.Sprintf("its type is %q; only F32 and F64 are read", quote(p.DType)),
				Remedy: "convert it where it was made, in PyTorch by .float()"}
		}
		n, ok := product(p.Shape)
		from, to := p.Offsets[0], p.Offsets[1]
		switch {
		case from != end || to < from || to > data:
			return fault("it is said to lie at bytes %d to %d; the one before ends at %d, the data at %d", from, to, end, data)
		case !ok || int64(n) > data/width || int64(n)*width != to-from || n > math.MaxInt/int(width):
			return fault("%d bytes do not hold %s of shape %s", to-from, p.DType, quote(fmt.Sprint(p.Shape)))
		}
		end = to
	}
	if end != data {
		return &Error{Part: "header", Reason: fmt.Sprintf("it describes %d bytes of data; the file has %d", end, data), Remedy: restore}
	}
	return nil
}

// readData reads the numbers of a tensor whose size has been checked.
func (t *Tensor) readData(r *io.SectionReader, p place) error {
	n, _ := product(p.Shape)
	buf := make([]byte, min(r.Size(), 1<<13))
	next := func(want int) ([]byte, error) {
		b := buf[:min(want, len(buf))]
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, &Error{Part: "tensor " + quote(p.name), Reason: "it cannot be read", Err: err, Remedy: restore}
		}
		return b, nil
	}
	if p.DType == f32 {
		t.Float32 = make([]float32, 0, n)
		for len(t.Float32) < n {
			b, err := next(4 * (n - len(t.Float32)))
			if err != nil {
				return err
			}
			for ; len(b) > 0; b = b[4:] {
				t.Float32 = append(t.Float32, math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}
		}
		return nil
	}
	t.Float64 = make([]float64, 0, n)
	for len(t.Float64) < n {
		b, err := next(8 * (n - len(t.Float64)))
		if err != nil {
			return err
		}
		for ; len(b) > 0; b = b[8:] {
			t.Float64 = append(t.Float64, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	}
	return nil
}
