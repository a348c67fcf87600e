// Package wire writes messages of protocol buffers, of which ONNX and TensorBoard files are made
// (https://protobuf.dev/programming-guides/encoding). A message is a byte slice that fields are
// appended to.
package wire

import (
	"encoding/binary"
	"math"
)

// The wire types.
const (
	varint  = 0
	fixed64 = 1
	length  = 2
	fixed32 = 5
)

func tag(m []byte, field, kind int) []byte {
	return binary.AppendUvarint(m, uint64(field)<<3|uint64(kind))
}

// Int appends an int32, int64, uint64, bool or enum.
func Int(m []byte, field int, v int64) []byte {
	return binary.AppendUvarint(tag(m, field, varint), uint64(v))
}

// Double appends a double.
func Double(m []byte, field int, v float64) []byte {
	return binary.LittleEndian.AppendUint64(tag(m, field, fixed64), math.Float64bits(v))
}

// Float appends a float.
func Float(m []byte, field int, v float32) []byte {
	return binary.LittleEndian.AppendUint32(tag(m, field, fixed32), math.Float32bits(v))
}

// Bytes appends bytes or another message.
func Bytes(m []byte, field int, v []byte) []byte {
	m = binary.AppendUvarint(tag(m, field, length), uint64(len(v)))
	return append(m, v...)
}

// String appends a string.
func String(m []byte, field int, v string) []byte {
	m = binary.AppendUvarint(tag(m, field, length), uint64(len(v)))
	return append(m, v...)
}

// Ints appends a packed list of int32, int64 or uint64.
func Ints(m []byte, field int, v []int64) []byte {
	var list []byte
	for _, x := range v {
		list = binary.AppendUvarint(list, uint64(x))
	}
	return Bytes(m, field, list)
}

// Doubles appends a packed list of doubles.
func Doubles(m []byte, field int, v []float64) []byte {
	list := make([]byte, 0, 8*len(v))
	for _, x := range v {
		list = binary.LittleEndian.AppendUint64(list, math.Float64bits(x))
	}
	return Bytes(m, field, list)
}
