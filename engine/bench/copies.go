package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// copies is an ONNX model that computes the model n times, each time on its share of
// the rows: what calls it is paid for once. The nodes are repeated, the constants are
// shared.
func copies(model []byte, n int) ([]byte, error) {
	fields, err := protoFields(model)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, f := range fields {
		if f.number == 7 {
			if f.data, err = copiedGraph(f.data, n); err != nil {
				return nil, err
			}
		}
		out = f.append(out)
	}
	return out, nil
}

func copiedGraph(graph []byte, n int) ([]byte, error) {
	fields, err := protoFields(graph)
	if err != nil {
		return nil, err
	}
	shared := map[string]bool{"": true}
	for _, f := range fields {
		if f.number == 5 {
			parts, err := protoFields(f.data)
			if err != nil {
				return nil, err
			}
			for _, p := range parts {
				if p.number == 8 {
					shared[string(p.data)] = true
				}
			}
		}
	}
	split, join := protoField{number: 1}, protoField{number: 1}
	split.data = text(split.data, 1, "input")
	for i := range n {
		split.data = text(split.data, 2, fmt.Sprintf("input#%d", i))
		join.data = text(join.data, 1, fmt.Sprintf("output#%d", i))
	}
	split.data = text(split.data, 4, "Split")
	join.data = text(text(join.data, 2, "output"), 4, "Concat")
	axis := text(nil, 1, "axis")
	axis = append(axis, 3<<3, 0, 20<<3&0x7f|0x80, 1, 2) // i = 0, type = INT
	join.data = protoField{number: 5, data: axis}.append(join.data)
	out := split.append(nil)
	for i := range n {
		for _, f := range fields {
			if f.number != 1 {
				continue
			}
			parts, err := protoFields(f.data)
			if err != nil {
				return nil, err
			}
			node := protoField{number: 1}
			for _, p := range parts {
				if p.number <= 3 && !shared[string(p.data)] {
					p.data = fmt.Appendf(nil, "%s#%d", p.data, i)
				}
				node.data = p.append(node.data)
			}
			out = node.append(out)
		}
	}
	out = join.append(out)
	for _, f := range fields {
		if f.number != 1 {
			out = f.append(out)
		}
	}
	return out, nil
}

// protoField is a field of a protocol buffer: bytes, or what else it holds as it was.
type protoField struct {
	number int
	data   []byte
	plain  []byte // key and value of a field that is not bytes
}

func (f protoField) append(to []byte) []byte {
	if f.plain != nil {
		return append(to, f.plain...)
	}
	to = binary.AppendUvarint(to, uint64(f.number)<<3|2)
	to = binary.AppendUvarint(to, uint64(len(f.data)))
	return append(to, f.data...)
}

func text(to []byte, number int, s string) []byte {
	return protoField{number: number, data: []byte(s)}.append(to)
}

// protoFields cuts a protocol buffer into its fields.
func protoFields(b []byte) (out []protoField, err error) {
	short := errors.New("the ONNX file is cut off")
	for len(b) > 0 {
		key, at := binary.Uvarint(b)
		if at <= 0 {
			return nil, short
		}
		f := protoField{number: int(key >> 3)}
		size := 4
		switch key & 7 {
		case 0:
			_, n := binary.Uvarint(b[at:])
			if n <= 0 {
				return nil, short
			}
			size = n
		case 2:
			n, w := binary.Uvarint(b[at:])
			if w <= 0 || n > uint64(len(b)-at-w) {
				return nil, short
			}
			at += w
			size = int(n)
		}
		if at+size > len(b) {
			return nil, short
		}
		if f.data = b[at : at+size]; key&7 != 2 {
			f.plain = b[:at+size]
		}
		out, b = append(out, f), b[at+size:]
	}
	return out, nil
}
