package engine

import (
	"fmt"

	"budwood/engine/kernel"
)

// Precision is the number format that the operands of matrix products are
// rounded to, in dense layers and in the linear layers of attention. Sums are
// always float32, and so is everything else: the weights that the optimizer
// keeps, activations, convolutions, norms, losses.
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
