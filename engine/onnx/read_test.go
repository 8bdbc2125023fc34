package onnx

import (
	"encoding/binary"
	"testing"
)

// fields is a protocol buffer as it was read.
type fields struct {
	numbers map[int][]uint64
	texts   map[int][]string
}

func (f fields) number(field int) uint64 {
	if n := f.numbers[field]; len(n) > 0 {
		return n[0]
	}
	return 0
}

func (f fields) text(field int) string {
	if s := f.texts[field]; len(s) > 0 {
		return s[0]
	}
	return ""
}

// sub reads the messages in a field.
func (f fields) sub(t *testing.T, field int) (list []fields) {
	t.Helper()
	for _, s := range f.texts[field] {
		list = append(list, read(t, []byte(s)))
	}
	return list
}

// read reads a protocol buffer.
func read(t *testing.T, b []byte) fields {
	t.Helper()
	f := fields{map[int][]uint64{}, map[int][]string{}}
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			t.Fatal("cut off")
		}
		b = b[n:]
		return v
	}
	for len(b) > 0 {
		key := next()
		field, size := int(key>>3), uint64(4)
		switch key & 7 {
		case varint:
			f.numbers[field] = append(f.numbers[field], next())
			continue
		case sized:
			size = next()
		case fixed4:
		default:
			t.Fatalf("field %d has type %d", field, key&7)
		}
		if size > uint64(len(b)) {
			t.Fatal("cut off")
		}
		f.texts[field] = append(f.texts[field], string(b[:size]))
		b = b[size:]
	}
	return f
}
