package export

import (
	"encoding/binary"
	"math"

	"github.com/neuralode/neuralode/internal/wire"
)

// The messages of ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), by the numbers of their
// fields.

// The version of the file's format and of the set of operators.
const (
	irVersion = 8
	opset     = 17
)

// The types of elements.
const (
	typeFloat  = 1
	typeInt64  = 7
	typeBool   = 9
	typeDouble = 11
)

// tensorProto is a TensorProto: dims 1, data_type 2, name 8, raw_data 9.
func tensorProto(name string, kind int, shape []int, raw []byte) []byte {
	m := wire.Ints(nil, 1, wide(shape))
	m = wire.Int(m, 2, int64(kind))
	m = wire.String(m, 8, name)
	return wire.Bytes(m, 9, raw)
}

func wide(list []int) []int64 {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

// raw is the elements of a tensor, little-endian.
func raw(kind int, data []float64) []byte {
	var b []byte
	for _, v := range data {
		switch kind {
		case typeFloat:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case typeDouble:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case typeInt64:
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(v)))
		case typeBool:
			b = append(b, byte(v))
		}
	}
	return b
}

// valueInfo is a ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; Tensor: elem_type 1, shape
// 2; TensorShapeProto: dim 1; Dimension: dim_value 1, dim_param 2. A dimension is an int or a string.
func valueInfo(name string, kind int, dims ...any) []byte {
	var shape []byte
	for _, d := range dims {
		var dim []byte
		switch d := d.(type) {
		case int:
			dim = wire.Int(nil, 1, int64(d))
		case string:
			dim = wire.String(nil, 2, d)
		}
		shape = wire.Bytes(shape, 1, dim)
	}
	tensor := wire.Bytes(wire.Int(nil, 1, int64(kind)), 2, shape)
	return wire.Bytes(wire.String(nil, 1, name), 2, wire.Bytes(nil, 1, tensor))
}

// An attribute is an AttributeProto: name 1, i 3, t 5, g 6, ints 8, type 20.
type attribute []byte

func intAttribute(name string, v int) attribute {
	return wire.Int(wire.Int(wire.String(nil, 1, name), 3, int64(v)), 20, 2)
}

func tensorAttribute(name string, tensor []byte) attribute {
	return wire.Int(wire.Bytes(wire.String(nil, 1, name), 5, tensor), 20, 4)
}

func graphAttribute(name string, graph []byte) attribute {
	return wire.Int(wire.Bytes(wire.String(nil, 1, name), 6, graph), 20, 5)
}

func intsAttribute(name string, v ...int) attribute {
	m := wire.String(nil, 1, name)
	for _, x := range v {
		m = wire.Int(m, 8, int64(x))
	}
	return wire.Int(m, 20, 7)
}

// nodeProto is a NodeProto: input 1, output 2, name 3, op_type 4, attribute 5.
func nodeProto(op string, inputs, outputs []string, attributes ...attribute) []byte {
	var m []byte
	for _, s := range inputs {
		m = wire.String(m, 1, s)
	}
	for _, s := range outputs {
		m = wire.String(m, 2, s)
	}
	m = wire.String(m, 3, outputs[0])
	m = wire.String(m, 4, op)
	for _, a := range attributes {
		m = wire.Bytes(m, 5, a)
	}
	return m
}

// graphProto is a GraphProto: node 1, name 2, initializer 5, input 11, output 12.
type graphProto struct {
	name                                 string
	nodes, initializers, inputs, outputs [][]byte
}

func (g *graphProto) encode() []byte {
	var m []byte
	list := func(field int, all [][]byte) {
		for _, v := range all {
			m = wire.Bytes(m, field, v)
		}
	}
	list(1, g.nodes)
	m = wire.String(m, 2, g.name)
	list(5, g.initializers)
	list(11, g.inputs)
	list(12, g.outputs)
	return m
}

// modelProto is a ModelProto: ir_version 1, producer_name 2, doc_string 6, graph 7, opset_import 8;
// OperatorSetIdProto: version 2.
func modelProto(g *graphProto, doc string) []byte {
	m := wire.Int(nil, 1, irVersion)
	m = wire.String(m, 2, "neuralode")
	m = wire.String(m, 6, doc)
	m = wire.Bytes(m, 7, g.encode())
	return wire.Bytes(m, 8, wire.Int(nil, 2, opset))
}
