package safetensors

import (
	"encoding/binary"
	"math"

	"budwood/engine/kernel"
)

// value is the number in the first bytes of b.
func value(b []byte, dtype Dtype) float32 {
	switch dtype {
	case F64:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case F16:
		return half(binary.LittleEndian.Uint16(b))
	case BF16:
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	case I8:
		return float32(int8(b[0]))
	case I64:
		return float32(int64(binary.LittleEndian.Uint64(b)))
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b))
}

// Append appends the bytes of a number in the format, little-endian, rounded to
// nearest, ties to even.
func (d Dtype) Append(b []byte, v float32) []byte {
	switch d {
	case F64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
	case F16:
		return binary.LittleEndian.AppendUint16(b, toHalf(v))
	case BF16:
		return binary.LittleEndian.AppendUint16(b, kernel.BFloat16Bits(v))
	case I8:
		return append(b, byte(int8(v)))
	}
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
}

// Fits reports whether the format holds a number: that it does not make infinity of a
// finite one, nor another one of what is no integer of it.
func (d Dtype) Fits(v float32) bool {
	a := math.Abs(float64(v))
	switch d {
	case F16:
		return !(a >= 65520 && a <= math.MaxFloat32)
	case BF16:
		return !(math.Float32bits(float32(a)) >= 0x7f7f8000 && a <= math.MaxFloat32)
	case I8:
		return v >= math.MinInt8 && v <= math.MaxInt8 && v == float32(int8(v))
	}
	return true
}

// half is the value of an IEEE 754 binary16 number.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&0x3ff
	switch exp {
	case 0: // zero and subnormal: frac · 2⁻²⁴
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31: // infinity and NaN
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// toHalf is the IEEE 754 binary16 number nearest to v.
func toHalf(v float32) uint16 {
	b := math.Float32bits(v)
	sign, b := uint16(b>>16)&0x8000, b&^(1<<31)
	switch {
	case b > 0x7f800000: // NaN: quiet
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // from 65520 on
		return sign | 0x7c00
	case b < 0x38800000: // below 2⁻¹⁴: multiples of 2⁻²⁴, by the rounding of a sum whose last digit is that
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
	return sign | uint16((b-112<<23+0xfff+b>>13&1)>>13)
}
