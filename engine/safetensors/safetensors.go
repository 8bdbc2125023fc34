// Package safetensors reads and writes named tensors in the safetensors format
// (https://github.com/huggingface/safetensors, section "Format"): the length of
// a JSON header, the header with the type, shape and place of each tensor, then
// their bytes, little-endian and without gaps.
package safetensors

// Tensor is a named array, row-major.
type Tensor struct {
	Name  string
	Shape []int // no dimensions: a single value
	Data  []float32
	Type  Dtype // of the values in the file; "" means F32
}

// Dtype is a number format of the file. In memory all are float32; of I32 it holds the
// bits (math.Float32frombits).
type Dtype string

// The number formats.
const (
	F64  Dtype = "F64"
	F32  Dtype = "F32"
	F16  Dtype = "F16"  // IEEE half precision
	BF16 Dtype = "BF16" // the upper half of a float32
	I8   Dtype = "I8"   // −128 … 127
	I32  Dtype = "I32"
	I64  Dtype = "I64" // read alone
)

// width is the bytes of a value, 0 for an unknown type.
func (d Dtype) width() uint64 {
	switch d {
	case F64, I64:
		return 8
	case F32, I32:
		return 4
	case F16, BF16:
		return 2
	case I8:
		return 1
	}
	return 0
}

// maxHeader is the longest header that the format allows.
const maxHeader = 100_000_000

// metadata is the header's key for free text.
const metadata = "__metadata__"

// entry describes a tensor in the header.
type entry struct {
	Dtype   Dtype    `json:"dtype"`
	Shape   []uint64 `json:"shape"`
	Offsets []uint64 `json:"data_offsets"` // first byte, and the one behind the last, from the end of the header
}
