package engine

import (
	"fmt"

	"budwood/engine/kernel"
	"budwood/engine/safetensors"
)

// Precision is a number format: that which the operands of matrix products are
// rounded to in training (all products of dense layers, convolutions, attention
// and GRU), and that of the weights in a file ([Net.Save]).
//
// In training, sums are always float32, and so is everything else: the master
// weights that the optimizer and checkpoints keep, activations, norms, losses.
// Activations between layers are not stored in 16 bits: those of a batch of the
// networks that this package is for fit the second-level cache, where half the
// bytes save no time, and every op beside the products (norms, pooling, softmax,
// the backward pass in place) would have to convert them twice.
type Precision int

// The number formats.
const (
	F32  Precision = iota
	BF16           // 8 bits of exponent, 8 of precision; faster where the processor has AVX512_BF16
	FP16           // IEEE half precision: 5 bits of exponent, 11 of precision; the trainer scales the loss
)

var precisions = []string{"float32", "bfloat16", "float16"}

// String is float32, bfloat16 or float16.
func (p Precision) String() string {
	if p.validate() != nil {
		return fmt.Sprintf("Precision(%d)", int(p))
	}
	return precisions[p]
}

func (p Precision) validate() error {
	if p < F32 || p > FP16 {
		return fmt.Errorf("precision %d is none of float32, bfloat16, float16", int(p))
	}
	return nil
}

func (p Precision) format() kernel.Format {
	switch p {
	case BF16:
		return kernel.BFloat16
	case FP16:
		return kernel.Float16
	}
	return kernel.Float32
}

// Dtype is the number format in files.
func (p Precision) Dtype() safetensors.Dtype {
	switch p {
	case BF16:
		return safetensors.BF16
	case FP16:
		return safetensors.F16
	}
	return safetensors.F32
}
