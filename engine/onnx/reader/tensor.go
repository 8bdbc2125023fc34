package reader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// tensor is a constant: numbers, or whole numbers, in row-major order.
type tensor struct {
	dims   []int
	floats []float32
	ints   []int64
	whole  bool // it has ints
}

func (t *tensor) size() int {
	if t.whole {
		return len(t.ints)
	}
	return len(t.floats)
}

// at is a value as a number.
func (t *tensor) at(i int) float64 {
	if t.whole {
		return float64(t.ints[i])
	}
	return float64(t.floats[i])
}

// scalar is the value of a tensor that has one.
func (t *tensor) scalar() (float64, bool) {
	if t == nil || t.size() != 1 {
		return 0, false
	}
	return t.at(0), true
}

// list is whole numbers, as shapes are.
func (t *tensor) list() ([]int, error) {
	if t == nil || !t.whole {
		return nil, errors.New("a list of whole numbers is none")
	}
	out := make([]int, len(t.ints))
	for i, v := range t.ints {
		out[i] = int(v)
	}
	return out, nil
}

// numbers is the values in float32.
func (t *tensor) numbers() []float32 {
	if !t.whole {
		return t.floats
	}
	out := make([]float32, len(t.ints))
	for i, v := range t.ints {
		out[i] = float32(v)
	}
	return out
}

func wholeNumbers(v ...int) *tensor {
	t := &tensor{dims: []int{len(v)}, whole: true}
	for _, x := range v {
		t.ints = append(t.ints, int64(x))
	}
	return t
}

// empty is a tensor of the same kind with other axes and room for their values.
func (t *tensor) empty(dims []int) *tensor {
	n := product(dims)
	out := &tensor{dims: slices.Clone(dims), whole: t.whole}
	if t.whole {
		out.ints = make([]int64, n)
	} else {
		out.floats = make([]float32, n)
	}
	return out
}

// gather is a tensor with other axes, whose value i is value at(i).
func (t *tensor) gather(dims []int, at func(i int) int) *tensor {
	out := t.empty(dims)
	if t.whole {
		for i := range out.ints {
			out.ints[i] = t.ints[at(i)]
		}
	} else {
		for i := range out.floats {
			out.floats[i] = t.floats[at(i)]
		}
	}
	return out
}

// with is the same values with other axes.
func (t *tensor) with(dims []int) *tensor {
	u := *t
	u.dims = slices.Clone(dims)
	return &u
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// The element types of TensorProto, and the bytes of a value in raw_data.
var widths = map[int64]int{1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 16: 2}

func parseTensor(b []byte) (name string, t *tensor, err error) {
	var dims []int64
	var kind int64
	var raw []byte
	var hasRaw, outside bool
	var floats []float32
	var doubles []float64
	var ints []int64
	err = each(b, func(field int, n uint64, s []byte) (err error) {
		switch field {
		case 1:
			dims, err = varints(dims, n, s)
		case 2:
			kind = int64(n)
		case 4:
			floats = words(floats, s)
		case 5, 7:
			ints, err = varints(ints, n, s)
		case 8:
			name = string(s)
		case 9:
			raw, hasRaw = s, true
		case 10:
			for ; len(s) >= 8; s = s[8:] {
				doubles = append(doubles, math.Float64frombits(binary.LittleEndian.Uint64(s)))
			}
		case 13:
			outside = true
		case 14:
			outside = outside || n == 1
		}
		return err
	})
	if err != nil {
		return name, nil, err
	}
	if outside {
		return name, nil, errors.New("its values are in another file; write the model into one file (onnx.save without external data)")
	}
	width, known := widths[kind]
	if !known {
		return name, nil, fmt.Errorf("its values have type %d, which is not read", kind)
	}
	t = &tensor{whole: kind != 1 && kind != 10 && kind != 11 && kind != 16, dims: make([]int, len(dims))}
	n := 1
	for i, d := range dims {
		if d < 0 || d > math.MaxInt32 || n > 0 && d > 0 && n > math.MaxInt32/int(d) {
			return name, nil, fmt.Errorf("its shape %v is none", dims)
		}
		t.dims[i] = int(d)
		n *= int(d)
	}
	have := max(len(floats), len(doubles), len(ints))
	if hasRaw {
		have = len(raw) / width
		if len(raw)%width != 0 {
			have = -1
		}
	}
	if have != n {
		return name, nil, fmt.Errorf("there are %d values for the shape %v", have, dims)
	}
	for i := range n {
		switch {
		case hasRaw:
			t.add(kind, raw[i*width:])
		case kind == 11 && len(doubles) == n:
			t.floats = append(t.floats, float32(doubles[i]))
		case t.whole && len(ints) == n:
			t.ints = append(t.ints, ints[i])
		case (kind == 10 || kind == 16) && len(ints) == n:
			t.add(kind, binary.LittleEndian.AppendUint16(nil, uint16(ints[i])))
		case kind == 1 && len(floats) == n:
			t.floats = append(t.floats, floats[i])
		default:
			return name, nil, errors.New("its values are of another type than it says")
		}
	}
	return name, t, nil
}

// add appends a value of raw bytes.
func (t *tensor) add(kind int64, b []byte) {
	le := binary.LittleEndian
	switch kind {
	case 1:
		t.floats = append(t.floats, math.Float32frombits(le.Uint32(b)))
	case 10:
		t.floats = append(t.floats, half(le.Uint16(b)))
	case 11:
		t.floats = append(t.floats, float32(math.Float64frombits(le.Uint64(b))))
	case 16:
		t.floats = append(t.floats, math.Float32frombits(uint32(le.Uint16(b))<<16))
	case 2, 9:
		t.ints = append(t.ints, int64(b[0]))
	case 3:
		t.ints = append(t.ints, int64(int8(b[0])))
	case 6:
		t.ints = append(t.ints, int64(int32(le.Uint32(b))))
	case 12:
		t.ints = append(t.ints, int64(le.Uint32(b)))
	case 7:
		t.ints = append(t.ints, int64(le.Uint64(b)))
	}
}

// half is a number of 16 bits (IEEE 754 binary16).
func half(h uint16) float32 {
	sign, exp, frac := float64(1), int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exp {
	case 0:
		return float32(sign * math.Ldexp(frac, -24))
	case 31:
		if frac > 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * math.Ldexp(1024+frac, exp-25))
}
