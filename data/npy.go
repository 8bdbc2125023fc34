package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// array is the content of an NPY file: sizes and values, row-major.
type array struct {
	dims  []int
	bytes []byte
	width int // bytes of a value
	value func([]byte) float64
}

func (a array) at(i int) float64 { return a.value(a.bytes[i*a.width : (i+1)*a.width]) }

// row is the number of values of one row.
func (a array) row() int { return len(a.bytes) / a.width / a.dims[0] }

// The three entries of the header, which is written like a Python dictionary.
var (
	npyType  = regexp.MustCompile(`'descr': *'([^']*)'`)
	npyOrder = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape = regexp.MustCompile(`'shape': *\(([0-9, ]*)\)`)
)

// readNPY reads an array of numbers in NumPy's format (numpy.lib.format, versions
// 1 to 3): a magic string, the version, the length of the header, the header, the
// values. Memory grows with what the file holds, not with what its header
// promises. Pickled objects are refused.
func readNPY(r io.Reader) (array, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return array{}, short(err, "the header")
	}
	if string(head[:6]) != "\x93NUMPY" || head[6] < 1 || head[6] > 3 {
		return array{}, errors.New("this is not an NPY file of version 1, 2 or 3; write it with numpy.save")
	}
	long := make([]byte, 2)
	if head[6] > 1 {
		long = make([]byte, 4)
	}
	if _, err := io.ReadFull(r, long); err != nil {
		return array{}, short(err, "the header")
	}
	n := int(binary.LittleEndian.Uint16(long))
	if len(long) == 4 && (long[2] != 0 || long[3] != 0) {
		return array{}, errors.New("the header is longer than 64 KiB; the file is damaged")
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return array{}, short(err, "the header")
	}
	a, size, err := npyHeader(string(text))
	if err != nil {
		return array{}, err
	}
	a.bytes, err = readBody(r, size*a.width)
	return a, err
}

// npyHeader returns the array without its values, and their number.
func npyHeader(text string) (a array, size int, err error) {
	kind, order, shape := npyType.FindStringSubmatch(text), npyOrder.FindStringSubmatch(text), npyShape.FindStringSubmatch(text)
	if kind == nil || order == nil || shape == nil {
		return a, 0, errors.New("the header does not describe a plain array of numbers; write one with numpy.save")
	}
	if a.width, a.value = npyValue(kind[1]); a.value == nil {
		return a, 0, fmt.Errorf("the values have type %s; save numbers, for example float32", quote(kind[1]))
	}
	for _, d := range strings.FieldsFunc(shape[1], func(r rune) bool { return r == ',' || r == ' ' }) {
		k, err := strconv.Atoi(d)
		if err != nil {
			return a, 0, fmt.Errorf("a dimension of %s is too large", quote(d))
		}
		a.dims = append(a.dims, k)
	}
	size = Shape(a.dims).Size()
	switch {
	case size == 0:
		return a, 0, fmt.Errorf("the shape (%s) has no values", shape[1])
	case size > math.MaxInt/16:
		return a, 0, fmt.Errorf("the shape (%s) is too large; the file is damaged", shape[1])
	case order[1] == "True" && len(a.dims) > 1:
		return a, 0, errors.New("the values are in Fortran order; save numpy.ascontiguousarray of them")
	}
	return a, size, nil
}

// npyValue is how values of a type are read, and how many bytes one has.
func npyValue(kind string) (width int, value func([]byte) float64) {
	if len(kind) != 3 {
		return 0, nil
	}
	var o binary.ByteOrder = binary.LittleEndian
	if kind[0] == '>' {
		o = binary.BigEndian
	}
	switch kind[1:] {
	case "b1", "u1":
		return 1, func(b []byte) float64 { return float64(b[0]) }
	case "i1":
		return 1, func(b []byte) float64 { return float64(int8(b[0])) }
	case "u2":
		return 2, func(b []byte) float64 { return float64(o.Uint16(b)) }
	case "i2":
		return 2, func(b []byte) float64 { return float64(int16(o.Uint16(b))) }
	case "u4":
		return 4, func(b []byte) float64 { return float64(o.Uint32(b)) }
	case "i4":
		return 4, func(b []byte) float64 { return float64(int32(o.Uint32(b))) }
	case "u8":
		return 8, func(b []byte) float64 { return float64(o.Uint64(b)) }
	case "i8":
		return 8, func(b []byte) float64 { return float64(int64(o.Uint64(b))) }
	case "f4":
		return 4, func(b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) }
	case "f8":
		return 8, func(b []byte) float64 { return math.Float64frombits(o.Uint64(b)) }
	}
	return 0, nil
}
