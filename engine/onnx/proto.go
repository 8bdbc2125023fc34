package onnx

import (
	"encoding/binary"
	"math"
)

// message is a protocol buffer in its wire format, written field by field: a key
// of field number and type, then a varint, 4 bytes, or bytes behind their length
// (protobuf.dev/programming-guides/encoding). Field numbers are those of
// onnx.proto.
type message []byte

const (
	varint = 0
	sized  = 2
	fixed4 = 5
)

func (m *message) key(field, kind int) {
	*m = binary.AppendUvarint(*m, uint64(field<<3|kind))
}

func (m *message) int(field int, v int64) {
	m.key(field, varint)
	*m = binary.AppendUvarint(*m, uint64(v))
}

func (m *message) bytes(field int, b []byte) {
	m.key(field, sized)
	*m = binary.AppendUvarint(*m, uint64(len(b)))
	*m = append(*m, b...)
}

func (m *message) text(field int, s string) { m.bytes(field, []byte(s)) }

func (m *message) float(field int, v float32) {
	m.key(field, fixed4)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(v))
}

// The element types of tensors.
const (
	float32Type  = 1
	uint8Type    = 2
	int8Type     = 3
	int32Type    = 6
	int64Type    = 7
	float16Type  = 10
	bfloat16Type = 16
)

// tensor is a TensorProto of raw data.
func tensor(name string, kind int64, dims []int, raw []byte) message {
	var m message
	for _, d := range dims {
		m.int(1, int64(d))
	}
	m.int(2, kind)
	m.text(8, name)
	m.bytes(9, raw)
	return m
}

// value is the ValueInfoProto of a float32 tensor of any number of rows.
func value(name string, shape []int) message {
	var dims, dim, kind, typ, m message
	dim.text(2, "rows")
	dims.bytes(1, dim)
	for _, d := range shape {
		dim = nil
		dim.int(1, int64(d))
		dims.bytes(1, dim)
	}
	kind.int(1, float32Type)
	kind.bytes(2, dims)
	typ.bytes(1, kind)
	m.text(1, name)
	m.bytes(2, typ)
	return m
}

// attribute is an AttributeProto of an int, a float32 or a text, or of a list of these.
func attribute(name string, v any) message {
	var m message
	m.text(1, name)
	kind := int64(0)
	switch v := v.(type) {
	case float32:
		m.float(2, v)
		kind = 1
	case int:
		m.int(3, int64(v))
		kind = 2
	case string:
		m.text(4, v)
		kind = 3
	case []int:
		for _, i := range v {
			m.int(8, int64(i))
		}
		kind = 7
	case []float32:
		for _, x := range v {
			m.float(7, x)
		}
		kind = 6
	case []string:
		for _, x := range v {
			m.text(9, x)
		}
		kind = 8
	}
	m.int(20, kind)
	return m
}
