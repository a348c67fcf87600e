package modelfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"codeberg.org/sbinet/npyio/npy"
)

const (
	npyEnding   = ".npy"
	npzDescribe = "neuralode.json"
)

// npzMeta is the member neuralode.json.
type npzMeta struct {
	Kind        string            `json:"kind"`
	Description json.RawMessage   `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// EncodeNPZ writes the model as a numpy archive. Use [WriteNPZ] for files.
func (f *File) EncodeNPZ(w io.Writer) error {
	if err := f.check(false); err != nil {
		return err
	}
	return f.encodeNPZ(w)
}

func (f *File) encodeNPZ(w io.Writer) error {
	z := zip.NewWriter(w)
	for i := range f.Tensors {
		t := &f.Tensors[i]
		m, err := z.Create(t.Name + npyEnding)
		if err != nil {
			return err
		}
		if _, err := m.Write(t.npyHeader()); err != nil {
			return err
		}
		if err := t.writeData(m); err != nil {
			return err
		}
	}
	if f.Kind != "" || f.Description != nil || len(f.Metadata) > 0 {
		b, err := json.Marshal(npzMeta{f.Kind, f.Description, f.Metadata})
		if err != nil {
			return err
		}
		m, err := z.Create(npzDescribe)
		if err != nil {
			return err
		}
		if _, err := m.Write(b); err != nil {
			return err
		}
	}
	return z.Close()
}

// npyHeader returns the header of a tensor in numpy's format 1.0, or 2.0 if it is long, see
// https://numpy.org/neps/nep-0001-npy-format.html.
func (t *Tensor) npyHeader() []byte {
	_, width := t.dtype()
	shape := ""
	for _, d := range t.Shape {
		shape += strconv.Itoa(d) + ", "
	}
	if len(t.Shape) > 1 {
		shape = strings.TrimSuffix(shape, ", ")
	} else {
		shape = strings.TrimSuffix(shape, " ")
	}
	text := fmt.Sprintf("{'descr': '<f%d', 'fortran_order': False, 'shape': (%s), }", width, shape)
	b := append([]byte(nil), npy.Magic[:]...)
	begin := len(b) + 4
	long := begin+len(text)+64 > math.MaxUint16
	if long {
		begin += 2
	}
	// Data begin at a multiple of 64 bytes.
	text += strings.Repeat(" ", 63-(begin+len(text))%64) + "\n"
	if long {
		return append(binary.LittleEndian.AppendUint32(append(b, 2, 0), uint32(len(text))), text...)
	}
	return append(binary.LittleEndian.AppendUint16(append(b, 1, 0), uint16(len(text))), text...)
}

// DecodeNPZ reads a model from a numpy archive of known length. See [ReadNPZ].
func DecodeNPZ(r io.ReaderAt, size int64) (*File, error) { return Options{}.DecodeNPZ(r, size) }

// DecodeNPZ is like the function [DecodeNPZ].
func (o Options) DecodeNPZ(r io.ReaderAt, size int64) (*File, error) { return o.decodeNPZ(r, size) }

// inflation is more than deflate can make of a byte.
const inflation = 1100

func (o Options) decodeNPZ(r io.ReaderAt, size int64) (*File, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &Error{Reason: "the archive cannot be read", Err: err, Remedy: restore}
	}
	f := new(File)
	left := inflation * max(size, 0) // members may share their bytes; the whole may not exceed this
	seen := make(map[string]bool)
	for _, m := range z.File {
		if m.FileInfo().IsDir() {
			continue
		}
		fault := func(err error) error {
			return &Error{Part: "member " + quote(m.Name), Reason: "it cannot be read", Err: err, Remedy: restore}
		}
		if seen[m.Name] {
			return nil, fault(fmt.Errorf("there are two of this name"))
		}
		seen[m.Name] = true
		name, isArray := strings.CutSuffix(m.Name, npyEnding)
		if !isArray && m.Name != npzDescribe {
			continue
		}
		data, err := readMember(m, left)
		if err != nil {
			return nil, fault(err)
		}
		left -= int64(len(data))
		if !isArray {
			var meta npzMeta
			if err := DecodeJSON(data, &meta); err != nil {
				return nil, fault(err)
			}
			f.Kind, f.Description, f.Metadata = meta.Kind, meta.Description, meta.Metadata
			continue
		}
		t, err := decodeNPY(data)
		if err != nil {
			return nil, fault(err)
		}
		t.Name = name
		f.Tensors = append(f.Tensors, t)
	}
	if len(f.Tensors) == 0 {
		return nil, &Error{Reason: "the archive holds no array of numpy", Remedy: "name the file that numpy.savez wrote"}
	}
	if err := f.check(o.AllowNonFinite); err != nil {
		return nil, err
	}
	return f, nil
}

// readMember reads a member of an archive, whatever the archive says of its length.
func readMember(m *zip.File, most int64) ([]byte, error) {
	r, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if n > most {
		return nil, fmt.Errorf("the archive holds more than its length allows")
	}
	return b.Bytes(), nil
}

// decodeNPY reads an array of float32 or float64. Its header is read by npyio, after a look at
// the sizes and behind a recover, because npyio takes headers on trust.
func decodeNPY(data []byte) (t Tensor, err error) {
	defer func() {
		if recover() != nil {
			t, err = Tensor{}, fmt.Errorf("its header is damaged")
		}
	}()
	begin := len(npy.Magic) + 2
	switch {
	case len(data) < begin+4 || !bytes.HasPrefix(data, npy.Magic[:]):
		return t, fmt.Errorf("it is not an array of numpy")
	case data[begin-2] == 1:
		begin += 2 + int(binary.LittleEndian.Uint16(data[begin:]))
	case data[begin-2] == 2 && binary.LittleEndian.Uint32(data[begin:]) <= math.MaxInt32-16:
		begin += 4 + int(binary.LittleEndian.Uint32(data[begin:]))
	default:
		return t, fmt.Errorf("version %d of the format is not read", data[begin-2])
	}
	if begin > len(data) {
		return t, fmt.Errorf("its header is cut short")
	}
	r, err := npy.NewReader(bytes.NewReader(data[:begin]))
	if err != nil {
		return t, err
	}
	t.Shape = slices.Clone(r.Header.Descr.Shape)
	n, ok := product(t.Shape)
	order, width := binary.ByteOrder(binary.LittleEndian), 8
	kind := strings.Trim(r.Header.Descr.Type, "'\"")
	switch kind {
	case "<f8":
	case "<f4":
		width = 4
	case ">f8":
		order = binary.BigEndian
	case ">f4":
		order, width = binary.BigEndian, 4
	default:
		return Tensor{}, fmt.Errorf("its type is %s; only float32 and float64 are read", quote(kind))
	}
	data = data[begin:]
	if !ok || n != len(data)/width || len(data)%width != 0 {
		return Tensor{}, fmt.Errorf("%d bytes do not hold %s of shape %v", len(data), quote(kind), quote(fmt.Sprint(t.Shape)))
	}
	if width == 4 {
		t.Float32 = make([]float32, n)
		for i := range n {
			t.Float32[i] = math.Float32frombits(order.Uint32(data[4*i:]))
		}
	} else {
		t.Float64 = make([]float64, n)
		for i := range n {
			t.Float64[i] = math.Float64frombits(order.Uint64(data[8*i:]))
		}
	}
	if r.Header.Descr.Fortran {
		t.Float32, t.Float64 = fromFortran(t.Float32, t.Shape), fromFortran(t.Float64, t.Shape)
	}
	return t, nil
}

// fromFortran returns numbers whose first index runs fastest in the order of C.
func fromFortran[T any](a []T, shape []int) []T {
	if a == nil || len(shape) < 2 {
		return a
	}
	b := make([]T, len(a))
	index := make([]int, len(shape))
	for at := range b {
		from, stride := 0, 1
		for d, i := range index {
			from += i * stride
			stride *= shape[d]
		}
		b[at] = a[from]
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return b
}
