package modelfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"strings"
)

// The keys of __metadata__ that are ours.
const (
	metadataKey    = "__metadata__"
	keyPrefix      = "neuralode."
	kindKey        = keyPrefix + "kind"
	descriptionKey = keyPrefix + "description"
	checksumKey    = keyPrefix + "sha256"
)

// maxHeader is the longest header that the format allows.
const maxHeader = 100_000_000

func reserved(key string) bool { return strings.HasPrefix(key, keyPrefix) }

// entry is what the header says about a tensor.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"` // in the data, end exclusive
}

// Encode writes the model in the format of the package. Use [Write] for files.
func (f *File) Encode(w io.Writer) error {
	if err := f.check(false); err != nil {
		return err
	}
	return f.encode(w)
}

func (f *File) encode(w io.Writer) error {
	tensors := f.ordered()
	header, err := f.header(tensors)
	if err != nil {
		return err
	}
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(header)))
	if _, err := w.Write(length[:]); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for i := range tensors {
		if err := tensors[i].writeData(w); err != nil {
			return err
		}
	}
	return nil
}

// ordered returns the tensors in the order of the data: those without numbers by name, those
// of float64, those of float32, so that all numbers are aligned.
func (f *File) ordered() []Tensor {
	group := func(t *Tensor) int {
		switch {
		case t.Len() == 0:
			return 0
		case t.Float64 != nil:
			return 1
		}
		return 2
	}
	tensors := slices.Clone(f.Tensors)
	slices.SortStableFunc(tensors, func(a, b Tensor) int {
		ga, gb := group(&a), group(&b)
		if ga == 0 && gb == 0 {
			return strings.Compare(a.Name, b.Name)
		}
		return ga - gb
	})
	return tensors
}

// header returns the header of a file, filled up with spaces to a multiple of 8 bytes.
func (f *File) header(tensors []Tensor) ([]byte, error) {
	meta := map[string]string{}
	for k, v := range f.Metadata {
		meta[k] = v
	}
	if f.Kind != "" {
		meta[kindKey] = f.Kind
	}
	if f.Description != nil {
		meta[descriptionKey] = string(f.Description)
	}
	sum := newDigest(f.Kind, f.Description)
	for i := range tensors {
		sum.add(&tensors[i])
	}
	meta[checksumKey] = sum.String()

	var b bytes.Buffer
	b.WriteByte('{')
	if err := member(&b, metadataKey, meta); err != nil {
		return nil, err
	}
	var offset int64
	for i := range tensors {
		t := &tensors[i]
		name, width := t.dtype()
		end := offset + int64(t.Len())*int64(width)
		e := entry{DType: name, Shape: t.Shape, Offsets: [2]int64{offset, end}}
		if e.Shape == nil {
			e.Shape = []int{}
		}
		b.WriteByte(',')
		if err := member(&b, t.Name, e); err != nil {
			return nil, err
		}
		offset = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeader {
		return nil, &Error{Part: "header", Reason: fmt.Sprintf("%d bytes are more than the %d that the format allows", b.Len(), maxHeader),
			Remedy: "shorten the description"}
	}
	return b.Bytes(), nil
}

func member(b *bytes.Buffer, key string, value any) error {
	k, err := json.Marshal(key)
	if err != nil {
		return err
	}
	v, err := json.Marshal(value)
	if err != nil {
		return err
	}
	b.Write(k)
	b.WriteByte(':')
	b.Write(v)
	return nil
}

// writeData writes the numbers of a tensor, little-endian.
func (t *Tensor) writeData(w io.Writer) error {
	buf := make([]byte, 0, 1<<13)
	flush := func() error {
		_, err := w.Write(buf)
		buf = buf[:0]
		return err
	}
	for _, v := range t.Float32 {
		if buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v)); len(buf) == cap(buf) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	for _, v := range t.Float64 {
		if buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v)); len(buf) == cap(buf) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// digest is the checksum of a model: of its kind, its description, and of each tensor's name,
// type, shape and numbers.
type digest struct{ hash hash.Hash }

func newDigest(kind string, description []byte) digest {
	d := digest{sha256.New()}
	d.text(kind)
	d.text(string(description))
	return d
}

// text adds a text and its length, so that no two series of texts look alike.
func (d digest) text(s string) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
	d.hash.Write(n[:])
	io.WriteString(d.hash, s)
}

func (d digest) add(t *Tensor) {
	name, _ := t.dtype()
	d.text(t.Name)
	d.text(name)
	d.text(fmt.Sprint(t.Shape))
	t.writeData(d.hash) // a hash does not fail
}

func (d digest) String() string { return hex.EncodeToString(d.hash.Sum(nil)) }
