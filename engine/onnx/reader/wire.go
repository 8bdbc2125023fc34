package reader

import (
	"encoding/binary"
	"errors"
	"math"
)

// each walks over the fields of a protocol buffer in its wire format: f gets the number of
// a field, and its value as a number or as bytes of b, which is not copied
// (protobuf.dev/programming-guides/encoding).
func each(b []byte, f func(field int, n uint64, s []byte) error) error {
	for len(b) > 0 {
		key, used := binary.Uvarint(b)
		if used <= 0 || key>>3 == 0 || key>>3 > math.MaxInt32 {
			return errBroken
		}
		b = b[used:]
		var n uint64
		var s []byte
		switch key & 7 {
		case 0: // varint
			if n, used = binary.Uvarint(b); used <= 0 {
				return errBroken
			}
			b = b[used:]
		case 1, 5: // 8 or 4 bytes
			size := 8
			if key&7 == 5 {
				size = 4
			}
			if len(b) < size {
				return errBroken
			}
			if s, b = b[:size], b[size:]; size == 8 {
				n = binary.LittleEndian.Uint64(s)
			} else {
				n = uint64(binary.LittleEndian.Uint32(s))
			}
		case 2: // bytes behind their length
			size, used := binary.Uvarint(b)
			if used <= 0 || size > uint64(len(b)-used) {
				return errBroken
			}
			s, b = b[used:used+int(size)], b[used+int(size):]
		default:
			return errBroken
		}
		if err := f(int(key>>3), n, s); err != nil {
			return err
		}
	}
	return nil
}

var errBroken = errors.New("it is no ONNX file, or cut off")

// varints adds a repeated number: one, or several packed in bytes.
func varints(to []int64, n uint64, s []byte) ([]int64, error) {
	if s == nil {
		return append(to, int64(n)), nil
	}
	for len(s) > 0 {
		v, used := binary.Uvarint(s)
		if used <= 0 {
			return nil, errBroken
		}
		to, s = append(to, int64(v)), s[used:]
	}
	return to, nil
}

// words adds repeated numbers of 4 bytes.
func words(to []float32, s []byte) []float32 {
	for ; len(s) >= 4; s = s[4:] {
		to = append(to, math.Float32frombits(binary.LittleEndian.Uint32(s)))
	}
	return to
}
