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
}

// maxHeader is the longest header that the format allows.
const maxHeader = 100_000_000

// metadata is the header's key for free text.
const metadata = "__metadata__"

// entry describes a tensor in the header.
type entry struct {
	Dtype   string   `json:"dtype"`
	Shape   []uint64 `json:"shape"`
	Offsets []uint64 `json:"data_offsets"` // first byte, and the one behind the last, from the end of the header
}
